"""Paying a statement by card.

The order never changes: commit the attempt, call the processor with no transaction open, commit the result. However
often the webhook, the return page and the sweep report the same payment, `settle` records it once. An outcome we
could not learn is `unknown`, never "failed". Locks are taken in the order statement, attempt.
"""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.urls import reverse
from django.utils import timezone, translation

from billing import ledger
from billing.gateways.interface import Checkout, Outcome, OutcomeState, Unknown
from billing.gateways.registry import get_gateway
from billing.models import LIVE_STATES, SMALLEST_PAYMENT_CENTS, Attempt, AttemptState, Payment, Statement
from practice.money import dollars

logger = logging.getLogger(__name__)

CARD_PAGE_LASTS = timedelta(minutes=60)
LOOK_AFTER = timedelta(minutes=2)
FORGET_ABSENT_AFTER = timedelta(minutes=5)


class PaymentRefused(Exception):
    """The payment was not started; the message says why, for the patient to read. Nothing was charged."""


class CardPageUnreachable(Exception):
    """The processor did not answer. Nothing was charged; the same attempt can be tried again."""


def check_amount(statement: Statement, amount_cents: int) -> None:
    """Raises PaymentRefused unless this amount of cents may be paid on the statement now."""
    balance = statement.balance_cents
    if balance <= 0:
        raise PaymentRefused(translation.gettext("This statement is already paid. You owe nothing on it."))
    if balance < SMALLEST_PAYMENT_CENTS:
        raise PaymentRefused(translation.gettext("This is too little to pay by card. Please call our billing office."))
    if amount_cents > balance:
        raise PaymentRefused(
            translation.gettext("You owe %(balance)s. Enter that amount or less.") % {"balance": dollars(balance)}
        )
    if amount_cents == balance:
        return
    if amount_cents < SMALLEST_PAYMENT_CENTS:
        raise PaymentRefused(
            translation.gettext("The smallest payment is %(amount)s.") % {"amount": dollars(SMALLEST_PAYMENT_CENTS)}
        )
    if balance - amount_cents < SMALLEST_PAYMENT_CENTS:
        raise PaymentRefused(
            translation.gettext(
                "This would leave %(rest)s, too little to pay by card later. "
                "Pay %(balance)s, or leave %(least)s or more."
            )
            % {
                "rest": dollars(balance - amount_cents),
                "balance": dollars(balance),
                "least": dollars(SMALLEST_PAYMENT_CENTS),
            }
        )


def start_payment(statement: Statement, amount_cents: int, language: str, at: datetime | None = None) -> Attempt:
    """An open attempt for this amount, with the address of its card page in `checkout_url`.

    A live attempt of the same amount is used again (another tab, the back button); one of another amount is stopped
    first, and settled if it was too late to stop it. Raises PaymentRefused or CardPageUnreachable.
    """
    at = at or timezone.now()
    if not settings.PAYMENT_GATEWAY:
        raise PaymentRefused(translation.gettext("Paying online is switched off just now. Please call us."))
    for _try in range(3):
        attempt = _live_attempt(statement, amount_cents, language, at)
        if attempt.amount_cents == amount_cents:
            return _open_card_page(attempt)
        _stop(attempt)
        statement.refresh_from_db()
    raise CardPageUnreachable


def _live_attempt(statement: Statement, amount_cents: int, language: str, at: datetime) -> Attempt:
    """The statement's live attempt, whatever its amount, or a new one for this amount, committed."""
    try:
        with transaction.atomic():
            locked = Statement.objects.select_for_update(no_key=True).get(pk=statement.pk)
            if locked.voided_at:
                raise PaymentRefused(translation.gettext("This statement was withdrawn. Please call us."))
            check_amount(locked, amount_cents)
            attempt = locked.attempts.live().first()
            if attempt is None:
                attempt = Attempt.objects.create(
                    statement=locked,
                    amount_cents=amount_cents,
                    gateway=settings.PAYMENT_GATEWAY,
                    language=language,
                    created_at=at,
                    expires_at=at + CARD_PAGE_LASTS,
                )
            return attempt
    except IntegrityError:
        faster = statement.attempts.live().first()  # another tab, by a hair
        if faster is None:
            raise
        return faster


def _open_card_page(attempt: Attempt) -> Attempt:
    gateway = get_gateway(attempt.gateway)
    try:
        outcome = gateway.start(_checkout(attempt))
    except Unknown as error:
        _note_unknown(attempt)
        raise CardPageUnreachable from error
    attempt = apply_outcome(attempt, outcome)
    if attempt.state == AttemptState.EXPIRED:
        raise PaymentRefused(translation.gettext("The card page had closed. Please press Pay once more."))
    return attempt


def _checkout(attempt: Attempt) -> Checkout:
    with translation.override(attempt.language):
        return Checkout(
            key=str(attempt.pk),
            amount_cents=attempt.amount_cents,
            currency="usd",
            language=attempt.language,
            return_url=settings.PUBLIC_ORIGIN + attempt.get_absolute_url(),
            cancel_url=settings.PUBLIC_ORIGIN + reverse("billing:statement"),
            expires_at=attempt.expires_at,
        )


