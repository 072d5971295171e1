"""Writing off, voiding, issuing again: nothing is deleted, and every cent stays accounted for."""

import threading
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from billing import payments
from billing.codes import link_index, link_token
from billing.gateways.sandbox.processor import take_payment
from billing.lookup import find_statement
from billing.models import Attempt, AttemptState, Journal, Payment, PlanState, Statement
from billing.plans import agree
from billing.withdrawals import (
    WithdrawalRefused,
    credit_by_statement,
    reissue_statement,
    void_statement,
    write_off,
)
from tests import factories
from tests.billing.books import accounts, answers_lost, page_of, pay, proof, statement_behind

pytestmark = pytest.mark.django_db


def give_up(statement, cents, clerk, cause=None):
    write_off(statement, cents, by=clerk, reason="hardship", cause=cause or uuid4())
    statement.refresh_from_db()


# ---- Writing off ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("cents", "left"), [(10_000, 0), (1, 9_999)])
def test_write_off_lowers_what_is_owed_and_names_who_and_why(statement, clerk, cents, left):
    give_up(statement, cents, clerk)

    journal = Journal.objects.get(kind="write-off")
    assert (statement.balance_cents, journal.posted_by, journal.note) == (left, clerk, "hardship")
    expected = {"adjustment": cents, "receivable": left, "revenue": -10_000}
    assert accounts() == {name: cents for name, cents in expected.items() if cents}


@pytest.mark.parametrize("cents", [0, -1, 6_001])
def test_write_off_of_nothing_or_of_more_than_is_owed_is_refused(statement, clerk, cents):
    pay(statement, 4_000)

    with pytest.raises(WithdrawalRefused, match=r"\$60.00 is owed. Write off that or less."):
        give_up(statement, cents, clerk)
    assert not Journal.objects.filter(kind="write-off").exists()


def test_write_off_twice_by_one_form_is_once(statement, clerk):
    once = uuid4()

    give_up(statement, 3_000, clerk, once)
    give_up(statement, 3_000, clerk, once)

    assert statement.balance_cents == 7_000


def test_write_off_closes_a_card_page_that_asks_for_more(statement, clerk):
    large = payments.start_payment(statement, 10_000, "en")
    give_up(statement, 1_000, clerk)
    small = payments.start_payment(statement, 2_000, "en")
    give_up(statement, 1_000, clerk)

    large.refresh_from_db()
    small.refresh_from_db()
    assert (large.state, small.state) == (AttemptState.EXPIRED, AttemptState.OPEN)


def test_money_that_came_while_it_was_written_off_is_credit(statement, clerk):
    attempt = payments.start_payment(statement, 10_000, "en")
    take_payment(page_of(attempt).pk, messages=0)

    give_up(statement, 1_000, clerk)

    payment = Payment.objects.get()
    assert (payment.applied_cents, payment.credit_cents) == (9_000, 1_000)
    assert accounts() == {"gateway": 10_000, "credit": -1_000, "adjustment": 1_000, "revenue": -10_000}


@pytest.mark.django_db(transaction=True)
def test_write_offs_at_once_never_exceed_what_is_owed():
    statement, clerk = factories.StatementFactory(owes=10_000), factories.UserFactory()
    refused = []

    def click():
        try:
            write_off(statement.__class__.objects.get(), 3_000, by=clerk, reason="hardship", cause=uuid4())
        except WithdrawalRefused as refusal:
            refused.append(str(refusal))
        finally:
            connection.close()

    threads = [threading.Thread(target=click) for _click in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert refused == ["$10.00 is owed. Write off that or less."] * 5
    assert accounts() == {"adjustment": 9_000, "receivable": 1_000, "revenue": -10_000}


# ---- Voiding --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("paid", "given_up", "books"),
    [
        (0, 0, {}),
        (4_000, 0, {"gateway": 4_000, "credit": -4_000}),
        (10_000, 0, {"gateway": 10_000, "credit": -10_000}),
        (0, 10_000, {"adjustment": 10_000, "revenue": -10_000}),
        (4_000, 1_000, {"gateway": 4_000, "credit": -4_000, "adjustment": 1_000, "revenue": -1_000}),
    ],
)
def test_void_owes_nothing_and_owes_back_what_was_paid(statement, clerk, paid, given_up, books):
    if paid:
        pay(statement, paid)
    if given_up:
        give_up(statement, given_up, clerk)

    void_statement(statement, by=clerk, reason="wrong patient")

    statement.refresh_from_db()
    assert (statement.balance_cents, statement.voided_at is not None) == (0, True)
    assert accounts() == books


def test_void_statement_is_not_found_by_code_or_link(clerk):
    statement = factories.StatementFactory()
    token = link_token(statement.number, 1)
    assert statement_behind(token) == statement

    void_statement(statement, by=clerk, reason="wrong patient")

    statement.refresh_from_db()
    assert (statement.link_index, statement_behind(token)) == (None, None)
    assert not hasattr(find_statement(statement.code, statement.patient.born_on, "192.0.2.1"), "statement")


def test_void_closes_the_card_page_first(statement, clerk):
    attempt = payments.start_payment(statement, 10_000, "en")

    void_statement(statement, by=clerk, reason="wrong patient")

    attempt.refresh_from_db()
    assert (attempt.state, page_of(attempt).state) == (AttemptState.EXPIRED, "expired")


