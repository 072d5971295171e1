"""Comparing a day with the processor: every difference, to the cent, by name."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from billing.disputes import apply_dispute
from billing.gateways.interface import DisputeOutcome, DisputeOutcomeState
from billing.gateways.sandbox.models import Movement, MovementKind, MovementState
from billing.gateways.sandbox.processor import decide_dispute
from billing.gateways.sandbox.processor import dispute as dispute_there
from billing.reconcile import Comparison, reconcile
from billing.refunds import request_refund
from tests import factories
from tests.billing.books import answers_lost, deliver, made_there, pay, seal, tampering

pytestmark = pytest.mark.django_db

TODAY = timezone.localdate


@pytest.fixture
def payment(db):
    return pay(factories.StatementFactory(owes=10_000))


def differences():
    return [str(difference) for difference in reconcile(TODAY()).differences]


def test_day_that_ties(payment):
    request_refund(payment, 3_000, by=factories.UserFactory(), reason="moved away")
    dispute_there(payment.payment_ref)
    decide_dispute(payment.payment_ref, won=True)
    deliver()

    found = reconcile(TODAY())

    assert found == Comparison(theirs_cents=7_000, ours_cents=7_000, compared=4, differences=[])


def test_day_without_money_ties(db):
    assert reconcile(TODAY()) == Comparison(0, 0, 0, [])


@pytest.mark.parametrize(("cents", "theirs"), [(10_001, "$100.01"), (9_999, "$99.99")])
def test_one_cent_is_found_on_their_side(payment, cents, theirs):
    Movement.objects.update(amount_cents=cents)

    assert differences() == [f"payment {payment.payment_ref}: the processor has {theirs}, we have $100.00"]


def test_one_cent_is_found_on_our_side(payment):
    seal()
    with tampering() as cursor:
        cursor.execute("UPDATE billing_payment SET amount_cents = amount_cents - 1, applied_cents = applied_cents - 1")

    assert differences() == [f"payment {payment.payment_ref}: the processor has $100.00, we have $99.99"]


def test_one_cent_of_a_refund_is_found(payment):
    refund = request_refund(payment, 3_000, by=factories.UserFactory(), reason="moved away")
    Movement.objects.filter(kind=MovementKind.REFUND).update(amount_cents=3_001)

    assert differences() == [f"refund {refund.refund_ref}: the processor has $30.01, we have $30.00"]


def test_what_only_they_have_is_found(payment):
    refund = made_there(payment, amount_cents=1_000)
    dispute = made_there(payment, kind=MovementKind.DISPUTE, state=MovementState.OPEN, amount_cents=500)
    stranger = made_there(payment, kind=MovementKind.PAYMENT, amount_cents=700)

    assert sorted(differences()) == [
        f"dispute {dispute.ref}: the processor has $5.00, we have nothing",
        f"payment {stranger.ref}: the processor has $7.00, we have nothing",
        f"refund {refund.ref}: the processor has $10.00, we have nothing",
    ]


def test_what_only_we_have_is_found(payment):
    Movement.objects.all().delete()

    assert differences() == [f"payment {payment.payment_ref}: we have $100.00, the processor has nothing"]


def test_dispute_won_there_and_not_here_is_found(payment):
    movement = dispute_there(payment.payment_ref)
    apply_dispute("sandbox", DisputeOutcome(DisputeOutcomeState.OPEN, movement.ref, payment.payment_ref, 10_000))
    decide_dispute(payment.payment_ref, won=True)

    assert differences() == [f"dispute won {movement.ref}: the processor has $100.00, we have nothing"]


@pytest.mark.parametrize("days", [-1, 1, 3])
def test_message_that_came_days_late_is_no_difference(payment, days):
    """They count it on one day, we heard of it on another: on both days it ties."""
    moved_at = timezone.now() - timedelta(days=days)
    Movement.objects.update(moved_at=moved_at)

    assert reconcile(TODAY()).differences == []
    assert reconcile(timezone.localdate(moved_at)).differences == []


def test_other_day_is_not_compared(payment):
    Movement.objects.update(amount_cents=10_001)

    assert reconcile(TODAY() - timedelta(days=1)) == Comparison(0, 0, 0, [])


# ---- Command --------------------------------------------------------------------------------------------------------


def test_command_says_that_the_day_ties(payment, capsys):
    request_refund(payment, 3_000, by=factories.UserFactory(), reason="moved away")
    seal()

    call_command("reconcile", "--date", TODAY().isoformat())

    assert capsys.readouterr().out == f"{TODAY().isoformat()} ties: 2 movements, net $70.00.\n"


def test_command_names_the_planted_cent_and_fails(payment, capsys):
    seal()
    Movement.objects.update(amount_cents=10_001)

    with pytest.raises(CommandError, match=f"{TODAY().isoformat()}: 1 difference.") as failure:
        call_command("reconcile")

    assert failure.value.returncode == 1
    assert capsys.readouterr().err == (f"payment {payment.payment_ref}: the processor has $100.01, we have $100.00\n")


def test_command_counts_the_differences(payment):
    made_there(payment, amount_cents=1_000)
    Movement.objects.filter(kind=MovementKind.PAYMENT).update(amount_cents=10_001)

    with pytest.raises(CommandError, match="2 differences"):
        call_command("reconcile")


def test_command_fails_while_the_processor_does_not_answer(payment):
    with answers_lost("movements"), pytest.raises(CommandError, match="The card processor did not answer"):
        call_command("reconcile")


@pytest.mark.parametrize("day", ["yesterday", "2026-13-01", "01/02/2026"])
def test_command_refuses_what_is_no_day(db, day):
    with pytest.raises(CommandError, match="invalid day value"):
        call_command("reconcile", "--date", day)


def test_command_names_what_is_planted_in_the_ledger_alone(payment, capsys):
    seal()
    with tampering() as cursor:
        cursor.execute("UPDATE billing_leg SET cents = cents + 1 WHERE account = 'gateway'")

    with pytest.raises(CommandError, match="the movements tie, the ledger does not hold"):
        call_command("reconcile")

    assert capsys.readouterr().err.startswith("The ledger does not hold: journals that do not balance: ")


@pytest.mark.parametrize("text", ["9999-12-31", "0001-01-01", "2026-W48-4", "20261126", "tomorrow", "２０２６-11-26"])
@pytest.mark.parametrize("command", ["reconcile", "close_day"])
def test_commands_refuse_what_is_no_day_of_ours(db, command, text):
    with pytest.raises(CommandError, match="invalid day value"):
        call_command(command, "--date", text)
