"""Each proof of the ledger finds the fault it is there for, and names the row."""

import json
import threading
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from billing.close import close_day
from billing.disputes import apply_dispute
from billing.gateways.interface import DisputeOutcome, DisputeOutcomeState
from billing.gateways.sandbox.processor import dispute as dispute_there
from billing.models import (
    AttemptState,
    ChainLink,
    DailyClose,
    Dispute,
    GatewayEvent,
    Journal,
    PaymentPlan,
    Refund,
)
from billing.payments import start_payment
from billing.plans import agree
from billing.proof import PROOFS, prove
from billing.refunds import request_refund
from tests import factories
from tests.billing.books import pay, proof, seal, tampering

pytestmark = pytest.mark.django_db


@pytest.fixture
def books():
    """One row of each kind, all of it true: a part payment, a refund, a dispute, a plan, an open page, a closed day."""
    clerk = factories.UserFactory()
    statement = factories.StatementFactory(owes=10_000)
    payment = pay(statement, 8_000)
    refund = request_refund(payment, 1_000, by=clerk, reason="moved away")
    disputed = pay(factories.StatementFactory(owes=2_000))
    movement = dispute_there(disputed.payment_ref)
    outcome = DisputeOutcome(DisputeOutcomeState.OPEN, movement.ref, disputed.payment_ref, 2_000)
    apply_dispute("sandbox", outcome)
    agreed = agree(
        factories.StatementFactory(owes=12_000), 3, email="payer@example.com", language="en", address="192.0.2.1"
    )
    live = start_payment(factories.StatementFactory(owes=5_000), 5_000, "en")
    seal()
    closed = close_day()
    seal()
    return SimpleNamespace(
        statement=statement,
        payment=payment,
        refund=refund,
        dispute=Dispute.objects.get(payment=disputed),
        plan=agreed,
        live=live,
        closed=closed,
        posted=Journal.objects.get(kind="payment", cause=payment.payment_ref),
    )


def test_true_books_hold(books):
    found = prove()

    assert (found.holds, found.first_problem) == (True, "")
    assert found.chain_length == ChainLink.objects.count() == Journal.objects.count()
    assert found.chain_head == ChainLink.objects.first().digest


def test_empty_books_hold():
    found = prove()

    assert (found.holds, found.chain_length, found.chain_head) == (True, 0, "")


def more_returned(b):
    with tampering():
        Refund.objects.create(
            payment=b.payment, gateway="sandbox", amount_cents=7_001, requested_by=b.refund.requested_by
        )
    return b.payment.pk


def second_live(b):
    with tampering() as cursor:
        cursor.execute("DROP INDEX billing_attempt_one_live")
        factories.AttemptFactory(statement=b.live.statement)
    return b.live.statement_id


def overpaid(b):
    with tampering() as cursor:
        cursor.execute("ALTER TABLE billing_statement DROP CONSTRAINT billing_statement_applied_within_charges")
        cursor.execute("UPDATE billing_statement SET applied_cents = charges_cents + 1 WHERE id = %s", [b.statement.pk])
    return b.statement.pk


def bend(text, row):
    """A fault planted by one UPDATE or DELETE; `row` gives the values for it and the row that must be named."""

    def plant(b):
        value, expected = row(b)
        with tampering() as cursor:
            cursor.execute(text, [value])
            assert cursor.rowcount == 1
        return expected

    return plant


