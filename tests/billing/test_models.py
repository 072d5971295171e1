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
    AttemptKind,
    AttemptState,
    ChainLink,
    DailyClose,
    Dispute,
    DisputeState,
    EstimateRequest,
    GatewayEvent,
    Instalment,
    InstalmentState,
    Journal,
    JournalKind,
    Leg,
    Payment,
    PaymentPlan,
    PlanState,
    Question,
    QuestionMessage,
    Refund,
    RefundSource,
    RefundState,
    Statement,
    StatementLine,
    StatementUpload,
)
from billing.models.payments import NEXT_REFUND_STATES
from billing.models.plans import NEXT_PLAN_STATES, RUNNING_STATES
from billing.proof import prove
from billing.withdrawals import reissue_statement, void_statement
from tests import factories
from tests.billing.books import pay, seal

pytestmark = pytest.mark.django_db


def refuse(constraint):
    return pytest.raises(IntegrityError, match=constraint)


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


def refund(made, **facts):
    defaults = {
        "payment": made,
        "gateway": made.gateway,
        "amount_cents": 1_000,
        "requested_by": factories.UserFactory(),
    }
    return Refund.objects.create(**defaults | facts)


def dispute(made, **facts):
    defaults = {"payment": made, "gateway": made.gateway, "amount_cents": 1_000, "dispute_ref": uuid4().hex}
    return Dispute.objects.create(**defaults | facts)


def plan(parts=(4_000, 3_000, 3_000), **facts):
    statement = facts.pop("statement", None) or factories.StatementFactory(owes=10_000)
    defaults = {"total_cents": 10_000, "email": "payer@example.com", "consent_text": "I agree.", "gateway": "sandbox"}
    agreed = PaymentPlan.objects.create(statement=statement, **defaults | facts)
    for position, cents in enumerate(parts, start=1):
        instalment(agreed, position, amount_cents=cents)
    return agreed


def instalment(agreed, position, **facts):
    day = date(2026, 12, position)
    defaults = {"amount_cents": 3_000, "due_on": day, "next_try_on": day}
    return Instalment.objects.create(plan=agreed, position=position, **defaults | facts)


def message(statement):
    question = Question.objects.create(statement=statement, kind="charge", due_on=date(2026, 12, 1))
    return QuestionMessage.objects.create(question=question, body="Why?")


def close(**facts):
    end = ChainLink.objects.first()
    defaults = {
        "day": date(2026, 11, 1),
        "first_position": 1,
        "last_position": end.position,
        "chain_digest": end.digest,
        "entries": 0,
        "payments_cents": 1_000,
        "refunds_cents": 300,
        "disputes_cents": 0,
        "fees_cents": 59,
        "deposit_cents": 641,
        "body": "",
        "sha256": "",
    }
    return DailyClose.objects.create(**defaults | facts)


def test_statement_sums_follow_the_ledger():
    statement = factories.StatementFactory(owes=10_000)

    post(JournalKind.PAYMENT, (Account.GATEWAY, statement, 4_000), (Account.RECEIVABLE, statement, -4_000))
    seal()

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
    with refuse("sums of its legs"), transaction.atomic():
        arrive(statement.patient, **{"charges_cents": 10, column: 5})


def arrive(patient, **facts):
    """A statement written with these sums at once."""
    days = {"issued_on": date(2026, 1, 1), "due_on": date(2026, 1, 2)}
    return Statement.objects.create(patient=patient, number="arriving", code_index="x", **days | facts)


def charge_ahead(key, cents=10_000):
    """The charge of a statement that is still to be written under this key."""
    journal = Journal.objects.create(kind=JournalKind.CHARGE, cause=str(uuid4()))
    Leg.objects.bulk_create(
        [
            Leg(journal=journal, account=Account.RECEIVABLE, statement_id=key, cents=cents),
            Leg(journal=journal, account=Account.REVENUE, cents=-cents),
        ]
    )


