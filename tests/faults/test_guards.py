"""Take a guard away and the bad thing happens: so the scenario is able to notice, and the guard is what prevents it.

Each scenario runs twice: with the guard, where all is well, and without it, where money is doubled.
"""

import threading
from contextlib import contextmanager
from dataclasses import replace
from uuid import uuid4

import pytest
import stripe as client
from django.db import IntegrityError, connection
from django.db.models.query import QuerySet

from billing import instalments, payments, plans
from billing.gateways.interface import Outcome, OutcomeState
from billing.gateways.stripe import StripeGateway
from billing.models import Attempt, Instalment, Journal, Payment, Refund, Statement
from billing.models.payments import PaymentQuerySet
from billing.refunds import RefundRefused, push, request_refund
from tests import factories
from tests.faults.test_storm import at_once

pytestmark = pytest.mark.django_db(transaction=True)
BARRIER_SECONDS = 5


def sql(text):
    with connection.cursor() as cursor:
        cursor.execute(text)


# ---- Ways to take a guard away --------------------------------------------------------------------------------------


@pytest.fixture
def without_keys(monkeypatch):
    """Every request has a new idempotency key."""

    def take_away():
        for service in (
            client.checkout.SessionService,
            client.PaymentIntentService,
            client.RefundService,
        ):
            create = service.create

            def with_random_key(self, params, options, create=create):
                return create(self, params, {**options, "idempotency_key": uuid4().hex})

            monkeypatch.setattr(service, "create", with_random_key)

    return take_away


@pytest.fixture
def without_locks(monkeypatch):
    """SELECT ... FOR UPDATE locks nothing."""

    def take_away():
        monkeypatch.setattr(QuerySet, "select_for_update", lambda self, **options: self)

    return take_away


@pytest.fixture
def dropped():
    """Take a rule out of the database; it is back after the test."""
    restore = []

    def drop(text, back):
        sql(text)
        restore.append(back)

    yield drop
    for text in reversed(restore):
        sql("SET session_replication_role = replica")
        sql("TRUNCATE billing_statement, billing_journal CASCADE")  # what broke the rule would not let it back
        sql("SET session_replication_role = DEFAULT")
        sql(text)


def drop_index(dropped, name):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_indexdef(%s::regclass)", [name])
        (definition,) = cursor.fetchone()
        cursor.execute("SELECT conrelid::regclass FROM pg_constraint WHERE conname = %s", [name])
        constraint = cursor.fetchone()
    if constraint:
        definition = f"ALTER TABLE {constraint[0]} ADD CONSTRAINT {name} UNIQUE {definition[definition.index('(') :]}"
        dropped(f"ALTER TABLE {constraint[0]} DROP CONSTRAINT {name}", definition)
    else:
        dropped(f"DROP INDEX {name}", definition)


@contextmanager
def together_before(text, parties):
    """Threads that run `job` through what this gives wait for each other before a statement that begins so."""
    barrier = threading.Barrier(parties)

    def wait(execute, query, params, many, context):
        if query.startswith(text) and not barrier.broken:
            barrier.wait(BARRIER_SECONDS)
        return execute(query, params, many, context)

    def run(job):
        with connection.execute_wrapper(wait):
            return job()

    yield run


# ---- The idempotency key --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("guarded", [True, False])
def test_key_of_a_card_page(stripe, without_keys, guarded):
    """The answer is lost and the patient tries again."""
    if not guarded:
        without_keys()
    statement = factories.StatementFactory(owes=10_000)
    stripe.fail("cut", "/v1/checkout/sessions")
    with pytest.raises(payments.CardPageUnreachable):
        payments.start_payment(statement, 10_000, "en")

    attempt = payments.start_payment(statement, 10_000, "en")

    pages = stripe.sessions_of(attempt.pk)
    can_be_paid = [stripe.pay(page["id"]) for page in pages]
    assert can_be_paid == ([303] if guarded else [303, 303])


@pytest.mark.parametrize("guarded", [True, False])
def test_key_of_a_charge(stripe, without_keys, guarded):
    """Two workers charge the same part at once, or one does it twice without having heard."""
    statement = factories.StatementFactory(owes=12_000)
    plan = plans.agree(statement, 2, email="payer@example.com", language="en", address=None)
    attempt = payments.start_payment(statement, 6_000, "en", instalment=plan.instalments.get(position=1))
    stripe.pay(attempt.session_ref)
    payments.look_at(attempt)
    part = Instalment.objects.get(plan=plan, position=2)
    attempt = factories.AttemptFactory(
        statement=statement, instalment=part, kind="instalment", amount_cents=6_000, gateway="stripe"
    )
    if not guarded:
        without_keys()
    stripe.fail("cut", "/v1/payment_intents")

    instalments.charge(attempt)
    instalments.charge(attempt)

    assert len(stripe.intents_of(attempt.pk)) == (1 if guarded else 2)
    assert stripe.captured() == (12_000 if guarded else 18_000)


@pytest.mark.parametrize("guarded", [True, False])
def test_key_of_a_refund(stripe, without_keys, guarded):
    """Two sweeps push the same refund at once: each looks, finds nothing, and asks."""
    payment = paid(stripe)
    stripe.fail("429", "/v1/refunds")
    refund = request_refund(payment, 5_000, by=factories.UserFactory(), reason="moved away")
    if not guarded:
        without_keys()
    stripe.gate = threading.Barrier(2)

    at_once([lambda: push(Refund.objects.select_related("payment").get())] * 2)

    stripe.gate = None
    assert stripe.refunded() == (5_000 if guarded else 10_000)
    assert refund.amount_cents == 5_000


