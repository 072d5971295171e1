"""Stripe, through its official client: hosted Checkout, refunds, stored cards. The only module that imports it.

Every request has twelve seconds and no retries of the client's own: what is retried, and with which key, is for
billing to decide. How Stripe's answers are read:

    no connection, time-out, 429, 409      Unknown; the same key may be asked again
    5xx                                    Unknown(replays=True): Stripe repeats its failure for the key
    a declined card                        "failed"
    a request it calls invalid             "failed" for a refund, with Stripe's words; otherwise Unknown, our mistake

Stripe's objects are read as plain dictionaries: fields come and go with its versions.
"""

import json
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import stripe
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from billing.gateways.interface import (
    AttemptRef,
    BadSignature,
    Charge,
    Checkout,
    DisputeOutcome,
    DisputeOutcomeState,
    Event,
    Movement,
    MovementKind,
    Outcome,
    OutcomeState,
    RefundOrder,
    RefundOutcome,
    RefundOutcomeState,
    Unknown,
    header_of,
)

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 12
SIGNATURE_HEADER = "Stripe-Signature"
PAGE = 100
MOST_PAGES = 500
WHAT_IS_PAID = {"en": "Statement payment", "es": "Pago de estado de cuenta"}  # all that Stripe learns of what it is

# The payment methods all answer at once, so a page that is complete is paid or about to be.
SESSION_EVENTS = (
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
)
REFUND_EVENTS = ("charge.refunded", "refund.created", "refund.updated", "refund.failed", "charge.refund.updated")
REFUND_STATES = {
    "succeeded": RefundOutcomeState.SUCCEEDED,
    "failed": RefundOutcomeState.FAILED,
    "canceled": RefundOutcomeState.FAILED,
}


