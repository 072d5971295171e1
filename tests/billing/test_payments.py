"""The payment protocol: whatever is repeated, lost or late, money is recorded once."""

import threading
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from billing import payments
from billing.gateways.interface import Outcome, OutcomeState
from billing.gateways.sandbox.models import CardSession, Notification
from billing.gateways.sandbox.processor import take_payment
from billing.models import Attempt, AttemptState, GatewayEvent, Payment
from billing.proof import prove
from billing.sweep import ONE_SWEEP, SweepReport, sweep
from billing.withdrawals import void_statement, write_off
from practice.one_at_a_time import alone
from tests import factories
from tests.billing.books import accounts, answers_lost, page_of, pay, proof

PAID = Outcome(
    OutcomeState.PAID, payment_ref="pay_1", session_ref="s_1", amount_cents=10_000, card_brand="Test", card_last4="4242"
)


@pytest.fixture
def statement(db):
    return factories.StatementFactory(owes=10_000)


@pytest.mark.parametrize(
    ("cents", "message"),
    [
        (10_001, "You owe $100.00. Enter that amount or less."),
        (49, "The smallest payment is $0.50."),
        (
            9_999,
            "This would leave $0.01, too little to pay by card later. Pay $100.00, or leave $0.50 or more.",
        ),
        (
            9_951,
            "This would leave $0.49, too little to pay by card later. Pay $100.00, or leave $0.50 or more.",
        ),
    ],
)
def test_amount_refused(statement, cents, message):
    with pytest.raises(payments.PaymentRefused) as refusal:
        payments.start_payment(statement, cents, "en")

    assert str(refusal.value) == message
    assert Attempt.objects.count() == 0


@pytest.mark.parametrize("cents", [50, 9_950, 10_000])
def test_amount_allowed(statement, cents):
    attempt = payments.start_payment(statement, cents, "en")

    assert (attempt.amount_cents, attempt.state) == (cents, AttemptState.OPEN)


@pytest.mark.django_db
def test_balance_under_the_smallest_payment_is_for_the_phone():
    statement = factories.StatementFactory(owes=49)

    with pytest.raises(payments.PaymentRefused, match="too little to pay by card"):
        payments.start_payment(statement, 49, "en")


def test_start_opens_a_card_page(statement, settings):
    attempt = payments.start_payment(statement, 10_000, "es")

    session = CardSession.objects.get()
    assert attempt.checkout_url == f"{settings.PUBLIC_ORIGIN}/sandbox/pay/{session.pk}/"
    assert session.return_url == f"{settings.PUBLIC_ORIGIN}/es/pay/receipt/{attempt.pk}/"
    assert (session.key, session.amount_cents, session.language) == (str(attempt.pk), 10_000, "es")


def test_start_again_uses_the_same_card_page(statement):
    first = payments.start_payment(statement, 10_000, "en")
    second = payments.start_payment(statement, 10_000, "en")

    assert (first.pk, first.checkout_url) == (second.pk, second.checkout_url)
    assert CardSession.objects.count() == 1


def test_start_with_another_amount_closes_the_first_page(statement):
    first = payments.start_payment(statement, 10_000, "en")
    second = payments.start_payment(statement, 5_000, "en")

    first.refresh_from_db()
    assert (first.state, second.state) == (AttemptState.EXPIRED, AttemptState.OPEN)
    assert list(CardSession.objects.order_by("created_at").values_list("state", flat=True)) == ["expired", "open"]


def test_start_with_another_amount_when_the_first_was_paid_settles_it(statement):
    first = payments.start_payment(statement, 9_000, "en")
    take_payment(CardSession.objects.get().pk, messages=0)

    second = payments.start_payment(statement, 1_000, "en")

    first.refresh_from_db()
    statement.refresh_from_db()
    assert (first.state, second.amount_cents) == (AttemptState.PAID, 1_000)
    assert statement.balance_cents == 1_000


def test_start_again_after_paying_finds_the_payment(statement):
    first = payments.start_payment(statement, 10_000, "en")
    take_payment(CardSession.objects.get().pk, messages=0)

    again = payments.start_payment(statement, 10_000, "en")

    assert (again.pk, again.state) == (first.pk, AttemptState.PAID)
    assert Payment.objects.count() == 1