FAULTS = {
    "journals that do not balance": bend(
        "UPDATE billing_leg SET cents = cents + 1 WHERE account = 'gateway' AND journal_id = %s",
        lambda b: (b.posted.pk, b.posted.pk),
    ),
    "journals outside the chain": bend(
        "DELETE FROM billing_chainlink WHERE journal_id = %s", lambda b: (b.posted.pk, b.posted.pk)
    ),
    "links of the chain that do not fit": bend(
        "UPDATE billing_journal SET note = 'changed' WHERE id = %s", lambda b: (b.posted.pk, b.posted.link.position)
    ),
    "statements whose sums differ from their legs": bend(
        "UPDATE billing_statement SET applied_cents = applied_cents - 1 WHERE id = %s",
        lambda b: (b.statement.pk, b.statement.pk),
    ),
    "statements whose lines do not add up": bend(
        "UPDATE billing_statementline SET charge_cents = charge_cents + 1, patient_cents = patient_cents + 1 "
        "WHERE statement_id = %s",
        lambda b: (b.statement.pk, b.statement.pk),
    ),
    "overpaid statements": overpaid,
    "payments that differ from their ledger entry": bend(
        "UPDATE billing_payment SET amount_cents = amount_cents - 1, applied_cents = applied_cents - 1 WHERE id = %s",
        lambda b: (b.payment.pk, b.payment.pk),
    ),
    "paid attempts without a payment": bend(
        "UPDATE billing_attempt SET state = 'paid', closed_at = now() WHERE id = %s", lambda b: (b.live.pk, b.live.pk)
    ),
    "payments with more returned than was paid": more_returned,
    "payments whose reserved or disputed sum differs from its rows": bend(
        "UPDATE billing_payment SET refund_reserved_cents = 0 WHERE id = %s", lambda b: (b.payment.pk, b.payment.pk)
    ),
    "refunds that differ from their ledger entries": bend(
        "UPDATE billing_refund SET state = 'failed' WHERE id = %s", lambda b: (b.refund.pk, b.refund.pk)
    ),
    "disputes that differ from their ledger entries": bend(
        "UPDATE billing_dispute SET state = 'won', closed_at = now() WHERE id = %s",
        lambda b: (b.dispute.pk, b.dispute.pk),
    ),
    "money at the processor without a payment, refund or dispute": bend(
        "DELETE FROM billing_payment WHERE id = %s", lambda b: (b.payment.pk, b.posted.pk)
    ),
    "entries in books their kind does not touch": bend(
        "UPDATE billing_leg SET account = 'fees' WHERE account = 'receivable' AND journal_id = %s",
        lambda b: (b.posted.pk, b.posted.pk),
    ),
    "deposits that differ from their closed day": bend(
        "UPDATE billing_journal SET cause = '2001-01-01' WHERE kind = 'deposit' AND cause = %s",
        lambda b: (b.closed.day.isoformat(), Journal.objects.get(kind="deposit").pk),
    ),
    "closed days whose sums differ from the ledger": bend(
        "UPDATE billing_dailyclose SET payments_cents = payments_cents + 1, deposit_cents = deposit_cents + 1 "
        "WHERE id = %s",
        lambda b: (b.closed.pk, b.closed.pk),
    ),
    "void statements on which money is still applied": bend(
        "UPDATE billing_statement SET voided_at = now() WHERE id = %s", lambda b: (b.statement.pk, b.statement.pk)
    ),
    "paid instalments without a payment": bend(
        "UPDATE billing_instalment SET state = 'paid' WHERE position = 2 AND plan_id = %s",
        lambda b: (b.plan.pk, b.plan.instalments.get(position=2).pk),
    ),
    "plans whose parts do not add up": bend(
        "UPDATE billing_instalment SET amount_cents = amount_cents + 1 WHERE position = 1 AND plan_id = %s",
        lambda b: (b.plan.pk, b.plan.pk),
    ),
    "statements with more than one live attempt": second_live,
    "closed days whose file or batch was altered": bend(
        "UPDATE billing_dailyclose SET body = replace(body, '80.00', '80.01') WHERE id = %s",
        lambda b: (b.closed.pk, b.closed.pk),
    ),
}


def test_there_is_a_fault_for_each_proof():
    assert list(FAULTS) == list(PROOFS)


@pytest.mark.parametrize("problem", FAULTS)
def test_proof_finds_the_planted_fault_and_names_the_row(books, problem, capsys):
    row = str(FAULTS[problem](books))

    found = prove()

    assert found.problems[problem] == [row]
    assert not found.holds
    first = next(f"{name}: {rows[0]}" for name, rows in found.problems.items() if rows)
    assert found.first_problem == first
    with pytest.raises(CommandError, match=f"The ledger does not hold: {first}"):
        call_command("check_ledger")
    assert f"{problem}: {row}" in capsys.readouterr().err.splitlines()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE billing_journal SET cause = cause || 'x' WHERE id = {journal}",
        "UPDATE billing_journal SET kind = 'transfer' WHERE id = {journal}",
        "UPDATE billing_journal SET posted_at = posted_at + interval '1 microsecond' WHERE id = {journal}",
        "UPDATE billing_journal SET posted_by_id = 1 WHERE id = {journal}",
        "UPDATE billing_leg SET cents = cents * 2 WHERE journal_id = {journal}",
        "UPDATE billing_leg SET account = 'loss' WHERE account = 'gateway' AND journal_id = {journal}",
        "UPDATE billing_leg SET statement_id = statement_id + 1 WHERE journal_id = {journal}",
        "DELETE FROM billing_leg WHERE journal_id = {journal}",
        "UPDATE billing_chainlink SET digest = repeat('0', 64) WHERE journal_id = {journal}",
    ],
)
def test_chain_tells_where_a_sealed_entry_was_changed(books, change):
    position = books.posted.link.position
    with tampering() as cursor:
        cursor.execute(change.format(journal=books.posted.pk))

    assert prove().problems["links of the chain that do not fit"][0] == str(position)


def test_chain_tells_where_a_sealed_entry_was_taken_out(books):
    position = books.posted.link.position
    with tampering() as cursor:
        for table, column in (("chainlink", "journal_id"), ("leg", "journal_id"), ("journal", "id")):
            cursor.execute(f"DELETE FROM billing_{table} WHERE {column} = {books.posted.pk}")

    assert prove().problems["links of the chain that do not fit"][0] == str(position + 1)


