"""The daily close: a batch of the ledger that ties to the processor and to the bank, to the cent, or does not close.

A batch is a stretch of the ledger's chain, so no entry can be in two batches or in none. Its file goes to the
practice-management system.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from billing import ledger
from billing.close_file import DISPUTES, REFUNDS, close_file, processor_references
from billing.gateways.interface import Movement, MovementKind, Unknown
from billing.gateways.registry import get_gateway
from billing.models import ChainLink, DailyClose, Journal, JournalKind
from billing.models.ledger import Account
from billing.proof import prove
from billing.reconcile import Comparison, Entry, compare, day_of, our_entries
from billing.sweep import sweep
from practice.money import dollars

LOOK_AROUND = timedelta(days=7)
KINDS = {
    JournalKind.PAYMENT: MovementKind.PAYMENT,
    JournalKind.REFUND: MovementKind.REFUND,
    JournalKind.REFUND_FAILED: MovementKind.REFUND,
    JournalKind.DISPUTE: MovementKind.DISPUTE,
    JournalKind.DISPUTE_WON: MovementKind.REINSTATED,
}
# What the practice-management system must hear of beside money at the processor.
ALSO_TOLD = (
    JournalKind.WRITE_OFF,
    JournalKind.DISPUTE_LOST,
    JournalKind.TRANSFER,
    JournalKind.VOID,
    JournalKind.RELEASE,
)


class CloseRefused(Exception):
    """The day was not closed and nothing was changed; `reasons` says why, a sentence each."""

    def __init__(self, reasons: list[str]):
        super().__init__(" ".join(reasons))
        self.reasons = reasons


@dataclass
class Batch:
    """What a close would hold. Sums are cents; `deposit_cents` is what must have come to the bank."""

    day: date
    first_position: int
    last_position: int
    chain_digest: str
    journals: list[Journal] = field(default_factory=list)
    payments_cents: int = 0
    refunds_cents: int = 0
    disputes_cents: int = 0
    fees_cents: int = 0
    comparison: Comparison | None = None

    @property
    def deposit_cents(self) -> int:
        return self.payments_cents - self.refunds_cents - self.disputes_cents - self.fees_cents


def close_day(
    day: date | None = None, *, deposit_cents: int | None = None, by=None, at: datetime | None = None
) -> DailyClose:
    """Close the day. Raises CloseRefused, naming the first thing that does not tie.

    `deposit_cents` is what the bank shows; None takes the processor's word for it. Before anything is compared the
    sweep runs, so that nothing is missed that the processor already knows.
    """
    at = at or timezone.now()
    day = day or timezone.localdate(at)
    _refuse_wrong_day(day, at)
    sweep(at)
    batch = look_at_day(day, at)
    reasons = reasons_against(batch)
    difference = 0 if deposit_cents is None else deposit_cents - batch.deposit_cents
    if deposit_cents is not None and difference:
        reasons.append(
            f"The deposit is {dollars(deposit_cents)}, but payments, refunds, disputes and fees make "
            f"{dollars(batch.deposit_cents)}: a difference of {dollars(abs(difference))}."
            + (" That is the fees: is it the amount before fees?" if batch.fees_cents == difference else "")
        )
    if reasons:
        raise CloseRefused(reasons)
    try:
        return _write(batch, by, at)
    except IntegrityError as error:
        raise CloseRefused(["Somebody else has just closed a day. Look at the closed days first."]) from error


def _refuse_wrong_day(day: date, at: datetime) -> None:
    if day > timezone.localdate(at):
        raise CloseRefused([f"{day.isoformat()} has not come yet."])
    last = DailyClose.objects.first()
    if last is not None and day <= last.day:
        raise CloseRefused([f"{last.day.isoformat()} is closed already. Close a day after it."])


def look_at_day(day: date, at: datetime | None = None) -> Batch:
    """The batch that a close of this day would hold, compared with the processor. Nothing is changed.

    Raises CloseRefused when the processor does not answer.
    """
    at = at or timezone.now()
    if not settings.BILLING_GATEWAY:
        raise CloseRefused(["Paying online is switched off, so there is no card processor to tie the day to."])
    batch = _stretch(day)
    gateway = get_gateway(settings.BILLING_GATEWAY)
    entries = _entries(batch.journals)
    oldest = min([entry.happened_at for entry in entries], default=day_of(day)[0])
    until = min(at, day_of(day)[1]) + timedelta(minutes=5)
    try:
        moved = list(gateway.movements(oldest - LOOK_AROUND, until))
    except Unknown as error:
        raise CloseRefused(["The card processor did not answer. Try again in a few minutes."]) from error
    batch.comparison = _compare(batch, entries, moved, gateway.code)
    fees = {(m.kind, m.ref): m.fee_cents for m in moved}
    batch.fees_cents = sum(fees.get((entry.kind, entry.ref), 0) for entry in entries)
    batch.payments_cents = _moved(batch, JournalKind.PAYMENT)
    batch.refunds_cents = -_moved(batch, *REFUNDS)
    batch.disputes_cents = -_moved(batch, *DISPUTES)
    return batch


def _stretch(day: date) -> Batch:
    """The chain from the last close to the end of this day, or to the chain's end where the day is not over."""
    last = DailyClose.objects.first()
    first_position = last.last_position + 1 if last else 1
    links = ChainLink.objects.filter(position__gte=first_position).order_by("position")
    after = links.filter(journal__posted_at__gte=day_of(day)[1]).first()
    if after is not None:
        links = links.filter(position__lt=after.position)
    end = links.last()  # what is written from now on is for the next batch
    last_position = end.position if end else first_position - 1
    told = Q(kind__in=(*KINDS, *ALSO_TOLD)) | Q(kind=JournalKind.CHARGE, posted_by__isnull=False)  # issued again here
    journals = (
        Journal.objects.filter(told, link__position__range=(first_position, last_position))
        .select_related("link")
        .prefetch_related("legs__statement__patient")
        .order_by("link__position")
    )
    return Batch(
        day=day,
        first_position=first_position,
        last_position=last_position,
        chain_digest=end.digest if end else (last.chain_digest if last else ""),
        journals=list(journals),
    )


