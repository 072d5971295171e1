"""Returning money: once, never more than was paid, and with two people above the limit."""

import threading
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from billing import refunds
from billing.disputes import apply_dispute
from billing.gateways.interface import DisputeOutcome, DisputeOutcomeState
from billing.gateways.sandbox.models import Movement, MovementKind
from billing.gateways.sandbox.processor import dispute as dispute_there
from billing.gateways.sandbox.processor import refund_here
from billing.models import GatewayEvent, Journal, Payment, Refund, RefundSource, RefundState
from billing.refunds import RefundRefused, decide_refund, import_refunds_of, push, request_refund
from billing.sweep import sweep
from tests import factories
from tests.billing.books import accounts, answers_lost, deliver, made_there, pay, proof, refunds_stand_at

pytestmark = pytest.mark.django_db


@pytest.fixture
def payment(statement):
    return pay(statement)


def returned_there(payment):
    found = Movement.objects.filter(kind=MovementKind.REFUND, payment_ref=payment.payment_ref)
    return sum(movement.amount_cents for movement in found)


def ask(payment, cents, clerk, **facts):
    return request_refund(payment, cents, by=clerk, reason="moved away", **facts)


@pytest.mark.parametrize(("cents", "owed"), [(10_000, 10_000), (1, 1), (2_500, 2_500)])
def test_refund_returns_money_and_what_it_had_paid_is_owed_again(statement, payment, clerk, cents, owed):
    refund = ask(payment, cents, clerk)

    statement.refresh_from_db()
    payment.refresh_from_db()
    assert (refund.state, refund.refund_ref != "", refund.closed_at is not None) == (RefundState.SUCCEEDED, True, True)
    assert (statement.balance_cents, payment.refund_reserved_cents, returned_there(payment)) == (owed, cents, cents)
    expected = {"gateway": 10_000 - cents, "receivable": owed, "revenue": -10_000}
    assert accounts() == {name: cents for name, cents in expected.items() if cents}


def test_payer_is_told_of_the_refund_without_what_it_was_for(payment, clerk, run_jobs, mailoutbox):
    run_jobs()
    mailoutbox.clear()

    ask(payment, 2_500, clerk)
    run_jobs()

    (mail,) = mailoutbox
    assert (mail.to, "$25.00" in mail.body, payment.receipt_number in mail.body) == (["payer@example.com"], True, True)
    assert [word for word in ("Chest", "71046", "Testa", "moved away") if word in mail.body + mail.subject] == []


@pytest.mark.parametrize("cents", [0, -1, 10_001])
def test_refund_of_nothing_or_of_more_than_was_paid_is_refused(payment, clerk, cents):
    with pytest.raises(RefundRefused) as refusal:
        ask(payment, cents, clerk)

    assert str(refusal.value) == "Of this payment $100.00 can be returned. Enter that or less."
    assert (Refund.objects.count(), returned_there(payment)) == (0, 0)


def test_refunds_in_parts_end_at_what_was_paid(payment, clerk):
    for cents in (4_000, 5_999):
        ask(payment, cents, clerk)

    with pytest.raises(RefundRefused, match=r"Of this payment \$0.01 can be returned"):
        ask(payment, 2, clerk)
    ask(payment, 1, clerk)
    assert returned_there(payment) == 10_000


def test_double_click_is_one_refund(payment, clerk):
    once = uuid4()

    first = ask(payment, 3_000, clerk, refund_id=once)
    second = ask(payment, 3_000, clerk, refund_id=once)

    assert (first.pk, second.pk, second.state) == (once, once, RefundState.SUCCEEDED)
    assert (Refund.objects.count(), returned_there(payment)) == (1, 3_000)


def test_second_click_with_another_amount_changes_nothing(payment, clerk):
    once = uuid4()
    ask(payment, 3_000, clerk, refund_id=once)

    assert ask(payment, 9_000, clerk, refund_id=once).amount_cents == 3_000
    assert returned_there(payment) == 3_000


# ---- Two people -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("cents", "state"), [(5_000, RefundState.SUCCEEDED), (5_001, RefundState.PROPOSED)])
def test_refund_above_the_limit_waits_for_a_second_person(payment, clerk, settings, cents, state):
    settings.REFUND_SECOND_PERSON_ABOVE_CENTS = 5_000

    refund = ask(payment, cents, clerk)

    payment.refresh_from_db()
    assert (refund.state, payment.refund_reserved_cents) == (state, cents)
    assert returned_there(payment) == (cents if state == RefundState.SUCCEEDED else 0)


