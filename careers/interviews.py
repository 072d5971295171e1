"""Times for interviews: the office offers some, the applicant takes one, and both get it for their calendar."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from careers import letters
from careers.calendars import office_calendar_of
from careers.models import Application, ApplicationStatus, InterviewSlot, LetterKind, SlotState
from careers.review import ReviewError, check_step, locked, set_status
from practice import mail

FARTHEST = timedelta(days=180)


@dataclass(frozen=True)
class Offer:
    """A time to offer: an instant, how many minutes, where, and with whom."""

    starts_at: datetime
    minutes: int
    place: str
    interviewer: str = ""


@transaction.atomic
def invite(application: Application, offers: list[Offer], *, by) -> Application:
    """Invite to an interview and offer these times, or new ones to somebody invited before. Raises ReviewError."""
    application = locked(application)
    if application.status != ApplicationStatus.INTERVIEW:
        check_step(application, ApplicationStatus.INTERVIEW)
    now = timezone.now()
    for offer in offers:
        if not now < offer.starts_at <= now + FARTHEST:
            raise ReviewError(_("Offer times in the future, within half a year."))
    offered = set(application.slots.filter(state=SlotState.OFFERED).values_list("starts_at", flat=True))
    if offered and offered == {offer.starts_at for offer in offers}:
        raise ReviewError(_("These times are offered already."))
    application.slots.exclude(state=SlotState.GONE).update(state=SlotState.GONE)
    InterviewSlot.objects.bulk_create(
        InterviewSlot(
            application=application,
            starts_at=offer.starts_at,
            minutes=offer.minutes,
            place=offer.place,
            interviewer=offer.interviewer,
        )
        for offer in offers
    )
    set_status(application, ApplicationStatus.INTERVIEW, by=by)
    letters.write(application, LetterKind.INTERVIEW, by=by)
    return application


@transaction.atomic
def choose(application: Application, slot_id: int, *, at: datetime | None = None) -> InterviewSlot:
    """The applicant takes one of the times offered; the others are free again. Raises ReviewError."""
    application = locked(application)
    slot = application.slots.filter(pk=slot_id, state=SlotState.OFFERED).first()
    if application.status != ApplicationStatus.INTERVIEW or slot is None or slot.starts_at <= (at or timezone.now()):
        raise ReviewError(_("This time is no longer free. Please choose another, or call us."))
    application.slots.exclude(pk=slot.pk).filter(state=SlotState.OFFERED).update(state=SlotState.GONE)
    slot.state = SlotState.CHOSEN
    slot.save(update_fields=["state"])
    letters.write(application, LetterKind.BOOKED)
    tell_office.enqueue(application.pk, True)
    return slot


@transaction.atomic
def refuse_all(application: Application) -> Application:
    """None of the times suits: the office is told to offer others. Raises ReviewError where none is on offer."""
    application = locked(application)
    if not application.slots.filter(state=SlotState.OFFERED).update(state=SlotState.GONE):
        raise ReviewError(_("No times are on offer just now."))
    tell_office.enqueue(application.pk, False)
    return application


@mail.mail_job
def tell_office(application_id: int, is_chosen: bool) -> None:
    """Tell the people who hire that a time was chosen, with the calendar entry, or that none suits. No name leaves."""
    application = Application.objects.select_related("opening").filter(pk=application_id).first()
    if application is None or not settings.HIRING_RECIPIENTS:
        return
    calendar = office_calendar_of(application) if is_chosen else None
    chosen, none = _("%(application)s has chosen a time"), _("None of the times suits %(application)s")
    subject = (chosen if is_chosen else none) % {"application": application}
    address = f"{settings.PUBLIC_ORIGIN}/admin/careers/application/{application.pk}/change/"
    files = [("interview.ics", calendar, "text/calendar")] if calendar else []
    when = letters.times_in_words(application, LetterKind.BOOKED) if is_chosen else ""
    body = "\n\n".join(part for part in (application.opening.title, when, address) if part)
    mail.send_text(subject, f"{body}\n", settings.HIRING_RECIPIENTS, files)
