"""The sweep, run every minute: nothing the processor knows stays unknown to us.

It asks about every attempt that is not resolved, acts on messages that could not be acted on, pushes refunds, charges
what is due of payment plans, and looks for what was done at the processor without a word to us. It also goes on with
uploaded files and other jobs whose worker was killed. Each row has a transaction of its own; one that fails does not
keep the others waiting. Two sweeps never run at once.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from billing import instalments, payments, refunds
from billing.disputes import apply_dispute
from billing.gateways.interface import DisputeOutcomeState, Movement, MovementKind, Unknown
from billing.gateways.registry import get_gateway
from billing.models import (
    Attempt,
    AttemptKind,
    Dispute,
    DisputeState,
    GatewayEvent,
    Payment,
    PaymentPlan,
    Refund,
    RefundState,
)
from billing.uploads import begun_uploads, take_up
from billing.webhooks import process
from practice.jobs import forget_finished, take_up_dropped
from practice.one_at_a_time import alone
from practice.published_pages import fold_changes
from practice.throttles import forget_ended

logger = logging.getLogger(__name__)

ONE_SWEEP = 7_302_001  # the number of the advisory lock
BATCH = 1000
LOOK_BACK = timedelta(hours=2)
LOOK_BACK_DEEP = timedelta(days=35)


@dataclass
class SweepReport:
    """What one sweep brought to an end."""

    attempts: int = 0
    events: int = 0
    refunds: int = 0
    instalments: int = 0
    found: int = 0
    reminders: int = 0


def sweep(at: datetime | None = None, *, deep: bool = False) -> SweepReport | None:
    """Bring everything unresolved to what is true at the processor. None when another sweep is at it.

    `deep` also compares the last 35 days of the processor's movements with ours, instead of the last two hours.
    """
    at = at or timezone.now()
    with alone(ONE_SWEEP) as is_ours:
        if not is_ours:
            return None
        report = SweepReport()
        live = Attempt.objects.live().order_by("created_at")
        report.attempts = _each(live[:BATCH], lambda attempt: not _ask_about(attempt, at).is_live)
        waiting = GatewayEvent.objects.unprocessed().order_by("received_at")
        report.events = _each(waiting[:BATCH], process)
        unresolved = Refund.objects.unresolved().select_related("payment").order_by("created_at")
        report.refunds = _each(unresolved[:BATCH], lambda refund: _is_closed(refunds.push(refund, at)))
        report.found = _catch_up(at - (LOOK_BACK_DEEP if deep else LOOK_BACK), at)
        _each(_payments_without_a_card(at), payments.fill_in_card)
        report.reminders = instalments.remind(at)
        report.instalments = instalments.charge_due(at)
        _each(begun_uploads(), take_up)
        take_up_dropped(at)
        forget_ended(at)
        fold_changes()
        forget_finished(at)
        return report


def _each(rows: Iterable, act: Callable) -> int:
    """Act on each row; returns how often the answer was true. A row that fails is logged and left for next time."""
    done = 0
    for row in rows:
        try:
            done += bool(act(row))
        except payments.CardPageUnreachable:
            continue
        except Exception:
            logger.exception("%s %s could not be brought to an end", type(row).__name__, row.pk)
    return done


def _ask_about(attempt: Attempt, at: datetime) -> Attempt:
    statement = attempt.statement
    if attempt.kind == AttemptKind.INSTALMENT:
        return instalments.find_out(attempt, at)
    if statement.voided_at or attempt.amount_cents > statement.balance_cents:
        return payments.stop(attempt)  # the bill went down while its card page was open
    return payments.look_at(attempt, at)


def _payments_without_a_card(at: datetime):
    """Recent ones, and the first of each running plan: its later parts need the card's reference."""
    plain = Payment.objects.filter(card_last4="", captured_at__gte=at - LOOK_BACK)
    of_plans = Payment.objects.filter(attempt__instalment__plan__in=PaymentPlan.objects.active().filter(card_ref=""))
    return (plain | of_plans).select_related("attempt__instalment__plan").distinct().order_by("-captured_at")[:50]


def _is_closed(refund: Refund) -> bool:
    return refund.closed_at is not None


# ---- What was done at the processor without a word to us -------------------------------------------------------------


def _catch_up(since: datetime, at: datetime) -> int:
    """Record payments, refunds and disputes whose messages were lost; returns how many."""
    if not settings.BILLING_GATEWAY:
        return 0
    gateway = get_gateway(settings.BILLING_GATEWAY)
    try:
        moved = list(gateway.movements(since, at + timedelta(minutes=5)))
    except Unknown:
        logger.warning("The processor did not tell what has moved")
        return 0
    found = 0
    for movement in moved:
        try:
            found += _record(gateway.code, movement, at)
        except Unknown:
            continue
        except Exception:
            logger.exception("Movement %s could not be recorded", movement.ref)
    return found


def _record(gateway_code: str, movement: Movement, at: datetime) -> bool:
    """Record one movement unless we know it. Returns whether it was news."""
    match movement.kind:
        case MovementKind.PAYMENT:
            return _record_payment(gateway_code, movement, at)
        case MovementKind.REFUND:
            ours = Refund.objects.filter(gateway=gateway_code, refund_ref=movement.ref).first()
            stands = movement.refund.state.value if movement.refund else RefundState.SUCCEEDED
            if (ours is not None and ours.state == stands) or (ours is None and stands == RefundState.FAILED):
                return False
            return refunds.import_refunds_of(gateway_code, movement.payment_ref, at) == ""
        case MovementKind.DISPUTE if movement.dispute is not None:
            known = Dispute.objects.filter(gateway=gateway_code, dispute_ref=movement.ref).first()
            is_open = movement.dispute.state == DisputeOutcomeState.OPEN
            if known is not None and (known.state != DisputeState.OPEN or is_open):
                return False
            return apply_dispute(gateway_code, movement.dispute, at) == ""
        case _:
            return False


def _record_payment(gateway_code: str, movement: Movement, at: datetime) -> bool:
    if Payment.objects.filter(gateway=gateway_code, payment_ref=movement.ref).exists():
        return False
    attempt = Attempt.objects.of_key(gateway_code, movement.key)
    if attempt is None:
        return False
    payments.settle(attempt, _as_outcome(movement), at)
    return True


def _as_outcome(movement: Movement) -> payments.Outcome:
    return payments.Outcome(
        payments.OutcomeState.PAID,
        key=movement.key,
        payment_ref=movement.ref,
        amount_cents=movement.amount_cents,
        currency=movement.currency,
    )