def test_chain_cannot_be_mended_from_the_changed_entry_on_without_changing_the_closed_day(books):
    """Whoever seals everything again after a change still differs from the digest that was kept at the close."""
    with tampering() as cursor:
        cursor.execute(f"UPDATE billing_journal SET note = 'changed' WHERE id = {books.posted.pk}")
        for link in ChainLink.objects.order_by("position"):
            cursor.execute(
                "UPDATE billing_chainlink c SET digest = billing_digest((SELECT b.digest FROM billing_chainlink b "
                "WHERE b.position = c.position - 1), c.journal_id) WHERE c.position = %s",
                [link.position],
            )

    found = prove()

    assert found.problems["links of the chain that do not fit"] == []
    assert found.first_problem == f"closed days whose file or batch was altered: {books.closed.pk}"


def test_at_most_ten_rows_are_named(db):
    for _statement in range(12):
        factories.StatementFactory(owes=100)
    seal()
    with tampering() as cursor:
        cursor.execute("UPDATE billing_statement SET applied_cents = 1")

    assert len(prove().problems["statements whose sums differ from their legs"]) == 10


def test_command_adds_up_everything_as_json(books, capsys):
    GatewayEvent.objects.create(gateway="sandbox", event_id="evt_1", kind="x", body="{}")

    call_command("check_ledger", "--json")

    told = json.loads(capsys.readouterr().out)
    assert told == {
        "holds": True,
        "captured": 10_000,
        "refunded": 1_000,
        "disputed": 2_000,
        "applied": 9_000,
        "credit": 0,
        "ledger_sum": 0,
        "overpaid": 0,
        "over_refunded": 0,
        "live_attempts": 1,
        "unprocessed_events": 1,
        "unresolved_refunds": 0,
        "journals": Journal.objects.count(),
        "statements": 4,
        "payments": 2,
        "accounts_cents": told["accounts_cents"],
        "chain_length": ChainLink.objects.count(),
        "chain_head": ChainLink.objects.first().digest,
        "first_problem": "",
        "problems": {},
    }
    assert {name: cents for name, cents in told["accounts_cents"].items() if name != "revenue"} == {
        "bank": books.closed.deposit_cents,
        "dispute": 2_000,
        "fees": books.closed.fees_cents,
        "gateway": 0,
        "receivable": 20_000,
    }


def test_command_prints_json_also_when_the_ledger_does_not_hold(books, capsys):
    with tampering() as cursor:
        cursor.execute(
            "UPDATE billing_leg SET cents = cents + 5 WHERE account = 'gateway' AND journal_id = %s", [books.posted.pk]
        )

    with pytest.raises(CommandError) as failure:
        call_command("check_ledger", "--json")

    told = json.loads(capsys.readouterr().out)
    assert (failure.value.returncode, told["holds"], told["ledger_sum"]) == (1, False, 5)
    assert told["first_problem"] == f"journals that do not balance: {books.posted.pk}"


def test_command_says_what_the_ledger_holds(books, capsys):
    call_command("check_ledger")

    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == f"The ledger holds: {Journal.objects.count()} entries, 4 statements, 2 payments."
    assert "dispute                    $20.00" in lines


def test_figures_count_what_is_wrong(books):
    overpaid(books)
    more_returned(books)

    figures = prove().figures

    assert (figures["overpaid"], figures["over_refunded"]) == (1, 1)


def test_open_things_are_no_problem(books):
    assert (books.live.state, PaymentPlan.objects.get().state) == (AttemptState.OPEN, "pending")
    assert proof().holds


def test_close_kept_the_head_of_the_chain(books):
    assert DailyClose.objects.get().closed_at > timezone.now() - timedelta(minutes=5)
    assert books.closed.chain_digest == ChainLink.objects.get(position=books.closed.last_position).digest


@pytest.mark.django_db(transaction=True)
def test_all_figures_are_of_one_moment():
    """A payment that is committed between two of the queries is in none of the figures, or in all."""
    pay(factories.StatementFactory(owes=10_000))
    asked = []

    def pay_meanwhile(execute, text, params, many, context):
        result = execute(text, params, many, context)
        if "FROM billing_payment" in text and not asked:
            asked.append(text)
            other = threading.Thread(target=pay_elsewhere)
            other.start()
            other.join()
        return result

    def pay_elsewhere():
        pay(factories.StatementFactory(owes=2_000))
        connection.close()

    with connection.execute_wrapper(pay_meanwhile):
        found = prove()

    assert (len(asked), found.figures["captured"], found.accounts_cents["gateway"]) == (1, 10_000, 10_000)
    assert (found.holds, prove().figures["captured"]) == (True, 12_000)
