"""Interviews as calendar entries (iCalendar, RFC 5545) for the applicant and for the office."""

from datetime import UTC

from django.http import HttpResponse
from django.utils.translation import gettext as _

from careers.models import Application, InterviewSlot, SlotState
from practice.context import get_identity


def calendar_of(application: Application) -> bytes | None:
    """The interview that is fixed, as the applicant sees it; None where none is."""
    slot = application.slots.filter(state=SlotState.CHOSEN).first()
    title = _("Interview: %(opening)s, %(practice)s") % {
        "opening": application.opening.local("title"),
        "practice": get_identity().name,
    }
    return calendar(slot, title) if slot else None


def office_calendar_of(application: Application) -> bytes | None:
    """The same for the office's own calendars, which are no place for applicants' names."""
    slot = application.slots.filter(state=SlotState.CHOSEN).first()
    return calendar(slot, f"{_('Interview')}: {application.opening.title} ({application})") if slot else None


def calendar(slot: InterviewSlot, title: str) -> bytes:
    """One entry. Its UID stays the same, so that a calendar that reads it twice has it once."""
    from icalendar import Calendar, Event  # noqa: PLC0415  (slow to import, and seldom needed)

    identity = get_identity()
    entry = Event()
    entry.add("uid", f"{slot.uid}@interviews")
    entry.add("dtstamp", slot.offered_at.astimezone(UTC))
    entry.add("dtstart", slot.starts_at.astimezone(UTC))
    entry.add("dtend", slot.ends_at.astimezone(UTC))
    entry.add("summary", title)
    entry.add("location", slot.place)
    entry.add("description", f"{identity.name}, {identity.main_phone}")
    entry.add("status", "CONFIRMED")
    whole = Calendar()
    whole.add("version", "2.0")
    whole.add("prodid", "-//Radiology practice//Interviews//EN")
    whole.add("method", "PUBLISH")
    whole.add_component(entry)
    return whole.to_ical()


def calendar_download(entry: bytes, name: str) -> HttpResponse:
    """A calendar as a file of this name."""
    return HttpResponse(
        entry,
        content_type="text/calendar; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.ics"'},
    )
