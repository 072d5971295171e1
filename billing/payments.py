"""Paying a statement by card.

The order never changes: commit the attempt, call the processor with no transaction open, commit the result. However
often the webhook, the return page and the sweep report the same payment, `settle` records it once. An outcome we
could not learn is `unknown`, never "failed". Locks are taken in the order event, statement, attempt, payment, refund.
"""

import logging
import time
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.urls import reverse
from django.utils import timezone, translation

from billing import ledger, plans, receipts
from billing.gateways.interface import AttemptRef, Checkout, Outcome, OutcomeState, Unknown
from billing.gateways.registry import get_gateway
from billing.models import (
    LIVE_STATES,
    SMALLEST_PAYMENT_CENTS,
    Attempt,
    AttemptKind,
    AttemptState,
    Instalment,
    Payment,
    Statement,
)
from practice.money import dollars

logger = logging.getLogger(__name__)

CARD_PAGE_LASTS = timedelta(minutes=60)
CARD_PAGE_LASTS_AT_LEAST = timedelta(minutes=31)  # processors open no page for less than half an hour
FORGET_ABSENT_AFTER = timedelta(minutes=5)
OTHER_TAB_LOOKS, OTHER_TAB_SECONDS = 10, 0.2


class PaymentRefused(Exception):
    """The payment was not started; the message says why, for the patient to read. Nothing was charged."""


class CardPageUnreachable(Exception):
    """The processor did not answer, and the same attempt can be tried again.

    Nothing was charged, unless `attempt` is given: its card page had been open before, and may have been paid.
    """

    def __init__(self, attempt: "Attempt | None" = None):
        super().__init__()
        self.attempt = attempt if attempt and attempt.session_ref else None


# ---- Before ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Preview:
    """What a payment of `pays_cents` does to a statement: before - pays = after, and a surplus that is owed back."""

    before_cents: int
    pays_cents: int
    surplus_cents: int

    @property
    def after_cents(self) -> int:
        return self.before_cents - self.pays_cents


def preview(statement: Statement, amount_cents: int) -> Preview:
    """What `settle` will post for this amount, by the same rule."""
    applied = min(amount_cents, statement.balance_cents)
    return Preview(statement.balance_cents, applied, amount_cents - applied)


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


# ---- Starting -------------------------------------------------------------------------------------------------------


def start_payment(
    statement: Statement,
    amount_cents: int,
    language: str,
    *,
    receipt_to: str = "",
    instalment: Instalment | None = None,
    at: datetime | None = None,
) -> Attempt:
    """An open attempt for this amount, with the address of its card page in `checkout_url`.

    A live attempt of the same amount is used again (another tab, the back button); one of another amount is stopped
    first, and settled if it was too late to stop it. With an instalment the card is kept for the later ones. The
    attempt comes back paid when the money turns out to have come already. Raises PaymentRefused or CardPageUnreachable.
    """
    at = at or timezone.now()
    if not settings.BILLING_GATEWAY:
        raise PaymentRefused(translation.gettext("Paying online is switched off just now. Please call us."))
    for _try in range(3):
        attempt = _live_attempt(statement, amount_cents, language, receipt_to, instalment, at)
        fits = attempt.amount_cents == amount_cents and attempt.instalment_id == (instalment and instalment.pk)
        if fits and (attempt.session_ref or attempt.expires_at - at > CARD_PAGE_LASTS_AT_LEAST):
            attempt = _open_card_page(attempt)
            if attempt.is_live or attempt.state == AttemptState.PAID:
                return attempt
        elif stop(attempt).is_live:
            raise PaymentRefused(
                translation.gettext("A payment of your plan is being made just now. Please try again in a few minutes.")
            )
        statement.refresh_from_db()
    raise CardPageUnreachable


def _live_attempt(statement, amount_cents, language, receipt_to, instalment, at) -> Attempt:
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
                    instalment=instalment,
                    amount_cents=amount_cents,
                    gateway=settings.BILLING_GATEWAY,
                    language=language,
                    receipt_to=receipt_to,
                    created_at=at,
                    expires_at=at + CARD_PAGE_LASTS,
                )
            elif receipt_to and attempt.kind == AttemptKind.CHECKOUT and attempt.receipt_to != receipt_to:
                attempt.receipt_to = receipt_to
                attempt.save(update_fields=["receipt_to"])
            return attempt
    except IntegrityError:
        faster = statement.attempts.live().first()  # another tab, by a hair
        if faster is None:
            raise
        return faster


def _open_card_page(attempt: Attempt) -> Attempt:
    """Open the attempt's page. One that was opened before is looked at: it may be paid, or have run out."""
    gateway = get_gateway(attempt.gateway)
    try:
        outcome = gateway.look(_ref(attempt)) if attempt.session_ref else gateway.start(_checkout(attempt))
    except Unknown as error:
        opened = _wait_for_other_tab(attempt) if error.is_busy else None
        if opened is not None:
            return opened
        _note_unknown(attempt, error, of_start=True)
        raise CardPageUnreachable(attempt) from error
    opened = apply_outcome(attempt, outcome)
    if opened.session_ref != outcome.session_ref and outcome.state == OutcomeState.OPEN:
        _close_stray_page(opened, outcome)
    return opened