def line_of(statement, cents=10_000):
    day = date(2026, 1, 1)
    StatementLine.objects.create(
        statement=statement, position=1, service_on=day, charge_cents=cents, patient_cents=cents
    )


def test_statement_arrives_with_what_the_ledger_has_charged():
    charge_ahead(7_000)

    line_of(arrive(factories.PatientFactory(), pk=7_000, charges_cents=10_000))
    seal()

    assert Statement.objects.get(pk=7_000).balance_cents == 10_000
    assert prove().first_problem == ""


@pytest.mark.parametrize("cents", [0, 9_999, 10_001])
def test_statement_arrives_with_no_other_sum_than_the_ledger_has_charged(cents):
    with refuse("sums of its legs"), transaction.atomic():
        charge_ahead(7_000)
        arrive(factories.PatientFactory(), pk=7_000, charges_cents=cents)


def test_statement_arrives_with_lines_that_add_up():
    with refuse("do not add up"), transaction.atomic():
        charge_ahead(7_000)
        line_of(arrive(factories.PatientFactory(), pk=7_000, charges_cents=10_000), cents=9_999)
        seal()


def test_charge_without_its_statement_is_refused():
    with refuse("does not have the sums of its legs"), transaction.atomic():
        charge_ahead(7_000)
        seal()


def test_charge_is_refused_where_another_statement_took_its_key_unseen():
    patient = factories.PatientFactory()

    with refuse("does not have the sums of its legs"), transaction.atomic():
        charge_ahead(7_000)
        sql("SET LOCAL session_replication_role = replica")  # no triggers: as where the legs are not visible yet
        arrive(patient, pk=7_000)
        sql("SET LOCAL session_replication_role = origin")
        seal()


@pytest.mark.parametrize("kind", sorted(set(JournalKind) - {JournalKind.CHARGE}))
def test_only_a_charge_is_ahead_of_its_statement(kind):
    with refuse("only a charge may be written before its statement"), transaction.atomic():
        journal = Journal.objects.create(kind=kind, cause=str(uuid4()))
        Leg.objects.create(journal=journal, account=Account.RECEIVABLE, statement_id=7_000, cents=-1)


@pytest.mark.parametrize("value", ["on", "off"])
def test_no_setting_of_a_session_opens_the_sums(value):
    statement = factories.StatementFactory(owes=10_000)
    sql(f"SET LOCAL billing.ledger_writes = '{value}'")

    for column in ("charges_cents", "applied_cents"):
        with refuse("moved by the ledger only"), transaction.atomic():
            sql(f"UPDATE billing_statement SET {column} = 5 WHERE id = %s", statement.pk)


def test_void_statement_stays_void():
    statement = void_statement(factories.StatementFactory(), by=None, reason="sent twice")

    for value in (None, timezone.now() - timedelta(days=1)):
        with refuse("stays void"), transaction.atomic():
            Statement.objects.filter(pk=statement.pk).update(voided_at=value)


def test_void_statement_owes_nothing():
    statement = factories.StatementFactory(owes=1)

    with refuse("a void statement owes nothing"), transaction.atomic():
        Statement.objects.filter(pk=statement.pk).update(voided_at=timezone.now())


def test_statement_that_replaces_another_keeps_doing_so():
    old = void_statement(factories.StatementFactory(), by=None, reason="sent twice")
    heir = reissue_statement(old, "ST-NEW", by=None)

    for value in (None, factories.StatementFactory()):
        with refuse("keeps its number and its patient"), transaction.atomic():
            Statement.objects.filter(pk=heir.pk).update(replaces=value)
    with refuse("replaces_id"), transaction.atomic():
        Statement.objects.filter(pk=factories.StatementFactory().pk).update(replaces=old)


def test_statement_is_not_its_own_heir():
    statement = factories.StatementFactory()

    with refuse("billing_statement_not_its_own_heir"), transaction.atomic():
        Statement.objects.filter(pk=statement.pk).update(replaces=statement)


