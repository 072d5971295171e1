"""Every rule about money, attacked: by the ORM where it can, by plain SQL where it cannot."""

from datetime import date, timedelta
from itertools import product
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from billing.models import (
    LIVE_STATES,
    NEXT_STATES,
    Account,
    Attempt,
    AttemptState,
    GatewayEvent,
    Journal,
    JournalKind,
    Leg,
    Payment,
    Statement,
    StatementLine,
)
from tests import factories

pytestmark = pytest.mark.django_db


def refuse(constraint):
    return pytest.raises(IntegrityError, match=constraint)


def check_deferred():
    """Do now what the database does at commit."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def sql(statement, *values):
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def post(kind, *legs):
    journal = Journal.objects.create(kind=kind, cause=str(uuid4()))
    for account, statement, cents in legs:
        Leg.objects.create(journal=journal, account=account, statement=statement, cents=cents)
    return journal


def paid_attempt(statement, **facts):
    now = timezone.now()
    return factories.AttemptFactory(
        statement=statement, state=AttemptState.PAID, payment_ref=uuid4().hex, closed_at=now, **facts
    )


def payment(attempt, **facts):
    defaults = {
        "attempt": attempt,
        "statement": attempt.statement,
        "gateway": attempt.gateway,
        "payment_ref": attempt.payment_ref,
        "receipt_number": uuid4().hex[:20],
        "amount_cents": 10_000,
        "applied_cents": 10_000,
        "balance_before_cents": 10_000,
        "captured_at": timezone.now(),
    }
    return Payment.objects.create(**defaults | facts)


def test_statement_sums_follow_the_ledger():
    statement = factories.StatementFactory(owes=10_000)

    post(JournalKind.PAYMENT, (Account.GATEWAY, statement, 4_000), (Account.RECEIVABLE, statement, -4_000))
    check_deferred()

    statement.refresh_from_db()
    assert (statement.charges_cents, statement.applied_cents, statement.balance_cents) == (10_000, 4_000, 6_000)


def test_statement_cannot_be_overpaid():
    statement = factories.StatementFactory(owes=10_000)

    with refuse("billing_statement_applied_within_charges"), transaction.atomic():
        post(JournalKind.PAYMENT, (Account.RECEIVABLE, statement, -10_001))


def test_statement_cannot_be_applied_less_than_nothing():
    statement = factories.StatementFactory(owes=10_000)

    with refuse("billing_statement_applied_within_charges"), transaction.atomic():
        post(JournalKind.PAYMENT, (Account.RECEIVABLE, statement, 1))


def test_statement_charges_cannot_be_negative():
    statement = factories.StatementFactory(owes=10_000)

    with refuse("billing_statement_charges_in_range|billing_statement_applied"), transaction.atomic():
        post(JournalKind.REVISION, (Account.RECEIVABLE, statement, -10_001))


@pytest.mark.parametrize("column", ["charges_cents", "applied_cents"])
def test_statement_sums_are_not_set_by_hand(column):
    statement = factories.StatementFactory(owes=10_000)

    with refuse("only|ledger"), transaction.atomic():
        sql(f"UPDATE billing_statement SET {column} = 5 WHERE id = %s", statement.pk)
    with refuse("ledger"), transaction.atomic():
        Statement.objects.create(
            patient=statement.patient,
            number="by hand",
            code_index="x",
            issued_on=date(2026, 1, 1),
            due_on=date(2026, 1, 2),
            **{column: 5},
        )


def test_statement_keeps_its_patient_and_number():
    statement = factories.StatementFactory()

    for column, value in (("patient_id", factories.PatientFactory().pk), ("number", "other")):
        with refuse("keeps its number and its patient"), transaction.atomic():
            sql(f"UPDATE billing_statement SET {column} = %s WHERE id = %s", value, statement.pk)


def test_statement_is_due_after_it_is_issued():
    with refuse("billing_statement_due_after_issue"), transaction.atomic():
        factories.StatementFactory(issued_on=date(2026, 2, 2), due_on=date(2026, 2, 1))


def test_statement_code_is_unique():
    statement = factories.StatementFactory()

    with refuse("code_index"), transaction.atomic():
        factories.StatementFactory(code=statement.code)


@pytest.mark.parametrize(
    "table", ["billing_statement", "billing_attempt", "billing_payment", "billing_journal", "billing_leg"]
)
def test_money_is_never_deleted(table):
    attempt = paid_attempt(factories.StatementFactory())
    payment(attempt)

    with refuse(f"{table} keeps what was written: DELETE refused"), transaction.atomic():
        sql(f"DELETE FROM {table}")


@pytest.mark.parametrize("table", ["billing_payment", "billing_journal", "billing_leg"])
def test_money_is_never_truncated(table):
    with refuse("TRUNCATE refused"), transaction.atomic():
        sql(f"TRUNCATE {table} CASCADE")


@pytest.mark.parametrize(("table", "column"), [("billing_journal", "cause"), ("billing_leg", "account")])
def test_ledger_is_never_changed(table, column):
    factories.StatementFactory()

    with refuse(f"{table} keeps what was written: UPDATE refused"), transaction.atomic():
        sql(f"UPDATE {table} SET {column} = {column}")


@pytest.mark.parametrize("legs", [[], [("gateway", 5)], [("gateway", 5), ("credit", -4)]])
def test_journal_must_balance_at_commit(legs):
    statement = factories.StatementFactory()
    journal = Journal.objects.create(kind=JournalKind.PAYMENT, cause="unbalanced")
    for account, cents in legs:
        Leg.objects.create(journal=journal, account=account, statement=statement, cents=cents)

    with refuse("does not balance"), transaction.atomic():
        check_deferred()
    connection.needs_rollback = True  # or the end of the test would check once more


def test_journal_is_posted_once_per_cause():
    statement = factories.StatementFactory()

    with refuse("billing_journal_once_per_cause"), transaction.atomic():
        Journal.objects.create(kind=JournalKind.CHARGE, cause=statement.number)


@pytest.mark.parametrize(
    ("constraint", "facts"),
    [
        ("billing_leg_not_zero", {"account": "gateway", "cents": 0}),
        ("billing_leg_account_known", {"account": "slush", "cents": 1}),
        ("billing_leg_receivable_names_statement", {"account": "receivable", "cents": 1}),
    ],
)
def test_leg_rules(constraint, facts):
    factories.StatementFactory()
    journal = Journal.objects.get()

    with refuse(constraint), transaction.atomic():
        Leg.objects.create(journal=journal, **facts)


def test_journal_kind_is_known():
    with refuse("billing_journal_kind_known"), transaction.atomic():
        Journal.objects.create(kind="gift", cause="x")


@pytest.mark.parametrize(
    ("constraint", "facts"),
    [
        ("billing_statementline_adds_up", {"charge_cents": 100, "patient_cents": 99}),
        ("billing_statementline_amounts_not_negative", {"charge_cents": -1, "patient_cents": -1}),
        (
            "billing_statementline_amounts_not_negative",
            {"charge_cents": 0, "insurance_paid_cents": -1, "patient_cents": 1},
        ),
        ("billing_statementline_unique_position", {"position": 1, "charge_cents": 1, "patient_cents": 1}),
    ],
)
def test_line_rules(constraint, facts):
    statement = factories.StatementFactory()

    with refuse(constraint), transaction.atomic():
        StatementLine.objects.create(
            **{"statement": statement, "position": 2, "service_on": date(2026, 9, 1), "description": "x"} | facts
        )


def test_lines_must_add_up_to_the_charges_at_commit():
    statement = factories.StatementFactory(owes=10_000)

    with refuse("do not add up"), transaction.atomic():
        StatementLine.objects.create(
            statement=statement,
            position=2,
            service_on=date(2026, 9, 1),
            description="x",
            charge_cents=1,
            patient_cents=1,
        )
        check_deferred()


@pytest.mark.parametrize(
    ("constraint", "facts"),
    [
        ("billing_attempt_amount_large_enough", {"amount_cents": 49}),
        ("billing_attempt_state_known", {"state": "maybe", "closed_at": timezone.now()}),
        ("billing_attempt_closed_with_its_state", {"state": "open", "closed_at": timezone.now()}),
        ("billing_attempt_closed_with_its_state", {"state": "failed", "closed_at": None}),
    ],
)
def test_attempt_rules(constraint, facts):
    with refuse(constraint), transaction.atomic():
        factories.AttemptFactory(**facts)


@pytest.mark.parametrize("state", LIVE_STATES)
def test_attempt_one_live_per_statement(state):
    first = factories.AttemptFactory(state=state)

    with refuse("billing_attempt_one_live"), transaction.atomic():
        factories.AttemptFactory(statement=first.statement)


@pytest.mark.parametrize("field", ["session_ref", "payment_ref"])
def test_attempt_references_are_unique_unless_empty(field):
    factories.AttemptFactory(**{field: "same"})
    factories.AttemptFactory(**{field: ""})
    factories.AttemptFactory(**{field: ""})

    with refuse(f"billing_attempt_{field}_unique"), transaction.atomic():
        factories.AttemptFactory(**{field: "same"})


@pytest.mark.parametrize(("before", "after"), list(product(AttemptState, AttemptState)))
def test_attempt_moves_only_where_its_state_may_go(before, after):
    closed = timezone.now()
    attempt = factories.AttemptFactory(state=before, closed_at=None if before in LIVE_STATES else closed)

    def move():
        with transaction.atomic():
            Attempt.objects.filter(pk=attempt.pk).update(
                state=after, closed_at=None if after in LIVE_STATES else closed
            )

    if before == after or after in NEXT_STATES[before]:
        move()
        assert Attempt.objects.get().state == after
    else:
        with refuse("cannot go from"):
            move()


@pytest.mark.parametrize(
    "change",
    [
        {"amount_cents": 20_000},
        {"gateway": "other"},
        {"session_ref": "other"},
        {"payment_ref": "other"},
        {"created_at": timezone.now() - timedelta(days=1)},
    ],
)
def test_attempt_keeps_what_it_is_about(change):
    attempt = factories.AttemptFactory(session_ref="session", payment_ref="payment")

    with refuse("keeps what it is about"), transaction.atomic():
        Attempt.objects.filter(pk=attempt.pk).update(**change)


@pytest.mark.parametrize(
    ("constraint", "facts"),
    [
        ("billing_payment_amount_positive", {"amount_cents": 0, "applied_cents": 0}),
        ("billing_payment_applied_and_credit", {"applied_cents": 9_999}),
        ("billing_payment_applied_and_credit", {"applied_cents": 10_001, "credit_cents": -1}),
        ("billing_payment_within_balance", {"balance_before_cents": 9_999}),
    ],
)
def test_payment_rules(constraint, facts):
    attempt = paid_attempt(factories.StatementFactory())

    with refuse(constraint), transaction.atomic():
        payment(attempt, **facts)


def test_payment_needs_a_paid_attempt():
    with refuse("needs a paid attempt"), transaction.atomic():
        payment(factories.AttemptFactory(payment_ref="ref"))


@pytest.mark.parametrize("field", ["payment_ref", "statement"])
def test_payment_must_match_its_attempt(field):
    attempt = paid_attempt(factories.StatementFactory())
    other = {"payment_ref": "other", "statement": factories.StatementFactory()}[field]

    with refuse("needs a paid attempt"), transaction.atomic():
        payment(attempt, **{field: other})


def test_payment_stays_as_it_was_but_for_the_note():
    made = payment(paid_attempt(factories.StatementFactory()))

    Payment.objects.update(needs_review="look")
    with refuse("stays as it was"), transaction.atomic():
        Payment.objects.filter(pk=made.pk).update(amount_cents=1, applied_cents=1)


def test_gateway_event_is_stored_once():
    GatewayEvent.objects.create(gateway="sandbox", event_id="evt_1", kind="paid", body="{}")

    with refuse("billing_gatewayevent_once"), transaction.atomic():
        GatewayEvent.objects.create(gateway="sandbox", event_id="evt_1", kind="paid", body="{}")


def test_outstanding_leaves_out_what_is_paid_or_void():
    owed = factories.StatementFactory(owes=100)
    factories.StatementFactory(owes=0)
    factories.StatementFactory(owes=100, voided_at=timezone.now())

    assert list(Statement.objects.outstanding()) == [owed]
