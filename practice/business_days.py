"""Days on which the office works: not Saturdays, Sundays or federal holidays."""

from datetime import date, timedelta
from functools import cache

import holidays


@cache
def _federal_holidays() -> holidays.HolidayBase:
    return holidays.country_holidays("US")


def is_business_day(day: date) -> bool:
    return day.weekday() < 5 and day not in _federal_holidays()


def business_days_after(day: date, count: int) -> date:
    """The business day that is `count` of them after this day; the day itself does not count."""
    while count > 0:
        day += timedelta(days=1)
        count -= is_business_day(day)
    return day


def business_days_between(first: date, last: date) -> int:
    """How many business days after `first`, up to `last`; negative where `last` is earlier."""
    step = 1 if last >= first else -1
    day, count = first, 0
    while day != last:
        day += timedelta(days=step)
        count += step * is_business_day(day)
    return count