@pytest.mark.parametrize("column", ["code_index", "link_index"])
def test_statement_is_found_by_one_code_and_one_link(column):
    first, second = factories.StatementFactory(), factories.StatementFactory()

    with refuse(column), transaction.atomic():
        Statement.objects.filter(pk=second.pk).update(**{column: getattr(first, column)})


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
    "table",
    [
        "billing_statement", "billing_attempt", "billing_payment", "billing_journal", "billing_leg",
        "billing_chainlink", "billing_refund", "billing_dispute", "billing_gatewayevent", "billing_paymentplan",
        "billing_instalment", "billing_questionmessage", "billing_dailyclose",
    ],
)  # fmt: skip
def test_money_is_never_deleted(table):
    made = payment(paid_attempt(factories.StatementFactory()))
    refund(made)
    dispute(made)
    plan()
    GatewayEvent.objects.create(gateway="sandbox", event_id="evt_1", kind="paid", body="{}")
    message(made.statement)
    seal()
    close()

    with refuse(f"{table} keeps what was written: DELETE refused"), transaction.atomic():
        sql(f"DELETE FROM {table}")


@pytest.mark.parametrize(
    "table",
    [
        "billing_payment", "billing_journal", "billing_leg", "billing_chainlink", "billing_refund", "billing_dispute",
        "billing_dailyclose",
        "billing_statementline",
        "billing_gatewayevent",
        "billing_instalment",
        "billing_questionmessage",
        "billing_importbatch",
    ],
)  # fmt: skip
def test_money_is_never_truncated(table):
    with refuse("TRUNCATE refused"), transaction.atomic():
        sql(f"TRUNCATE {table} CASCADE")


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("billing_journal", "cause"), ("billing_leg", "account"), ("billing_chainlink", "digest"),
        ("billing_dailyclose", "body"), ("billing_questionmessage", "body"),
    ],
)  # fmt: skip
def test_what_was_written_is_never_changed(table, column):
    message(factories.StatementFactory())
    seal()
    close()

    with refuse(f"{table} keeps what was written: UPDATE refused"), transaction.atomic():
        sql(f"UPDATE {table} SET {column} = {column}")


@pytest.mark.parametrize("legs", [[], [("gateway", 5)], [("gateway", 5), ("credit", -4)]])
def test_journal_must_balance_at_commit(legs):
    statement = factories.StatementFactory()
    journal = Journal.objects.create(kind=JournalKind.PAYMENT, cause="unbalanced")
    for account, cents in legs:
        Leg.objects.create(journal=journal, account=account, statement=statement, cents=cents)

    with refuse("does not balance"), transaction.atomic():
        seal()
    connection.needs_rollback = True  # or the end of the test would check once more


def test_sealed_journal_takes_no_more_legs():
    """Not even two that add up to zero, and not where the checks of a transaction are brought forward."""
    statement = factories.StatementFactory()
    seal()
    journal = Journal.objects.get()

    for _time in range(2):
        with refuse(f"ledger entry {journal.pk} is sealed"), transaction.atomic():
            Leg.objects.bulk_create(
                [
                    Leg(journal=journal, account=Account.GATEWAY, statement=statement, cents=5),
                    Leg(journal=journal, account=Account.CREDIT, statement=statement, cents=-5),
                ]
            )
        sql("SET CONSTRAINTS ALL IMMEDIATE")
    sql("SET CONSTRAINTS ALL DEFERRED")


def test_journal_cannot_wait_for_its_legs_where_checks_are_immediate():
    sql("SET CONSTRAINTS ALL IMMEDIATE")

    with refuse("does not balance"), transaction.atomic():
        Journal.objects.create(kind=JournalKind.PAYMENT, cause="x")
    sql("SET CONSTRAINTS ALL DEFERRED")


def test_journals_are_sealed_in_one_chain():
    for _statement in range(3):
        factories.StatementFactory()
    seal()
    factories.StatementFactory()
    seal()

    links = list(ChainLink.objects.order_by("position"))
    assert [link.position for link in links] == [1, 2, 3, 4]
    assert [link.journal_id for link in links] == sorted(Journal.objects.values_list("pk", flat=True))
    assert len({link.digest for link in links}) == 4


