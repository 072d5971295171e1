"""Who is on call now and next, and planning who will be."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Prefetch
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from practice.resources.models import CallService, CallShift, CallTier

MOST_SHIFTS = 400
BOARD_DAYS = 14


class RotationRefused(Exception):
    """The shifts cannot be so; the message says why. None was made."""


@dataclass
class Line:
    """One service on the board."""

    service: CallService
    now: CallShift | None
    backup: CallShift | None
    later: list[CallShift]

    @property
    def next(self) -> CallShift | None:
        return next((shift for shift in self.later if shift.tier == CallTier.FIRST), None)


def board(user, at: datetime | None = None, days: int = BOARD_DAYS) -> list[Line]:
    """Each service this person may see, who is on call at that moment, and the shifts of the days after it."""
    at = at or timezone.now()
    shifts = CallShift.objects.filter(ends_at__gt=at, starts_at__lt=at + timedelta(days=days))
    services = CallService.objects.visible_to(user).prefetch_related(Prefetch("shifts", shifts, to_attr="coming"))
    return [_line(service, service.coming, at) for service in services]


def _line(service: CallService, coming: list[CallShift], at: datetime) -> Line:
    on_now = {shift.tier: shift for shift in coming if shift.starts_at <= at}
    later = sorted((s for s in coming if s.starts_at > at), key=lambda s: (s.starts_at, s.tier != CallTier.FIRST))
    return Line(service, on_now.get(CallTier.FIRST), on_now.get(CallTier.BACKUP), later)


@transaction.atomic
def plan_rotation(
    service: CallService,
    people: list[str],
    *,
    first_on: date,
    last_on: date,
    hand_over_at: time,
    days_each: int = 7,
    tier: str = CallTier.FIRST,
) -> list[CallShift]:
    """Shifts of `days_each` days one after the other, the people taking turns, from the first day to the last.

    Each begins and ends at the hand-over time of the practice's own clock, so that a change to summer time makes one
    shift an hour shorter. Raises RotationRefused where somebody is already on call; then no shift is made.
    """
    if not people:
        raise RotationRefused(_("Name at least one person."))
    if last_on < first_on:
        raise RotationRefused(_("The last day must not be before the first."))
    if (last_on - first_on).days >= days_each * MOST_SHIFTS:
        raise RotationRefused(_("These are more than %d shifts. Plan a shorter stretch.") % MOST_SHIFTS)
    made: list[CallShift] = []
    day = first_on
    while day <= last_on:
        until = min(day + timedelta(days=days_each), last_on + timedelta(days=1))
        shift = CallShift(
            service=service,
            tier=tier,
            person=people[len(made) % len(people)],
            starts_at=_at(day, hand_over_at),
            ends_at=_at(until, hand_over_at),
        )
        try:
            shift.full_clean()
        except ValidationError as error:
            taken = date_format(day, "DATE_FORMAT")
            raise RotationRefused(
                _("%(day)s: %(problem)s") % {"day": taken, "problem": " ".join(error.messages)}
            ) from error
        shift.save()
        made.append(shift)
        day = until
    return made


def _at(day: date, hand_over_at: time) -> datetime:
    return timezone.make_aware(datetime.combine(day, hand_over_at))
