"""Disputes: they arrive by themselves, in any order, and what is held is neither lost nor returned twice."""

from datetime import UTC, datetime
from itertools import permutations

import pytest

from billing.disputes import apply_dispute
from billing.gateways.interface import DisputeOutcome, DisputeOutcomeState
from billing.gateways.sandbox import processor
from billing.gateways.sandbox.models import Notification
from billing.models import Dispute, DisputeState, GatewayEvent, Journal
from billing.refunds import RefundRefused, request_refund
from billing.sweep import sweep
from billing.withdrawals import reissue_statement, void_statement
from tests.billing.books import accounts, deliver, pay, proof

pytestmark = pytest.mark.django_db

OPEN, WON, LOST, INQUIRY = (
    DisputeOutcomeState.OPEN, DisputeOutcomeState.WON, DisputeOutcomeState.LOST, DisputeOutcomeState.INQUIRY,
)  # fmt: skip


@pytest.fixture
def payment(statement):
    return pay(statement)


def tell(payment, state, *, ref="d_1", cents=10_000, **facts):
    return apply_dispute("sandbox", DisputeOutcome(state, ref, payment.payment_ref, cents, **facts))


def test_dispute_holds_the_money_and_the_patient_owes_no_more(statement, payment):
    processor.dispute(payment.payment_ref)

    assert deliver() == [True]

    payment.refresh_from_db()
    statement.refresh_from_db()
    assert (Dispute.objects.get().state, payment.disputed_cents, payment.refundable_cents) == ("open", 10_000, 0)
    assert (statement.balance_cents, accounts()) == (0, {"dispute": 10_000, "revenue": -10_000})


def test_office_is_told_of_a_dispute_once_and_the_patient_is_not(payment, run_jobs, mailoutbox):
    run_jobs()
    mailoutbox.clear()

    for _time in range(2):
        tell(payment, OPEN)
    run_jobs()

    assert [(mail.to, "d_1" in mail.body) for mail in mailoutbox] == [(["billing@radiology.example"], True)]


@pytest.mark.parametrize(
    ("won", "state", "held", "owed", "books"),
    [
        (True, "won", 0, 0, {"gateway": 10_000, "revenue": -10_000}),
        (False, "lost", 10_000, 10_000, {"receivable": 10_000, "revenue": -10_000}),
    ],
)
def test_dispute_is_decided(statement, payment, won, state, held, owed, books):
    processor.dispute(payment.payment_ref)
    processor.decide_dispute(payment.payment_ref, won=won)

    assert deliver() == [True, True]

    payment.refresh_from_db()
    statement.refresh_from_db()
    assert (Dispute.objects.get().state, payment.disputed_cents, statement.balance_cents) == (state, held, owed)
    assert accounts() == books


@pytest.mark.parametrize("order", list(permutations([OPEN, OPEN, WON])) + list(permutations([OPEN, LOST, LOST])))
def test_order_and_number_of_messages_do_not_matter(payment, order):
    for state in order:
        assert tell(payment, state) == ""

    ending = DisputeState.WON if WON in order else DisputeState.LOST
    assert Dispute.objects.get().state == ending
    assert accounts() == (
        {"gateway": 10_000, "revenue": -10_000} if WON in order else {"receivable": 10_000, "revenue": -10_000}
    )


def test_messages_in_reverse_order(payment):
    processor.dispute(payment.payment_ref)
    opened = Notification.objects.get()
    processor.decide_dispute(payment.payment_ref, won=True)

    deliver(reverse=True)

    assert (Dispute.objects.get().state, Notification.objects.first()) == (DisputeState.WON, opened)
    assert accounts() == {"gateway": 10_000, "revenue": -10_000}


def test_how_it_ended_is_final(payment):
    tell(payment, LOST)

    tell(payment, WON)

    assert (Dispute.objects.get().state, proof().holds) == (DisputeState.LOST, True)


def test_question_of_the_bank_moves_no_money(payment):
    assert tell(payment, INQUIRY) == "A question of the bank; no money has moved"

    assert (Dispute.objects.count(), Journal.objects.filter(kind="dispute").count()) == (0, 0)


