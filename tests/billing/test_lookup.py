"""The guest look-up: who gets in, and that every miss looks the same."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from billing.lookup import OVERALL, PER_ADDRESS, PER_STATEMENT_AND_SUBNET, Found, Miss, find_statement
from practice.models import Throttle
from tests import factories

pytestmark = pytest.mark.django_db
BORN = date(1950, 6, 15)


@pytest.fixture
def statement():
    return factories.StatementFactory()


def test_code_and_birth_date_find_the_statement(statement):
    found = find_statement(statement.code.lower(), BORN, "192.0.2.1")

    assert found == Found(statement)


@pytest.mark.parametrize("born_on", [date(1950, 6, 16), date(1900, 1, 1)])
def test_wrong_birth_date_misses(statement, born_on):
    assert find_statement(statement.code, born_on, "192.0.2.1") == Miss.NOT_FOUND


@pytest.mark.parametrize("code", ["", "nonsense", factories.code_of(999_999)])
def test_wrong_code_misses(statement, code):
    assert find_statement(code, BORN, "192.0.2.1") == Miss.NOT_FOUND


def test_void_statement_misses():
    statement = factories.StatementFactory(voided_at=timezone.now())

    assert find_statement(statement.code, BORN, "192.0.2.1") == Miss.NOT_FOUND


def test_every_miss_asks_the_database_the_same(statement, django_assert_num_queries):
    misses = [(statement.code, date(1999, 1, 1)), (factories.code_of(999_999), BORN), ("nonsense", BORN)]

    for code, born_on in misses:
        with django_assert_num_queries(6):
            find_statement(code, born_on, "192.0.2.1")


def test_too_many_tries_from_one_address(statement):
    tries = [find_statement("nonsense", BORN, "192.0.2.1") for _try in range(PER_ADDRESS.times)]

    assert set(tries) == {Miss.NOT_FOUND}
    assert find_statement(statement.code, BORN, "192.0.2.1") == Miss.TOO_OFTEN
    assert find_statement(statement.code, BORN, "198.51.100.1") == Found(statement)


def test_too_many_tries_on_one_statement_from_a_neighbourhood_lock_only_that(statement):
    for last in range(PER_STATEMENT_AND_SUBNET.times):
        find_statement(statement.code, date(1999, 1, 1), f"192.0.2.{last}")

    assert find_statement(statement.code, BORN, "192.0.2.99") == Miss.NOT_FOUND
    assert find_statement(statement.code, BORN, "198.51.100.1") == Found(statement)


def test_success_forgets_the_earlier_mistakes(statement):
    for _try in range(4):
        find_statement(statement.code, date(1999, 1, 1), "192.0.2.1")

    assert find_statement(statement.code, BORN, "192.0.2.1") == Found(statement)
    assert find_statement(statement.code, BORN, "192.0.2.1") == Found(statement)


def test_limits_end_with_their_window(statement):
    for _try in range(PER_ADDRESS.times + 1):
        find_statement("nonsense", BORN, "192.0.2.1")
    Throttle.objects.update(window_ends_at=timezone.now() - timedelta(seconds=1))

    assert find_statement(statement.code, BORN, "192.0.2.1") == Found(statement)


def test_limits_name_nobody(statement):
    find_statement(statement.code, date(1999, 1, 1), "192.0.2.1")

    kept = " ".join(Throttle.objects.values_list("key", flat=True))
    assert statement.code not in kept
    assert "192.0.2" not in kept
    assert OVERALL.key("") in kept
