"""What the processor tells us: stored once, then acted on. What cannot be acted on yet is asked for again."""

import logging

from django.db import DatabaseError, transaction
from django.utils import timezone

from billing.disputes import apply_dispute
from billing.gateways.interface import Event, RefundOutcome, Unknown
from billing.gateways.registry import get_gateway
from billing.models import Attempt, GatewayEvent, Payment
from billing.payments import apply_outcome
from billing.refunds import record_refunds

logger = logging.getLogger(__name__)


def receive(gateway_code: str, body: bytes, headers: dict[str, str]) -> bool:
    """Check, store and act on a message. Returns False when it is stored and could not be acted on.

    Raises BadSignature with nothing stored.
    """
    event = get_gateway(gateway_code).event(body, headers)
    stored, _is_new = GatewayEvent.objects.get_or_create(
        gateway=gateway_code, event_id=event.event_id, defaults={"kind": event.kind, "body": body.decode()}
    )
    return process(stored)


def process(stored: GatewayEvent) -> bool:
    """Act on a stored message, once, under its row's lock. Returns whether it is done; why not is kept with it."""
    try:
        event = get_gateway(stored.gateway).read_event(stored.body)
        told = _look_at_refunds(stored.gateway, event)  # with no transaction open
        with transaction.atomic():
            locked = GatewayEvent.objects.select_for_update().get(pk=stored.pk)
            if locked.processed_at:
                return True
            locked.note = _act(stored.gateway, event, told)
            locked.processed_at = timezone.now()
            locked.tries += 1
            locked.save(update_fields=["tries", "processed_at", "note"])
    except (DatabaseError, Unknown) as error:
        # Another worker may be at it, or the processor away: the message comes again, and the sweep asks too.
        logger.warning("Message %s of %s could not be acted on: %s", stored.pk, stored.gateway, type(error).__name__)
        _note(stored, type(error).__name__)
        return False
    except Exception as error:
        logger.exception("Message %s of %s could not be acted on", stored.pk, stored.gateway)
        _note(stored, type(error).__name__)
        return False
    return True


def _note(stored: GatewayEvent, note: str) -> None:
    with transaction.atomic():
        waiting = GatewayEvent.objects.select_for_update(skip_locked=True).filter(pk=stored.pk, processed_at=None)
        for row in waiting:
            row.tries += 1
            row.note = note
            row.save(update_fields=["tries", "note"])


def _look_at_refunds(gateway_code: str, event: Event) -> list[RefundOutcome] | None:
    """What the processor knows of the refunds the message is about, whatever it says; None for no payment of ours."""
    known = Payment.objects.filter(gateway=gateway_code, payment_ref=event.refunds_of) if event.refunds_of else None
    return get_gateway(gateway_code).look_at_refunds(event.refunds_of) if known and known.exists() else None


def _act(gateway_code: str, event: Event, told: list[RefundOutcome] | None) -> str:
    """Do what the message is about; returns a note for staff."""
    if event.outcome is not None:
        attempt = Attempt.objects.of_key(gateway_code, event.outcome.key)
        if attempt is None:
            return "Not about an attempt of ours"
        apply_outcome(attempt, event.outcome)
    if event.refunds_of:
        payment = Payment.objects.filter(gateway=gateway_code, payment_ref=event.refunds_of).first()
        if payment is None or told is None:
            return "Not about a payment of ours"
        record_refunds(payment, told)
    if event.dispute is not None:
        return apply_dispute(gateway_code, event.dispute)
    return ""
