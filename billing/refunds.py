"""Returning money to the card it came from.

As with paying: commit the refund, which reserves its amount; call the processor with no transaction open; commit what
came of it. The refund's id is the idempotency key and there is never a second one. An outcome we could not learn is
`unknown`: the sweep asks on. Refunds made at the processor, behind our back, arrive by message or by the sweep.
"""

import logging
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from billing import ledger, receipts
from billing.gateways.interface import RefundOrder, RefundOutcome, RefundOutcomeState, Unknown
from billing.gateways.registry import get_gateway
from billing.models import Payment, Refund, RefundSource, RefundState
from practice.money import dollars

logger = logging.getLogger(__name__)

KEY_IS_REMEMBERED = timedelta(hours=23)  # processors forget a key after a day


class RefundRefused(Exception):
    """The refund was not made; the message says why, for staff to read. Nothing was returned."""


def request_refund(
    payment: Payment, amount_cents: int, *, by, reason: str, refund_id: UUID | None = None, at: datetime | None = None
) -> Refund:
    """Return so many cents of the payment. Above the set amount it waits for a second person first.

    `refund_id` comes with the form, so that a second click finds the first one's refund. Raises RefundRefused.
    """
    refund_id = refund_id or uuid4()
    try:
        refund = _reserve(payment, amount_cents, by, reason, refund_id, at or timezone.now())
    except IntegrityError as error:
        known = Refund.objects.filter(pk=refund_id).first()  # the other click was faster
        if known is None:
            raise RefundRefused(f"This payment cannot be refunded by {dollars(amount_cents)}.") from error
        refund = known
    return push(refund) if refund.state == RefundState.REQUESTED else refund


@transaction.atomic
def _reserve(payment: Payment, amount_cents: int, by, reason: str, refund_id: UUID, at: datetime) -> Refund:
    payment = Payment.objects.select_for_update().get(pk=payment.pk)
    known = Refund.objects.filter(pk=refund_id).first()
    if known is not None:
        return known
    if payment.disputes.open().exists():
        raise RefundRefused("The cardholder disputes this payment at the bank, so it cannot be refunded.")
    if not 0 < amount_cents <= payment.refundable_cents:
        raise RefundRefused(f"Of this payment {dollars(payment.refundable_cents)} can be returned. Enter that or less.")
    # What one person has returned of this payment counts together: small steps are not a way round the limit.
    alone = payment.refunds.filter(source=RefundSource.OFFICE, needs_second_person=False)
    so_far = sum(r.amount_cents for r in alone.exclude(state__in=(RefundState.FAILED, RefundState.DECLINED)))
    needs_second_person = so_far + amount_cents > settings.REFUND_SECOND_PERSON_ABOVE_CENTS
    return Refund.objects.create(
        pk=refund_id,
        payment=payment,
        gateway=payment.gateway,
        amount_cents=amount_cents,
        reason=reason,
        requested_by=by,
        needs_second_person=needs_second_person,
        state=RefundState.PROPOSED if needs_second_person else RefundState.REQUESTED,
        created_at=at,
    )


def decide_refund(refund: Refund, *, by, approve: bool, at: datetime | None = None) -> Refund:
    """The second person's word on a refund somebody else asked for. Raises RefundRefused."""
    at = at or timezone.now()
    with transaction.atomic():
        refund = _lock(refund)
        if refund.state != RefundState.PROPOSED:
            raise RefundRefused("Somebody has decided about this refund already.")
        if refund.requested_by_id == by.pk:
            raise RefundRefused("You asked for this refund yourself. Somebody else must decide about it.")
        if approve and refund.payment.disputes.open().exists():
            raise RefundRefused("The cardholder disputes this payment at the bank, so it cannot be refunded.")
        refund.decided_by, refund.decided_at = by, at
        refund.state = RefundState.REQUESTED if approve else RefundState.DECLINED
        refund.closed_at = None if approve else at
        refund.save(update_fields=["decided_by", "decided_at", "state", "closed_at"])
    return push(refund) if approve else refund


def push(refund: Refund, at: datetime | None = None) -> Refund:
    """Ask the processor to make the refund, or what became of it. Safe to repeat.

    One that was made at the processor, and any while the payment is disputed, is only looked at, never asked for.
    """
    at = at or timezone.now()
    if refund.source == RefundSource.PROCESSOR or refund.payment.disputes.open().exists():
        return _look_at(refund, at)
    order = RefundOrder(
        key=str(refund.pk),
        payment_ref=refund.payment.payment_ref,
        amount_cents=refund.amount_cents,
        may_ask_again=at - (refund.decided_at or refund.created_at) < KEY_IS_REMEMBERED,
    )
    try:
        outcome = get_gateway(refund.gateway).refund(order)
    except Unknown as error:
        waiting = Refund.objects.filter(pk=refund.pk, state__in=(RefundState.REQUESTED, RefundState.UNKNOWN))
        waiting.update(state=RefundState.UNKNOWN, last_error=str(error)[:200])
        refund.refresh_from_db()
        return refund
    return apply_refund(refund, outcome, at)


