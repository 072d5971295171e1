"""Payment plans: what is offered, what is agreed, and what ends them."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.db import DatabaseError, connection, transaction
from django.utils import timezone, translation

from billing import payments, plans
from billing.gateways.sandbox.models import CardSession
from billing.gateways.sandbox.processor import take_payment
from billing.models import Attempt, AttemptState, PaymentPlan, PlanState
from billing.models.plans import NEXT_PLAN_STATES
from billing.withdrawals import void_statement
from tests import factories
from tests.billing.books import post_revision

pytestmark = pytest.mark.django_db
HERE = ZoneInfo("America/Indiana/Indianapolis")
AGREED = datetime(2026, 10, 31, 12, tzinfo=HERE)


@pytest.fixture
def statement(identity):
    return factories.StatementFactory(owes=10_001)


def agree(statement, count=3, **facts):
    facts = {"email": "payer@example.com", "language": "en", "address": "192.0.2.1", "at": AGREED} | facts
    return plans.agree(statement, count, **facts)


def begin(plan, *, pay=True):
    """Open the card page of the first part, and pay it."""
    first = plan.instalments.get(position=1)
    attempt = payments.start_payment(
        plan.statement, first.amount_cents, plan.language, receipt_to=plan.email, instalment=first
    )
    if pay:
        take_payment(CardSession.objects.get(key=str(attempt.pk)).pk, messages=0)
        attempt = payments.look_at(attempt)
    plan.refresh_from_db()
    return attempt


def parts(plan):
    return [(part.due_on, part.amount_cents) for part in plan.instalments.all()]


# ---- Offers ---------------------------------------------------------------------------------------------------------


def test_offers_are_two_to_four_equal_parts_a_month_apart_with_the_rest_on_the_first(statement):
    two, three, four = plans.offers(statement, on=date(2026, 10, 31))

    assert two.parts == [(date(2026, 10, 31), 5_001), (date(2026, 11, 30), 5_000)]
    assert three.parts == [(date(2026, 10, 31), 3_335), (date(2026, 11, 30), 3_333), (date(2026, 12, 31), 3_333)]
    assert four.parts == [
        (date(2026, 10, 31), 2_501),
        (date(2026, 11, 30), 2_500),
        (date(2026, 12, 31), 2_500),
        (date(2027, 1, 31), 2_500),
    ]


def test_offers_of_any_total_add_up_to_it_and_differ_by_less_than_their_number(statement):
    for total in [*range(10_000, 10_050), 12_345, 99_999, 1_234_567, 99_999_999, 100_000_000]:
        statement.charges_cents = total
        for offer in plans.offers(statement, on=date(2026, 1, 31)):
            amounts = [cents for _day, cents in offer.parts]
            assert sum(amounts) == total
            assert len(set(amounts[1:])) == 1
            assert 0 <= amounts[0] - amounts[1] < offer.count


@pytest.mark.parametrize(("owes", "counts"), [(9_999, []), (10_000, [2, 3, 4])])
def test_small_bills_are_not_paid_in_parts(identity, owes, counts):
    statement = factories.StatementFactory(owes=owes)

    assert [offer.count for offer in plans.offers(statement)] == counts


def test_the_least_that_is_paid_in_parts_is_the_practices_to_set(statement, settings):
    settings.PLAN_FROM_CENTS = 10_002

    assert plans.offers(statement) == []


def test_no_offers_for_a_bill_that_is_void(statement):
    void = void_statement(statement, by=factories.UserFactory(), reason="Wrong patient")

    assert plans.offers(void) == []
    with pytest.raises(plans.PlanRefused):
        agree(void)


def test_no_offers_for_a_bill_on_hold(statement):
    type(statement).objects.update(held_since=AGREED)
    statement.refresh_from_db()

    assert plans.offers(statement) == []
    with pytest.raises(plans.PlanRefused):
        agree(statement)


@pytest.mark.parametrize("count", [-1, 0, 1, 5])
def test_other_numbers_of_parts_are_refused(statement, count):
    with pytest.raises(plans.PlanRefused, match="cannot be paid in parts just now"):
        agree(statement, count)
    assert PaymentPlan.objects.count() == 0


# ---- Agreeing -------------------------------------------------------------------------------------------------------


def test_what_was_agreed_is_kept_word_for_word(statement):
    offer = plans.offers(statement, on=date(2026, 10, 31))[1]
    shown = plans.consent_text(offer)

    plan = agree(statement)

    assert shown == (
        "I agree to pay in 3 parts: Oct. 31, 2026: $33.35; Nov. 30, 2026: $33.33; Dec. 31, 2026: $33.33. There is no "
        "fee and no interest. I pay the first part now; my card is then kept by the card processor and charged on "
        "these days. I get an e-mail three days before each charge. I can cancel at any time with the link in each "
        "e-mail; what is left is then owed as before."
    )
    assert (plan.consent_text, plan.consented_at, plan.consented_from) == (shown, AGREED, "192.0.2.1")
    assert parts(plan) == offer.parts
    assert (plan.state, plan.total_cents, plan.gateway) == (PlanState.PENDING, 10_001, "sandbox")


@pytest.mark.parametrize("minutes", [0, 9])
def test_agreeing_once_more_to_the_same_is_the_same_plan(statement, minutes):
    first = agree(statement)
    again = agree(statement, at=AGREED + timedelta(minutes=minutes))

    assert (again, again.state, again.consented_at) == (first, PlanState.PENDING, AGREED)
    assert PaymentPlan.objects.count() == 1


@pytest.mark.parametrize(
    ("count", "facts"),
    [
        (2, {}),
        (3, {"email": "another@example.com"}),
        (3, {"at": AGREED + timedelta(minutes=10)}),
    ],
)
def test_agreeing_to_something_else_or_later_is_another_plan(statement, count, facts):
    first = agree(statement)
    second = agree(statement, count, **facts)

    first.refresh_from_db()
    assert (first.state, second.state, second == first) == (PlanState.ABANDONED, PlanState.PENDING, False)


def test_agreeing_once_more_after_the_bill_has_changed_is_another_plan(statement):
    first = agree(statement)
    with transaction.atomic():
        statement.lines.update(charge_cents=40_002, adjustment_cents=10_000, patient_cents=20_001)
        post_revision(statement, 10_000, "test")
    second = agree(statement)

    first.refresh_from_db()
    assert (first.state, second.total_cents) == (PlanState.ABANDONED, 20_001)


def test_the_text_is_in_the_language_of_the_page(statement):
    with translation.override("es"):
        shown = plans.consent_text(plans.offers(statement, on=date(2026, 10, 31))[0])
        plan = agree(statement, 2, language="es")

    assert plan.consent_text == shown
    assert "31 de octubre de 2026: $50.01" in shown


def test_the_day_agreed_is_the_day_where_the_practice_is(statement):
    plan = agree(statement, at=datetime(2026, 11, 1, 3, tzinfo=ZoneInfo("UTC")))  # still October here

    assert parts(plan)[0][0] == date(2026, 10, 31)


def test_agreeing_charges_nothing(statement):
    agree(statement)

    assert (Attempt.objects.count(), CardSession.objects.count()) == (0, 0)


def test_paying_the_first_part_begins_the_plan_and_keeps_the_card(statement):
    plan = agree(statement)
    attempt = begin(plan)

    session = CardSession.objects.get()
    assert (session.amount_cents, session.keeps_card, attempt.state) == (3_335, True, AttemptState.PAID)
    assert (plan.state, plan.closed_at, plan.card_ref, plan.customer_ref) == (
        PlanState.ACTIVE, None, "card_good", str(session.pk),
    )  # fmt: skip
    assert [part.state for part in plan.instalments.all()] == ["paid", "due", "due"]


def test_paying_without_a_plan_keeps_no_card(statement):
    payments.start_payment(statement, 10_001, "en")

    assert CardSession.objects.get().keeps_card is False


def test_a_statement_has_one_running_plan(statement, settings):
    settings.PLAN_FROM_CENTS = 100
    plan = agree(statement)
    begin(plan)
    statement.refresh_from_db()

    assert plans.offers(statement) == []
    with pytest.raises(plans.PlanRefused):
        agree(statement, 2)
    facts = {"statement": statement, "total_cents": 1, "email": "x", "consent_text": "x", "gateway": "sandbox"}
    with pytest.raises(DatabaseError, match="billing_paymentplan_one_running"), transaction.atomic():
        PaymentPlan.objects.create(**facts)
    assert PaymentPlan.objects.get() == plan


# ---- A first page that is left --------------------------------------------------------------------------------------


def test_a_first_page_that_is_left_gives_way_to_another_plan_at_once(statement):
    first = agree(statement, 2)
    begin(first, pay=False)

    assert [offer.count for offer in plans.offers(statement)] == [2, 3, 4]
    second = agree(statement, 4)
    begin(second)

    first.refresh_from_db()
    assert (first.state, second.state) == (PlanState.ABANDONED, PlanState.ACTIVE)
    assert sorted(CardSession.objects.values_list("amount_cents", "state")) == [(2_501, "paid"), (5_001, "expired")]


def test_a_first_page_that_ran_out_ends_the_plan(statement):
    plan = agree(statement)
    attempt = begin(plan, pay=False)
    CardSession.objects.update(expires_at=timezone.now())

    payments.look_at(attempt)

    plan.refresh_from_db()
    assert (plan.state, plan.closed_at is None) == (PlanState.ABANDONED, False)


def test_paying_all_at_once_ends_a_plan_that_was_not_begun(statement):
    plan = agree(statement)
    begin(plan, pay=False)

    payments.start_payment(statement, 10_001, "en")

    plan.refresh_from_db()
    assert plan.state == PlanState.ABANDONED
    assert sorted(CardSession.objects.values_list("amount_cents", "state")) == [(3_335, "expired"), (10_001, "open")]


def late_money(attempt):
    """The processor has taken the money of a page we believed closed."""
    CardSession.objects.filter(key=str(attempt.pk)).update(
        state="paid", payment_ref="late_1", card_ref="card_good", expires_at=timezone.now()
    )
    return payments.look_at(attempt)


def test_late_money_begins_an_abandoned_plan_with_all_its_parts(statement):
    plan = agree(statement)
    attempt = begin(plan, pay=False)
    attempt = payments.stop(attempt)
    plan.refresh_from_db()
    assert (attempt.state, plan.state) == (AttemptState.EXPIRED, PlanState.ABANDONED)

    late_money(attempt)

    plan.refresh_from_db()
    assert (plan.state, plan.closed_at, plan.card_ref) == (PlanState.ACTIVE, None, "card_good")
    assert [part.state for part in plan.instalments.all()] == ["paid", "due", "due"]


def test_late_money_does_not_begin_an_abandoned_plan_beside_another(statement):
    first = agree(statement, 2)
    attempt = payments.stop(begin(first, pay=False))
    second = agree(statement, 4)
    begin(second)

    late_money(attempt)

    first.refresh_from_db()
    second.refresh_from_db()
    statement.refresh_from_db()
    assert (first.state, second.state) == (PlanState.ABANDONED, PlanState.ACTIVE)
    assert statement.balance_cents == 10_001 - 5_001 - 2_501


# ---- Cancelling -----------------------------------------------------------------------------------------------------


def test_cancelling_ends_the_plan_once_and_leaves_the_rest_owed(statement, run_jobs, settings):
    plan = agree(statement)
    begin(plan)
    run_jobs()
    mail.outbox.clear()

    plans.cancel(plan)
    plans.cancel(plan)
    run_jobs()

    plan.refresh_from_db()
    statement.refresh_from_db()
    assert (plan.state, statement.balance_cents) == (PlanState.CANCELLED, 6_666)
    assert [part.state for part in plan.instalments.all()] == ["paid", "cancelled", "cancelled"]
    assert [message.subject for message in mail.outbox] == ["Test Radiology: your payment plan is cancelled"]


def test_a_plan_that_ended_is_not_cancelled_any_more(statement):
    plan = agree(statement)
    begin(plan)
    PaymentPlan.objects.update(state=PlanState.COMPLETED, closed_at=AGREED)

    assert plans.cancel(plan).state == PlanState.COMPLETED


# ---- Mail -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_mail_that_begins_a_plan_holds_days_amounts_and_the_link_and_nothing_else(
    statement, run_jobs, settings, language
):
    with translation.override(language):
        plan = agree(statement, language=language)
    begin(plan)
    run_jobs()

    begun = next(message for message in mail.outbox if "$33.35; " in message.body)
    prefix = "/es" if language == "es" else ""
    assert begun.to == ["payer@example.com"]
    assert f"{settings.PUBLIC_ORIGIN}{prefix}/pay/plan/{plan.token}/\n" in begun.body
    assert plan.consent_text in begun.body
    secrets = ["Testa", "Patientson", "Chest X-ray", "71046", statement.number, "1950"]
    assert [secret for secret in secrets if secret in begun.subject + begun.body] == []


# ---- What the database holds ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "rule"),
    [
        ({"total_cents": 9_999}, "billing_paymentplan_identity"),
        ({"consent_text": "I agree to anything."}, "billing_paymentplan_identity"),
        ({"consented_at": datetime(2026, 1, 1, tzinfo=HERE)}, "billing_paymentplan_identity"),
        ({"consented_from": "192.0.2.2"}, "billing_paymentplan_identity"),
        ({"token": "guessable"}, "billing_paymentplan_identity"),
        ({"card_ref": "card_of_somebody_else"}, "billing_paymentplan_identity"),
        ({"customer_ref": "somebody_else"}, "billing_paymentplan_identity"),
        ({"gateway": "stripe"}, "billing_paymentplan_identity"),
        ({"state": "pending"}, "billing_paymentplan_next_state"),
        ({"state": "abandoned", "closed_at": AGREED}, "billing_paymentplan_next_state"),
        ({"state": "completed"}, "billing_paymentplan_closed_with_its_state"),
        ({"closed_at": AGREED}, "billing_paymentplan_closed_with_its_state"),
    ],
)
def test_a_plan_keeps_what_was_agreed(statement, facts, rule):
    plan = agree(statement)
    begin(plan)

    with pytest.raises(DatabaseError) as refusal, transaction.atomic():
        PaymentPlan.objects.filter(pk=plan.pk).update(**facts)
    assert refusal.value.__cause__.diag.constraint_name == rule


@pytest.mark.parametrize("before", PlanState)
@pytest.mark.parametrize("after", PlanState)
def test_a_plan_moves_only_where_its_state_may_go(statement, before, after):
    plan = agree(statement)
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        PaymentPlan.objects.update(state=before, closed_at=None if before in ("pending", "active") else AGREED)
        cursor.execute("SET session_replication_role = DEFAULT")
    closed_at = None if after in ("pending", "active") else AGREED
    allowed = after == before or after in NEXT_PLAN_STATES[before]

    if allowed:
        PaymentPlan.objects.filter(pk=plan.pk).update(state=after, closed_at=closed_at)
    else:
        with pytest.raises(DatabaseError, match=f"cannot go from {before} to {after}"), transaction.atomic():
            PaymentPlan.objects.filter(pk=plan.pk).update(state=after, closed_at=closed_at)


@pytest.mark.parametrize(
    ("position", "facts", "rule"),
    [
        (2, {"amount_cents": 1_000}, "billing_instalment_identity"),
        (2, {"due_on": date(2027, 1, 1)}, "billing_instalment_identity"),
        (2, {"position": 4}, "billing_instalment_identity"),
        (1, {"state": "due"}, "billing_instalment_identity"),  # it is paid
        (2, {"declines": 4}, "billing_instalment_declines_within"),
        (2, {"state": "gone"}, "billing_instalment_state_known"),
    ],
)
def test_a_part_keeps_what_was_agreed(statement, position, facts, rule):
    plan = agree(statement)
    begin(plan)

    with pytest.raises(DatabaseError) as refusal, transaction.atomic():
        plan.instalments.filter(position=position).update(**facts)
    assert refusal.value.__cause__.diag.constraint_name == rule


def plan_of(statement, amounts):
    """Written straight into the tables, past everything that checks."""
    facts = {"total_cents": 10_001, "email": "x", "consent_text": "x", "gateway": "sandbox"}
    plan = PaymentPlan.objects.create(statement=statement, **facts)
    for position, cents in enumerate(amounts, start=1):
        plan.instalments.create(position=position, amount_cents=cents, due_on=AGREED.date(), next_try_on=AGREED.date())
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


@pytest.mark.parametrize(
    ("amounts", "rule"),
    [
        ([], "billing_plan_adds_up"),
        ([10_001], "billing_plan_adds_up"),
        ([5_000, 5_000], "billing_plan_adds_up"),
        ([5_000, 5_002], "billing_plan_adds_up"),
        ([9_952, 49], "billing_instalment_amount_large_enough"),
        ([2_000, 2_000, 2_000, 2_000, 2_001], "billing_instalment_at_most_four"),
    ],
)
def test_a_plan_has_two_to_four_parts_that_add_up_to_it(statement, amounts, rule):
    with pytest.raises(DatabaseError) as refusal, transaction.atomic():
        plan_of(statement, amounts)
    assert refusal.value.__cause__.diag.constraint_name == rule


def test_plans_and_parts_are_never_deleted(statement):
    plan = agree(statement)

    for rows in (PaymentPlan.objects.filter(pk=plan.pk), plan.instalments.all()):
        with pytest.raises(DatabaseError, match="keeps what was written"), transaction.atomic():
            rows._raw_delete(rows.db)


def test_the_address_of_the_payer_is_unreadable_in_the_database(statement):
    agree(statement)

    with connection.cursor() as cursor:
        cursor.execute("SELECT p::text FROM billing_paymentplan p")
        (row,) = cursor.fetchone()
    assert "payer@example.com" not in row