def test_start_on_a_paid_statement_is_refused(statement):
    payments.settle(payments.start_payment(statement, 10_000, "en"), PAID)
    statement.refresh_from_db()

    with pytest.raises(payments.PaymentRefused, match="already paid"):
        payments.start_payment(statement, 10_000, "en")


def test_start_with_paying_off_leaves_nothing_behind(statement, settings):
    settings.BILLING_GATEWAY = ""

    with pytest.raises(payments.PaymentRefused, match="switched off"):
        payments.start_payment(statement, 10_000, "en")
    assert Attempt.objects.count() == 0


def test_start_on_a_void_statement_is_refused(statement):
    void_statement(statement, by=None, reason="sent twice")

    with pytest.raises(payments.PaymentRefused, match="withdrawn"):
        payments.start_payment(statement, 10_000, "en")


def test_lost_answer_leaves_unknown_and_trying_again_finds_the_same_page(statement):
    with answers_lost(), pytest.raises(payments.CardPageUnreachable):
        payments.start_payment(statement, 10_000, "en")
    assert Attempt.objects.get().state == AttemptState.UNKNOWN

    attempt = payments.start_payment(statement, 10_000, "en")

    assert attempt.state == AttemptState.OPEN
    assert (Attempt.objects.count(), CardSession.objects.count()) == (1, 1)


def test_look_keeps_what_we_know_when_nobody_answers(statement):
    attempt = payments.start_payment(statement, 10_000, "en")

    with answers_lost():
        assert payments.look_at(attempt).state == AttemptState.OPEN


def test_second_amount_waits_while_the_first_page_cannot_be_closed(statement):
    first = payments.start_payment(statement, 10_000, "en")

    with answers_lost("stop", acts=False), pytest.raises(payments.CardPageUnreachable):
        payments.start_payment(statement, 5_000, "en")

    first.refresh_from_db()
    assert (first.state, Attempt.objects.count(), CardSession.objects.get().state) == ("unknown", 1, "open")


def test_preview_equals_what_is_posted(statement):
    for cents in (4_000, 6_000):
        will = payments.preview(statement, cents)
        payment = pay(statement, cents)
        assert (will.before_cents, will.pays_cents, will.surplus_cents, will.after_cents) == (
            payment.balance_before_cents,
            payment.applied_cents,
            payment.credit_cents,
            payment.balance_after_cents,
        )


def test_settle_records_payment_ledger_and_receipt(statement):
    attempt = payments.start_payment(statement, 4_000, "en")

    payments.settle(attempt, replace(PAID, amount_cents=4_000))

    payment = Payment.objects.get()
    statement.refresh_from_db()
    assert (payment.amount_cents, payment.applied_cents, payment.credit_cents) == (4_000, 4_000, 0)
    assert (payment.balance_before_cents, payment.balance_after_cents) == (10_000, 6_000)
    assert payment.receipt_number.startswith(f"R-{timezone.localdate().year}-")
    assert statement.balance_cents == 6_000
    assert accounts() == {"gateway": 4_000, "receivable": 6_000, "revenue": -10_000}


def test_settle_twice_is_once(statement):
    attempt = payments.start_payment(statement, 10_000, "en")

    payments.settle(attempt, PAID)
    payments.settle(attempt, PAID)

    assert Payment.objects.get().needs_review == ""
    assert proof().holds


def test_settle_with_another_reference_is_a_second_payment_that_is_all_credit(statement, run_jobs, mailoutbox):
    attempt = payments.start_payment(statement, 10_000, "en", receipt_to="payer@example.com")
    payments.settle(attempt, PAID)

    for _time in range(2):
        attempt = payments.settle(attempt, replace(PAID, payment_ref="pay_2"))

    first, second = Payment.objects.order_by("pk")
    assert (first.applied_cents, first.credit_cents, first.needs_review) == (10_000, 0, "")
    assert (second.applied_cents, second.credit_cents) == (0, 10_000)
    assert second.needs_review == "Captured a second time"
    assert (attempt.payment_ref, attempt.payment) == ("pay_1", first)
    assert accounts() == {"gateway": 20_000, "credit": -10_000, "revenue": -10_000}
    run_jobs()
    assert sorted(to for mail in mailoutbox for to in mail.to) == [
        "billing@radiology.example",
        "payer@example.com",
        "payer@example.com",
    ]


