"""Writes the ledger. Every function runs inside the caller's transaction, with the statement locked.

A debit is positive; see `Account` for the books. Money that arrives lowers what is owed, and what exceeds it is owed
back as credit; money that goes back is taken from the credit first. What the ledger proves is in `proof.py`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Sum

from billing.models import Account, Dispute, Journal, JournalKind, Leg, Payment, Refund, Statement
from billing.models.ledger import CHARGING_KINDS

Legs = list[tuple[Account, Statement | None, int]]


@dataclass(frozen=True)
class Entry:
    """A journal to be: its kind, what it is about, and its legs, of which those of zero are left out."""

    kind: JournalKind
    cause: str
    legs: Legs


def post_all(entries: Iterable[Entry]) -> None:
    """Write many journals with few statements."""
    entries = list(entries)
    journals = Journal.objects.bulk_create([Journal(kind=e.kind, cause=e.cause) for e in entries], batch_size=2000)
    Leg.objects.bulk_create(
        [
            Leg(journal=journal, account=account, statement=statement, cents=cents)
            for journal, entry in zip(journals, entries, strict=True)
            for account, statement, cents in entry.legs
            if cents
        ],
        batch_size=5000,
    )


def post(kind: JournalKind, cause: str, legs: Legs, *, by=None, note: str = "", at: datetime | None = None) -> Journal:
    """Write one journal. Legs of zero are left out. `cause` names what it is about; a kind has each cause once."""
    facts = {"posted_at": at} if at else {}
    journal = Journal.objects.create(kind=kind, cause=cause, posted_by=by, note=note[:200], **facts)
    Leg.objects.bulk_create(
        Leg(journal=journal, account=account, statement=statement, cents=cents)
        for account, statement, cents in legs
        if cents
    )
    return journal


# ---- What is owed ---------------------------------------------------------------------------------------------------


def charge_entry(cause: str, charged: Iterable[tuple[Statement, int]]) -> Entry:
    """The patients owe so many cents on these statements."""
    legs: Legs = [(Account.RECEIVABLE, statement, cents) for statement, cents in charged]
    return Entry(JournalKind.CHARGE, cause, [*legs, (Account.REVENUE, None, -sum(cents for *_about, cents in legs))])


def surplus_over(statement: Statement, charges_cents: int) -> tuple[int, int]:
    """Cents applied to the statement beyond these charges, and how many of them had been written off.

    What had been written off is released first, and owed back to nobody.
    """
    surplus = max(0, statement.applied_cents - charges_cents)
    return surplus, min(surplus, written_off_on(statement)) if surplus else 0


def release_entries(statement: Statement, difference_cents: int, cause: str) -> list[Entry]:
    """What a revision by so many cents releases, before it is posted: what was paid becomes credit."""
    surplus, given_up = surplus_over(statement, statement.charges_cents + difference_cents)
    if not surplus:
        return []
    legs: Legs = [
        (Account.RECEIVABLE, statement, surplus),
        (Account.ADJUSTMENT, statement, -given_up),
        (Account.CREDIT, statement, given_up - surplus),
    ]
    return [Entry(JournalKind.RELEASE, cause, legs)]


def revision_entry(cause: str, revised: Iterable[tuple[Statement, int]]) -> Entry:
    """The practice's system sent these statements again, with charges that differ by so many cents."""
    legs: Legs = [(Account.RECEIVABLE, statement, difference) for statement, difference in revised]
    total = sum(difference for *_about, difference in legs)
    return Entry(JournalKind.REVISION, cause, [*legs, (Account.REVENUE, None, -total)])


def post_write_off(statement: Statement, cents: int, cause: str, *, by, note: str) -> Journal:
    """The practice gives up so much of what is owed."""
    legs: Legs = [(Account.ADJUSTMENT, statement, cents), (Account.RECEIVABLE, statement, -cents)]
    return post(JournalKind.WRITE_OFF, cause, legs, by=by, note=note)


def post_void(statement: Statement, *, by, note: str) -> None:
    """Nothing is owed on the statement any more: what was applied to it becomes credit, the charges are taken back.

    Afterwards `applied_cents` equals `charges_cents`. What had been written off is owed back to nobody.
    """
    written_off = written_off_on(statement)
    paid = statement.applied_cents - written_off
    if paid:
        legs: Legs = [(Account.RECEIVABLE, statement, paid), (Account.CREDIT, statement, -paid)]
        post(JournalKind.RELEASE, f"{statement.number}/void", legs, by=by, note=note)
    rest = statement.charges_cents - written_off
    if rest:
        legs = [(Account.RECEIVABLE, statement, -rest), (Account.REVENUE, statement, rest)]
        post(JournalKind.VOID, statement.number, legs, by=by, note=note)


def post_transfer(source: Statement, target: Statement, cents: int, *, by) -> None:
    """Credit of one statement pays another of the same patient."""
    legs: Legs = [(Account.CREDIT, source, cents), (Account.RECEIVABLE, target, -cents)]
    post(JournalKind.TRANSFER, f"{source.number}/{target.number}", legs, by=by)


# ---- What arrived and what went back --------------------------------------------------------------------------------