class StripeGateway:
    """The Gateway interface over Stripe."""

    code = "stripe"

    def __init__(self):
        if not settings.STRIPE_API_KEY:
            raise ImproperlyConfigured("BILLING_GATEWAY=stripe needs STRIPE_API_KEY.")
        self.is_live = settings.STRIPE_API_KEY.startswith(("sk_live_", "rk_live_"))
        self.client = stripe.StripeClient(
            settings.STRIPE_API_KEY,
            base_addresses={"api": settings.STRIPE_API_BASE},
            max_network_retries=0,
            http_client=stripe.RequestsClient(timeout=TIMEOUT_SECONDS),
        ).v1

    # ---- Paying on the card page ----

    def start(self, checkout: Checkout) -> Outcome:
        intent: dict[str, Any] = {"metadata": {"attempt": checkout.key}}
        request: Any = {
            "mode": "payment",
            "client_reference_id": checkout.key,
            "metadata": {"attempt": checkout.key},
            "success_url": checkout.return_url,
            "cancel_url": checkout.cancel_url,
            "expires_at": int(checkout.expires_at.timestamp()),
            "locale": checkout.language,
            "submit_type": "pay",
            "payment_intent_data": intent,
            "line_items": [
                {
                    "quantity": 1,
                    "price_data": {
                        "currency": checkout.currency,
                        "unit_amount": checkout.amount_cents,
                        "product_data": {"name": WHAT_IS_PAID[checkout.language]},
                    },
                }
            ],
        }
        if checkout.keep_card:
            request["customer_creation"] = "always"
            intent["setup_future_usage"] = "off_session"
        options: Any = {"idempotency_key": f"{checkout.key}:{checkout.generation}"}
        return self._session_outcome(self._ask(lambda: self.client.checkout.sessions.create(request, options)))

    def look(self, attempt: AttemptRef) -> Outcome:
        if attempt.customer_ref:
            return self._look_at_charge(attempt)
        sessions = self._sessions(attempt)
        if not sessions:
            return Outcome(OutcomeState.ABSENT, key=attempt.key)
        return self._session_outcome(sessions[0], with_card=True)

    def stop(self, attempt: AttemptRef) -> Outcome:
        if attempt.customer_ref:
            return self._look_at_charge(attempt)
        outcome = Outcome(OutcomeState.ABSENT, key=attempt.key)
        for session in self._sessions(attempt):
            if session["status"] == "open":
                session = self._expire(session)  # noqa: PLW2901
            found = self._session_outcome(session, with_card=True)
            if outcome.state != OutcomeState.PAID:
                outcome = found
        return outcome

    def _expire(self, session: dict) -> dict:
        try:
            return self._ask(lambda: self.client.checkout.sessions.expire(session["id"]))
        except _Refused:  # paid or expired by a hair; only asking tells
            return self._ask(lambda: self.client.checkout.sessions.retrieve(session["id"]))

    def _sessions(self, attempt: AttemptRef) -> list[dict]:
        """The card pages of this attempt, a paid one first. Several only if Stripe failed after making one."""
        found: list[dict] = []
        if attempt.session_ref:
            try:
                found = [self._ask(lambda: self.client.checkout.sessions.retrieve(attempt.session_ref))]
            except _Refused as refusal:
                if refusal.code != "resource_missing":
                    raise
        if attempt.created_at and (not attempt.session_ref or attempt.generation):
            since = int((attempt.created_at - timedelta(seconds=60)).timestamp())
            known = {session["id"] for session in found}
            found += [
                session
                for session in self._list(self.client.checkout.sessions.list, {"created": {"gte": since}})
                if session.get("client_reference_id") == attempt.key and session["id"] not in known
            ]
        order = {"paid": 0, "open": 1}
        return sorted(found, key=lambda s: order.get(s["payment_status"], order.get(s["status"], 2)))

    def _session_outcome(self, session: dict, *, with_card: bool = False) -> Outcome:
        key = (session.get("metadata") or {}).get("attempt") or session.get("client_reference_id") or ""
        facts: dict[str, Any] = {"key": key, "session_ref": session["id"], "currency": session.get("currency") or "usd"}
        if session.get("payment_status") == "paid":
            facts |= {"payment_ref": _id(session.get("payment_intent")), "amount_cents": session["amount_total"]}
            facts["customer_ref"] = _id(session.get("customer"))
            if with_card:
                facts |= self._card(facts["payment_ref"])
            return Outcome(OutcomeState.PAID, **facts)
        if session.get("status") == "complete":
            return Outcome(OutcomeState.PROCESSING, **facts)
        if session.get("status") == "expired":
            return Outcome(OutcomeState.EXPIRED, **facts)
        return Outcome(OutcomeState.OPEN, url=session.get("url") or "", **facts)

    def _card(self, payment_ref: str) -> dict[str, str]:
        """The card's name and last digits, and its reference for later. Nothing hangs on it, so a failure is none."""
        try:
            intent = self._ask(lambda: self.client.payment_intents.retrieve(payment_ref, {"expand": ["latest_charge"]}))
        except (Unknown, _Refused):
            return {}
        charge = intent.get("latest_charge") or {}
        card = ((charge.get("payment_method_details") or {}).get("card") or {}) if isinstance(charge, dict) else {}
        return {
            "card_brand": str(card.get("brand") or "")[:20],
            "card_last4": str(card.get("last4") or "")[:4],
            "customer_ref": _id(intent.get("customer")),
            "card_ref": _id(intent.get("payment_method")),
        }

    # ---- Paying with a stored card ----

    def charge(self, charge: Charge) -> Outcome:
        request: Any = {
            "amount": charge.amount_cents,
            "currency": charge.currency,
            "customer": charge.customer_ref,
            "payment_method": charge.card_ref,
            "off_session": True,
            "confirm": True,
            "metadata": {"attempt": charge.key},
        }
        try:
            intent = self._ask(lambda: self.client.payment_intents.create(request, {"idempotency_key": charge.key}))
        except stripe.CardError as error:
            return Outcome(OutcomeState.FAILED, key=charge.key, message=(error.code or "declined")[:200])
        except _Refused as refusal:
            if not refusal.is_about_request:
                raise
            # The card is gone, or cannot be charged so: asking again would be answered the same.
            return Outcome(OutcomeState.FAILED, key=charge.key, message=(refusal.code or str(refusal))[:200])
        return self._intent_outcome(intent, charge.key)

    def _look_at_charge(self, attempt: AttemptRef) -> Outcome:
        failed = False
        for intent in self._list(self.client.payment_intents.list, {"customer": attempt.customer_ref}):
            if (intent.get("metadata") or {}).get("attempt") == attempt.key:
                outcome = self._intent_outcome(intent, attempt.key)
                if outcome.state != OutcomeState.FAILED:
                    return outcome
                failed = True
        return Outcome(OutcomeState.FAILED if failed else OutcomeState.ABSENT, key=attempt.key)

    def _intent_outcome(self, intent: dict, key: str) -> Outcome:
        if intent["status"] == "succeeded":
            return Outcome(
                OutcomeState.PAID,
                key=key,
                payment_ref=intent["id"],
                amount_cents=intent.get("amount_received") or intent["amount"],
                currency=intent["currency"],
            )
        if intent["status"] in ("processing", "requires_capture"):
            return Outcome(OutcomeState.PROCESSING, key=key, payment_ref="")
        return Outcome(OutcomeState.FAILED, key=key, message=intent["status"])

    # ---- Returning ----

    def refund(self, order: RefundOrder) -> RefundOutcome:
        for known in self.look_at_refunds(order.payment_ref):
            if known.key == order.key:
                return known
        if not order.may_ask_again:
            return RefundOutcome(
                RefundOutcomeState.FAILED,
                order.key,
                payment_ref=order.payment_ref,
                message="The processor never had it.",
            )
        request: Any = {
            "payment_intent": order.payment_ref,
            "amount": order.amount_cents,
            "reason": "requested_by_customer",
            "metadata": {"refund": order.key},
        }
        try:
            made = self._ask(lambda: self.client.refunds.create(request, {"idempotency_key": order.key}))
        except _Refused as refusal:
            return RefundOutcome(
                RefundOutcomeState.FAILED, order.key, payment_ref=order.payment_ref, message=str(refusal)[:200]
            )
        return _refund_outcome(made)

    def look_at_refunds(self, payment_ref: str) -> list[RefundOutcome]:
        return [
            _refund_outcome(found) for found in self._list(self.client.refunds.list, {"payment_intent": payment_ref})
        ]

    # ---- Messages ----

    def event(self, body: bytes, headers: dict[str, str]) -> Event:
        signature = header_of(headers, SIGNATURE_HEADER)
        for secret in settings.STRIPE_WEBHOOK_SECRETS:
            try:
                stripe.WebhookSignature.verify_header(body.decode(), signature, secret, tolerance=300)
            except (stripe.SignatureVerificationError, ValueError):
                continue
            return self.read_event(body.decode())
        raise BadSignature("The signature does not fit the message, or is too old.")

    def read_event(self, body: str) -> Event:
        try:
            message = json.loads(body)
            event_id, kind, about = message["id"], message["type"], message["data"]["object"]
            is_live = message["livemode"]
            if not (isinstance(event_id, str) and isinstance(kind, str) and isinstance(about, dict)):
                raise TypeError
            if "\0" in event_id + kind:
                raise ValueError
        except (ValueError, KeyError, TypeError) as error:
            raise BadSignature("The signed message is not an event.") from error
        if is_live is not self.is_live:
            raise BadSignature("The message is from the other mode: live and test do not mix.")
        try:
            return self._read(event_id[:100], kind[:100], about)
        except (KeyError, TypeError, ValueError) as error:
            raise BadSignature("The signed message is not one Stripe sends.") from error

    def _read(self, event_id: str, kind: str, about: dict) -> Event:
        if kind in SESSION_EVENTS:
            outcome = self._session_outcome(about)
            if kind == "checkout.session.async_payment_failed":
                outcome = Outcome(OutcomeState.FAILED, key=outcome.key, session_ref=outcome.session_ref)
            return Event(event_id, kind, outcome=outcome)
        if kind == "payment_intent.succeeded":
            # Of a stored card. For a card page the session tells the same and more; settling is safe to repeat.
            key = (about.get("metadata") or {}).get("attempt") or ""
            return Event(event_id, kind, outcome=self._intent_outcome(about, key))
        if kind in REFUND_EVENTS:
            return Event(event_id, kind, refunds_of=_id(about.get("payment_intent")))
        if kind.startswith("charge.dispute."):
            return Event(event_id, kind, dispute=_dispute_outcome(about))
        return Event(event_id, kind)

    # ---- Movements ----

    def movements(self, since: datetime, until: datetime) -> Iterator[Movement]:
        wanted = {"created": {"gte": int(since.timestamp())}, "expand": ["data.latest_charge.balance_transaction"]}
        for intent in self._list(self.client.payment_intents.list, wanted):
            if intent["status"] == "succeeded" and _moment(intent["created"]) < until:
                yield _payment_movement(intent)
        for refund in self._list(self.client.refunds.list, {}, stop_before=since):
            told = _refund_outcome(refund)
            if since <= _moment(refund["created"]) < until:
                told_facts: dict[str, Any] = {"key": told.key, "payment_ref": told.payment_ref, "refund": told}
                yield _movement(MovementKind.REFUND, refund, told.amount_cents, **told_facts)
        # A dispute moves money twice, months apart: all are read, and each is told as it stands.
        for dispute in self._list(self.client.disputes.list, {}):
            stands = _dispute_outcome(dispute)
            facts: dict[str, Any] = {"payment_ref": stands.payment_ref, "dispute": stands}
            taken, given_back = _dispute_fees(dispute)
            if stands.state != DisputeOutcomeState.INQUIRY:
                yield _movement(MovementKind.DISPUTE, dispute, stands.amount_cents, fee_cents=taken, **facts)
            if stands.state == DisputeOutcomeState.WON:
                yield _movement(MovementKind.REINSTATED, dispute, stands.amount_cents, fee_cents=given_back, **facts)
        for payout in self._list(self.client.payouts.list, {}, stop_before=since):
            if since <= _moment(payout["created"]) < until and payout.get("status") != "failed":
                yield _movement(MovementKind.PAYOUT, payout, payout["amount"])

    # ---- Asking ----

    def _list(self, method: Callable, request: dict, *, stop_before: datetime | None = None) -> Iterator[dict]:
        """All rows of a list, page by page, newest first. Ends also where a server repeats a page."""
        seen: set[str] = set()
        after: dict[str, str] = {}
        for _page in range(MOST_PAGES):
            page = self._ask(lambda after=after: method({**request, "limit": PAGE, **after}))
            rows = [row for row in page["data"] if row["id"] not in seen]
            yield from rows
            if not rows or not page.get("has_more"):
                return
            if stop_before is not None and _moment(rows[-1].get("created")) < stop_before:
                return
            seen.update(row["id"] for row in rows)
            after = {"starting_after": rows[-1]["id"]}

    def _ask(self, call: Callable) -> dict:
        """What Stripe answers, as a dictionary. Raises Unknown, _Refused, or stripe.CardError for a declined card."""
        try:
            return call().to_dict()
        except stripe.CardError:
            raise
        except (stripe.APIConnectionError, stripe.RateLimitError) as error:
            raise Unknown(type(error).__name__) from error
        except stripe.StripeError as error:
            status = error.http_status or 0
            if status >= 500:
                raise Unknown(f"{type(error).__name__} {status}", replays=True) from error
            if status in (409, 429):
                raise Unknown(f"{type(error).__name__} {status}", is_busy=status == 409) from error
            logger.error("Stripe refused a request of ours: %s %s %s", type(error).__name__, status, error.code)
            raise _Refused(error) from error