def test_settle_what_exceeds_the_balance_is_credit(statement):
    attempt = payments.start_payment(statement, 10_000, "en")

    payments.settle(attempt, replace(PAID, amount_cents=12_000))

    payment = Payment.objects.get()
    assert (payment.applied_cents, payment.credit_cents) == (10_000, 2_000)
    assert payment.needs_review == "Captured another amount than was asked"
    assert accounts() == {"gateway": 12_000, "credit": -2_000, "revenue": -10_000}


def test_settle_other_currency_is_marked(statement):
    payments.settle(payments.start_payment(statement, 10_000, "en"), replace(PAID, currency="eur"))

    assert Payment.objects.get().needs_review == "Captured in eur"


@pytest.mark.parametrize("late", [OutcomeState.FAILED, OutcomeState.EXPIRED])
def test_money_wins_over_an_earlier_failure_and_a_later_one(statement, late):
    attempt = payments.start_payment(statement, 10_000, "en")

    payments.apply_outcome(attempt, Outcome(late))
    payments.apply_outcome(attempt, PAID)
    payments.apply_outcome(attempt, Outcome(late))

    attempt.refresh_from_db()
    assert attempt.state == AttemptState.PAID
    assert Payment.objects.count() == 1


def test_absent_page_is_forgotten_only_after_its_time(statement):
    attempt = factories.AttemptFactory(statement=statement)
    absent = Outcome(OutcomeState.ABSENT)

    before = payments.apply_outcome(attempt, absent, at=attempt.expires_at + timedelta(minutes=4))
    after = payments.apply_outcome(attempt, absent, at=attempt.expires_at + timedelta(minutes=6))

    assert (before.state, after.state) == (AttemptState.CREATED, AttemptState.EXPIRED)


def test_absent_page_that_was_stopped_is_forgotten_at_once(statement):
    attempt = payments.stop(factories.AttemptFactory(statement=statement))

    assert attempt.state == AttemptState.EXPIRED


def test_processing_leaves_the_attempt_live(statement):
    attempt = payments.start_payment(statement, 10_000, "en")

    assert payments.apply_outcome(attempt, Outcome(OutcomeState.PROCESSING)).state == AttemptState.OPEN


def test_sweep_settles_what_nobody_told_us(statement, capsys):
    payments.start_payment(statement, 10_000, "en")
    take_payment(CardSession.objects.get().pk, messages=0)

    call_command("settle_payments")

    assert capsys.readouterr().out == (
        "1 payments settled or closed, 0 messages acted on, 0 refunds resolved, 0 instalments paid, "
        "0 found at the processor, 0 reminders sent.\n"
    )
    assert sweep() == SweepReport()
    assert (Payment.objects.count(), proof().holds) == (1, True)


def test_sweep_goes_on_after_one_it_cannot_ask_about(statement, caplog):
    lost = factories.AttemptFactory(gateway="gone", created_at=timezone.now() - timedelta(minutes=9))
    payments.start_payment(statement, 10_000, "en")
    take_payment(CardSession.objects.get().pk, messages=0)

    assert sweep().attempts == 1
    assert f"Attempt {lost.pk} could not be brought to an end" in caplog.text


def test_sweep_closes_pages_that_ran_out(statement):
    attempt = payments.start_payment(statement, 10_000, "en")
    CardSession.objects.update(expires_at=timezone.now() - timedelta(minutes=1))

    sweep()

    attempt.refresh_from_db()
    assert attempt.state == AttemptState.EXPIRED


def test_sweep_leaves_a_page_open_that_can_still_be_paid(statement):
    attempt = payments.start_payment(statement, 10_000, "en")

    assert sweep() == SweepReport()
    attempt.refresh_from_db()
    assert attempt.state == AttemptState.OPEN


def test_sweep_stops_a_page_that_asks_for_more_than_is_owed(statement):
    attempt = payments.start_payment(statement, 10_000, "en")
    with answers_lost("stop", acts=False):
        write_off(statement, 6_000, by=factories.UserFactory(), reason="hardship", cause=uuid4())
    assert page_of(attempt).state == "open"

    assert sweep().attempts == 1

    assert (page_of(attempt).state, Attempt.objects.get().state) == ("expired", AttemptState.EXPIRED)


def test_sweep_finds_money_of_an_attempt_we_had_given_up(statement):
    attempt = payments.start_payment(statement, 10_000, "en")
    take_payment(page_of(attempt).pk, messages=0)
    Attempt.objects.update(state=AttemptState.EXPIRED, closed_at=timezone.now())

    assert sweep().found == 1
    assert (Payment.objects.get().applied_cents, Attempt.objects.get().state) == (10_000, AttemptState.PAID)