@pytest.fixture
def proposed(payment, clerk, settings):
    settings.REFUND_SECOND_PERSON_ABOVE_CENTS = 5_000
    return ask(payment, 8_000, clerk)


def test_second_person_approves_and_the_money_goes_back(proposed, payment):
    other = factories.UserFactory()

    refund = decide_refund(proposed, by=other, approve=True)

    assert (refund.state, refund.decided_by, returned_there(payment)) == (RefundState.SUCCEEDED, other, 8_000)
    assert accounts() == {"gateway": 2_000, "receivable": 8_000, "revenue": -10_000}


def test_second_person_declines_and_the_amount_is_free_again(proposed, payment):
    refund = decide_refund(proposed, by=factories.UserFactory(), approve=False)

    payment.refresh_from_db()
    assert (refund.state, payment.refundable_cents, returned_there(payment)) == (RefundState.DECLINED, 10_000, 0)


@pytest.mark.parametrize("approve", [True, False])
def test_who_asked_does_not_decide(proposed, clerk, payment, approve):
    with pytest.raises(RefundRefused, match="You asked for this refund yourself"):
        decide_refund(proposed, by=clerk, approve=approve)

    proposed.refresh_from_db()
    assert (proposed.state, returned_there(payment)) == (RefundState.PROPOSED, 0)


@pytest.mark.parametrize("approve", [True, False])
def test_a_word_is_given_once(proposed, payment, approve):
    decide_refund(proposed, by=factories.UserFactory(), approve=approve)

    with pytest.raises(RefundRefused, match="has decided about this refund already"):
        decide_refund(proposed, by=factories.UserFactory(), approve=not approve)
    assert returned_there(payment) == (8_000 if approve else 0)


def test_sweep_does_not_push_what_waits_for_a_second_person(proposed, payment):
    sweep()

    assert returned_there(payment) == 0


# ---- What cannot be known at once -----------------------------------------------------------------------------------


def test_lost_answer_is_unknown_and_the_sweep_finds_what_became_of_it(statement, payment, clerk):
    with answers_lost("refund"):
        refund = ask(payment, 3_000, clerk)
    assert (refund.state, refund.last_error, returned_there(payment)) == (RefundState.UNKNOWN, "no answer", 3_000)
    statement.refresh_from_db()
    assert statement.balance_cents == 0  # nothing is booked that we do not know

    assert sweep().refunds == 1

    refund.refresh_from_db()
    assert (refund.state, returned_there(payment)) == (RefundState.SUCCEEDED, 3_000)
    assert accounts() == {"gateway": 7_000, "receivable": 3_000, "revenue": -10_000}


def test_request_that_never_arrived_is_made_by_the_sweep_under_the_same_key(payment, clerk):
    with answers_lost("refund", acts=False):
        refund = ask(payment, 3_000, clerk)
        sweep()
    assert returned_there(payment) == 0

    sweep()

    assert Movement.objects.get(kind=MovementKind.REFUND).key == str(refund.pk)
    assert Refund.objects.get().state == RefundState.SUCCEEDED


def test_unknown_refund_keeps_its_amount(payment, clerk):
    with answers_lost("refund"):
        ask(payment, 8_000, clerk)

    with pytest.raises(RefundRefused, match=r"Of this payment \$20.00 can be returned"):
        ask(payment, 3_000, clerk)


@pytest.mark.parametrize(("hours", "state", "returned"), [(22, "succeeded", 3_000), (23, "failed", 0)])
def test_after_the_key_is_forgotten_a_refund_is_only_looked_up(payment, clerk, hours, state, returned):
    with answers_lost("refund", acts=False):
        refund = ask(payment, 3_000, clerk)

    refund = refunds.push(refund, timezone.now() + timedelta(hours=hours))

    payment.refresh_from_db()
    assert (refund.state, returned_there(payment), payment.refund_reserved_cents) == (state, returned, returned)


def test_pending_refund_is_booked_when_it_succeeds(statement, payment, clerk):
    with refunds_stand_at("pending"):
        refund = ask(payment, 3_000, clerk)
    assert (refund.state, refund.closed_at, Journal.objects.filter(kind="refund").count()) == ("pending", None, 0)

    sweep()

    assert Refund.objects.get().state == RefundState.SUCCEEDED
    assert accounts() == {"gateway": 7_000, "receivable": 3_000, "revenue": -10_000}


def test_failed_refund_frees_its_amount_and_books_nothing(payment, clerk):
    with refunds_stand_at("failed"):
        refund = ask(payment, 3_000, clerk)

    payment.refresh_from_db()
    assert (refund.state, payment.refundable_cents) == (RefundState.FAILED, 10_000)
    assert accounts() == {"gateway": 10_000, "revenue": -10_000}