def _close_stray_page(attempt: Attempt, outcome: Outcome) -> None:
    """Another tab's page for the attempt was opened first: nobody is sent to this one, and it is closed."""
    try:
        stray = replace(_ref(attempt), session_ref=outcome.session_ref, generation=0)
        closed = get_gateway(attempt.gateway).stop(stray)
    except Unknown:
        return
    if closed.state == OutcomeState.PAID:
        settle(attempt, closed)


def _wait_for_other_tab(attempt: Attempt) -> Attempt | None:
    """The attempt as soon as the tab that is opening its card page has done so; None when that takes too long."""
    for _look in range(OTHER_TAB_LOOKS):
        time.sleep(OTHER_TAB_SECONDS)
        opened = Attempt.objects.filter(pk=attempt.pk).exclude(session_ref="").first()
        if opened is not None:
            return opened
    return None


def _checkout(attempt: Attempt) -> Checkout:
    """The same for each try: processors compare what they are asked under one key."""
    with translation.override(attempt.language):
        return Checkout(
            key=str(attempt.pk),
            amount_cents=attempt.amount_cents,
            currency="usd",
            language=attempt.language,
            return_url=settings.PUBLIC_ORIGIN + attempt.get_absolute_url(),
            cancel_url=settings.PUBLIC_ORIGIN + reverse("billing:statement"),
            expires_at=attempt.expires_at,
            generation=attempt.generation,
            keep_card=attempt.instalment_id is not None,
        )


def _ref(attempt: Attempt) -> AttemptRef:
    is_instalment = attempt.kind == AttemptKind.INSTALMENT
    return AttemptRef(
        key=str(attempt.pk),
        session_ref=attempt.session_ref,
        payment_ref=attempt.payment_ref,
        created_at=attempt.created_at,
        generation=attempt.generation,
        customer_ref=attempt.instalment.plan.customer_ref if is_instalment and attempt.instalment else "",
    )


def _note_unknown(attempt: Attempt, error: Unknown, *, of_start: bool = False) -> None:
    """Keep that we do not know. A page that failed to open is next asked for under a new key, if the old one's failure
    would only be repeated."""
    facts: dict = {"last_error": str(error)[:200]}
    if of_start and error.replays and attempt.kind == AttemptKind.CHECKOUT and not attempt.session_ref:
        facts["generation"] = attempt.generation + 1
    # As we saw it: what another tab or the sweep has learned meanwhile is not unlearned.
    seen = {"session_ref": attempt.session_ref, "generation": attempt.generation}
    live = Attempt.objects.filter(pk=attempt.pk, state__in=LIVE_STATES, **seen)
    live.update(state=AttemptState.UNKNOWN, **facts)


def stop(attempt: Attempt) -> Attempt:
    """Close the attempt's card page, so that nobody can pay it any more; settles it if it was too late.

    A charge of a stored card cannot be stopped: its attempt stays live until it is known what became of it. Raises
    CardPageUnreachable when the processor does not answer; the attempt then stays live.
    """
    try:
        outcome = get_gateway(attempt.gateway).stop(_ref(attempt))
    except Unknown as error:
        _note_unknown(attempt, error)
        raise CardPageUnreachable(attempt) from error
    return apply_outcome(attempt, outcome, stopped=attempt.kind == AttemptKind.CHECKOUT)


def stop_what_is_too_much(statements: Collection[Statement]) -> int:
    """Close card pages that ask for more than these statements still owe; returns how many.

    What cannot be stopped now, the sweep stops.
    """
    stopped = 0
    for attempt in Attempt.objects.live().filter(statement__in=statements).select_related("statement"):
        if attempt.amount_cents > attempt.statement.balance_cents:
            try:
                stopped += not stop(attempt).is_live
            except CardPageUnreachable:
                continue
    return stopped


# ---- What became of it ----------------------------------------------------------------------------------------------


def look_at(attempt: Attempt, at: datetime | None = None) -> Attempt:
    """Ask the processor what became of the attempt and record it. Keeps what we know when it does not answer."""
    if attempt.state == AttemptState.PAID:
        return attempt
    try:
        outcome = get_gateway(attempt.gateway).look(_ref(attempt))
    except Unknown:
        logger.warning("The processor did not answer about attempt %s", attempt.pk)
        return attempt
    return apply_outcome(attempt, outcome, at=at)