@pytest.mark.parametrize("position", [1, 2, 7])
def test_link_is_added_by_sealing_only(position):
    factories.StatementFactory()

    with refuse("links are added by sealing only"), transaction.atomic():
        ChainLink.objects.create(position=position, journal=Journal.objects.get(), digest="0" * 64)


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
        seal()


@pytest.mark.parametrize(
    ("constraint", "facts"),
    [
        ("billing_attempt_amount_large_enough", {"amount_cents": 49}),
        ("billing_attempt_state_known", {"state": "maybe", "closed_at": timezone.now()}),
        ("billing_attempt_closed_with_its_state", {"state": "open", "closed_at": timezone.now()}),
        ("billing_attempt_closed_with_its_state", {"state": "failed", "closed_at": None}),
        ("billing_attempt_kind_known", {"kind": "cash"}),
        ("billing_attempt_stored_card_is_for_instalments", {"kind": AttemptKind.INSTALMENT}),
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
        {"expires_at": timezone.now() + timedelta(days=1)},
        {"generation": 0},
        {"kind": "instalment"},
        {"instalment": True},
        {"statement": True},
    ],
)
def test_attempt_keeps_what_it_is_about(change):
    attempt = factories.AttemptFactory(session_ref="session", payment_ref="payment", generation=1)
    others = {"instalment": plan().instalments.first, "statement": factories.StatementFactory}
    change = {name: others[name]() if name in others else value for name, value in change.items()}

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


@pytest.mark.parametrize(
    "change",
    [
        {"amount_cents": 1, "applied_cents": 1},
        {"captured_at": timezone.now() - timedelta(days=1)},
        {"receipt_number": "R-2026-000000"},
        {"balance_before_cents": 20_000},
        {"card_brand": "Other"},
        {"card_last4": "0000"},
        {"refund_reserved_cents": 1},
        {"disputed_cents": 1},
        {"payment_ref": "other"},
    ],
)
def test_payment_stays_as_it_was(change):
    made = payment(paid_attempt(factories.StatementFactory()), card_brand="Test", card_last4="4242")

    with refuse("stays as it was"), transaction.atomic():
        Payment.objects.filter(pk=made.pk).update(**change)


def test_payment_takes_a_note_and_once_the_name_of_its_card():
    payment(paid_attempt(factories.StatementFactory()))

    Payment.objects.update(needs_review="look", card_brand="Test", card_last4="4242")

    assert Payment.objects.filter(needs_review="look", card_brand="Test", card_last4="4242").count() == 1


@pytest.mark.parametrize("column", ["refund_reserved_cents", "disputed_cents"])
def test_nothing_of_a_new_payment_is_returned_yet(column):
    attempt = paid_attempt(factories.StatementFactory())

    with refuse("nothing of a new payment is returned yet"), transaction.atomic():
        payment(attempt, **{column: 1})


def test_payment_of_another_reference_than_its_attempt_pays_nothing():
    attempt = paid_attempt(factories.StatementFactory())

    payment(attempt, payment_ref="second", applied_cents=0, credit_cents=10_000)
    with refuse("needs a paid attempt"), transaction.atomic():
        payment(attempt, payment_ref="third", applied_cents=1, credit_cents=9_999)


def test_payment_reference_is_unique_at_its_processor():
    attempt = paid_attempt(factories.StatementFactory())
    payment(attempt)

    with refuse("billing_payment_ref_unique"), transaction.atomic():
        payment(attempt)


def test_receipt_number_is_unique():
    first = payment(paid_attempt(factories.StatementFactory()))

    with refuse("receipt_number"), transaction.atomic():
        payment(paid_attempt(factories.StatementFactory()), receipt_number=first.receipt_number)


# ---- Refunds --------------------------------------------------------------------------------------------------------