class _Refused(Unknown):
    """Stripe calls our request invalid. Where no method above says otherwise this is an outcome we do not know."""

    def __init__(self, error: stripe.StripeError):
        super().__init__(error.user_message or str(error))
        self.code = error.code or ""
        # Not about who asks, nor about a key that was used for something else.
        self.is_about_request = type(error) is stripe.InvalidRequestError


def _id(value: Any) -> str:
    """The id of something that Stripe gives as an id or, expanded, as an object."""
    if isinstance(value, dict):
        value = value.get("id")
    return str(value or "")


def _moment(seconds: Any) -> datetime:
    return datetime.fromtimestamp(int(seconds or 0), UTC)


def _refund_outcome(refund: dict) -> RefundOutcome:
    return RefundOutcome(
        state=REFUND_STATES.get(refund["status"], RefundOutcomeState.PENDING),
        key=(refund.get("metadata") or {}).get("refund") or "",
        refund_ref=refund["id"],
        payment_ref=_id(refund.get("payment_intent")),
        amount_cents=refund["amount"],
        message=str(refund.get("failure_reason") or "")[:200],
    )


def _dispute_outcome(dispute: dict) -> DisputeOutcome:
    status = dispute["status"]
    if status == "won":
        state = DisputeOutcomeState.WON
    elif status == "lost":
        state = DisputeOutcomeState.LOST
    elif status.startswith("warning_"):
        state = DisputeOutcomeState.INQUIRY
    else:
        state = DisputeOutcomeState.OPEN
    due = (dispute.get("evidence_details") or {}).get("due_by")
    return DisputeOutcome(
        state=state,
        dispute_ref=dispute["id"],
        payment_ref=_id(dispute.get("payment_intent")),
        amount_cents=dispute["amount"],
        answer_due_at=_moment(due) if due else None,
    )


