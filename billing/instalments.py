"""Charging the parts of payment plans that come due, with the card the processor keeps.

The protocol of every payment: the attempt is committed first and its id is the key; the processor is called with no
transaction open. A charge whose outcome is unknown is looked up, and asked for again only under the same key.
"""

import logging
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from billing import plans
from billing.gateways.interface import Charge, Unknown
from billing.gateways.registry import get_gateway
from billing.models import (
    SMALLEST_PAYMENT_CENTS,
    Attempt,
    AttemptKind,
    AttemptState,
    DisputeState,
    Instalment,
    InstalmentState,
    PaymentPlan,
    PlanState,
    Statement,
)
from billing.payments import apply_outcome, look_at
from practice.money import dollars

logger = logging.getLogger(__name__)

REMIND_BEFORE = timedelta(days=3)
ATTEMPT_LASTS = timedelta(hours=23)  # as long as the processor remembers the key


def remind(at: datetime) -> int:
    """Queue a mail for each part that is due in three days or less and was not told of; returns how many."""
    waiting = Instalment.objects.to_remind(timezone.localdate(at) + REMIND_BEFORE)
    return sum(_remind(instalment, at) for instalment in waiting.order_by("due_on", "pk")[:1000])


@transaction.atomic
def _remind(instalment: Instalment, at: datetime) -> bool:
    """Queue the mail, and leave three days until the charge, also where it comes late. A bill on hold waits."""
    statement = Statement.objects.select_for_update(no_key=True).get(plans=instalment.plan_id)
    instalment = Instalment.objects.select_for_update(of=("self",)).get(pk=instalment.pk)
    plan = PaymentPlan.objects.select_for_update().get(pk=instalment.plan_id)
    if plan.state != PlanState.ACTIVE or instalment.state != InstalmentState.DUE or instalment.reminded_at:
        return False
    if _is_postponed(statement) or plans.finish_if_nothing_is_left(plan, at):
        return False
    instalment.reminded_at = at
    instalment.next_try_on = max(instalment.next_try_on, timezone.localdate(at) + REMIND_BEFORE)
    instalment.save(update_fields=["reminded_at", "next_try_on"])
    plans.send_plan_mail.enqueue(str(plan.pk), "plan_reminder", instalment.pk)
    return True


def _is_postponed(statement: Statement) -> bool:
    """While the patient waits for an answer, or disputes a payment at the bank, no card is charged."""
    return statement.is_on_hold or statement.payments.filter(disputes__state=DisputeState.OPEN).exists()


def charge_due(at: datetime) -> int:
    """Charge each part whose day has come; returns how many were paid. A part is told of before it is charged."""
    paid = 0
    due = Instalment.objects.due(timezone.localdate(at)).exclude(reminded_at=None, position__gt=1)
    for instalment in due.order_by("next_try_on", "pk")[:1000]:
        try:
            attempt = _attempt_for(instalment, at)
            if attempt is not None:
                paid += charge(attempt, at).state == AttemptState.PAID
        except Exception:  # one that cannot be charged must not keep the others waiting
            logger.exception("Instalment %s cannot be charged", instalment.pk)
    return paid


def _attempt_for(instalment: Instalment, at: datetime) -> Attempt | None:
    """A committed attempt for this part, of what is still owed of it. None when it cannot be charged now."""
    try:
        with transaction.atomic():
            statement = Statement.objects.select_for_update(no_key=True).get(plans__instalments=instalment.pk)
            instalment = Instalment.objects.select_for_update(of=("self",)).get(pk=instalment.pk)
            plan = PaymentPlan.objects.select_for_update().get(pk=instalment.plan_id)
            if plan.state != PlanState.ACTIVE or instalment.state != InstalmentState.DUE or not plan.card_ref:
                return None
            if _is_postponed(statement):
                return None
            if plans.finish_if_nothing_is_left(plan, at):
                return None
            amount = _amount_of(instalment, statement)
            if statement.attempts.live().exists():
                return None  # somebody is paying this bill; the next minute tells
            if amount < SMALLEST_PAYMENT_CENTS:
                return None
            return Attempt.objects.create(
                statement=statement,
                kind=AttemptKind.INSTALMENT,
                instalment=instalment,
                amount_cents=amount,
                gateway=plan.gateway,
                language=plan.language,
                receipt_to=plan.email,
                created_at=at,
                expires_at=at + ATTEMPT_LASTS,
            )
    except IntegrityError:
        return None  # somebody began to pay this bill, by a hair


def _amount_of(instalment: Instalment, statement: Statement) -> int:
    """Cents to charge: the part, or less; what is left after it is nothing, or enough to be paid by card."""
    amount = min(instalment.amount_cents, statement.balance_cents)
    rest = statement.balance_cents - amount
    return amount - (SMALLEST_PAYMENT_CENTS - rest) if 0 < rest < SMALLEST_PAYMENT_CENTS else amount


def charge(attempt: Attempt, at: datetime | None = None) -> Attempt:
    """Ask the processor for the money of an attempt with a stored card. Safe to repeat: the key is the attempt's id."""
    plan = attempt.instalment.plan  # type: ignore[union-attr]  # an attempt with a stored card has its instalment
    try:
        outcome = get_gateway(attempt.gateway).charge(
            Charge(str(attempt.pk), attempt.amount_cents, "usd", plan.customer_ref, plan.card_ref)
        )
    except Unknown as error:
        logger.warning("Nobody knows whether %s was charged for attempt %s", dollars(attempt.amount_cents), attempt.pk)
        live = Attempt.objects.filter(pk=attempt.pk, state=AttemptState.CREATED)
        live.update(state=AttemptState.UNKNOWN, last_error=str(error)[:200])
        attempt.refresh_from_db()
        return attempt
    return apply_outcome(attempt, outcome, at=at)


def find_out(attempt: Attempt, at: datetime) -> Attempt:
    """What became of a charge we did not hear about; one that never reached the processor is asked for again."""
    attempt = look_at(attempt, at)
    if not attempt.is_live or at >= attempt.expires_at:
        return attempt
    statement = Statement.objects.get(pk=attempt.statement_id)
    plan = PaymentPlan.objects.get(instalments=attempt.instalment_id)
    if plan.state != PlanState.ACTIVE or _is_postponed(statement) or attempt.amount_cents > statement.balance_cents:
        return attempt  # not wanted any more: it runs out, unless it turns up
    return charge(attempt, at)