@pytest.fixture
def made():
    """A payment of $100."""
    return payment(paid_attempt(factories.StatementFactory(owes=10_000)))


@pytest.mark.parametrize(
    ("constraint", "facts"),
    [
        ("billing_refund_amount_positive", {"amount_cents": 0}),
        ("billing_payment_never_returned_beyond", {"amount_cents": -5}),
        ("billing_refund_state_known", {"state": "gone"}),
        ("billing_refund_source_known", {"source": "thief"}),
        ("billing_refund_office_names_who_asked", {"requested_by": None}),
        ("billing_refund_second_person_decides", {"needs_second_person": True}),
        ("goes through the processor of its payment", {"gateway": "other"}),
        ("billing_payment_never_returned_beyond", {"amount_cents": 10_001}),
    ],
)
def test_refund_rules(made, constraint, facts):
    with refuse(constraint), transaction.atomic():
        refund(made, **facts)


def test_refund_above_the_limit_is_not_decided_by_who_asked(made):
    asked = refund(made, needs_second_person=True, state=RefundState.PROPOSED)

    with refuse("billing_refund_second_person_decides"), transaction.atomic():
        Refund.objects.update(state=RefundState.REQUESTED, decided_by=asked.requested_by)
    Refund.objects.update(state=RefundState.REQUESTED, decided_by=factories.UserFactory())


def test_refunds_together_return_no_more_than_was_paid(made):
    for _time in range(3):
        refund(made, amount_cents=3_000)

    with refuse("billing_payment_never_returned_beyond"), transaction.atomic():
        refund(made, amount_cents=1_001)
    refund(made, amount_cents=1_000)
    made.refresh_from_db()
    assert (made.refund_reserved_cents, made.refundable_cents) == (10_000, 0)


@pytest.mark.parametrize(
    ("state", "held"), [(state, 0 if state in ("failed", "declined") else 1_000) for state in RefundState]
)
def test_refund_holds_its_amount_in_every_state_but_failed_and_declined(made, state, held):
    refund(made, state=state)

    made.refresh_from_db()
    assert made.refund_reserved_cents == held


def test_failed_refund_frees_its_amount_and_takes_it_again_when_it_succeeds_after_all(made):
    first = refund(made, amount_cents=10_000)
    Refund.objects.filter(pk=first.pk).update(state=RefundState.FAILED)
    refund(made, amount_cents=4_000)

    with refuse("billing_payment_never_returned_beyond"), transaction.atomic():
        Refund.objects.filter(pk=first.pk).update(state=RefundState.SUCCEEDED)


@pytest.mark.parametrize(("before", "after"), list(product(RefundState, RefundState)))
def test_refund_moves_only_where_its_state_may_go(made, before, after):
    refund(made, state=before)

    def move():
        with transaction.atomic():
            Refund.objects.update(state=after)

    if before == after or after in NEXT_REFUND_STATES[before]:
        move()
        assert Refund.objects.get().state == after
    else:
        with refuse("cannot go from"):
            move()


@pytest.mark.parametrize(
    "change",
    [
        {"amount_cents": 999},
        {"gateway": "other"},
        {"source": RefundSource.PROCESSOR},
        {"needs_second_person": True, "state": "proposed"},
        {"created_at": timezone.now() - timedelta(days=9)},
        {"requested_by": None, "source": RefundSource.PROCESSOR},
        {"decided_by": None},
        {"refund_ref": "other"},
    ],
)
def test_refund_keeps_what_it_is_about(made, change):
    refund(made, refund_ref="ref", decided_by=factories.UserFactory())

    with refuse("keeps what it is about"), transaction.atomic():
        Refund.objects.update(**change)


def test_refund_keeps_its_payment(made):
    refund(made)

    with refuse("keeps what it is about"), transaction.atomic():
        Refund.objects.update(payment=payment(paid_attempt(factories.StatementFactory())))


def test_refund_reference_is_unique_unless_empty(made):
    refund(made)
    refund(made)
    refund(made, refund_ref="ref")

    with refuse("billing_refund_ref_unique"), transaction.atomic():
        refund(made, refund_ref="ref")