def _moved(batch: Batch, *kinds: JournalKind) -> int:
    """Cents that came to the processor by entries of these kinds, less what left it."""
    return sum(journal.cents_in(Account.GATEWAY) for journal in batch.journals if journal.kind in kinds)


def _entries(journals: list[Journal]) -> list[Entry]:
    """What these journals say moved at the processor, in their order."""
    refs = processor_references(journals)
    return [
        Entry(KINDS[JournalKind(j.kind)], refs[j.kind, j.cause], abs(j.cents_in(Account.GATEWAY)), j.posted_at)
        for j in journals
        if j.kind in KINDS
    ]


def _compare(batch: Batch, entries: list[Entry], moved: list[Movement], gateway_code: str) -> Comparison:
    """The batch against the processor. A refund that went out and came back in one batch has moved nothing."""
    came_back = {
        entry.ref
        for entry, journal in zip(entries, [j for j in batch.journals if j.kind in KINDS], strict=True)
        if journal.kind == JournalKind.REFUND_FAILED
    }
    standing = [entry for entry in entries if entry.ref not in came_back]
    return compare(moved, standing, our_entries(gateway_code, refs={movement.ref for movement in moved}))


def reasons_against(batch: Batch) -> list[str]:
    """Why this batch may not be closed, a sentence each; the proof of the ledger is one of them."""
    proof = prove()
    reasons = []
    if not proof.holds:
        reasons.append(f"The ledger does not hold: {proof.first_problem}.")
    if batch.comparison:
        reasons += [f"It does not tie to the card processor: {d}." for d in batch.comparison.differences]
    return reasons


def _write(batch: Batch, by, at: datetime) -> DailyClose:
    body = close_file(batch.day, batch.journals)
    with transaction.atomic():
        closed = DailyClose.objects.create(
            day=batch.day,
            closed_at=at,
            closed_by=by,
            first_position=batch.first_position,
            last_position=batch.last_position,
            chain_digest=batch.chain_digest,
            entries=len(batch.journals),
            payments_cents=batch.payments_cents,
            refunds_cents=batch.refunds_cents,
            disputes_cents=batch.disputes_cents,
            fees_cents=batch.fees_cents,
            deposit_cents=batch.deposit_cents,
            body=body,
            sha256=hashlib.sha256(body.encode()).hexdigest(),
        )
        ledger.post_deposit(batch.day.isoformat(), batch.deposit_cents, batch.fees_cents, by=by)
    return closed