def _stop(attempt: Attempt) -> Attempt:
    try:
        outcome = get_gateway(attempt.gateway).stop(str(attempt.pk))
    except Unknown as error:
        _note_unknown(attempt)
        raise CardPageUnreachable from error
    return apply_outcome(attempt, outcome, stopped=True)


def _note_unknown(attempt: Attempt) -> None:
    Attempt.objects.filter(pk=attempt.pk, state__in=LIVE_STATES).update(state=AttemptState.UNKNOWN)


def look_at(attempt: Attempt) -> Attempt:
    """Ask the processor what became of the attempt and record it. Keeps what we know when it does not answer."""
    if attempt.state == AttemptState.PAID:
        return attempt
    try:
        outcome = get_gateway(attempt.gateway).look(str(attempt.pk))
    except Unknown:
        logger.warning("The processor did not answer about attempt %s", attempt.pk)
        return attempt
    return apply_outcome(attempt, outcome)


def apply_outcome(attempt: Attempt, outcome: Outcome, *, stopped: bool = False, at: datetime | None = None) -> Attempt:
    """Record what is true at the processor; safe to repeat, and in any order."""
    at = at or timezone.now()
    if outcome.state == OutcomeState.PAID:
        return settle(attempt, outcome, at)
    if outcome.state == OutcomeState.ABSENT:
        # A page nobody has seen cannot be paid once its time is over, but a slow request may still be on its way.
        if not stopped and at < attempt.expires_at + FORGET_ABSENT_AFTER:
            return attempt
        return _close(attempt, AttemptState.EXPIRED, at)
    if outcome.state == OutcomeState.OPEN:
        return _open(attempt, outcome)
    return _close(attempt, AttemptState(outcome.state.value), at)


@transaction.atomic
def _open(attempt: Attempt, outcome: Outcome) -> Attempt:
    attempt = Attempt.objects.select_for_update().get(pk=attempt.pk)
    if attempt.state in LIVE_STATES:
        attempt.state = AttemptState.OPEN
        attempt.session_ref = outcome.session_ref
        attempt.checkout_url = outcome.url
        attempt.save(update_fields=["state", "session_ref", "checkout_url"])
    return attempt


@transaction.atomic
def _close(attempt: Attempt, state: AttemptState, at: datetime) -> Attempt:
    """Only a live attempt closes: an old "failed" never overwrites money that came."""
    attempt = Attempt.objects.select_for_update().get(pk=attempt.pk)
    if attempt.state in LIVE_STATES:
        attempt.state = state
        attempt.closed_at = at
        attempt.save(update_fields=["state", "closed_at"])
    return attempt


@transaction.atomic
def settle(attempt: Attempt, outcome: Outcome, at: datetime | None = None) -> Attempt:
    """Record the money of a paid attempt, once, whoever reports it and however often.

    What exceeds the balance becomes credit. An amount or currency we did not ask for is recorded as captured and
    marked for staff to look at.
    """
    at = at or timezone.now()
    statement = Statement.objects.select_for_update().get(pk=attempt.statement_id)
    attempt = Attempt.objects.select_for_update().get(pk=attempt.pk)
    if attempt.state == AttemptState.PAID:
        if outcome.payment_ref != attempt.payment_ref:
            logger.error("Attempt %s was captured twice at the processor", attempt.pk)
            Payment.objects.filter(attempt=attempt).update(needs_review=f"Captured again as {outcome.payment_ref}")
        return attempt
    attempt.state = AttemptState.PAID
    attempt.payment_ref = outcome.payment_ref
    attempt.session_ref = attempt.session_ref or outcome.session_ref
    attempt.closed_at = at
    attempt.save(update_fields=["state", "payment_ref", "session_ref", "closed_at"])
    applied = min(outcome.amount_cents, statement.balance_cents)
    payment = Payment.objects.create(
        attempt=attempt,
        statement=statement,
        gateway=attempt.gateway,
        payment_ref=outcome.payment_ref,
        receipt_number=_next_receipt_number(at),
        amount_cents=outcome.amount_cents,
        applied_cents=applied,
        credit_cents=outcome.amount_cents - applied,
        balance_before_cents=statement.balance_cents,
        captured_at=at,
        card_brand=outcome.card_brand,
        card_last4=outcome.card_last4,
        needs_review=_what_is_odd(attempt, outcome),
    )
    ledger.post_payment(payment)
    return attempt


def _what_is_odd(attempt: Attempt, outcome: Outcome) -> str:
    if outcome.currency != "usd":
        return f"Captured in {outcome.currency}"
    if outcome.amount_cents != attempt.amount_cents:
        return "Captured another amount than was asked"
    return ""


def _next_receipt_number(at: datetime) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('billing_receipt_number')")
        (number,) = cursor.fetchone()
    return f"R-{timezone.localtime(at).year}-{number:06d}"


def sweep(at: datetime | None = None) -> int:
    """Ask the processor about every live attempt that has waited two minutes; returns how many were closed."""
    at = at or timezone.now()
    closed = 0
    for attempt in Attempt.objects.live().filter(created_at__lte=at - LOOK_AFTER).order_by("created_at")[:1000]:
        try:
            closed += look_at(attempt).state not in LIVE_STATES
        except Exception:  # one that cannot be asked about must not keep the others waiting
            logger.exception("Attempt %s cannot be asked about", attempt.pk)
    return closed