def test_dispute_about_somebody_elses_payment_is_noted(db):
    outcome = DisputeOutcome(OPEN, "d_1", "other_shop", 500)

    assert apply_dispute("sandbox", outcome) == "Not about a payment of ours"
    assert Dispute.objects.count() == 0


def test_day_to_answer_is_kept(payment):
    due = datetime(2026, 12, 24, 23, 59, tzinfo=UTC)

    tell(payment, OPEN, answer_due_at=due)

    assert Dispute.objects.get().answer_due_at == due


def test_part_of_a_payment_is_disputed(statement, payment, clerk):
    tell(payment, OPEN, cents=4_000)
    tell(payment, LOST, cents=4_000)

    payment.refresh_from_db()
    statement.refresh_from_db()
    assert (statement.balance_cents, payment.refundable_cents) == (4_000, 6_000)
    request_refund(payment, 6_000, by=clerk, reason="moved away")
    assert accounts() == {"receivable": 10_000, "revenue": -10_000}


def test_refund_is_refused_while_the_payment_is_disputed(payment, clerk):
    tell(payment, OPEN, cents=4_000)

    with pytest.raises(RefundRefused, match="disputes this payment"):
        request_refund(payment, 1_000, by=clerk, reason="moved away")

    tell(payment, WON, cents=4_000)
    payment.refresh_from_db()
    assert request_refund(payment, 10_000, by=clerk, reason="moved away").state == "succeeded"


def test_dispute_after_a_part_was_returned_is_about_the_rest(statement, payment, clerk):
    request_refund(payment, 3_000, by=clerk, reason="moved away")
    processor.dispute(payment.payment_ref)
    processor.decide_dispute(payment.payment_ref, won=False)

    deliver()

    statement.refresh_from_db()
    assert (Dispute.objects.get().amount_cents, statement.balance_cents) == (7_000, 10_000)
    assert accounts() == {"receivable": 10_000, "revenue": -10_000}


def test_dispute_on_a_voided_and_reissued_statement_is_owed_on_its_heir(statement, payment, clerk):
    void_statement(statement, by=clerk, reason="wrong insurer")
    heir = reissue_statement(statement, "ST-HEIR", by=clerk)

    tell(payment, OPEN)
    heir.refresh_from_db()
    assert heir.balance_cents == 0
    tell(payment, LOST)

    heir.refresh_from_db()
    statement.refresh_from_db()
    assert (heir.balance_cents, statement.balance_cents) == (10_000, 0)
    assert accounts() == {"receivable": 10_000, "revenue": -10_000}


def test_dispute_on_a_void_statement_without_an_heir_takes_the_credit(statement, payment, clerk):
    void_statement(statement, by=clerk, reason="wrong patient")

    tell(payment, LOST)

    assert accounts() == {}


def test_dispute_whose_messages_were_lost_is_found_by_the_sweep(payment):
    processor.dispute(payment.payment_ref)
    Notification.objects.all().delete()
    assert (sweep().found, Dispute.objects.get().state) == (1, DisputeState.OPEN)

    processor.decide_dispute(payment.payment_ref, won=True)
    Notification.objects.all().delete()
    assert (sweep().found, Dispute.objects.get().state) == (1, DisputeState.WON)

    assert sweep().found == 0
    assert accounts() == {"gateway": 10_000, "revenue": -10_000}


def test_second_dispute_of_money_that_is_held_already_is_noted_and_breaks_nothing(payment):
    tell(payment, OPEN, ref="d_0")
    processor.dispute(payment.payment_ref)

    assert deliver() == [True]

    assert GatewayEvent.objects.get().note == "More is disputed than was paid"
    assert accounts() == {"dispute": 10_000, "revenue": -10_000}


def test_dispute_of_more_than_was_paid_holds_what_was_paid(payment):
    outcome = DisputeOutcome(DisputeOutcomeState.OPEN, "d_more", payment.payment_ref, 10_500)

    note = apply_dispute("sandbox", outcome)

    assert note == "More is disputed than was paid: we hold back the rest of the payment"
    assert (Dispute.objects.get().amount_cents, accounts()["dispute"]) == (10_000, 10_000)
