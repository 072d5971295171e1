"""What each job writes into the books, and that nothing else does."""

from uuid import uuid4

import pytest

from billing import ledger
from billing.disputes import apply_dispute
from billing.gateways.interface import DisputeOutcome, DisputeOutcomeState
from billing.models import Account, Journal, JournalKind, Leg
from billing.refunds import request_refund
from billing.withdrawals import reissue_statement, void_statement, write_off
from tests import factories
from tests.billing.books import accounts, pay, post_revision

pytestmark = pytest.mark.django_db


def legs_of(kind):
    """The legs of the one entry of this kind: (account, statement number, cents)."""
    journal = Journal.objects.get(kind=kind)
    return sorted((leg.account, leg.statement and leg.statement.number, leg.cents) for leg in journal.legs.all())


def lose(payment, cents, ref="d_1"):
    for state in (DisputeOutcomeState.OPEN, DisputeOutcomeState.LOST):
        apply_dispute("sandbox", DisputeOutcome(state, ref, payment.payment_ref, cents))


def test_charge_is_owed_and_billed(statement):
    assert accounts() == {"receivable": 10_000, "revenue": -10_000}


def test_charges_of_many_statements_are_one_entry():
    first, second = factories.StatementFactory(owes=0), factories.StatementFactory(owes=0)
    for statement, cents in ((first, 300), (second, 200)):
        statement.lines.update(charge_cents=cents, patient_cents=cents)

    ledger.post_all([ledger.charge_entry("import 1", [(first, 300), (second, 200)])])

    assert legs_of(JournalKind.CHARGE) == [
        ("receivable", first.number, 300),
        ("receivable", second.number, 200),
        ("revenue", None, -500),
    ]


def test_payment_lowers_what_is_owed(statement):
    pay(statement, 4_000)

    assert legs_of(JournalKind.PAYMENT) == [
        ("gateway", statement.number, 4_000),
        ("receivable", statement.number, -4_000),
    ]


@pytest.mark.parametrize(
    ("paid", "given_up", "difference", "expected"),
    [
        (0, 0, 2_000, {"receivable": 12_000, "revenue": -12_000}),
        (0, 0, -2_000, {"receivable": 8_000, "revenue": -8_000}),
        (10_000, 0, -2_000, {"gateway": 10_000, "credit": -2_000, "revenue": -8_000}),
        (6_000, 4_000, -3_000, {"gateway": 6_000, "adjustment": 1_000, "revenue": -7_000}),
        (6_000, 4_000, -7_000, {"gateway": 6_000, "credit": -3_000, "revenue": -3_000}),
    ],
)
def test_revision_releases_what_was_given_up_first_and_then_what_was_paid(
    statement, clerk, paid, given_up, difference, expected
):
    if paid:
        pay(statement, paid)
    if given_up:
        write_off(statement, given_up, by=clerk, reason="hardship", cause=uuid4())
    statement.refresh_from_db()
    line = statement.lines.get()

    post_revision(statement, difference, "import 2")
    statement.lines.update(charge_cents=line.charge_cents + difference, patient_cents=line.patient_cents + difference)

    assert accounts() == expected
    statement.refresh_from_db()
    assert statement.charges_cents == 10_000 + difference


def test_revision_that_changes_nothing_posts_nothing(statement):
    post_revision(statement, 0, "import 2")

    assert Journal.objects.count() == 1


def test_refund_takes_from_the_credit_first(statement, clerk):
    payment = pay(statement)
    statement.lines.update(charge_cents=28_000, patient_cents=8_000)
    post_revision(statement, -2_000, "import 2")

    request_refund(payment, 5_000, by=clerk, reason="moved away")

    assert legs_of(JournalKind.REFUND) == [
        ("credit", statement.number, 2_000),
        ("gateway", statement.number, -5_000),
        ("receivable", statement.number, 3_000),
    ]
    assert accounts() == {"gateway": 5_000, "receivable": 3_000, "revenue": -8_000}


