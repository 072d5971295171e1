"""Takes an application in: the row, its files, and the mail that says it arrived; all of them or none."""

from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from careers import letters
from careers.files import discard
from careers.models import Application, ApplicationFile, Draft, FileKind, LetterKind, Opening
from practice import mail
from practice.business_days import business_days_after


class OpeningClosed(Exception):
    """The opening was closed while the application was being written."""


class NoCV(Exception):
    """There is no CV among the files: another tab has sent them already."""


def receive_application(
    opening: Opening,
    *,
    name: str,
    email: str,
    phone: str,
    message: str,
    language: str,
    files: list[ApplicationFile],
    draft: Draft | None = None,
    once: UUID | None = None,
) -> Application:
    """Store the application with its loose `files` and those of the draft it was written in, and confirm it by mail.

    Sent twice from the same page (the same `once`), it is there once, and both callers get it. On any error the loose
    files go, and the draft stays as it was. Raises OpeningClosed, and NoCV.
    """
    said = {"opening": opening, "name": name, "email": email, "phone": phone, "message": message}
    earlier = Application.objects.filter(once=once).first() if once else None
    if earlier is not None and {key: getattr(earlier, key) for key in said} != said:
        once = None  # the page was filled in anew
    try:
        with transaction.atomic():
            opening = Opening.objects.select_for_update(no_key=True).get(pk=opening.pk)
            if not opening.is_open():
                raise OpeningClosed
            application = Application.objects.create(
                opening=opening,
                once=once,
                name=name,
                email=email,
                phone=phone,
                message=message,
                language=language,
                answer_by=business_days_after(timezone.localdate(), opening.answer_days),
            )
            mine = ApplicationFile.objects.filter(pk__in=[file.pk for file in files])
            if draft is not None:
                list(Draft.objects.select_for_update().filter(pk=draft.pk))  # one tab after the other
                mine |= ApplicationFile.objects.filter(draft=draft)
            mine.update(application=application, draft=None)
            if not application.files.filter(kind=FileKind.CV).exists():
                raise NoCV
            if draft is not None:
                draft.delete()
            letters.write(application, LetterKind.RECEIVED)
            announce_application.enqueue(application.pk)
    except IntegrityError:
        discard(files)
        earlier = Application.objects.filter(once=once).first() if once else None
        if earlier is None:
            raise
        return earlier
    except BaseException:
        discard(files)
        raise
    return application


@mail.mail_job
def announce_application(application_id: int) -> None:
    """Tell the people who hire that an application waits. Who applied stays in the admin."""
    application = Application.objects.select_related("opening").filter(pk=application_id).first()
    if application is not None:
        mail.send("careers/email/new_application", settings.HIRING_RECIPIENTS, {"application": application})
