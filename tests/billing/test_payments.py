"""The payment protocol: whatever is repeated, lost or late, money is recorded once."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from billing import payments
from billing.gateways.interface import Outcome, OutcomeState, Unknown
from billing.gateways.sandbox.models import CardSession
from billing.gateways.sandbox.processor import SandboxGateway, take_payment
from billing.ledger import prove
from billing.models import Attempt, AttemptState, Payment
from tests import factories

PAID = Outcome(
    OutcomeState.PAID, payment_ref="pay_1", session_ref="s_1", amount_cents=10_000, card_brand="Test", card_last4="4242"
)


@pytest.fixture
def statement(db):
    return factories.StatementFactory(owes=10_000)


class Cut(SandboxGateway):
    """A processor that acts, and whose answers are lost."""

    def start(self, checkout):
        super().start(checkout)
        raise Unknown

    def look(self, key):
        raise Unknown

    def stop(self, key):
        raise Unknown


@pytest.fixture
def answers_are_lost(monkeypatch):
    def lose():
        monkeypatch.setattr(payments, "get_gateway", lambda code: Cut())

    def restore():
        monkeypatch.setattr(payments, "get_gateway", lambda code: SandboxGateway())

    lose.restore = restore
    return lose


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
    settings.PAYMENT_GATEWAY = ""

    with pytest.raises(payments.PaymentRefused, match="switched off"):
        payments.start_payment(statement, 10_000, "en")
    assert Attempt.objects.count() == 0


def test_start_on_a_void_statement_is_refused(statement):
    type(statement).objects.update(voided_at=timezone.now())

    with pytest.raises(payments.PaymentRefused, match="withdrawn"):
        payments.start_payment(statement, 10_000, "en")


def test_lost_answer_leaves_unknown_and_trying_again_finds_the_same_page(statement, answers_are_lost):
    answers_are_lost()
    with pytest.raises(payments.CardPageUnreachable):
        payments.start_payment(statement, 10_000, "en")
    assert Attempt.objects.get().state == AttemptState.UNKNOWN

    answers_are_lost.restore()
    attempt = payments.start_payment(statement, 10_000, "en")

    assert attempt.state == AttemptState.OPEN
    assert (Attempt.objects.count(), CardSession.objects.count()) == (1, 1)


def test_look_keeps_what_we_know_when_nobody_answers(statement, answers_are_lost):
    attempt = payments.start_payment(statement, 10_000, "en")
    answers_are_lost()

    assert payments.look_at(attempt).state == AttemptState.OPEN


def test_settle_records_payment_ledger_and_receipt(statement):
    attempt = payments.start_payment(statement, 4_000, "en")

    payments.settle(attempt, replace(PAID, amount_cents=4_000))

    payment = Payment.objects.get()
    statement.refresh_from_db()
    assert (payment.amount_cents, payment.applied_cents, payment.credit_cents) == (4_000, 4_000, 0)
    assert (payment.balance_before_cents, payment.balance_after_cents) == (10_000, 6_000)
    assert payment.receipt_number.startswith(f"R-{timezone.localdate().year}-")
    assert statement.balance_cents == 6_000
    assert prove().accounts_cents == {"gateway": 4_000, "receivable": 6_000, "revenue": -10_000}


def test_settle_twice_is_once(statement):
    attempt = payments.start_payment(statement, 10_000, "en")

    payments.settle(attempt, PAID)
    payments.settle(attempt, PAID)

    assert Payment.objects.get().needs_review == ""
    assert prove().holds


def test_settle_with_another_reference_marks_it_for_staff(statement):
    attempt = payments.start_payment(statement, 10_000, "en")
    payments.settle(attempt, PAID)

    payments.settle(attempt, replace(PAID, payment_ref="pay_2"))

    assert Payment.objects.get().needs_review == "Captured again as pay_2"


def test_settle_what_exceeds_the_balance_is_credit(statement):
    attempt = payments.start_payment(statement, 10_000, "en")

    payments.settle(attempt, replace(PAID, amount_cents=12_000))

    payment = Payment.objects.get()
    assert (payment.applied_cents, payment.credit_cents) == (10_000, 2_000)
    assert payment.needs_review == "Captured another amount than was asked"
    assert prove().accounts_cents["credit"] == -2_000


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


def test_sweep_settles_what_nobody_told_us(statement, capsys):
    payments.start_payment(statement, 10_000, "en")
    take_payment(CardSession.objects.get().pk, messages=0)
    assert payments.sweep() == 0  # younger than two minutes: the payer is probably on the way back

    assert payments.sweep(timezone.now() + timedelta(minutes=3)) == 1
    assert payments.sweep(timezone.now() + timedelta(minutes=3)) == 0
    assert Payment.objects.count() == 1
    call_command("settle_payments")
    assert capsys.readouterr().out == "0 payments settled or closed.\n"


def test_sweep_goes_on_after_one_it_cannot_ask_about(statement, caplog):
    lost = factories.AttemptFactory(gateway="gone", created_at=timezone.now() - timedelta(minutes=9))
    payments.start_payment(statement, 10_000, "en")
    take_payment(CardSession.objects.get().pk, messages=0)

    assert payments.sweep(timezone.now() + timedelta(minutes=3)) == 1
    assert f"Attempt {lost.pk} cannot be asked about" in caplog.text


def test_sweep_closes_pages_that_ran_out(statement):
    attempt = payments.start_payment(statement, 10_000, "en")
    CardSession.objects.update(expires_at=timezone.now() - timedelta(minutes=1))

    payments.sweep(timezone.now() + timedelta(minutes=3))

    attempt.refresh_from_db()
    assert attempt.state == AttemptState.EXPIRED


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


def test_proof_finds_a_statement_whose_sum_was_bent(statement):
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("UPDATE billing_statement SET applied_cents = 1")
        cursor.execute("SET session_replication_role = DEFAULT")

    proof = prove()

    assert not proof.holds
    assert proof.problems["statements whose sums differ from their legs"] == [str(statement.pk)]