def test_refund_that_comes_back_after_it_succeeded_pays_the_bill_again(statement, payment, clerk):
    refund = ask(payment, 3_000, clerk)

    with refunds_stand_at("failed"):
        for _time in range(2):
            import_refunds_of("sandbox", payment.payment_ref)

    refund.refresh_from_db()
    payment.refresh_from_db()
    statement.refresh_from_db()
    assert (refund.state, payment.refundable_cents, statement.balance_cents) == (RefundState.FAILED, 10_000, 0)
    assert Journal.objects.filter(kind="refund failed").count() == 1
    assert accounts() == {"gateway": 10_000, "revenue": -10_000}


def test_refund_can_fail_and_succeed_in_turn(payment, clerk):
    refund = ask(payment, 3_000, clerk)

    for state in ("failed", "succeeded", "failed", "succeeded"):
        with refunds_stand_at(state):
            import_refunds_of("sandbox", payment.payment_ref)

    refund.refresh_from_db()
    assert refund.state == RefundState.SUCCEEDED
    assert list(Journal.objects.filter(cause__startswith=str(refund.pk)).order_by("pk").values_list("kind", flat=True)) == [
        "refund", "refund failed", "refund", "refund failed", "refund",
    ]  # fmt: skip
    assert accounts() == {"gateway": 7_000, "receivable": 3_000, "revenue": -10_000}


def test_old_message_that_calls_a_refund_pending_changes_nothing(payment, clerk):
    refund = ask(payment, 3_000, clerk)

    with refunds_stand_at("pending"):
        import_refunds_of("sandbox", payment.payment_ref)

    refund.refresh_from_db()
    assert (refund.state, proof().holds) == (RefundState.SUCCEEDED, True)


# ---- Made at the processor ------------------------------------------------------------------------------------------


def test_refund_made_at_the_processor_arrives_by_its_message(statement, payment):
    movement = refund_here(payment.payment_ref, 2_000)

    assert deliver() == [True]

    refund = Refund.objects.get()
    assert (refund.source, refund.refund_ref, refund.amount_cents, refund.requested_by) == (
        RefundSource.PROCESSOR,
        movement.ref,
        2_000,
        None,
    )
    assert accounts() == {"gateway": 8_000, "receivable": 2_000, "revenue": -10_000}
    payment.refresh_from_db()
    assert payment.refundable_cents == 8_000


def test_refund_made_at_the_processor_arrives_once_however_it_is_told(payment):
    refund_here(payment.payment_ref, 2_000)

    deliver()
    assert sweep().found == 0
    deliver()

    assert (Refund.objects.count(), returned_there(payment)) == (1, 2_000)


def test_refund_made_at_the_processor_is_found_by_the_sweep_when_its_message_is_lost(payment):
    made_there(payment, amount_cents=2_000)

    assert sweep().found == 1
    assert (Refund.objects.get().source, proof().holds) == (RefundSource.PROCESSOR, True)
    assert sweep().found == 0


def test_message_about_somebody_elses_payment_is_kept_with_a_note(payment):
    stranger = Movement.objects.create(
        ref="other_shop", kind=MovementKind.PAYMENT, payment_ref="other_shop", amount_cents=500
    )
    refund_here(stranger.ref, 100)

    assert deliver() == [True]
    assert (GatewayEvent.objects.get().note, Refund.objects.count()) == ("Not about a payment of ours", 0)


@pytest.mark.parametrize(
    ("ours", "there", "states"),
    [
        ([10_000], 10_000, ["failed"]),
        ([3_000, 3_000], 5_000, ["unknown", "failed"]),  # the newest gives way
        ([3_000, 3_000], 4_000, ["unknown", "unknown"]),
    ],
)
def test_refund_made_there_comes_before_those_of_ours_that_it_leaves_no_room_for(payment, clerk, ours, there, states):
    """The office asked, nobody answered, and somebody returned the money in the processor's own office."""
    with answers_lost("refund", acts=False):
        asked = [ask(payment, cents, clerk) for cents in ours]
    refund_here(payment.payment_ref, there)

    assert deliver() == [True]

    for refund in asked:
        refund.refresh_from_db()
    assert [refund.state for refund in asked] == states
    assert Refund.objects.get(source=RefundSource.PROCESSOR).amount_cents == there
    sweep()
    assert Refund.objects.unresolved().count() == 0
    assert returned_there(payment) == there + sum(r.amount_cents for r in asked if r.state == "unknown")
    assert proof().holds


