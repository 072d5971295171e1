"""A guest: somebody who has shown, with a statement's code and a date of birth, whose bill they hold."""

from django.http import HttpRequest

from patients.models import Patient

SESSION_KEY = "guest_patient"


def admit(request: HttpRequest, patient: Patient) -> None:
    """Let this browser see the patient's bills until it has been idle for 15 minutes."""
    request.session.cycle_key()
    request.session[SESSION_KEY] = patient.pk


def admitted_patient_id(request: HttpRequest) -> int | None:
    return request.session.get(SESSION_KEY)


def dismiss(request: HttpRequest) -> None:
    """End the guest's visit; a signed-in person stays signed in."""
    request.session.pop(SESSION_KEY, None)