def _look_at(refund: Refund, at: datetime) -> Refund:
    try:
        import_refunds_of(refund.gateway, refund.payment.payment_ref, at)
    except Unknown:
        logger.warning("The processor did not answer about refund %s", refund.pk)
    refund.refresh_from_db()
    return refund


@transaction.atomic
def apply_refund(refund: Refund, outcome: RefundOutcome, at: datetime | None = None) -> Refund:
    """Record what is true at the processor about a refund; safe to repeat, and in any order."""
    at = at or timezone.now()
    refund = _lock(refund)
    before, after = refund.state, RefundState(outcome.state.value)
    if before in (RefundState.PROPOSED, RefundState.DECLINED):
        logger.error("Refund %s was made at the processor before anybody decided about it", refund.pk)
        return refund
    if after == RefundState.PENDING and before not in (RefundState.REQUESTED, RefundState.UNKNOWN):
        return refund  # an old message
    if before == after:
        return refund
    refund.state = after
    refund.refund_ref = refund.refund_ref or outcome.refund_ref
    refund.last_error = outcome.message[:200]
    refund.closed_at = None if after == RefundState.PENDING else at
    refund.save(update_fields=["state", "refund_ref", "last_error", "closed_at"])
    if after == RefundState.SUCCEEDED:
        ledger.post_refund(refund)
        receipts.tell_refund(refund)
    elif before == RefundState.SUCCEEDED:
        ledger.post_refund_failed(refund)
    return refund


def _lock(refund: Refund) -> Refund:
    """The refund with its payment and statement, locked in the order of the house."""
    payment = Payment.objects.lock(refund.payment_id, statement=refund.payment.statement_id)
    refund = Refund.objects.select_for_update(of=("self",)).get(pk=refund.pk)
    refund.payment = payment
    return refund


def import_refunds_of(gateway_code: str, payment_ref: str, at: datetime | None = None) -> str:
    """Ask for all refunds of a payment and record them, also those made at the processor. Returns a note for staff.

    Raises Unknown when the processor does not answer.
    """
    payment = Payment.objects.filter(gateway=gateway_code, payment_ref=payment_ref).first()
    if payment is None:
        return "Not about a payment of ours"
    record_refunds(payment, get_gateway(gateway_code).look_at_refunds(payment_ref), at)
    return ""


def record_refunds(payment: Payment, told: list[RefundOutcome], at: datetime | None = None) -> None:
    """Record all refunds the processor knows of a payment."""
    at = at or timezone.now()
    _give_way(payment, told, at)
    for outcome in told:
        refund = _find(payment.gateway, outcome)
        if refund is not None:
            apply_refund(refund, outcome, at)
        elif outcome.state != RefundOutcomeState.FAILED:
            _record_external(payment, outcome, at)


@transaction.atomic
def _give_way(payment: Payment, told: list[RefundOutcome], at: datetime) -> None:
    """Give up refunds of ours that the processor does not have, for as long as it has returned too much for them.

    What only waits for a second person's word goes first, then the newest. One that was on its way all the same is
    believed when it is seen there.
    """
    payment = Payment.objects.lock(payment.pk, statement=payment.statement_id)
    made = {outcome.key for outcome in told}
    left = payment.amount_cents - sum(o.amount_cents for o in told if o.state != RefundOutcomeState.FAILED)
    states = (RefundState.PROPOSED, RefundState.REQUESTED, RefundState.UNKNOWN)
    ours = payment.refunds.select_for_update(of=("self",)).filter(state__in=states).order_by("created_at")
    waiting = [refund for refund in ours if str(refund.pk) not in made]
    waiting.sort(key=lambda refund: refund.state == RefundState.PROPOSED)
    while waiting and sum(refund.amount_cents for refund in waiting) > left:
        refund = waiting.pop()
        refund.state = RefundState.DECLINED if refund.state == RefundState.PROPOSED else RefundState.FAILED
        refund.closed_at = at
        refund.last_error = "The money was returned at the card processor."
        refund.save(update_fields=["state", "closed_at", "last_error"])


def _find(gateway_code: str, outcome: RefundOutcome) -> Refund | None:
    try:
        ours = Refund.objects.filter(pk=UUID(outcome.key)).first() if outcome.key else None
    except ValueError:
        ours = None
    if ours is not None and ours.refund_ref not in ("", outcome.refund_ref):
        ours = None  # made a second time under our name: it is money of its own
    return ours or Refund.objects.filter(gateway=gateway_code, refund_ref=outcome.refund_ref).first()


@transaction.atomic
def _record_external(payment: Payment, outcome: RefundOutcome, at: datetime) -> None:
    payment = Payment.objects.lock(payment.pk, statement=payment.statement_id)
    if Refund.objects.filter(gateway=payment.gateway, refund_ref=outcome.refund_ref).exists():
        return
    refund = Refund.objects.create(
        payment=payment,
        gateway=payment.gateway,
        amount_cents=outcome.amount_cents,
        state=RefundState(outcome.state.value),
        source=RefundSource.PROCESSOR,
        refund_ref=outcome.refund_ref,
        created_at=at,
        closed_at=None if outcome.state == RefundOutcomeState.PENDING else at,
    )
    if refund.state == RefundState.SUCCEEDED:
        ledger.post_refund(refund)
        receipts.tell_refund(refund)