def test_refund_names_who_asked_for_it_nobody_and_why(statement, clerk):
    request_refund(pay(statement), 500, by=clerk, reason="moved away")

    assert Journal.objects.get(kind=JournalKind.REFUND).note == "moved away"


def test_lost_dispute_of_more_than_was_applied_is_a_loss(statement, clerk):
    """A refund and a lost dispute of the same money: the processor took it twice."""
    payment = pay(statement)
    request_refund(payment, 6_000, by=clerk, reason="moved away")

    lose(payment, 10_000)

    assert legs_of(JournalKind.DISPUTE_LOST) == [
        ("dispute", statement.number, -10_000),
        ("loss", statement.number, 6_000),
        ("receivable", statement.number, 4_000),
    ]
    assert accounts() == {"gateway": -6_000, "loss": 6_000, "receivable": 10_000, "revenue": -10_000}


def test_what_was_given_up_is_not_owed_again_by_a_lost_dispute(statement, clerk):
    payment = pay(statement, 6_000)
    write_off(statement, 4_000, by=clerk, reason="hardship", cause=uuid4())

    lose(payment, 6_000)

    assert accounts() == {"adjustment": 4_000, "receivable": 6_000, "revenue": -10_000}


def test_money_of_a_void_statement_goes_back_from_its_heir(statement, clerk):
    payment = pay(statement)
    void_statement(statement, by=clerk, reason="wrong insurer")
    heir = reissue_statement(statement, "ST-HEIR", by=clerk)
    assert accounts() == {"gateway": 10_000, "revenue": -10_000}

    request_refund(payment, 4_000, by=clerk, reason="moved away")

    heir.refresh_from_db()
    assert legs_of(JournalKind.REFUND) == [("gateway", statement.number, -4_000), ("receivable", "ST-HEIR", 4_000)]
    assert (heir.balance_cents, accounts()) == (4_000, {"gateway": 6_000, "receivable": 4_000, "revenue": -10_000})


def test_void_takes_back_what_was_billed_but_not_what_was_given_up(statement, clerk):
    pay(statement, 5_000)
    write_off(statement, 2_000, by=clerk, reason="hardship", cause=uuid4())

    void_statement(statement, by=clerk, reason="wrong patient")

    assert legs_of(JournalKind.RELEASE) == [
        ("credit", statement.number, -5_000),
        ("receivable", statement.number, 5_000),
    ]
    assert legs_of(JournalKind.VOID) == [("receivable", statement.number, -8_000), ("revenue", statement.number, 8_000)]
    assert accounts() == {"gateway": 5_000, "credit": -5_000, "adjustment": 2_000, "revenue": -2_000}


def test_legs_of_zero_are_left_out_and_a_note_is_cut(statement):
    journal = ledger.post(
        JournalKind.DEPOSIT,
        "x",
        [(Account.BANK, None, 5), (Account.FEES, None, 0), (Account.GATEWAY, None, -5)],
        note="n" * 300,
    )

    assert (journal.legs.count(), len(journal.note)) == (2, 200)


def test_deposit_of_a_day_without_money_posts_nothing(db):
    ledger.post_deposit("2026-11-01", 0, 0, by=None)

    assert Leg.objects.count() == 0


def test_deposit_of_a_negative_day_is_money_from_the_bank(db):
    ledger.post_deposit("2026-11-01", -700, 59, by=None)

    legs = dict(Leg.objects.values_list("account", "cents"))
    assert legs == {"bank": -700, "fees": 59, "gateway": 641}


def test_sums_of_a_statement(statement, clerk):
    pay(statement, 5_000)
    write_off(statement, 2_000, by=clerk, reason="hardship", cause=uuid4())
    other = factories.StatementFactory(owes=10_000)

    assert (ledger.credit_of(statement), ledger.written_off_on(statement)) == (0, 2_000)
    assert (ledger.credit_of(other), ledger.written_off_on(other)) == (0, 0)
