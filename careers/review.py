"""Moves an application on, and tells the applicant each time."""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from careers.models import NEXT_STATUSES, Application, ApplicationStatus
from practice import mail


class ReviewError(Exception):
    """The application may not go there; the message is for the person who tried."""


@transaction.atomic
def change_status(application: Application, status: ApplicationStatus) -> Application:
    """Raises ReviewError where that step does not exist."""
    application = Application.objects.select_for_update().get(pk=application.pk)
    if status not in NEXT_STATUSES[ApplicationStatus(application.status)]:
        now, wanted = application.get_status_display().lower(), ApplicationStatus(status).label.lower()
        raise ReviewError(
            _("%(application)s is “%(now)s” and cannot become “%(wanted)s”.")
            % {"application": application, "now": now, "wanted": wanted}
        )
    application.status = status
    application.status_changed_at = timezone.now()
    application.save(update_fields=["status", "status_changed_at"])
    tell_applicant.enqueue(application.pk, status)
    return application


@mail.mail_job
def tell_applicant(application_id: int, status: str) -> None:
    """Mail the applicant where the application stands; `status` is the one to tell, whatever came after."""
    application = Application.objects.select_related("opening").get(pk=application_id)
    context = {"application": application, "status": ApplicationStatus(status)}
    mail.send("careers/email/status", [application.email], context, application.language)
