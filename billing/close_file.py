"""The file of a closed day, for the practice-management system: CSV, a row for each entry, then the totals."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import date
from uuid import UUID

from django.utils import timezone

from billing.models import Account, Dispute, Journal, JournalKind, Leg, Payment, Refund, Statement
from billing.models.ledger import CHARGING_KINDS
from practice.money import plain_dollars
from practice.spreadsheets import csv_line

HEADER = (
    "kind", "reference", "statement_number", "account_number", "posted_at", "direction", "amount", "charged", "applied",
    "credit", "processor_reference", "on_hold",
)  # fmt: skip
REFUNDS = (JournalKind.REFUND, JournalKind.REFUND_FAILED)
DISPUTES = (JournalKind.DISPUTE, JournalKind.DISPUTE_WON, JournalKind.DISPUTE_LOST)
MOVING = (JournalKind.PAYMENT, *REFUNDS, *DISPUTES)


def close_file(day: date, journals: Sequence[Journal]) -> str:
    """The text of the file. `journals` come with their legs, and the legs with statement and patient.

    `amount` moved at the card processor in `direction`; `charged`, `applied` and `credit` are what it did to the
    statement, in parentheses where it lowers them.
    """
    names = _Names(journals)
    net = sum(journal.cents_in(Account.GATEWAY) for journal in journals)
    total = {"kind": "total", "reference": len(journals), "posted_at": day.isoformat(), **_direction(net)}
    rows = [*(_row(journal, names) for journal in journals), total]
    return csv_line(HEADER) + "".join(csv_line(row.get(name, "") for name in HEADER) for row in rows)


def _row(journal: Journal, names: "_Names") -> dict:
    legs = list(journal.legs.all())
    statement = _statement(legs)
    receivable = journal.cents_in(Account.RECEIVABLE)
    is_charge = journal.kind in CHARGING_KINDS
    reference, processor_reference = names.of(journal, legs)
    return {
        "kind": journal.kind,
        "reference": reference,
        "statement_number": statement.number if statement else "",
        "account_number": statement.patient.account_number if statement else "",
        "posted_at": timezone.localtime(journal.posted_at).isoformat(timespec="seconds"),
        **_direction(journal.cents_in(Account.GATEWAY)),
        "charged": _plain(receivable if is_charge else 0),
        "applied": _plain(0 if is_charge else -receivable),
        "credit": _plain(-journal.cents_in(Account.CREDIT)),
        "processor_reference": processor_reference,
        "on_hold": "yes" if statement and statement.is_on_hold else "no",
    }


def _statement(legs: list[Leg]) -> Statement | None:
    """The statement whose balance it moved, or else the one it is about."""
    named = [leg for leg in legs if leg.statement]
    moved = [leg.statement for leg in named if leg.account == Account.RECEIVABLE]
    return (moved or [leg.statement for leg in named] or [None])[0]


def _direction(cents: int) -> dict:
    """Without a sign: no spreadsheet takes a word for a formula."""
    return {"direction": "in" if cents > 0 else "out" if cents < 0 else "none", "amount": _plain(abs(cents))}


def _plain(cents: int) -> str:
    """`-1234` becomes `(12.34)`: accountants read it, and no spreadsheet takes it for a formula."""
    return f"({plain_dollars(-cents)})" if cents < 0 else plain_dollars(cents)


def processor_references(journals: Sequence[Journal]) -> dict[tuple[str, str], str]:
    """What the processor calls the causes of these journals, by kind and cause; nothing where it has no part."""
    names = _Names(journals)
    return {(journal.kind, journal.cause): names.of(journal, [])[1] for journal in journals if journal.kind in MOVING}


def _uuids(texts: Iterable[str]) -> list[UUID]:
    """Those that are ids of ours. Others mean that somebody wrote into the ledger; the proof says so."""
    found = []
    for text in texts:
        with suppress(ValueError):
            found.append(UUID(text))
    return found


class _Names:
    """What the office and the processor call the causes of these journals."""

    def __init__(self, journals: Sequence[Journal]):
        causes = {journal.cause for journal in journals}
        refund_ids = {journal.cause.split("/")[0] for journal in journals if journal.kind in REFUNDS}
        self.payments = {payment.payment_ref: payment for payment in Payment.objects.filter(payment_ref__in=causes)}
        # The first payments were posted under their attempt.
        posted = {journal.cause for journal in journals if journal.kind == JournalKind.PAYMENT}
        early = _uuids(posted - self.payments.keys())
        self.payments |= {str(payment.attempt_id): payment for payment in Payment.objects.filter(attempt__in=early)}
        self.refunds = {
            str(refund.pk): refund
            for refund in Refund.objects.filter(pk__in=_uuids(refund_ids)).select_related("payment")
        }
        self.disputes = {
            dispute.dispute_ref: dispute
            for dispute in Dispute.objects.filter(dispute_ref__in=causes).select_related("payment")
        }

    def of(self, journal: Journal, legs: list[Leg]) -> tuple[str, str]:
        """The office's name and the processor's, which is empty where it has no part in it."""
        if journal.kind == JournalKind.PAYMENT:
            payment = self.payments.get(journal.cause)
            return (payment.receipt_number, payment.payment_ref) if payment else ("", journal.cause)
        if journal.kind in REFUNDS:
            refund = self.refunds.get(journal.cause.split("/")[0])
            return (refund.payment.receipt_number, refund.refund_ref) if refund else ("", journal.cause)
        if journal.kind in DISPUTES:
            dispute = self.disputes.get(journal.cause)
            return (dispute.payment.receipt_number if dispute else "", journal.cause)
        if journal.kind == JournalKind.TRANSFER:
            source = next(leg.statement for leg in legs if leg.account == Account.CREDIT)
            return source.number if source else "", ""
        return journal.note, ""
