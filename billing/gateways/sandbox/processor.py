"""The sandbox as a processor: card pages, pretend cards, refunds, disputes, and signed messages about all of them."""

import hashlib
import hmac
import json
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.db.models import Sum
from django.urls import reverse
from django.utils import timezone
from django_tasks import task

from billing.gateways import interface
from billing.gateways.interface import (
    AttemptRef,
    BadSignature,
    Charge,
    Checkout,
    DisputeOutcome,
    DisputeOutcomeState,
    Event,
    Outcome,
    OutcomeState,
    RefundOrder,
    RefundOutcome,
    RefundOutcomeState,
    header_of,
)
from billing.gateways.sandbox.models import (
    CardSession,
    Movement,
    MovementKind,
    MovementState,
    Notification,
    SessionState,
)

SIGNATURE_HEADER = "Sandbox-Signature"
TOLERANCE_SECONDS = 300
SEND_SECONDS = 10
LATE = timedelta(seconds=20)
CARD_BRAND, CARD_LAST4 = "Demo card", "4242"
GOOD_CARD, DECLINING_CARD = "card_good", "card_declines"


class SandboxGateway:
    """The Gateway interface over the sandbox's tables."""

    code = "sandbox"

    def __init__(self):
        if settings.STRIPE_API_KEY.startswith(("sk_live_", "rk_live_")):
            raise ImproperlyConfigured("The sandbox refuses to work beside a live processor key.")

    def start(self, checkout: Checkout) -> Outcome:
        session, _is_new = CardSession.objects.get_or_create(
            key=checkout.key,
            defaults={
                "amount_cents": checkout.amount_cents,
                "currency": checkout.currency,
                "language": checkout.language,
                "return_url": checkout.return_url,
                "cancel_url": checkout.cancel_url,
                "expires_at": checkout.expires_at,
                "keeps_card": checkout.keep_card,
            },
        )
        return _outcome(session)

    def look(self, attempt: AttemptRef) -> Outcome:
        session = CardSession.objects.filter(key=attempt.key).first()
        if session is not None:
            return _outcome(session)
        charged = Movement.objects.filter(kind=MovementKind.PAYMENT, key=attempt.key).first()
        return _charged(charged) if charged else Outcome(OutcomeState.ABSENT, key=attempt.key)

    @transaction.atomic
    def stop(self, attempt: AttemptRef) -> Outcome:
        session = CardSession.objects.select_for_update().filter(key=attempt.key).first()
        if session is None:
            return self.look(attempt)
        if session.state == SessionState.OPEN:
            session.state = SessionState.EXPIRED
            session.save(update_fields=["state"])
        return _outcome(session)

    @transaction.atomic
    def charge(self, charge: Charge) -> Outcome:
        if charge.card_ref != GOOD_CARD:
            return Outcome(OutcomeState.FAILED, key=charge.key, message="card_declined")
        movement, _is_new = Movement.objects.get_or_create(
            kind=MovementKind.PAYMENT, key=charge.key, defaults=_new_payment(charge.amount_cents)
        )
        return _charged(movement)

    @transaction.atomic
    def refund(self, order: RefundOrder) -> RefundOutcome:
        paid = Movement.objects.select_for_update().get(pk=order.payment_ref)
        known = Movement.objects.filter(kind=MovementKind.REFUND, key=order.key).first()
        if known is not None:
            return _refunded(known)
        if order.amount_cents > left_to_refund(paid) or not order.may_ask_again:
            return RefundOutcome(
                RefundOutcomeState.FAILED, order.key, payment_ref=paid.ref, message="More than is left of the payment."
            )
        return _refunded(_take_back(paid, order.amount_cents, order.key))

    def look_at_refunds(self, payment_ref: str) -> list[RefundOutcome]:
        found = Movement.objects.filter(kind=MovementKind.REFUND, payment_ref=payment_ref).order_by("moved_at")
        return [_refunded(movement) for movement in found]

    def event(self, body: bytes, headers: dict[str, str]) -> Event:
        signature = header_of(headers, SIGNATURE_HEADER)
        check_signature(body, signature)
        return self.read_event(body.decode(errors="replace"))

    def read_event(self, body: str) -> Event:
        try:
            message = json.loads(body)
            outcome, refunds_of, dispute = None, "", None
            if message["kind"] == "refunded":
                refunds_of = str(message["payment"])
            elif message["kind"] == "disputed":
                dispute = DisputeOutcome(
                    DisputeOutcomeState(message["state"]),
                    message["dispute"],
                    message["payment"],
                    message["amount_cents"],
                )
            elif message["kind"] == "checkout.paid":
                outcome = Outcome(
                    state=OutcomeState(message["state"]),
                    key=message["key"],
                    session_ref=message["session"],
                    payment_ref=message["payment"],
                    amount_cents=message["amount_cents"],
                    currency=message["currency"],
                    card_brand=message["card_brand"],
                    card_last4=message["card_last4"],
                    customer_ref=message["customer"],
                    card_ref=message["card"],
                )
            return Event(str(message["id"]), str(message["kind"]), outcome, refunds_of, dispute)
        except (ValueError, KeyError, TypeError) as error:
            raise BadSignature("The signed message is not one the sandbox sends.") from error

    def movements(self, since: datetime, until: datetime) -> Iterator[interface.Movement]:
        for row in Movement.objects.filter(moved_at__gte=since, moved_at__lt=until).order_by("moved_at"):
            movement = interface.Movement(
                kind=interface.MovementKind(row.kind),
                ref=row.ref,
                amount_cents=row.amount_cents,
                fee_cents=row.fee_cents,
                moved_at=row.moved_at,
                key=row.key,
                payment_ref=row.payment_ref,
                dispute=_disputed(row) if row.kind == MovementKind.DISPUTE else None,
            )
            yield movement
            if row.state == MovementState.WON:
                yield replace(movement, kind=interface.MovementKind.REINSTATED)


