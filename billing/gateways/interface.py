"""What billing asks of a card processor. It learns an opaque reference and an amount: no name, no exam.

Methods are called with no transaction open. They answer with what is true at the processor, or raise Unknown when
that cannot be told; nothing here ever reports "failed" for a lost connection.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class OutcomeState(StrEnum):
    OPEN = "open"
    PAID = "paid"
    FAILED = "failed"
    EXPIRED = "expired"
    ABSENT = "absent"  # the processor has never heard of it


class Unknown(Exception):
    """The processor did not answer, so the outcome is not known. Ask again with the same key."""


class BadSignature(Exception):
    """A message that claims to come from the processor does not."""


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


@dataclass(frozen=True)
class Event:
    """A signed message: its id, its kind, and the outcome it tells of, when it is about an attempt of ours."""

    event_id: str
    kind: str
    outcome: Outcome | None


class Gateway(Protocol):
    """A card processor. `sandbox` is the first; refunds, stored cards and movements join with their features."""

    code: str

    def start(self, checkout: Checkout) -> Outcome:
        """Open a card page, or find the one this key has already opened."""
        ...

    def look(self, key: str) -> Outcome:
        """What is true now."""
        ...

    def stop(self, key: str) -> Outcome:
        """Close the card page; answers "paid" when it was too late."""
        ...

    def event(self, body: bytes, headers: dict[str, str]) -> Event:
        """The message in a webhook's body. Raises BadSignature."""
        ...
