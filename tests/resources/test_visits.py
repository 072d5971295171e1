from datetime import UTC, datetime, timedelta

from practice.resources.visits import FIRST_TIME, begin_or_go_on
from tests.factories import UserFactory

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


def at(minutes):
    return NOON + timedelta(minutes=minutes)


def test_first_visit_looks_a_month_back(db):
    assert begin_or_go_on(UserFactory(), NOON) == NOON - FIRST_TIME


def test_visit_goes_on_while_somebody_looks_around(db):
    user = UserFactory()
    assert [begin_or_go_on(user, at(minutes)) for minutes in (0, 20, 45)] == [NOON - FIRST_TIME] * 3


def test_next_visit_begins_where_the_last_one_ended(db):
    user = UserFactory()
    begin_or_go_on(user, NOON)
    begin_or_go_on(user, at(10))
    assert begin_or_go_on(user, at(60)) == at(10)
    assert begin_or_go_on(user, at(70)) == at(10)
    assert begin_or_go_on(user, at(600)) == at(70)


def test_people_do_not_share_a_visit(db):
    one, other = UserFactory(), UserFactory()
    begin_or_go_on(one, NOON)
    assert begin_or_go_on(other, at(90)) == at(90) - FIRST_TIME