def _new_payment(amount_cents: int) -> dict:
    ref = f"sandbox_{uuid4().hex}"
    fee = 30 + (amount_cents * 29 + 500) // 1000
    return {"ref": ref, "payment_ref": ref, "amount_cents": amount_cents, "fee_cents": min(fee, amount_cents)}


def left_to_refund(paid: Movement) -> int:
    """Cents of a payment that have not been returned."""
    returned = Movement.objects.filter(kind=MovementKind.REFUND, payment_ref=paid.ref).aggregate(
        sum=Sum("amount_cents")
    )
    return paid.amount_cents - (returned["sum"] or 0)


def _take_back(paid: Movement, amount_cents: int, key: str = "") -> Movement:
    return Movement.objects.create(
        ref=f"refund_{uuid4().hex}",
        kind=MovementKind.REFUND,
        key=key,
        payment_ref=paid.ref,
        amount_cents=amount_cents,
    )


def _outcome(session: CardSession) -> Outcome:
    state = OutcomeState(session.state)
    if state == OutcomeState.OPEN and session.expires_at <= timezone.now():
        state = OutcomeState.EXPIRED
    paid = state == OutcomeState.PAID
    return Outcome(
        state=state,
        key=session.key,
        session_ref=str(session.pk),
        payment_ref=session.payment_ref,
        amount_cents=session.amount_cents if paid else 0,
        currency=session.currency,
        url=settings.PUBLIC_ORIGIN + reverse("sandbox:card_page", args=[session.pk]),
        card_brand=CARD_BRAND if paid else "",
        card_last4=CARD_LAST4 if paid else "",
        customer_ref=str(session.pk) if paid and session.keeps_card else "",
        card_ref=session.card_ref if paid and session.keeps_card else "",
    )


def _charged(movement: Movement) -> Outcome:
    return Outcome(
        OutcomeState.PAID,
        key=movement.key,
        payment_ref=movement.ref,
        amount_cents=movement.amount_cents,
        card_brand=CARD_BRAND,
        card_last4=CARD_LAST4,
    )


def _refunded(movement: Movement) -> RefundOutcome:
    return RefundOutcome(
        RefundOutcomeState.SUCCEEDED, movement.key, movement.ref, movement.payment_ref, movement.amount_cents
    )


def _disputed(movement: Movement) -> DisputeOutcome:
    return DisputeOutcome(
        DisputeOutcomeState(movement.state), movement.ref, movement.payment_ref, movement.amount_cents
    )


# ---- What is clicked on the sandbox's own pages ----------------------------------------------------------------------


@transaction.atomic
def take_payment(session_id, *, messages: int = 1, card: str = GOOD_CARD) -> CardSession:
    """Charge the pretend card once, whatever is clicked twice, and send so many copies of the message."""
    session = CardSession.objects.select_for_update().get(pk=session_id)
    if session.state == SessionState.OPEN and session.expires_at > timezone.now():
        movement = Movement.objects.create(
            kind=MovementKind.PAYMENT, key=session.key, **_new_payment(session.amount_cents)
        )
        session.state = SessionState.PAID
        session.payment_ref = movement.ref
        session.card_ref = card
        session.save(update_fields=["state", "payment_ref", "card_ref"])
        _tell(_paid_message(session), copies=messages)
    return session


def take_payment_late(session_id) -> None:
    """The payer goes back to the shop at once, and the money comes some time after."""
    pay_later.using(run_after=timezone.now() + LATE).enqueue(str(session_id))


@task()
def pay_later(session_id: str) -> None:
    take_payment(session_id)


