"""Charging the parts of plans, through the sweep on later days: told before, charged once, never more than is owed."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.db import transaction

from billing import instalments, payments, plans, questions
from billing.disputes import apply_dispute
from billing.gateways.interface import DisputeOutcome, DisputeOutcomeState
from billing.gateways.sandbox.models import CardSession, Movement, MovementKind
from billing.gateways.sandbox.processor import DECLINING_CARD, GOOD_CARD, SandboxGateway, take_payment
from billing.models import Attempt, AttemptKind, AttemptState, Payment, PlanState, QuestionKind
from billing.sweep import sweep
from tests import factories
from tests.billing.books import answers_lost, begin_plan, post_revision, proof

pytestmark = pytest.mark.django_db
HERE = ZoneInfo("America/Indiana/Indianapolis")
SECRETS = ["Testa", "Patientson", "Chest X-ray", "71046", "1950"]


def on(month, day, hour=6):
    return datetime(2026 if month > 8 else 2027, month, day, hour, tzinfo=HERE)


START = on(10, 15, 10)


@pytest.fixture
def statement(identity, time_machine):
    time_machine.move_to(START, tick=False)
    return factories.StatementFactory(owes=10_000)


@pytest.fixture
def sweep_on(time_machine):
    """A function that moves to a day and sweeps: `sweep_on(11, 15)`."""

    def run(month, day, hour=6):
        time_machine.move_to(on(month, day, hour), tick=False)
        return sweep()

    return run


@pytest.fixture
def mails(run_jobs, settings):
    """A function that gives what was mailed since it was called last, receipts left out: {subject: body}."""
    settings.BILLING_RECIPIENTS = []

    def since_last():
        run_jobs()
        told = [message for message in mail.outbox if not message.subject.endswith("your receipt")]
        mail.outbox.clear()
        assert len({message.subject for message in told}) == len(told)
        return {message.subject.removeprefix("Test Radiology: "): message.body for message in told}

    return since_last


def pay_extra(statement, cents):
    statement.refresh_from_db()
    attempt = payments.start_payment(statement, cents, "en")
    take_payment(CardSession.objects.get(key=str(attempt.pk)).pk, messages=0)
    payments.look_at(attempt)


def charged():
    """What the processor took from the stored card, in cents, in the order of time."""
    stored = {str(pk) for pk in Attempt.objects.filter(kind=AttemptKind.INSTALMENT).values_list("pk", flat=True)}
    moved = Movement.objects.filter(kind=MovementKind.PAYMENT, key__in=stored).order_by("moved_at")
    return list(moved.values_list("amount_cents", flat=True))


def stands(plan):
    plan.refresh_from_db()
    plan.statement.refresh_from_db()
    return plan.state, plan.statement.balance_cents


# ---- As agreed ------------------------------------------------------------------------------------------------------


def test_a_plan_runs_from_the_first_part_to_the_last(statement, sweep_on, mails):
    plan = begin_plan(statement)
    assert list(mails()) == ["your payment plan"]

    for month in (11, 12):
        assert (sweep_on(month, 11).reminders, mails()) == (0, {})
        assert (sweep_on(month, 12).reminders, sweep_on(month, 12, 7).reminders) == (1, 0)
        assert list(mails()) == ["a payment of your plan is due soon"]
        assert (sweep_on(month, 13).instalments, sweep_on(month, 14).instalments) == (0, 0)
        assert (sweep_on(month, 15).instalments, sweep_on(month, 15, 7).instalments) == (1, 0)
        assert mails() == {}

    assert charged() == [3_333, 3_333]
    assert stands(plan) == (PlanState.COMPLETED, 0)
    assert [part.state for part in plan.instalments.all()] == ["paid", "paid", "paid"]
    assert Payment.objects.count() == 3
    assert proof().holds
    sweep_on(1, 15)
    assert charged() == [3_333, 3_333]


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_reminder_says_what_is_charged_and_when_and_how_to_cancel(
    statement, sweep_on, run_jobs, settings, language
):
    plan = begin_plan(statement)
    type(plan).objects.update(language=language)
    run_jobs()
    mail.outbox.clear()
    sweep_on(11, 12)
    run_jobs()

    (reminder,) = mail.outbox
    day, prefix = {"en": ("Nov. 15, 2026", ""), "es": ("15 de noviembre de 2026", "/es")}[language]
    assert reminder.to == ["payer@example.com"]
    assert [text for text in (day, "$33.33") if text not in reminder.body] == []
    assert f"{settings.PUBLIC_ORIGIN}{prefix}/pay/plan/{plan.token}/\n" in reminder.body
    told = reminder.subject + reminder.body
    assert [secret for secret in [*SECRETS, statement.number] if secret in told] == []


def test_a_part_paid_gets_its_receipt(statement, sweep_on, run_jobs):
    begin_plan(statement)
    sweep_on(11, 12)
    sweep_on(11, 15)
    run_jobs()

    receipts = [message for message in mail.outbox if message.subject == "Test Radiology: your receipt"]
    assert [message.to for message in receipts] == [["payer@example.com"], ["payer@example.com"]]
    assert "$33.33" in receipts[1].body


def test_nobody_is_charged_who_was_not_told_three_days_before(statement, sweep_on, mails):
    plan = begin_plan(statement)
    mails()

    late = sweep_on(11, 20)  # the sweep was away for a while

    assert (late.reminders, late.instalments, charged()) == (1, 0, [])
    assert "On Nov. 23, 2026 your card is charged $33.33" in mails()["a payment of your plan is due soon"]
    assert sweep_on(11, 22).instalments == 0
    assert sweep_on(11, 23).instalments == 1
    assert stands(plan) == (PlanState.ACTIVE, 3_333)


def test_a_sweep_that_was_away_for_a_month_charges_each_part_once(statement, sweep_on):
    plan = begin_plan(statement)

    for day in (20, 21, 22, 23, 24):
        sweep_on(12, day)

    assert charged() == [3_333, 3_333]
    assert stands(plan) == (PlanState.COMPLETED, 0)


# ---- Paid otherwise -------------------------------------------------------------------------------------------------


def test_what_was_paid_otherwise_makes_the_last_part_smaller(statement, sweep_on):
    plan = begin_plan(statement)
    pay_extra(statement, 2_000)
    for month in (11, 12):
        sweep_on(month, 12)
        sweep_on(month, 15)

    assert charged() == [3_333, 1_333]
    assert stands(plan) == (PlanState.COMPLETED, 0)


def test_a_bill_paid_off_otherwise_completes_the_plan_without_a_word_or_a_charge(statement, sweep_on, mails):
    plan = begin_plan(statement)
    mails()
    pay_extra(statement, 6_666)

    assert sweep_on(11, 12).reminders == 0

    assert stands(plan) == (PlanState.COMPLETED, 0)
    assert [part.state for part in plan.instalments.all()] == ["paid", "cancelled", "cancelled"]
    sweep_on(11, 15)
    assert (charged(), mails()) == ([], {})


def test_a_part_paid_off_after_its_reminder_is_not_charged(statement, sweep_on):
    plan = begin_plan(statement)
    sweep_on(11, 12)
    pay_extra(statement, 6_666)
    sweep_on(11, 15)

    assert charged() == []
    assert stands(plan) == (PlanState.COMPLETED, 0)


def test_a_bill_lowered_by_the_insurer_completes_the_plan(statement, sweep_on):
    plan = begin_plan(statement)
    with transaction.atomic():
        statement.refresh_from_db()
        statement.lines.update(adjustment_cents=16_666, patient_cents=3_334)
        post_revision(statement, -6_666, "test")
    sweep_on(11, 12)
    sweep_on(11, 15)

    assert charged() == []
    assert stands(plan) == (PlanState.COMPLETED, 0)


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        (3_300, [3_316, 50]),  # 33.33 would leave 33 cents, too little for a card
        (3_332, [3_284, 50]),
        (3_283, [3_333, 50]),
        (3_333, [3_333]),
        (6_616, [50]),
    ],
)
def test_never_is_so_little_left_that_no_card_takes_it(statement, sweep_on, extra, expected):
    plan = begin_plan(statement)
    pay_extra(statement, extra)
    for month in (11, 12):
        sweep_on(month, 12)
        sweep_on(month, 15)

    assert charged() == expected
    assert stands(plan) == (PlanState.COMPLETED, 0)


def test_a_guest_on_the_card_page_is_not_charged_meanwhile(statement, sweep_on):
    plan = begin_plan(statement)
    sweep_on(11, 12)
    statement.refresh_from_db()
    attempt = payments.start_payment(statement, 6_666, "en")
    CardSession.objects.filter(key=str(attempt.pk)).update(expires_at=on(11, 16))

    assert (sweep_on(11, 15).instalments, charged()) == (0, [])
    assert sweep_on(11, 16, 9).instalments == 1  # the page was left
    assert stands(plan) == (PlanState.ACTIVE, 3_333)


# ---- Postponed ------------------------------------------------------------------------------------------------------


def test_a_question_postpones_the_charge_until_it_is_answered(statement, sweep_on, mails):
    plan = begin_plan(statement)
    sweep_on(11, 12)
    question = questions.ask(statement, QuestionKind.CHARGE, "Why?")

    assert (sweep_on(11, 15).instalments, sweep_on(11, 18).instalments, charged()) == (0, 0, [])

    questions.answer(question, "So.", by=factories.UserFactory())
    assert sweep_on(11, 19).instalments == 1
    assert stands(plan) == (PlanState.ACTIVE, 3_333)


def test_on_hold_nobody_is_told_of_a_charge(statement, sweep_on, mails):
    begin_plan(statement)
    question = questions.ask(statement, QuestionKind.CHARGE, "Why?")
    mails()

    assert (sweep_on(11, 12).reminders, sweep_on(11, 16).reminders) == (0, 0)
    questions.answer(question, "So.", by=factories.UserFactory())
    assert sweep_on(11, 17).reminders == 1
    assert "On Nov. 20, 2026 your card" in mails()["a payment of your plan is due soon"]
    assert (sweep_on(11, 19).instalments, sweep_on(11, 20).instalments) == (0, 1)


@pytest.mark.parametrize(("decided", "expected"), [("won", [3_333]), (None, [])])
def test_an_open_dispute_postpones_the_charge(statement, sweep_on, decided, expected):
    begin_plan(statement)
    sweep_on(11, 12)
    ref = Payment.objects.get().payment_ref
    apply_dispute("sandbox", DisputeOutcome(DisputeOutcomeState.OPEN, "dispute_1", ref, 3_334))
    sweep_on(11, 15)
    assert charged() == []

    if decided:
        apply_dispute("sandbox", DisputeOutcome(DisputeOutcomeState(decided), "dispute_1", ref, 3_334))
    sweep_on(11, 16)

    assert charged() == expected


# ---- Declined -------------------------------------------------------------------------------------------------------


def test_a_declined_card_is_tried_again_after_three_and_five_days_then_the_plan_stops(statement, sweep_on, mails):
    plan = begin_plan(statement, card=DECLINING_CARD)
    mails()
    sweep_on(11, 12)
    mails()
    tries = []
    for day in range(15, 31):
        sweep_on(11, day)
        sweep_on(11, day, 7)
        told = mails()
        if told:
            tries.append((day, *told))

    assert tries == [
        (15, "your card was declined"),
        (18, "your card was declined"),
        (23, "your payment plan has ended"),
    ]
    assert stands(plan) == (PlanState.STOPPED, 6_666)
    part = plan.instalments.get(position=2)
    assert (part.declines, part.state) == (3, "cancelled")
    failed = Attempt.objects.filter(kind=AttemptKind.INSTALMENT)
    assert list(failed.values_list("state", "last_error")) == [("failed", "card_declined")] * 3
    assert (charged(), sweep_on(12, 15).instalments) == ([], 0)
    assert failed.count() == 3


def test_the_mail_about_a_declined_card_says_when_it_is_tried_again(statement, sweep_on, mails):
    begin_plan(statement, card=DECLINING_CARD)
    sweep_on(11, 12)
    mails()
    sweep_on(11, 15)

    told = mails()["your card was declined"]
    assert "declined a payment of $33.33 for your plan" in told
    assert "We try again on Nov. 18, 2026." in told
    assert [secret for secret in [*SECRETS, statement.number] if secret in told] == []


def test_a_card_that_works_again_goes_on_with_the_plan(statement, sweep_on, monkeypatch):
    plan = begin_plan(statement, card=DECLINING_CARD)
    sweep_on(11, 12)
    sweep_on(11, 15)
    # The bank has lifted its limit: the processor takes the same card.
    monkeypatch.setattr("billing.gateways.sandbox.processor.GOOD_CARD", DECLINING_CARD)

    assert sweep_on(11, 18).instalments == 1
    assert stands(plan) == (PlanState.ACTIVE, 3_333)


# ---- Cancelled ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("told_before", [True, False])
def test_a_cancelled_plan_is_not_charged_any_more(statement, sweep_on, told_before):
    plan = begin_plan(statement)
    if told_before:
        sweep_on(11, 12)
    plans.cancel(plan)

    sweep_on(11, 12)
    sweep_on(11, 15)
    sweep_on(12, 15)

    assert charged() == []
    assert stands(plan) == (PlanState.CANCELLED, 6_666)


# ---- Unknown --------------------------------------------------------------------------------------------------------


def test_a_charge_we_did_not_hear_of_is_looked_up_and_not_made_again(statement, sweep_on):
    plan = begin_plan(statement)
    sweep_on(11, 12)
    with answers_lost("charge", "look"):
        sweep_on(11, 15)
        attempt = Attempt.objects.get(kind=AttemptKind.INSTALMENT)
        assert (attempt.state, stands(plan)) == (AttemptState.UNKNOWN, (PlanState.ACTIVE, 6_666))
        sweep_on(11, 15, 7)

    with answers_lost("charge"):
        sweep_on(11, 15, 8)

    assert stands(plan) == (PlanState.ACTIVE, 3_333)
    sweep_on(11, 16)
    assert (charged(), Attempt.objects.get(kind=AttemptKind.INSTALMENT)) == ([3_333], attempt)
    assert proof().holds


def test_a_guest_who_pays_meanwhile_does_not_get_the_plan_s_receipt(statement, sweep_on):
    begin_plan(statement)
    sweep_on(11, 12)
    with answers_lost("charge", "look"):
        sweep_on(11, 15)
        with pytest.raises(payments.CardPageUnreachable):
            payments.start_payment(statement, 1_000, "en", receipt_to="guest@example.com")

    assert Attempt.objects.get(kind=AttemptKind.INSTALMENT).receipt_to == "payer@example.com"


def test_a_charge_that_never_arrived_is_asked_for_again_under_the_same_key(statement, sweep_on):
    plan = begin_plan(statement)
    sweep_on(11, 12)
    with answers_lost("charge", acts=False):
        sweep_on(11, 15)
    attempt = Attempt.objects.get(kind=AttemptKind.INSTALMENT)
    assert attempt.state == AttemptState.UNKNOWN

    sweep_on(11, 15, 7)

    assert Movement.objects.get(key=str(attempt.pk)).amount_cents == 3_333
    assert stands(plan) == (PlanState.ACTIVE, 3_333)
    assert Attempt.objects.get(kind=AttemptKind.INSTALMENT) == attempt


def test_a_charge_that_never_arrived_is_given_up_when_the_key_is_forgotten(statement, sweep_on):
    plan = begin_plan(statement)
    sweep_on(11, 12)
    with answers_lost("charge", acts=False):
        sweep_on(11, 15)
        sweep_on(11, 16, 7)
    old = Attempt.objects.get(kind=AttemptKind.INSTALMENT, state=AttemptState.EXPIRED)

    sweep_on(11, 16, 8)
    sweep_on(11, 17, 8)

    assert charged() == [3_333]
    assert not Movement.objects.filter(key=str(old.pk)).exists()
    assert stands(plan) == (PlanState.ACTIVE, 3_333)


@pytest.mark.parametrize("end", ["cancel", "ask"])
def test_a_charge_that_never_arrived_is_not_asked_for_again_when_it_is_not_wanted(statement, sweep_on, end):
    plan = begin_plan(statement)
    sweep_on(11, 12)
    with answers_lost("charge", acts=False):
        sweep_on(11, 15)
    if end == "cancel":
        plans.cancel(plan)
    else:
        questions.ask(statement, QuestionKind.CHARGE, "Why?")

    sweep_on(11, 15, 7)
    sweep_on(11, 17)

    assert charged() == []
    assert Attempt.objects.get(kind=AttemptKind.INSTALMENT).state == AttemptState.EXPIRED


def test_money_of_a_charge_we_did_not_hear_of_is_recorded_also_after_cancelling(statement, sweep_on):
    plan = begin_plan(statement)
    sweep_on(11, 12)
    with answers_lost("charge", "look", "movements"):
        sweep_on(11, 15)
    plans.cancel(plan)

    sweep_on(11, 15, 7)

    assert (charged(), stands(plan)) == ([3_333], (PlanState.CANCELLED, 3_333))
    assert proof().holds


def test_charging_twice_under_one_attempt_moves_money_once(statement, sweep_on):
    begin_plan(statement)
    sweep_on(11, 12)
    sweep_on(11, 15)
    attempt = Attempt.objects.get(kind=AttemptKind.INSTALMENT)

    again = instalments.charge(attempt)

    assert (again.state, charged(), Payment.objects.count()) == (AttemptState.PAID, [3_333], 2)


def test_one_part_that_cannot_be_charged_does_not_keep_the_others_waiting(statement, sweep_on, monkeypatch, caplog):
    broken = begin_plan(factories.StatementFactory(owes=10_000))
    plan = begin_plan(statement)
    sweep_on(11, 12)
    charge = SandboxGateway.charge

    def fail_on_the_first(gateway, order):
        if order.customer_ref == broken.customer_ref:
            raise ValueError("broken")
        return charge(gateway, order)

    monkeypatch.setattr(SandboxGateway, "charge", fail_on_the_first)
    sweep_on(11, 15)

    assert (stands(broken), stands(plan)) == ((PlanState.ACTIVE, 6_666), (PlanState.ACTIVE, 3_333))
    assert f"Instalment {broken.instalments.get(position=2).pk} cannot be charged" in caplog.text


def test_the_card_is_looked_up_when_the_first_message_did_not_bring_it(statement, sweep_on):
    plan = plans.agree(statement, 3, email="payer@example.com", language="en", address=None)
    first = plan.instalments.get(position=1)
    attempt = payments.start_payment(statement, first.amount_cents, "en", instalment=first)
    session = take_payment(CardSession.objects.get().pk, messages=0)
    payments.settle(
        attempt,
        payments.Outcome(payments.OutcomeState.PAID, payment_ref=session.payment_ref, amount_cents=3_334),
    )
    plan.refresh_from_db()
    assert (plan.state, plan.card_ref) == (PlanState.ACTIVE, "")

    sweep_on(11, 12)
    sweep_on(11, 15)

    plan.refresh_from_db()
    assert (plan.card_ref, charged()) == (GOOD_CARD, [3_333])