@pytest.mark.parametrize(("hours", "deep", "found"), [(1, False, 1), (3, False, 0), (3, True, 1), (36 * 24, True, 0)])
def test_sweep_looks_back_two_hours_and_a_deep_one_five_weeks(statement, hours, deep, found):
    attempt = payments.start_payment(statement, 10_000, "en")
    take_payment(page_of(attempt).pk, messages=0)
    Attempt.objects.update(state=AttemptState.EXPIRED, closed_at=timezone.now())

    assert sweep(timezone.now() + timedelta(hours=hours), deep=deep).found == found


def test_sweep_acts_on_messages_that_waited(statement):
    attempt = payments.start_payment(statement, 10_000, "en")
    take_payment(page_of(attempt).pk, messages=1)
    body = Notification.objects.get().body
    GatewayEvent.objects.create(gateway="sandbox", event_id="evt_1", kind="checkout.paid", body=body, tries=3)
    Attempt.objects.update(state=AttemptState.FAILED, closed_at=timezone.now())

    assert sweep().events == 1
    assert GatewayEvent.objects.get().tries == 4
    assert Payment.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_second_sweep_at_the_same_time_does_nothing(capsys):
    found = []
    payments.start_payment(factories.StatementFactory(owes=10_000), 10_000, "en")
    take_payment(CardSession.objects.get().pk, messages=0)

    def second():
        found.append(sweep())
        call_command("settle_payments")
        connection.close()

    with alone(ONE_SWEEP) as is_ours:
        other = threading.Thread(target=second)
        other.start()
        other.join()

    assert (is_ours, found, Payment.objects.count()) == (True, [None], 0)
    assert capsys.readouterr().out == "Another sweep is at work; nothing was done.\n"
    assert sweep().attempts == 1


@pytest.mark.django_db(transaction=True)
def test_twenty_tabs_make_one_attempt_and_one_payment():
    statement = factories.StatementFactory(owes=10_000)

    refusals = set()

    def tab():
        try:
            attempt = payments.start_payment(statement, 10_000, "en")
            take_payment(CardSession.objects.get().pk, messages=0)
            payments.look_at(attempt)
        except payments.PaymentRefused as refusal:  # for the tabs that came after the money
            refusals.add(str(refusal))
        finally:
            connection.close()

    tabs = [threading.Thread(target=tab) for _tab in range(20)]
    for thread in tabs:
        thread.start()
    for thread in tabs:
        thread.join()

    statement.refresh_from_db()
    assert (Attempt.objects.count(), Payment.objects.count(), statement.balance_cents) == (1, 1, 0)
    assert refusals <= {"This statement is already paid. You owe nothing on it."}
    assert prove().holds


@pytest.mark.django_db(transaction=True)
def test_two_payments_at_once_never_apply_more_than_is_owed():
    statement = factories.StatementFactory(owes=10_000)
    now = timezone.now()
    attempts = [
        factories.AttemptFactory(statement=statement, state=AttemptState.EXPIRED, closed_at=now) for _n in range(5)
    ]

    def settle(number, attempt):
        try:
            payments.settle(attempt, replace(PAID, payment_ref=f"late_{number}", session_ref="", amount_cents=4_000))
        finally:
            connection.close()

    threads = [threading.Thread(target=settle, args=pair) for pair in enumerate(attempts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    statement.refresh_from_db()
    assert statement.balance_cents == 0
    assert sum(payment.credit_cents for payment in Payment.objects.all()) == 10_000
    assert prove().holds


@pytest.mark.django_db
def test_sweep_that_goes_on_for_ever_sweeps_again_and_says_nothing_when_told_to(statement, monkeypatch, capsys):
    rounds = []

    def wait(seconds):
        rounds.append(seconds)
        if len(rounds) == 2:
            raise KeyboardInterrupt
        payments.start_payment(statement, 10_000, "en")
        take_payment(CardSession.objects.get().pk, messages=0)

    monkeypatch.setattr("billing.management.commands.settle_payments.time.sleep", wait)
    monkeypatch.setattr("billing.management.commands.settle_payments.connection.close", lambda: None)
    with pytest.raises(KeyboardInterrupt):
        call_command("settle_payments", every=60, verbosity=0)

    assert (rounds, Payment.objects.count(), capsys.readouterr().out) == ([60, 60], 1, "")
