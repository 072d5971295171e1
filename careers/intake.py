"""Takes an application in: the row, the CV, and the mail that says it arrived; all of them or none."""

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from careers.models import Application, Opening
from practice import mail


def receive_application(
    opening: Opening, *, name: str, email: str, phone: str, message: str, cv: UploadedFile, language: str
) -> Application:
    """Store the application. The form has looked inside the CV. On any error no file stays behind."""
    application = Application(opening=opening, name=name, email=email, phone=phone, message=message, language=language)
    application.cv.save(cv.name or "", cv, save=False)
    try:
        with transaction.atomic():
            application.save()
            confirm_application.enqueue(application.pk)
            announce_application.enqueue(application.pk)
    except BaseException:
        application.cv.delete(save=False)
        raise
    return application


@mail.mail_job
def confirm_application(application_id: int) -> None:
    """Tell the applicant that it arrived, with the private link to its status."""
    application = Application.objects.select_related("opening").get(pk=application_id)
    mail.send("careers/email/received", [application.email], {"application": application}, application.language)


@mail.mail_job
def announce_application(application_id: int) -> None:
    """Tell the people who hire that an application waits. Who applied stays in the admin."""
    application = Application.objects.select_related("opening").get(pk=application_id)
    mail.send("careers/email/new_application", settings.HIRING_RECIPIENTS, {"application": application})
