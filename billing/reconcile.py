"""Compares what moved at the processor with what we have written down, one by one and to the cent."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.conf import settings
from django.utils import timezone

from billing.gateways.interface import Movement, MovementKind, RefundOutcomeState
from billing.gateways.registry import get_gateway
from billing.models import Dispute, DisputeState, Payment, Refund, RefundState
from practice.money import dollars

AROUND = timedelta(days=4)  # a message can be three days late


@dataclass(frozen=True)
class Entry:
    """A sum we have written down: its kind and the processor's reference."""

    kind: MovementKind
    ref: str
    cents: int
    happened_at: datetime


@dataclass(frozen=True)
class Difference:
    """Where the two do not agree. A missing side is None."""

    kind: MovementKind
    ref: str
    theirs_cents: int | None
    ours_cents: int | None

    def __str__(self):
        name = f"{self.kind.value} {self.ref}"
        if self.ours_cents is None:
            return f"{name}: the processor has {dollars(self.theirs_cents or 0)}, we have nothing"
        if self.theirs_cents is None:
            return f"{name}: we have {dollars(self.ours_cents)}, the processor has nothing"
        return f"{name}: the processor has {dollars(self.theirs_cents)}, we have {dollars(self.ours_cents)}"


@dataclass(frozen=True)
class Comparison:
    """What was compared: theirs and ours in cents, net of what went back, and every difference."""

    theirs_cents: int
    ours_cents: int
    compared: int
    differences: list[Difference]


OUTWARD = (MovementKind.REFUND, MovementKind.DISPUTE)


def signed(kind: MovementKind, cents: int) -> int:
    return -cents if kind in OUTWARD else cents


def day_of(on: date) -> tuple[datetime, datetime]:
    """The first moment of the practice's day, and the first of the next."""
    zone = timezone.get_default_timezone()
    return datetime.combine(on, time.min, zone), datetime.combine(on + timedelta(days=1), time.min, zone)


def our_entries(gateway_code: str, *, refs: set[str] | None = None, **during: datetime) -> list[Entry]:
    """Payments, refunds and disputes of this processor: those with these references, or of a range of instants.

    A range is written like a look-up: `gte=…, lt=…`.
    """

    def wanted(ref: str, moment: str) -> dict:
        named = {} if refs is None else {f"{ref}__in": refs}
        return {"gateway": gateway_code} | named | {f"{moment}__{bound}": at for bound, at in during.items()}

    payments = Payment.objects.filter(**wanted("payment_ref", "captured_at"))
    returned = Refund.objects.filter(state=RefundState.SUCCEEDED, **wanted("refund_ref", "closed_at"))
    disputes = Dispute.objects.filter(**wanted("dispute_ref", "opened_at"))
    won = Dispute.objects.filter(state=DisputeState.WON, **wanted("dispute_ref", "closed_at"))
    return [
        *(Entry(MovementKind.PAYMENT, p.payment_ref, p.amount_cents, p.captured_at) for p in payments),
        *(Entry(MovementKind.REFUND, r.refund_ref, r.amount_cents, r.closed_at or r.created_at) for r in returned),
        *(Entry(MovementKind.DISPUTE, d.dispute_ref, d.amount_cents, d.opened_at) for d in disputes),
        *(Entry(MovementKind.REINSTATED, d.dispute_ref, d.amount_cents, d.closed_at or d.opened_at) for d in won),
    ]


def compare(theirs: Iterable[Movement], ours: Iterable[Entry], known: Iterable[Entry]) -> Comparison:
    """Hold each of their movements against ours and each of ours against theirs, by kind and reference.

    `theirs` and `ours` are the stretch that is judged. A movement that is not in `ours` may be in `known`: written down
    before or after the stretch. One of ours that is not in `theirs` is a difference.
    """
    told = [m for m in theirs if m.kind != MovementKind.PAYOUT]
    moved = {(m.kind, m.ref): m for m in told if m.refund is None or m.refund.state == RefundOutcomeState.SUCCEEDED}
    written = {(entry.kind, entry.ref): entry for entry in ours}
    all_written = {(entry.kind, entry.ref): entry for entry in known} | written
    differences = []
    for key, movement in moved.items():
        entry = all_written.get(key)
        if entry is None or entry.cents != movement.amount_cents or movement.currency != "usd":
            differences.append(Difference(*key, movement.amount_cents, entry.cents if entry else None))
    differences += [Difference(*key, None, entry.cents) for key, entry in written.items() if key not in moved]
    return Comparison(
        theirs_cents=sum(signed(m.kind, m.amount_cents) for m in moved.values()),
        ours_cents=sum(signed(entry.kind, entry.cents) for entry in written.values()),
        compared=len(moved.keys() | written.keys()),
        differences=differences,
    )


def reconcile(on: date) -> Comparison:
    """Compare the practice's day. Raises Unknown when the processor does not answer.

    Their movements of the day must be ours, whenever we heard of them; ours of the day must be theirs, whenever they
    count them: messages come late.
    """
    gateway = get_gateway(settings.BILLING_GATEWAY)
    first, end = day_of(on)
    around = list(gateway.movements(first - AROUND, end + AROUND))
    ours = our_entries(gateway.code, gte=first, lt=end)
    named = {(entry.kind, entry.ref) for entry in ours}
    theirs = [m for m in around if first <= m.moved_at < end or (m.kind, m.ref) in named]
    return compare(theirs, ours, our_entries(gateway.code, refs={movement.ref for movement in theirs}))
