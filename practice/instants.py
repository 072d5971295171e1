"""Instants that people type. PostgreSQL keeps more years than Python reads: a row of the year 10000 ends every page on
which it would stand, and in the admin nobody could mend it.
"""

from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import and_

from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

OUTSIDE = _("Give a day between 2000 and 2099.")
FAR = timedelta(days=2 * 366)
FIRST, END = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def validate_year(value) -> None:
    """A validator for typed dates and instants. Raises ValidationError outside of the years 2000 to 2099."""
    if not FIRST.year <= value.year < END.year:
        raise ValidationError(OUTSIDE, code="year")


def validate_near(day) -> None:
    """A validator of the day from which something holds. Raises ValidationError for one years away: it is a slip."""
    if day > timezone.localdate() + FAR:
        raise ValidationError(_("This day is more than two years away. Please check the year."), code="far")


def validate_not_future(day) -> None:
    """A validator of the day on which something was done."""
    if day > timezone.localdate():
        raise ValidationError(_("This day has not come yet."), code="future")


def years_known(name: str, *fields: str) -> models.CheckConstraint:
    """The same rule for columns, in years of UTC; empty ones are allowed."""
    within = [models.Q(**{field: None}) | models.Q(**{f"{field}__gte": FIRST, f"{field}__lt": END}) for field in fields]
    return models.CheckConstraint(name=name, condition=reduce(and_, within), violation_error_message=OUTSIDE)
