"""Days on which the office works."""

from datetime import date, timedelta

import pytest

from practice.business_days import business_days_after, business_days_between, is_business_day


@pytest.mark.parametrize(
    "holiday",
    [
        date(2026, 1, 1),
        date(2026, 1, 19),
        date(2026, 2, 16),
        date(2026, 5, 25),
        date(2026, 6, 19),
        date(2026, 7, 3),  # the fourth is a Saturday
        date(2026, 9, 7),
        date(2026, 10, 12),
        date(2026, 11, 11),
        date(2026, 11, 26),
        date(2026, 12, 25),
        date(2027, 1, 1),
        date(2021, 12, 31),  # New Year's Day of 2022 is a Saturday
    ],
)
def test_the_office_is_closed_on_federal_holidays(holiday):
    assert not is_business_day(holiday)


def test_2026_has_250_business_days():
    days = [date(2026, 1, 1) + timedelta(days=day) for day in range(365)]

    # 261 weekdays; eleven federal holidays, each on a weekday or kept on one
    assert sum(is_business_day(day) for day in days) == 250


@pytest.mark.parametrize(("day", "works"), [(date(2026, 10, 30), True), (date(2026, 10, 31), False),
                                            (date(2026, 11, 1), False), (date(2026, 11, 2), True)])  # fmt: skip
def test_the_office_is_closed_at_weekends(day, works):
    assert is_business_day(day) == works


@pytest.mark.parametrize(
    ("day", "count", "expected"),
    [
        (date(2026, 10, 28), 1, date(2026, 10, 29)),
        (date(2026, 10, 28), 3, date(2026, 11, 2)),  # over a weekend
        (date(2026, 10, 31), 1, date(2026, 11, 2)),  # asked on a Saturday
        (date(2026, 11, 25), 1, date(2026, 11, 27)),  # over Thanksgiving
        (date(2026, 12, 30), 3, date(2027, 1, 5)),  # over New Year and a weekend
        (date(2026, 7, 2), 1, date(2026, 7, 6)),  # over the day kept for the Fourth of July
        (date(2026, 12, 24), 10, date(2027, 1, 11)),
        (date(2026, 10, 31), 0, date(2026, 10, 31)),
    ],
)
def test_so_many_business_days_after_a_day(day, count, expected):
    assert business_days_after(day, count) == expected


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        (date(2026, 10, 28), date(2026, 10, 28), 0),
        (date(2026, 10, 30), date(2026, 11, 1), 0),
        (date(2026, 10, 30), date(2026, 11, 2), 1),
        (date(2026, 12, 30), date(2027, 1, 5), 3),
        (date(2026, 11, 2), date(2026, 10, 29), -2),
        (date(2027, 1, 4), date(2026, 12, 31), -1),
    ],
)
def test_business_days_between_two_days(first, last, expected):
    assert business_days_between(first, last) == expected


@pytest.mark.parametrize("count", [1, 2, 3, 5, 10, 40])
def test_counting_on_and_counting_back_agree(count):
    for day in (date(2026, 6, 30) + timedelta(days=step) for step in range(30)):
        assert business_days_between(day, business_days_after(day, count)) == count
