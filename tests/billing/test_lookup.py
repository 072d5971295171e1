"""The guest look-up: who gets in, and that every miss looks the same."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from billing.codes import link_token
from billing.lookup import (
    OVERALL,
    PER_ADDRESS,
    PER_STATEMENT,
    PER_STATEMENT_AND_SUBNET,
    PER_SUBNET,
    Found,
    Miss,
    find_statement,
    find_statement_by_link,
    unlock,
)
from billing.models import Statement
from billing.withdrawals import void_statement
from practice.encryption import decrypt
from practice.models import Throttle
from practice.throttles import forget_ended, subnet
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


def void(statement):
    return void_statement(statement, by=factories.UserFactory(), reason="Wrong patient")


def revoke(statement):
    Statement.objects.filter(pk=statement.pk).update(link_index=None)


def link(statement, version=1):
    return link_token(statement.number, version)


def test_void_statement_misses(statement):
    void(statement)

    assert find_statement(statement.code, BORN, "192.0.2.1") == Miss.NOT_FOUND
    assert find_statement_by_link(link(statement), BORN, "192.0.2.1") == Miss.NOT_FOUND


def test_link_and_birth_date_find_the_statement(statement):
    assert find_statement_by_link(link(statement), BORN, "192.0.2.1") == Found(statement)


def test_link_needs_the_birth_date(statement):
    assert find_statement_by_link(link(statement), date(1950, 6, 16), "192.0.2.1") == Miss.NOT_FOUND


def test_revoked_link_misses_and_the_code_still_works(statement):
    revoke(statement)

    assert find_statement_by_link(link(statement), BORN, "192.0.2.1") == Miss.NOT_FOUND
    assert find_statement(statement.code, BORN, "192.0.2.1") == Found(statement)


def test_link_of_another_version_misses(statement):
    assert find_statement_by_link(link(statement, 2), BORN, "192.0.2.1") == Miss.NOT_FOUND


def test_code_and_link_do_not_stand_for_each_other(statement):
    assert find_statement(link(statement), BORN, "192.0.2.1") == Miss.NOT_FOUND
    assert find_statement_by_link(statement.code, BORN, "192.0.2.1") == Miss.NOT_FOUND


def test_every_miss_asks_the_database_the_same(statement, django_assert_num_queries):
    revoked, voided = factories.StatementFactory(), void(factories.StatementFactory())
    revoke(revoked)
    misses = [
        (find_statement, statement.code, date(1999, 1, 1)),
        (find_statement, factories.code_of(999_999), BORN),
        (find_statement, "nonsense", BORN),
        (find_statement, voided.code, BORN),
        (find_statement_by_link, link(statement), date(1999, 1, 1)),
        (find_statement_by_link, link(revoked), BORN),
        (find_statement_by_link, link(voided), BORN),
        (find_statement_by_link, "0" * 26, BORN),
    ]

    for find, key, born_on in misses:
        with django_assert_num_queries(6):
            assert find(key, born_on, "192.0.2.1") == Miss.NOT_FOUND


def test_a_locked_statement_asks_the_database_like_every_miss(statement, django_assert_num_queries):
    for last in range(PER_STATEMENT_AND_SUBNET.times):
        find_statement(statement.code, date(1999, 1, 1), f"192.0.2.{last}")

    with django_assert_num_queries(6):
        assert find_statement(statement.code, BORN, "192.0.2.99") == Miss.NOT_FOUND


@pytest.mark.parametrize("find", [find_statement, find_statement_by_link])
def test_every_miss_decrypts_one_date_of_birth(statement, find, monkeypatch):
    """The costly part of the work is the same whether there is such a statement or not."""
    decrypted = []

    def decrypt_and_count(value, context):
        decrypted.append(context)
        return decrypt(value, context)

    for module in ("billing.lookup", "practice.encryption"):
        monkeypatch.setattr(f"{module}.decrypt", decrypt_and_count)

    counts = []
    known = statement.code if find is find_statement else link(statement)
    for key in (known, "0" * 26):
        decrypted.clear()
        assert find(key, date(1999, 1, 1), "192.0.2.1") == Miss.NOT_FOUND
        counts.append(len(decrypted))

    assert counts == [1, 1]


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


@pytest.mark.parametrize("others", ["192.0.2.{}", "2001:db8:0:1::{}"])
def test_too_many_tries_from_one_neighbourhood(statement, others):
    for number in range(PER_SUBNET.times):
        find_statement("nonsense", BORN, others.format(number))

    assert find_statement(statement.code, BORN, others.format(99)) == Miss.TOO_OFTEN
    assert find_statement_by_link(link(statement), BORN, others.format(98)) == Miss.TOO_OFTEN
    assert find_statement(statement.code, BORN, "198.51.100.1") == Found(statement)


def test_too_many_tries_on_one_statement_from_everywhere_lock_it_silently(statement):
    for number in range(PER_STATEMENT.times):
        find_statement(statement.code, date(1999, 1, 1), f"10.0.{number}.1")

    assert find_statement(statement.code, BORN, "198.51.100.1") == Miss.NOT_FOUND
    assert find_statement_by_link(link(statement), BORN, "203.0.113.1") == Miss.NOT_FOUND


def test_too_many_tries_overall(statement):
    find_statement("nonsense", BORN, "192.0.2.1")
    Throttle.objects.filter(key=OVERALL.key("")).update(count=OVERALL.times)

    assert find_statement(statement.code, BORN, "198.51.100.1") == Miss.TOO_OFTEN


def test_too_many_tries_look_nothing_up(statement, django_assert_num_queries):
    for _try in range(PER_ADDRESS.times):
        find_statement("nonsense", BORN, "192.0.2.1")

    with django_assert_num_queries(1):
        find_statement(statement.code, BORN, "192.0.2.1")


def counts(address):
    """How often the limits on this address, its neighbourhood and everybody have counted."""
    keys = [PER_ADDRESS.key(address), PER_SUBNET.key(subnet(address)), OVERALL.key("")]
    counted = dict(Throttle.objects.filter(key__in=keys).values_list("key", "count"))
    return [counted.get(key, 0) for key in keys]


@pytest.mark.parametrize("find", [find_statement, find_statement_by_link])
def test_tries_refused_for_the_address_do_not_count_for_the_neighbours_and_for_everybody(statement, find):
    for _try in range(PER_ADDRESS.times + 7):
        find("0" * 26, BORN, "192.0.2.1")

    assert counts("192.0.2.1") == [PER_ADDRESS.times + 7, PER_ADDRESS.times, PER_ADDRESS.times]


def test_tries_refused_for_the_neighbourhood_do_not_count_for_everybody(statement):
    for number in range(PER_SUBNET.times + 7):
        find_statement("nonsense", BORN, f"192.0.2.{number}")

    assert counts("192.0.2.1") == [1, PER_SUBNET.times + 7, PER_SUBNET.times]


@pytest.mark.parametrize(("first", "second"), [("code", "link"), ("link", "code")])
def test_tries_by_code_and_by_link_count_together(statement, first, second):
    find = {
        "code": lambda *facts: find_statement(statement.code, *facts),
        "link": lambda *facts: find_statement_by_link(link(statement), *facts),
    }
    for last in range(PER_STATEMENT_AND_SUBNET.times):
        find[first](date(1999, 1, 1), f"192.0.2.{last}")

    assert find[second](BORN, "192.0.2.99") == Miss.NOT_FOUND
    assert find[second](BORN, "198.51.100.1") == Found(statement)


def test_the_office_unlocks_a_statement_everywhere_and_only_that_one(statement):
    other = factories.StatementFactory()
    for locked in (statement, other):
        for number in range(PER_STATEMENT.times):
            find_statement(locked.code, date(1999, 1, 1), f"10.0.{number}.{locked.pk % 200}")

    unlock(statement)

    assert find_statement(statement.code, BORN, "10.0.1.250") == Found(statement)
    assert find_statement(other.code, BORN, "10.0.1.251") == Miss.NOT_FOUND


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


def test_counts_whose_time_is_over_are_deleted(statement):
    find_statement(statement.code, date(1999, 1, 1), "192.0.2.1")

    assert (forget_ended(timezone.now()), Throttle.objects.count()) == (0, 5)
    assert forget_ended(timezone.now() + timedelta(hours=1, seconds=1)) == 5
    assert Throttle.objects.count() == 0


def test_right_tries_do_not_count(statement):
    tries = [find_statement(statement.code, BORN, "192.0.2.1") for _try in range(PER_SUBNET.times + 5)]

    assert {type(result) for result in tries} == {Found}
    assert set(Throttle.objects.values_list("count", flat=True)) == {0}


def test_ones_own_bill_does_not_buy_more_tries_at_others(statement):
    for _try in range(PER_ADDRESS.times):
        find_statement("nonsense", BORN, "192.0.2.1")
        find_statement(statement.code, BORN, "192.0.2.1")

    assert find_statement("nonsense", BORN, "192.0.2.1") == Miss.TOO_OFTEN
