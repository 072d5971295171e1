"""What billing asks of a card processor. It learns an opaque reference and an amount: no name, no exam.

Methods are called with no transaction open. They answer with what is true at the processor, or raise Unknown when
that cannot be told; nothing here ever reports "failed" for a lost connection. Amounts are integer cents.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class OutcomeState(StrEnum):
    OPEN = "open"
    PROCESSING = "processing"
    PAID = "paid"
    FAILED = "failed"
    EXPIRED = "expired"
    ABSENT = "absent"  # the processor has never heard of it


class Unknown(Exception):
    """The processor did not answer, so the outcome is not known. Ask again with the same key.

    `replays` says that the processor answered with a failure of its own, which it will repeat for the same key: a card
    page that nobody has seen may then be asked for under the next generation's key. Nothing else ever may. `is_busy`
    says that another request with the same key is under way at this moment.
    """

    def __init__(self, message: str = "", *, replays: bool = False, is_busy: bool = False):
        super().__init__(message)
        self.replays = replays
        self.is_busy = is_busy


class BadSignature(Exception):
    """A message that claims to come from the processor does not, or is older than five minutes."""


def header_of(headers: dict[str, str], name: str) -> str:
    """The message's header of this name, in whatever case it came; empty without it."""
    return {known.lower(): value for known, value in headers.items()}.get(name.lower(), "")


@dataclass(frozen=True)
class Checkout:
    """What the processor needs to show its card page. `key` is the idempotency key: our attempt's id."""

    key: str
    amount_cents: int
    currency: str
    language: str
    return_url: str
    cancel_url: str
    expires_at: datetime
    generation: int = 0
    keep_card: bool = False  # for a payment plan: later instalments are charged without the payer


@dataclass(frozen=True)
class AttemptRef:
    """An attempt as the processor may know it. `session_ref` is empty when we never heard its answer."""

    key: str
    session_ref: str = ""
    payment_ref: str = ""
    created_at: datetime | None = None
    generation: int = 0
    customer_ref: str = ""  # of an attempt with a stored card


@dataclass(frozen=True)
class Charge:
    """A payment with a stored card. `key` is the idempotency key: our attempt's id."""

    key: str
    amount_cents: int
    currency: str
    customer_ref: str
    card_ref: str


@dataclass(frozen=True)
class Outcome:
    """What is true at the processor about one attempt. `amount_cents` is what was captured, when paid."""

    state: OutcomeState
    key: str = ""
    session_ref: str = ""
    payment_ref: str = ""
    amount_cents: int = 0
    currency: str = "usd"
    url: str = ""
    card_brand: str = ""
    card_last4: str = ""
    customer_ref: str = ""
    card_ref: str = ""
    message: str = ""  # why not, for staff


class RefundOutcomeState(StrEnum):
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True)
class RefundOrder:
    """A refund to make. `key` is the idempotency key: our refund's id."""

    key: str
    payment_ref: str
    amount_cents: int
    may_ask_again: bool = True  # the processor still remembers the key; otherwise it is only looked up


@dataclass(frozen=True)
class RefundOutcome:
    """What is true at the processor about one refund. `key` is empty for one that was made there, not by us."""

    state: RefundOutcomeState
    key: str = ""
    refund_ref: str = ""
    payment_ref: str = ""
    amount_cents: int = 0
    message: str = ""


class DisputeOutcomeState(StrEnum):
    INQUIRY = "inquiry"  # a question of the bank; no money has moved
    OPEN = "open"
    WON = "won"
    LOST = "lost"


@dataclass(frozen=True)
class DisputeOutcome:
    state: DisputeOutcomeState
    dispute_ref: str
    payment_ref: str
    amount_cents: int
    answer_due_at: datetime | None = None


@dataclass(frozen=True)
class Event:
    """A signed message: its id, its kind, and what it tells of.

    `refunds_of` names a payment whose refunds have changed: ask with `look_at_refunds`, whatever the message says.
    """

    event_id: str
    kind: str
    outcome: Outcome | None = None
    refunds_of: str = ""
    dispute: DisputeOutcome | None = None


class MovementKind(StrEnum):
    PAYMENT = "payment"
    REFUND = "refund"
    DISPUTE = "dispute"
    REINSTATED = "dispute won"
    PAYOUT = "payout"


@dataclass(frozen=True)
class Movement:
    """Money that moved at the processor: `ref` is the payment's, refund's, dispute's or payout's reference there.

    `amount_cents` is positive whichever way it went; `fee_cents` is what the processor kept of it. `key` is our
    attempt's or refund's id, where it was us who asked for it.
    """

    kind: MovementKind
    ref: str
    amount_cents: int
    fee_cents: int
    moved_at: datetime
    currency: str = "usd"
    key: str = ""
    payment_ref: str = ""
    dispute: DisputeOutcome | None = None
    refund: RefundOutcome | None = None  # how it stands: one that is pending or has failed has moved nothing (yet)


class Gateway(Protocol):
    """A card processor. Implementations: `stripe`, and `sandbox` for the demo."""

    code: str

    def start(self, checkout: Checkout) -> Outcome:
        """Open a card page, or find the one this key and generation has already opened."""
        ...

    def look(self, attempt: AttemptRef) -> Outcome:
        """What is true now."""
        ...

    def stop(self, attempt: AttemptRef) -> Outcome:
        """Close the card page; answers "paid" when it was too late."""
        ...

    def charge(self, charge: Charge) -> Outcome:
        """Take an instalment from a stored card: "paid", or "failed" with a message."""
        ...

    def refund(self, order: RefundOrder) -> RefundOutcome:
        """Return money to the card, or find the refund this key has already made."""
        ...

    def look_at_refunds(self, payment_ref: str) -> list[RefundOutcome]:
        """All refunds of a payment, made by us or there."""
        ...

    def event(self, body: bytes, headers: dict[str, str]) -> Event:
        """The message in a webhook's body. Raises BadSignature."""
        ...

    def read_event(self, body: str) -> Event:
        """The message in a body that was checked when it came."""
        ...

    def movements(self, since: datetime, until: datetime) -> Iterator[Movement]:
        """Money that moved in this time: payments, refunds, disputes, payouts."""
        ...
