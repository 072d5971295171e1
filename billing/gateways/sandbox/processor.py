"""The sandbox as a processor: opens card pages, takes pretend cards, signs and sends messages."""

import hashlib
import hmac
import json
import time
import urllib.request
from uuid import uuid4

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django_tasks import task

from billing.gateways.interface import BadSignature, Checkout, Event, Outcome, OutcomeState
from billing.gateways.sandbox.models import CardSession, Notification, SessionState

SIGNATURE_HEADER = "Sandbox-Signature"
TOLERANCE_SECONDS = 300
SEND_SECONDS = 10
CARD_BRAND, CARD_LAST4 = "Demo card", "4242"


class SandboxGateway:
    """The Gateway interface over the sandbox's tables."""

    code = "sandbox"

    def __init__(self):
        if settings.STRIPE_SECRET_KEY.startswith(("sk_live_", "rk_live_")):
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
            },
        )
        return _outcome(session)

    def look(self, key: str) -> Outcome:
        session = CardSession.objects.filter(key=key).first()
        return _outcome(session) if session else Outcome(OutcomeState.ABSENT, key=key)

    @transaction.atomic
    def stop(self, key: str) -> Outcome:
        session = CardSession.objects.select_for_update().filter(key=key).first()
        if session is None:
            return Outcome(OutcomeState.ABSENT, key=key)
        if session.state == SessionState.OPEN:
            session.state = SessionState.EXPIRED
            session.save(update_fields=["state"])
        return _outcome(session)

    def event(self, body: bytes, headers: dict[str, str]) -> Event:
        signature = {name.lower(): value for name, value in headers.items()}.get(SIGNATURE_HEADER.lower(), "")
        check_signature(body, signature)
        try:
            message = json.loads(body)
            outcome = Outcome(
                state=OutcomeState(message["state"]),
                key=message["key"],
                session_ref=message["session"],
                payment_ref=message["payment"],
                amount_cents=message["amount_cents"],
                currency=message["currency"],
                card_brand=message["card_brand"],
                card_last4=message["card_last4"],
            )
            return Event(event_id=message["id"], kind=message["kind"], outcome=outcome)
        except (ValueError, KeyError, TypeError) as error:
            raise BadSignature("The signed message is not one the sandbox sends.") from error


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
    )


@transaction.atomic
def take_payment(session_id, *, messages: int = 1) -> CardSession:
    """Charge the pretend card once, whatever is clicked twice, and send so many copies of the message."""
    session = CardSession.objects.select_for_update().get(pk=session_id)
    if session.state == SessionState.OPEN and session.expires_at > timezone.now():
        session.state = SessionState.PAID
        session.payment_ref = f"sandbox_{uuid4().hex}"
        session.save(update_fields=["state", "payment_ref"])
        if messages:
            notification = Notification.objects.create(body=_message(session))
            for _copy in range(messages):
                send_notification.enqueue(str(notification.pk))
    return session


@transaction.atomic
def decline(session_id) -> CardSession:
    """Refuse the pretend card; the page stays open for another."""
    session = CardSession.objects.select_for_update().get(pk=session_id)
    session.declines += 1
    session.save(update_fields=["declines"])
    return session


def _message(session: CardSession) -> str:
    outcome = _outcome(session)
    return json.dumps(
        {
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
        }
    )


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