def test_disputed_payment_is_not_refunded_by_the_office(made):
    dispute(made)

    with refuse("a disputed payment is not refunded"), transaction.atomic():
        refund(made)
    refund(made, source=RefundSource.PROCESSOR, requested_by=None)  # the processor can do as it likes


# ---- Disputes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("constraint", "facts"),
    [
        ("billing_dispute_amount_positive", {"amount_cents": 0}),
        ("billing_dispute_state_known", {"state": "maybe", "closed_at": timezone.now()}),
        ("billing_dispute_closed_with_its_state", {"state": "won"}),
        ("billing_dispute_closed_with_its_state", {"closed_at": timezone.now()}),
        ("billing_payment_never_disputed_beyond", {"amount_cents": 10_001}),
        ("billing_dispute_ref_unique", {"dispute_ref": "known"}),
    ],
)
def test_dispute_rules(made, constraint, facts):
    dispute(made, dispute_ref="known")

    with refuse(constraint), transaction.atomic():
        dispute(made, **facts)


@pytest.mark.parametrize(("state", "held"), [("open", 1_000), ("won", 0), ("lost", 1_000)])
def test_dispute_holds_its_amount_until_it_is_won(made, state, held):
    dispute(made)

    Dispute.objects.update(state=state, closed_at=None if state == "open" else timezone.now())

    made.refresh_from_db()
    assert made.disputed_cents == held


@pytest.mark.parametrize(("before", "after"), list(product(DisputeState, DisputeState)))
def test_dispute_ends_once(made, before, after):
    dispute(made, state=before, closed_at=None if before == DisputeState.OPEN else timezone.now())

    def move():
        with transaction.atomic():
            Dispute.objects.update(state=after, closed_at=None if after == DisputeState.OPEN else timezone.now())

    if before in (after, DisputeState.OPEN):
        move()
        assert Dispute.objects.get().state == after
    else:
        with refuse("keeps what it is about and how it ended"):
            move()


@pytest.mark.parametrize("change", [{"amount_cents": 5}, {"gateway": "other"}, {"dispute_ref": "x"}, {"payment": None}])
def test_dispute_keeps_what_it_is_about(made, change):
    dispute(made)
    if "payment" in change:
        change = {"payment": payment(paid_attempt(factories.StatementFactory()))}

    with refuse("keeps what it is about and how it ended"), transaction.atomic():
        Dispute.objects.update(**change)


# ---- Plans ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("constraint", "facts"),
    [
        ("billing_paymentplan_total_positive", {"total_cents": 0}),
        ("billing_paymentplan_state_known", {"state": "asleep", "closed_at": timezone.now()}),
        ("billing_paymentplan_consent_given", {"consent_text": ""}),
        ("billing_paymentplan_closed_with_its_state", {"closed_at": timezone.now()}),
        ("billing_paymentplan_closed_with_its_state", {"state": PlanState.COMPLETED}),
    ],
)
def test_plan_rules(constraint, facts):
    with refuse(constraint), transaction.atomic():
        plan(**facts)


@pytest.mark.parametrize("state", RUNNING_STATES)
def test_statement_has_one_running_plan(state):
    first = plan(state=state)

    with refuse("billing_paymentplan_one_running"), transaction.atomic():
        plan(statement=first.statement)


@pytest.mark.parametrize("parts", [(10_000,), (5_000, 4_999), (5_000, 5_001), (4_000, 4_000, 2_001)])
def test_plan_has_two_to_four_parts_that_add_up_at_commit(parts):
    with refuse("do not add up"), transaction.atomic():
        plan(parts=parts)
        seal()


def test_plan_takes_no_part_later():
    agreed = plan(parts=(5_000, 5_000))
    seal()

    with refuse("do not add up"), transaction.atomic():
        instalment(agreed, 3)
        seal()