def apply_outcome(attempt: Attempt, outcome: Outcome, *, stopped: bool = False, at: datetime | None = None) -> Attempt:
    """Record what is true at the processor; safe to repeat, and in any order."""
    at = at or timezone.now()
    match outcome.state:
        case OutcomeState.PAID if outcome.amount_cents <= 0 or not outcome.payment_ref:
            logger.error("The processor calls attempt %s paid without any money", attempt.pk)
            return attempt
        case OutcomeState.PAID:
            return settle(attempt, outcome, at)
        case OutcomeState.PROCESSING:
            return attempt
        case OutcomeState.OPEN:
            return _open(attempt, outcome)
        case OutcomeState.ABSENT:
            # A page nobody has seen cannot be paid once its time is over, but a slow request may still be on its way.
            if not stopped and at < attempt.expires_at + FORGET_ABSENT_AFTER:
                return attempt
            return _close(attempt, AttemptState.EXPIRED, at)
        case _ if not stopped and outcome.session_ref and attempt.session_ref not in ("", outcome.session_ref):
            return attempt  # about a page that nobody was sent to
        case _:
            return _close(attempt, AttemptState(outcome.state.value), at, outcome.message)


@transaction.atomic
def _open(attempt: Attempt, outcome: Outcome) -> Attempt:
    attempt = Attempt.objects.select_for_update(of=("self",)).get(pk=attempt.pk)
    if attempt.is_live:
        attempt.state = AttemptState.OPEN
        attempt.session_ref = attempt.session_ref or outcome.session_ref
        if attempt.session_ref == outcome.session_ref:  # of two pages, the payer is sent to the one we keep
            attempt.checkout_url = outcome.url or attempt.checkout_url
        attempt.last_error = ""
        attempt.save(update_fields=["state", "session_ref", "checkout_url", "last_error"])
    return attempt


@transaction.atomic
def _close(attempt: Attempt, state: AttemptState, at: datetime, message: str = "") -> Attempt:
    """Only a live attempt closes: an old "failed" never overwrites money that came."""
    Statement.objects.select_for_update(no_key=True).get(pk=attempt.statement_id)
    attempt = Attempt.objects.select_for_update(of=("self",)).get(pk=attempt.pk)
    if attempt.is_live:
        attempt.state = state
        attempt.closed_at = at
        attempt.last_error = message[:200]
        attempt.save(update_fields=["state", "closed_at", "last_error"])
        if attempt.instalment is not None:
            plans.note_not_paid(attempt, at)
    return attempt


@transaction.atomic
def settle(attempt: Attempt, outcome: Outcome, at: datetime | None = None) -> Attempt:
    """Record the money of an attempt, once for each reference of the processor, whoever reports it and however often.

    What exceeds the balance becomes credit. An amount or currency we did not ask for is recorded as captured and
    marked for staff to look at. Money captured a second time for the same attempt pays nothing: all of it is credit.
    """
    at = at or timezone.now()
    statement = Statement.objects.select_for_update().get(pk=attempt.statement_id)
    attempt = Attempt.objects.select_for_update(of=("self",)).get(pk=attempt.pk)
    if Payment.objects.filter(gateway=attempt.gateway, payment_ref=outcome.payment_ref).exists():
        return attempt
    is_second = attempt.state == AttemptState.PAID
    if is_second:
        logger.error("Attempt %s was captured twice at the processor", attempt.pk)
    else:
        attempt.state = AttemptState.PAID
        attempt.payment_ref = outcome.payment_ref
        attempt.session_ref = attempt.session_ref or outcome.session_ref
        attempt.closed_at = at
        attempt.save(update_fields=["state", "payment_ref", "session_ref", "closed_at"])
    will = preview(statement, 0 if is_second else outcome.amount_cents)
    payment = Payment.objects.create(
        attempt=attempt,
        statement=statement,
        gateway=attempt.gateway,
        payment_ref=outcome.payment_ref,
        receipt_number=_next_receipt_number(at),
        amount_cents=outcome.amount_cents,
        applied_cents=will.pays_cents,
        credit_cents=outcome.amount_cents - will.pays_cents,
        balance_before_cents=statement.balance_cents,
        captured_at=at,
        card_brand=outcome.card_brand,
        card_last4=outcome.card_last4,
        needs_review="Captured a second time" if is_second else _what_is_odd(attempt, outcome),
    )
    ledger.post_payment(payment)
    if not is_second and attempt.instalment is not None:
        plans.note_paid(attempt, outcome, at)
    receipts.tell(payment)
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


def fill_in_card(payment: Payment) -> None:
    """Ask for the card's name and last digits, which a message of the processor does not always bring."""
    try:
        outcome = get_gateway(payment.gateway).look(_ref(payment.attempt))
    except Unknown:
        return
    if outcome.payment_ref == payment.payment_ref and outcome.card_last4:
        Payment.objects.filter(pk=payment.pk, card_last4="").update(
            card_brand=outcome.card_brand, card_last4=outcome.card_last4
        )
    with transaction.atomic():
        plans.note_card(payment.attempt, outcome)