def _payment_movement(intent: dict) -> Movement:
    """With its fee, where the charge came along with its balance transaction."""
    charge = intent.get("latest_charge")
    balance = charge.get("balance_transaction") if isinstance(charge, dict) else None
    return _movement(
        MovementKind.PAYMENT,
        intent,
        intent.get("amount_received") or intent["amount"],
        fee_cents=balance.get("fee") or 0 if isinstance(balance, dict) else 0,
        key=(intent.get("metadata") or {}).get("attempt") or "",
        payment_ref=intent["id"],
    )


def _dispute_fees(dispute: dict) -> tuple[int, int]:
    """What Stripe kept when the money was taken, and when it was given back (negative where it returns its fee)."""
    moved = [row for row in dispute.get("balance_transactions") or [] if isinstance(row, dict)]
    taken = sum(row.get("fee") or 0 for row in moved if row.get("amount", 0) < 0)
    return taken, sum(row.get("fee") or 0 for row in moved if row.get("amount", 0) > 0)


def _movement(kind: MovementKind, row: dict, amount_cents: int, **facts: Any) -> Movement:
    return Movement(
        kind=kind,
        ref=row["id"],
        amount_cents=amount_cents,
        moved_at=_moment(row.get("created")),
        currency=row.get("currency") or "usd",
        **{"fee_cents": 0} | facts,
    )