@pytest.mark.parametrize(("before", "after"), list(product(PlanState, PlanState)))
def test_plan_moves_only_where_its_state_may_go(before, after):
    plan(state=before, closed_at=None if before in RUNNING_STATES else timezone.now())

    def move():
        with transaction.atomic():
            PaymentPlan.objects.update(state=after, closed_at=None if after in RUNNING_STATES else timezone.now())

    if before == after or after in NEXT_PLAN_STATES[before]:
        move()
        assert PaymentPlan.objects.get().state == after
    else:
        with refuse("cannot go from"):
            move()


@pytest.mark.parametrize(
    "change",
    [
        {"total_cents": 9_000},
        {"gateway": "other"},
        {"consent_text": "I agree to more."},
        {"consented_at": timezone.now() - timedelta(days=1)},
        {"consented_from": "192.0.2.1"},
        {"token": "other"},
        {"customer_ref": "other"},
        {"card_ref": "other"},
        {"statement": None},
    ],
)
def test_plan_keeps_what_was_agreed(change):
    plan(customer_ref="customer", card_ref="card", consented_from="198.51.100.7")
    if "statement" in change:
        change = {"statement": factories.StatementFactory()}

    with refuse("keeps what was agreed"), transaction.atomic():
        PaymentPlan.objects.update(**change)


@pytest.mark.parametrize(
    ("constraint", "position", "facts"),
    [
        ("billing_instalment_at_most_four", 5, {}),
        ("billing_instalment_at_most_four", 0, {"due_on": date(2026, 12, 1), "next_try_on": date(2026, 12, 1)}),
        ("billing_instalment_amount_large_enough", 4, {"amount_cents": 49}),
        ("billing_instalment_state_known", 4, {"state": "late"}),
        ("billing_instalment_declines_within", 4, {"declines": 4}),
        ("billing_instalment_unique_position", 3, {}),
    ],
)
def test_instalment_rules(constraint, position, facts):
    agreed = plan()

    with refuse(constraint), transaction.atomic():
        Instalment.objects.create(
            plan=agreed,
            position=position,
            **{"amount_cents": 3_000, "due_on": date(2026, 12, 9), "next_try_on": date(2026, 12, 9)} | facts,
        )


@pytest.mark.parametrize(("before", "after"), list(product(InstalmentState, InstalmentState)))
def test_instalment_ends_once(before, after):
    agreed = plan()
    agreed.instalments.update(state=before)

    def move():
        with transaction.atomic():
            agreed.instalments.update(state=after)

    if before in (after, InstalmentState.DUE):
        move()
        assert set(agreed.instalments.values_list("state", flat=True)) == {after}
    else:
        with refuse("keeps what was agreed"):
            move()


@pytest.mark.parametrize(
    "change", [{"amount_cents": 60}, {"due_on": date(2027, 1, 1)}, {"position": 4}, {"plan": None}]
)
def test_instalment_keeps_what_was_agreed(change):
    agreed = plan()
    if "plan" in change:
        change = {"plan": plan(parts=(5_000, 5_000))}

    with refuse("keeps what was agreed"), transaction.atomic():
        agreed.instalments.filter(position=3).update(**change)


# ---- Messages, questions, uploads, closed days ----------------------------------------------------------------------


def test_gateway_event_is_stored_once():
    GatewayEvent.objects.create(gateway="sandbox", event_id="evt_1", kind="paid", body="{}")

    with refuse("billing_gatewayevent_once"), transaction.atomic():
        GatewayEvent.objects.create(gateway="sandbox", event_id="evt_1", kind="paid", body="{}")


@pytest.mark.parametrize(
    "change",
    [
        {"gateway": "other"}, {"event_id": "evt_2"}, {"kind": "refunded"}, {"body": "[]"},
        {"received_at": timezone.now() - timedelta(days=1)}, {"processed_at": None},
        {"processed_at": timezone.now() - timedelta(days=1)},
    ],
)  # fmt: skip
def test_gateway_event_stays_as_it_came(change):
    GatewayEvent.objects.create(
        gateway="sandbox", event_id="evt_1", kind="paid", body="{}", processed_at=timezone.now()
    )

    with refuse("stays as it came"), transaction.atomic():
        GatewayEvent.objects.update(**change)


