"""Disputes arrive by themselves: the cardholder's bank takes money back until it is decided who is right."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from billing import ledger, receipts
from billing.gateways.interface import DisputeOutcome, DisputeOutcomeState
from billing.models import Dispute, DisputeState, Payment


@transaction.atomic
def apply_dispute(gateway_code: str, outcome: DisputeOutcome, at: datetime | None = None) -> str:
    """Record how a dispute stands at the processor; safe to repeat, and in any order. Returns a note for staff.

    How it ended is final: an older message that still calls it open changes nothing.
    """
    at = at or timezone.now()
    known = Payment.objects.filter(gateway=gateway_code, payment_ref=outcome.payment_ref).first()
    if known is None:
        return "Not about a payment of ours"
    if outcome.state == DisputeOutcomeState.INQUIRY:
        return "A question of the bank; no money has moved"
    payment = Payment.objects.lock(known.pk, statement=known.statement_id)
    dispute = Dispute.objects.filter(gateway=gateway_code, dispute_ref=outcome.dispute_ref).first()
    note = ""
    if dispute is None:
        amount = min(outcome.amount_cents, payment.amount_cents - payment.disputed_cents)
        if amount <= 0:
            return "More is disputed than was paid"
        if amount < outcome.amount_cents:
            note = "More is disputed than was paid: we hold back the rest of the payment"
        dispute = Dispute.objects.create(
            gateway=gateway_code,
            dispute_ref=outcome.dispute_ref,
            payment=payment,
            amount_cents=amount,
            answer_due_at=outcome.answer_due_at,
            opened_at=at,
        )
        ledger.post_dispute(dispute)
        receipts.tell_office_of_dispute(dispute)
    dispute.payment = payment
    if dispute.state == DisputeState.OPEN and outcome.state != DisputeOutcomeState.OPEN:
        dispute.state = DisputeState(outcome.state.value)
        dispute.closed_at = at
        dispute.save(update_fields=["state", "closed_at"])
        if dispute.state == DisputeState.WON:
            ledger.post_dispute_won(dispute)
        else:
            ledger.post_dispute_lost(dispute)
    return note