def test_void_settles_what_was_paid_a_moment_before(statement, clerk):
    attempt = payments.start_payment(statement, 10_000, "en")
    take_payment(page_of(attempt).pk, messages=0)

    void_statement(statement, by=clerk, reason="wrong patient")

    attempt.refresh_from_db()
    assert attempt.state == AttemptState.PAID
    assert accounts() == {"gateway": 10_000, "credit": -10_000}


def test_void_waits_while_the_card_page_cannot_be_closed(statement, clerk):
    payments.start_payment(statement, 10_000, "en")

    with answers_lost("stop"), pytest.raises(WithdrawalRefused, match="the card processor does not answer"):
        void_statement(statement, by=clerk, reason="wrong patient")

    statement.refresh_from_db()
    assert (statement.voided_at, statement.balance_cents) == (None, 10_000)


def test_void_twice_is_refused(statement, clerk):
    void_statement(statement, by=clerk, reason="wrong patient")

    with pytest.raises(WithdrawalRefused, match="void already"):
        void_statement(statement, by=clerk, reason="wrong patient")


def test_void_cancels_the_plan(clerk):
    statement = factories.StatementFactory(owes=12_000)
    plan = agree(statement, 2, email="payer@example.com", language="en", address=None)

    void_statement(statement, by=clerk, reason="wrong patient")

    plan.refresh_from_db()
    assert (plan.state, set(plan.instalments.values_list("state", flat=True))) == (PlanState.CANCELLED, {"cancelled"})


def test_money_that_comes_for_a_void_statement_is_credit(statement, clerk):
    attempt = payments.start_payment(statement, 10_000, "en")
    page = page_of(attempt)
    void_statement(statement, by=clerk, reason="wrong patient")
    page.state, page.payment_ref = "paid", "late"
    page.save()

    payments.look_at(Attempt.objects.get())

    assert (Payment.objects.get().credit_cents, credit_by_statement()) == (10_000, [(statement, 10_000)])
    assert proof().holds


# ---- Issuing again --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("paid", "given_up", "balance", "books"),
    [
        (0, 0, 10_000, {"receivable": 10_000, "revenue": -10_000}),
        (4_000, 0, 6_000, {"gateway": 4_000, "receivable": 6_000, "revenue": -10_000}),
        (10_000, 0, 0, {"gateway": 10_000, "revenue": -10_000}),
    ],
)
def test_reissue_moves_the_credit_to_the_new_statement(statement, clerk, paid, given_up, balance, books):
    if paid:
        pay(statement, paid)
    void_statement(statement, by=clerk, reason="wrong insurer")

    heir = reissue_statement(statement, " ST-HEIR ", by=clerk)

    assert (heir.number, heir.replaces, heir.balance_cents) == ("ST-HEIR", statement, balance)
    assert accounts() == books


def test_reissued_statement_is_a_copy_with_a_code_and_a_link_of_its_own(statement, clerk):
    void_statement(statement, by=clerk, reason="wrong insurer")
    at = timezone.now()

    heir = reissue_statement(statement, "ST-HEIR", by=clerk, at=at)

    statement.refresh_from_db()
    today = timezone.localdate(at)
    assert (heir.patient, heir.issued_on, heir.due_on) == (statement.patient, today, today + timedelta(days=30))
    assert heir.code != statement.code
    assert heir.link_index == link_index(link_token("ST-HEIR", 1))
    names = ["position", "service_on", "procedure_code", "description", "charge_cents", "patient_cents"]
    assert list(heir.lines.values(*names)) == list(statement.lines.values(*names))


def test_reissue_of_a_valid_statement_is_refused(statement, clerk):
    with pytest.raises(WithdrawalRefused, match="Void the statement first"):
        reissue_statement(statement, "ST-HEIR", by=clerk)


@pytest.mark.parametrize("number", ["", "  ", "TAKEN"])
def test_reissue_needs_a_number_of_its_own(statement, clerk, number):
    factories.StatementFactory(number="TAKEN")
    void_statement(statement, by=clerk, reason="wrong insurer")

    with pytest.raises(WithdrawalRefused, match="a statement number that no other statement has"):
        reissue_statement(statement, number, by=clerk)
    assert Statement.objects.count() == 2


def test_reissue_twice_is_refused(statement, clerk):
    void_statement(statement, by=clerk, reason="wrong insurer")
    reissue_statement(statement, "ST-HEIR", by=clerk)

    with pytest.raises(WithdrawalRefused, match="issued again already"):
        reissue_statement(statement, "ST-HEIR-2", by=clerk)


def test_heir_can_be_voided_and_issued_again_too(statement, clerk):
    payment = pay(statement)
    for number in ("ST-2", "ST-3"):
        void_statement(statement, by=clerk, reason="wrong insurer")
        statement = reissue_statement(statement, number, by=clerk)

    assert (statement.number, statement.balance_cents) == ("ST-3", 0)
    assert accounts() == {"gateway": 10_000, "revenue": -10_000}
    assert payment.statement.number != "ST-3"  # the payment stays where it was made


def test_credit_list_names_what_is_owed_back_largest_first(clerk):
    small, large, none = (factories.StatementFactory(owes=owes) for owes in (1_000, 5_000, 2_000))
    for statement in (small, large, none):
        pay(statement)
    for statement in (small, large):
        void_statement(statement, by=clerk, reason="wrong patient")

    assert credit_by_statement() == [(large, 5_000), (small, 1_000)]