@pytest.mark.parametrize(
    ("constraint", "make"),
    [
        ("billing_question_kind_known", lambda s: Question(statement=s, kind="praise", due_on=date(2026, 12, 1))),
        (
            "billing_question_state_known",
            lambda s: Question(statement=s, kind="charge", state="lost", due_on=date(2026, 12, 1)),
        ),
        (
            "billing_estimaterequest_answered_with_sum",
            lambda s: EstimateRequest(due_on=date(2026, 12, 1), answered_at=timezone.now()),
        ),
        (
            "billing_estimaterequest_answered_with_sum",
            lambda s: EstimateRequest(due_on=date(2026, 12, 1), estimate_cents=100),
        ),
        (
            "billing_estimaterequest_answered_with_sum",
            lambda s: EstimateRequest(due_on=date(2026, 12, 1), answered_at=timezone.now(), estimate_cents=-1),
        ),
        (
            "billing_statementupload_state_known",
            lambda s: StatementUpload(file_name="x", state="odd", uploaded_by=factories.UserFactory()),
        ),
    ],
)
def test_rules_of_the_office(constraint, make):
    row = make(factories.StatementFactory())

    with refuse(constraint), transaction.atomic():
        row.save()


@pytest.mark.parametrize(
    ("constraint", "facts"),
    [
        ("does not follow the one closed before", {"day": date(2026, 11, 1)}),
        ("does not follow the one closed before", {"day": date(2026, 10, 31)}),
        ("does not follow the one closed before", {"first_position": 1}),
        ("does not follow the one closed before", {"first_position": 4}),
        ("does not follow the one closed before", {"last_position": 4}),
        ("billing_dailyclose_positions_in_order", {"last_position": 1}),
        ("billing_dailyclose_deposit_ties", {"deposit_cents": 640}),
    ],
)
def test_daily_close_rules(constraint, facts):
    for _statement in range(3):
        factories.StatementFactory()
    seal()
    close(last_position=2)

    with refuse(constraint), transaction.atomic():
        close(**{"day": date(2026, 11, 2), "first_position": 3} | facts)
    close(day=date(2026, 11, 2), first_position=3)


def test_first_daily_close_begins_with_the_first_entry():
    factories.StatementFactory()
    factories.StatementFactory()
    seal()

    with refuse("does not follow the one closed before"), transaction.atomic():
        close(first_position=2)


def test_outstanding_leaves_out_what_is_paid_or_void():
    owed = factories.StatementFactory(owes=100)
    factories.StatementFactory(owes=0)
    void_statement(factories.StatementFactory(owes=100), by=None, reason="sent twice")

    assert list(Statement.objects.outstanding()) == [owed]


def test_money_moves_what_is_owed_and_what_is_reserved_together():
    statement = factories.StatementFactory(owes=10_000)

    made = pay(statement, 4_000)
    refund(made, amount_cents=4_000)

    made.refresh_from_db()
    assert (statement.balance_cents, made.refund_reserved_cents, made.refundable_cents) == (6_000, 4_000, 0)


@pytest.mark.parametrize(
    ("kind", "account"),
    [(JournalKind.RELEASE, Account.GATEWAY), (JournalKind.WRITE_OFF, Account.GATEWAY), (JournalKind.VOID, Account.GATEWAY),
     (JournalKind.PAYMENT, Account.BANK), (JournalKind.REFUND, Account.FEES), (JournalKind.CHARGE, Account.BANK)],
)  # fmt: skip
def test_money_at_the_processor_and_the_bank_moves_only_by_what_moves_it(kind, account):
    statement = factories.StatementFactory()

    with refuse("does not move money at the processor or the bank"), transaction.atomic():
        post(kind, (account, statement, 1), (Account.CREDIT, statement, -1))