def post_payment(payment: Payment) -> None:
    """Money arrived at the processor: it lowers what is owed, and the surplus is owed back."""
    post(
        JournalKind.PAYMENT,
        payment.payment_ref,
        [
            (Account.GATEWAY, payment.statement, payment.amount_cents),
            (Account.RECEIVABLE, payment.statement, -payment.applied_cents),
            (Account.CREDIT, payment.statement, -payment.credit_cents),
        ],
        at=payment.captured_at,
    )


def post_refund(refund: Refund, *, by=None) -> None:
    """Money left the processor for the card."""
    legs: Legs = [(Account.GATEWAY, refund.payment.statement, -refund.amount_cents)]
    legs += _give_back(refund.payment.statement, refund.amount_cents)
    post(JournalKind.REFUND, _cause(JournalKind.REFUND, refund), legs, by=by, note=refund.reason)


def post_refund_failed(refund: Refund) -> None:
    """A refund that had gone out came back to the processor."""
    legs: Legs = [(Account.GATEWAY, refund.payment.statement, refund.amount_cents)]
    legs += _receive(refund.payment.statement, refund.amount_cents)
    post(JournalKind.REFUND_FAILED, _cause(JournalKind.REFUND_FAILED, refund), legs)


def post_dispute(dispute: Dispute) -> None:
    """The bank took the money back until the dispute is decided. The patient owes no more than before."""
    statement = dispute.payment.statement
    legs: Legs = [
        (Account.GATEWAY, statement, -dispute.amount_cents),
        (Account.DISPUTE, statement, dispute.amount_cents),
    ]
    post(JournalKind.DISPUTE, dispute.dispute_ref, legs)


def post_dispute_won(dispute: Dispute) -> None:
    statement = dispute.payment.statement
    legs: Legs = [
        (Account.GATEWAY, statement, dispute.amount_cents),
        (Account.DISPUTE, statement, -dispute.amount_cents),
    ]
    post(JournalKind.DISPUTE_WON, dispute.dispute_ref, legs)


def post_dispute_lost(dispute: Dispute) -> None:
    """The money stays with the cardholder, so what it had paid is owed again."""
    statement = dispute.payment.statement
    legs: Legs = [(Account.DISPUTE, statement, -dispute.amount_cents), *_give_back(statement, dispute.amount_cents)]
    post(JournalKind.DISPUTE_LOST, dispute.dispute_ref, legs)


def post_deposit(cause: str, deposit_cents: int, fees_cents: int, *, by) -> None:
    """The processor paid out a closed day: so much to the bank, so much kept as fees."""
    legs: Legs = [
        (Account.BANK, None, deposit_cents),
        (Account.FEES, None, fees_cents),
        (Account.GATEWAY, None, -deposit_cents - fees_cents),
    ]
    if any(cents for _account, _statement, cents in legs):
        post(JournalKind.DEPOSIT, cause, legs, by=by)


def _give_back(statement: Statement, cents: int) -> Legs:
    """Debits for money that goes back: the statement's credit first, then what it had paid is owed again.

    Of a voided statement, what its heir owes. What is left (the processor can return more than we know of) is a loss.
    """
    legs: Legs = []
    heir: Statement | None = statement
    while heir is not None and cents:
        if heir.pk != statement.pk:
            heir = Statement.objects.select_for_update().get(pk=heir.pk)
        credit = min(cents, max(0, credit_of(heir)))
        legs.append((Account.CREDIT, heir, credit))
        cents -= credit
        if heir.voided_at is None:
            owed_again = min(cents, heir.applied_cents - written_off_on(heir))
            legs.append((Account.RECEIVABLE, heir, owed_again))
            cents -= owed_again
        heir = Statement.objects.filter(replaces=heir).first()
    legs.append((Account.LOSS, statement, cents))
    return legs


def _receive(statement: Statement, cents: int) -> Legs:
    """Credits for money that comes in: it lowers what is owed, and the surplus is owed back."""
    applied = min(cents, statement.balance_cents)
    return [(Account.RECEIVABLE, statement, -applied), (Account.CREDIT, statement, applied - cents)]


def _cause(kind: JournalKind, refund: Refund) -> str:
    """A refund can fail after it succeeded and succeed after it failed; each time is a cause of its own."""
    times = Journal.objects.filter(kind=kind, cause__startswith=str(refund.pk)).count()
    return f"{refund.pk}/{times}" if times else str(refund.pk)


# ---- Sums -----------------------------------------------------------------------------------------------------------


def credit_of(statement: Statement) -> int:
    """Cents the practice owes back on this statement."""
    return -_sum(Leg.objects.filter(statement=statement, account=Account.CREDIT))


def moved_on(statement: Statement) -> dict[str, int]:
    """Cents by which each kind of entry has lowered what is owed on the statement; negative where it raised it."""
    legs = Leg.objects.filter(statement=statement, account=Account.RECEIVABLE).exclude(journal__kind__in=CHARGING_KINDS)
    return dict(legs.values("journal__kind").annotate(cents=-Sum("cents")).values_list("journal__kind", "cents"))


def written_off_on(statement: Statement) -> int:
    """Cents of this statement the practice has given up."""
    return _sum(Leg.objects.filter(statement=statement, account=Account.ADJUSTMENT))


def _sum(legs) -> int:
    return legs.aggregate(total=Sum("cents"))["total"] or 0