def paid(stripe, owes=10_000):
    attempt = payments.start_payment(factories.StatementFactory(owes=owes), owes, "en")
    stripe.pay(attempt.session_ref)
    return payments.look_at(attempt).payment


# ---- One live attempt: the lock on the statement, and the unique index ----------------------------------------------


@pytest.mark.parametrize(
    ("lock", "index", "pages"), [(True, True, 1), (False, True, 1), (True, False, 1), (False, False, 2)]
)
def test_lock_and_index_of_the_live_attempt(stripe, without_locks, dropped, lock, index, pages):
    """Two tabs at once. Either guard is enough; without both there are two pages for one bill."""
    factories.StatementFactory(owes=10_000)
    if not lock:
        without_locks()
    if not index:
        drop_index(dropped, "billing_attempt_one_live")

    with together_before('INSERT INTO "billing_attempt"', 1 if lock else 2) as run:

        def tab():
            return payments.start_payment(Statement.objects.get(), 10_000, "en").pk

        at_once([lambda: run(tab)] * 2)

    assert Attempt.objects.live().count() == pages
    assert [stripe.pay(session) for session in list(stripe.sessions)] == [303] * pages


# ---- Money once: the look before, the unique payment, the unique entry ----------------------------------------------


@pytest.mark.parametrize(
    ("look", "payment_index", "entry_index", "recorded"),
    [
        (True, True, True, 1), (False, True, True, 1), (True, False, True, 1), (True, True, False, 1),
        (False, False, True, 1), (False, True, False, 1), (False, False, False, 2),
    ],
)  # fmt: skip
def test_guards_of_settling_once(stripe, monkeypatch, dropped, look, payment_index, entry_index, recorded):
    """The same capture is reported twice. Any one of three guards is enough."""
    attempt = payments.start_payment(factories.StatementFactory(owes=10_000), 10_000, "en")
    outcome = Outcome(OutcomeState.PAID, payment_ref="pi_1", amount_cents=10_000)
    if not look:
        monkeypatch.setattr(PaymentQuerySet, "exists", lambda self: False, raising=False)
    if not payment_index:
        drop_index(dropped, "billing_payment_ref_unique")
    if not entry_index:
        drop_index(dropped, "billing_journal_once_per_cause")

    payments.settle(attempt, outcome)
    try:
        payments.settle(attempt, replace(outcome))
    except IntegrityError:
        assert not look  # the message is then asked for again

    assert Payment.objects.count() == Journal.objects.filter(kind="payment").count() == recorded


# ---- Returned at most once: the reservation -------------------------------------------------------------------------


@pytest.mark.parametrize("guarded", [True, False])
def test_reservation_of_refunds(stripe, dropped, settings, guarded):
    """Twenty refunds of thirty dollars on a hundred, at a processor that returns whatever it is asked to."""
    paid(stripe)
    clerk = factories.UserFactory()
    stripe.has_ceiling = False
    settings.REFUND_SECOND_PERSON_ABOVE_CENTS = 100_000
    if not guarded:
        dropped(
            "ALTER TABLE billing_refund DISABLE TRIGGER billing_refund_reserves",
            "ALTER TABLE billing_refund ENABLE TRIGGER billing_refund_reserves",
        )

    def click():
        try:
            request_refund(Payment.objects.get(), 3_000, by=clerk, reason="moved away")
        except RefundRefused:
            return

    at_once([click] * 20)

    assert stripe.refunded() == (9_000 if guarded else 60_000)


# ---- The page is closed before another is opened --------------------------------------------------------------------


@pytest.mark.parametrize("guarded", [True, False])
def test_closing_the_first_page_before_the_second(stripe, monkeypatch, guarded):
    """The patient opens a page for all, goes back, opens one for half, and pays both."""
    statement = factories.StatementFactory(owes=10_000)
    if not guarded:
        monkeypatch.setattr(StripeGateway, "stop", lambda self, ref: Outcome(OutcomeState.EXPIRED, key=ref.key))
    first = payments.start_payment(statement, 10_000, "en")
    second = payments.start_payment(statement, 5_000, "en")

    answers = [stripe.pay(attempt.session_ref) for attempt in (first, second)]

    assert answers == ([410, 303] if guarded else [303, 303])
    assert stripe.captured() == (5_000 if guarded else 15_000)


# ---- The chain: sealed entries ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("guarded", [True, False])
def test_overpaying_is_held_back_by_the_check(stripe, dropped, without_locks, guarded):
    """Two captures for one bill are settled at once, and each reads the balance before the other was written."""
    statement = factories.StatementFactory(owes=10_000)
    attempts = [
        factories.AttemptFactory(statement=statement, gateway="stripe", state="expired", closed_at=statement.created_at)
        for _attempt in range(2)
    ]
    without_locks()
    if not guarded:
        dropped(
            "ALTER TABLE billing_statement DROP CONSTRAINT billing_statement_applied_within_charges",
            "ALTER TABLE billing_statement ADD CONSTRAINT billing_statement_applied_within_charges "
            "CHECK (applied_cents >= 0 AND applied_cents <= charges_cents)",
        )

    with together_before('INSERT INTO "billing_payment"', 2) as run:

        def settle(attempt):
            outcome = Outcome(OutcomeState.PAID, payment_ref=f"pi_{attempt.pk}", amount_cents=10_000)
            try:
                payments.settle(attempt, outcome)
            except IntegrityError:
                return "refused"
            return "settled"

        found = at_once([lambda attempt=attempt: run(lambda: settle(attempt)) for attempt in attempts])

    statement.refresh_from_db()
    assert sorted(found) == (["refused", "settled"] if guarded else ["settled", "settled"])
    assert statement.balance_cents == (0 if guarded else -10_000)