def test_refund_that_was_given_up_and_arrived_all_the_same_is_believed(payment, clerk):
    with answers_lost("refund", acts=False):
        refund = ask(payment, 10_000, clerk)
    other = refund_here(payment.payment_ref, 9_000)
    deliver()
    refund.refresh_from_db()
    assert refund.state == RefundState.FAILED
    Movement.objects.filter(ref=other.ref).delete()  # it came back, and ours was made after all
    Refund.objects.filter(refund_ref=other.ref).update(state=RefundState.FAILED)
    Movement.objects.create(
        ref="late", kind=MovementKind.REFUND, key=str(refund.pk), payment_ref=payment.payment_ref, amount_cents=10_000
    )

    import_refunds_of("sandbox", payment.payment_ref)

    refund.refresh_from_db()
    assert (refund.state, refund.refund_ref) == (RefundState.SUCCEEDED, "late")


def test_refund_at_the_processor_comes_before_one_that_only_waits_for_a_second_person(payment, clerk, settings):
    settings.REFUND_SECOND_PERSON_ABOVE_CENTS = 5_000
    waiting = ask(payment, 8_000, clerk)
    refund_here(payment.payment_ref, 9_000)

    assert deliver() == [True]

    waiting.refresh_from_db()
    payment.refresh_from_db()
    assert (waiting.state, payment.refund_reserved_cents) == (RefundState.DECLINED, 9_000)
    assert accounts() == {"gateway": 1_000, "receivable": 9_000, "revenue": -10_000}


# ---- At the same time -----------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_twenty_refunds_of_thirty_dollars_at_once_on_a_hundred_are_three():
    payment = pay(factories.StatementFactory(owes=10_000))
    clerk = factories.UserFactory()
    outcomes = []

    def click():
        try:
            outcomes.append(ask(Payment.objects.get(), 3_000, clerk).state)
        except RefundRefused as refusal:
            outcomes.append(str(refusal))
        finally:
            connection.close()

    threads = [threading.Thread(target=click) for _click in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["Of this payment $10.00 can be returned. Enter that or less."] * 17 + ["succeeded"] * 3
    assert returned_there(payment) == 9_000
    assert accounts() == {"gateway": 1_000, "receivable": 9_000, "revenue": -10_000}


@pytest.mark.django_db(transaction=True)
def test_ten_clicks_on_one_form_at_once_are_one_refund():
    payment = pay(factories.StatementFactory(owes=10_000))
    clerk, once = factories.UserFactory(), uuid4()
    states = []

    def click():
        try:
            states.append(ask(Payment.objects.get(), 3_000, clerk, refund_id=once).pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=click) for _click in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert states == [once] * 10
    assert (Refund.objects.count(), returned_there(payment), proof().holds) == (1, 3_000, True)


def test_small_steps_are_no_way_round_the_second_person(payment, clerk, settings):
    settings.REFUND_SECOND_PERSON_ABOVE_CENTS = 5_000

    states = [ask(payment, 2_000, clerk).state for _click in range(4)]

    assert states == [RefundState.SUCCEEDED, RefundState.SUCCEEDED, RefundState.PROPOSED, RefundState.PROPOSED]
    assert returned_there(payment) == 4_000


def dispute_it(payment):
    movement = dispute_there(payment.payment_ref)
    apply_dispute("sandbox", DisputeOutcome(DisputeOutcomeState.OPEN, movement.ref, payment.payment_ref, 10_000))


def test_refund_is_not_approved_while_the_payment_is_disputed(proposed, payment):
    dispute_it(payment)

    with pytest.raises(RefundRefused, match="disputes this payment at the bank"):
        decide_refund(proposed, by=factories.UserFactory(), approve=True)
    with pytest.raises(IntegrityError, match="a disputed payment is not refunded"), transaction.atomic():
        Refund.objects.filter(pk=proposed.pk).update(state=RefundState.REQUESTED, decided_by=factories.UserFactory())
    assert decide_refund(proposed, by=factories.UserFactory(), approve=False).state == RefundState.DECLINED
    assert returned_there(payment) == 0


def test_sweep_only_looks_at_a_refund_while_its_payment_is_disputed(payment, clerk):
    refund = Refund.objects.create(
        payment=payment, gateway="sandbox", amount_cents=3_000, requested_by=clerk, state=RefundState.REQUESTED
    )
    dispute_it(payment)

    push(refund)

    refund.refresh_from_db()
    assert (refund.state, returned_there(payment)) == (RefundState.REQUESTED, 0)