@transaction.atomic
def decline(session_id) -> CardSession:
    """Refuse the pretend card; the page stays open for another."""
    session = CardSession.objects.select_for_update().get(pk=session_id)
    session.declines += 1
    session.save(update_fields=["declines"])
    return session


@transaction.atomic
def refund_here(payment_ref: str, amount_cents: int) -> Movement | None:
    """A refund made at the processor, behind the shop's back. None when so much is not left."""
    paid = Movement.objects.select_for_update().get(pk=payment_ref)
    if not 0 < amount_cents <= left_to_refund(paid):
        return None
    movement = _take_back(paid, amount_cents)
    _tell({"id": f"evt_{uuid4().hex}", "kind": "refunded", "payment": payment_ref})
    return movement


@transaction.atomic
def dispute(payment_ref: str) -> Movement | None:
    """The cardholder disputes what is left of the payment. None when there is nothing, or a dispute already."""
    paid = Movement.objects.select_for_update().get(pk=payment_ref)
    left = left_to_refund(paid)
    if left <= 0 or Movement.objects.filter(kind=MovementKind.DISPUTE, payment_ref=payment_ref).exists():
        return None
    movement = Movement.objects.create(
        ref=f"dispute_{uuid4().hex}",
        kind=MovementKind.DISPUTE,
        state=MovementState.OPEN,
        payment_ref=payment_ref,
        amount_cents=left,
    )
    _tell(_dispute_message(movement))
    return movement


@transaction.atomic
def decide_dispute(payment_ref: str, *, won: bool) -> Movement | None:
    """The bank decides, for the shop or against it. None when nothing is open."""
    found = Movement.objects.select_for_update().filter(
        kind=MovementKind.DISPUTE, payment_ref=payment_ref, state=MovementState.OPEN
    )
    movement = found.first()
    if movement is None:
        return None
    movement.state = MovementState.WON if won else MovementState.LOST
    movement.save(update_fields=["state"])
    _tell(_dispute_message(movement))
    return movement


# ---- Messages -------------------------------------------------------------------------------------------------------


def _paid_message(session: CardSession) -> dict:
    outcome = _outcome(session)
    return {
        "id": f"evt_{uuid4().hex}",
        "kind": "checkout.paid",
        "state": outcome.state.value,
        "key": session.key,
        "session": outcome.session_ref,
        "payment": outcome.payment_ref,
        "amount_cents": outcome.amount_cents,
        "currency": outcome.currency,
        "card_brand": outcome.card_brand,
        "card_last4": outcome.card_last4,
        "customer": outcome.customer_ref,
        "card": outcome.card_ref,
    }


def _dispute_message(movement: Movement) -> dict:
    return {
        "id": f"evt_{uuid4().hex}",
        "kind": "disputed",
        "state": movement.state,
        "dispute": movement.ref,
        "payment": movement.payment_ref,
        "amount_cents": movement.amount_cents,
    }


def _tell(message: dict, copies: int = 1) -> None:
    if copies:
        notification = Notification.objects.create(body=json.dumps(message))
        for _copy in range(copies):
            send_notification.enqueue(str(notification.pk))


def sign(body: bytes, at: int | None = None) -> str:
    """The signature header: a time and an HMAC-SHA256 over time and body."""
    at = at or int(time.time())
    digest = hmac.new(settings.SANDBOX_WEBHOOK_SECRET.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def check_signature(body: bytes, header: str) -> None:
    """Raises BadSignature unless the header was made by `sign` within five minutes."""
    if not settings.SANDBOX_WEBHOOK_SECRET:
        raise BadSignature("The sandbox is off.")
    parts = dict(part.split("=", 1) for part in header.split(",") if "=" in part)
    stamp = parts.get("t", "")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) < 12):
        raise BadSignature("There is no time in the signature.")
    if abs(time.time() - int(stamp)) > TOLERANCE_SECONDS:
        raise BadSignature("The signature is too old.")
    expected = dict(part.split("=", 1) for part in sign(body, int(stamp)).split(","))["v1"]
    if not hmac.compare_digest(expected.encode(), parts.get("v1", "").encode()):
        raise BadSignature("The signature does not fit the message.")


@task()
def send_notification(notification_id: str) -> None:
    """Post the message to the shop's webhook. A shop that is away finds out when it looks."""
    notification = Notification.objects.get(pk=notification_id)
    body = notification.body.encode()
    request = urllib.request.Request(  # noqa: S310  (our own origin, from the settings)
        settings.PUBLIC_ORIGIN + reverse("billing:webhook", args=["sandbox"]),
        data=body,
        headers={"Content-Type": "application/json", SIGNATURE_HEADER: sign(body)},
        method="POST",
    )
    with urllib.request.urlopen(request, timeout=SEND_SECONDS):  # noqa: S310
        Notification.objects.filter(pk=notification_id).update(delivered_at=timezone.now())
