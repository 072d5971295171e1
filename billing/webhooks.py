"""What the processor tells us: stored once, then acted on. A message that cannot be acted on yet is asked for again."""

import logging

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from billing.gateways.registry import get_gateway
from billing.models import Attempt, GatewayEvent
from billing.payments import apply_outcome

logger = logging.getLogger(__name__)


def receive(gateway_code: str, body: bytes, headers: dict[str, str]) -> None:
    """Check, store and act on a message. Raises BadSignature with nothing stored."""
    event = get_gateway(gateway_code).event(body, headers)
    stored, _is_new = GatewayEvent.objects.get_or_create(
        gateway=gateway_code, event_id=event.event_id, defaults={"kind": event.kind, "body": body.decode()}
    )
    with transaction.atomic():
        stored = GatewayEvent.objects.select_for_update().get(pk=stored.pk)
        if stored.processed_at:
            return
        stored.tries += 1
        stored.processed_at = timezone.now()
        if event.outcome is not None:
            attempt = _attempt(gateway_code, event.outcome.key)
            if attempt is None:
                stored.note = "Not about an attempt of ours"
            else:
                apply_outcome(attempt, event.outcome)
        stored.save(update_fields=["tries", "processed_at", "note"])


def _attempt(gateway_code: str, key: str) -> Attempt | None:
    try:
        return Attempt.objects.filter(gateway=gateway_code, pk=key).first()
    except (ValidationError, ValueError):
        return None
