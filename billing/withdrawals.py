"""Taking back what was charged: writing off, voiding, issuing again. Nothing is deleted; the ledger tells all of it."""

from datetime import date, datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Sum
from django.utils import timezone

from billing import ledger, payments, plans
from billing.codes import code_index, link_index, link_token, new_code
from billing.models import Journal, JournalKind, Leg, Statement, StatementLine
from billing.models.ledger import Account
from practice.money import dollars

DUE_AFTER = timedelta(days=30)


class WithdrawalRefused(Exception):
    """Nothing was changed; the message says why, for staff to read."""


def write_off(statement: Statement, cents: int, *, by, reason: str, cause: UUID) -> None:
    """Give up so many cents of what is owed. `cause` comes with the form: a second click changes nothing."""
    try:
        with transaction.atomic():
            statement = Statement.objects.select_for_update().get(pk=statement.pk)
            if Journal.objects.filter(kind=JournalKind.WRITE_OFF, cause=str(cause)).exists():
                return
            if not 0 < cents <= statement.balance_cents:
                raise WithdrawalRefused(f"{dollars(statement.balance_cents)} is owed. Write off that or less.")
            ledger.post_write_off(statement, cents, str(cause), by=by, note=reason)
    except IntegrityError as error:
        raise WithdrawalRefused("The bill has just changed. Look at it again.") from error
    payments.stop_what_is_too_much([statement])


def void_statement(statement: Statement, *, by, reason: str, at: datetime | None = None) -> Statement:
    """Withdraw the statement: nothing is owed on it, nobody finds it, and what was paid is owed back.

    A card page that is open is closed first; if it was paid a moment before, that money is settled and owed back too.
    Raises WithdrawalRefused.
    """
    at = at or timezone.now()
    _stop_live_attempt(statement)
    with transaction.atomic():
        statement = Statement.objects.select_for_update().get(pk=statement.pk)
        if statement.voided_at:
            raise WithdrawalRefused("This statement is void already.")
        if statement.attempts.live().exists():
            raise WithdrawalRefused("Somebody is paying this bill at this moment. Try again in a few minutes.")
        ledger.post_void(statement, by=by, note=reason)
        for plan in statement.plans.running():
            plans.cancel(plan, at)
        Statement.objects.filter(pk=statement.pk).update(voided_at=at, link_index=None, held_since=None)
        statement.refresh_from_db()
    return statement


def reissue_statement(statement: Statement, number: str, *, by, at: datetime | None = None) -> Statement:
    """Issue a voided statement again under a new number, with a new code and link. Credit of the old one pays it.

    Raises WithdrawalRefused.
    """
    at = at or timezone.now()
    number = number.strip()
    with transaction.atomic():
        old = Statement.objects.select_for_update().select_related(None).get(pk=statement.pk)
        if not old.voided_at:
            raise WithdrawalRefused("Void the statement first.")
        if Statement.objects.filter(replaces=old).exists():
            raise WithdrawalRefused("This statement was issued again already.")
        if not number or Statement.objects.filter(number=number).exists():
            raise WithdrawalRefused("Give a statement number that no other statement has.")
        new = _copy(old, number, timezone.localdate(at))
        lines = list(old.lines.all())
        StatementLine.objects.bulk_create(_line(new, line) for line in lines)
        owes = sum(line.patient_cents for line in lines)
        if owes:
            legs: ledger.Legs = [(Account.RECEIVABLE, new, owes), (Account.REVENUE, new, -owes)]
            ledger.post(JournalKind.CHARGE, new.number, legs, by=by)
        credit = min(ledger.credit_of(old), owes)
        if credit > 0:
            ledger.post_transfer(old, new, credit, by=by)
        new.refresh_from_db()
    return new


def _copy(old: Statement, number: str, on: date) -> Statement:
    code = new_code()
    return Statement.objects.create(
        number=number,
        patient_id=old.patient_id,
        issued_on=on,
        due_on=on + DUE_AFTER,
        facility=old.facility,
        insurer=old.insurer,
        code=code,
        code_index=code_index(code),
        link_index=link_index(link_token(number, 1)),
        content_hash=old.content_hash,
        replaces=old,
    )


def _line(statement: Statement, line: StatementLine) -> StatementLine:
    kept = (
        "position", "service_on", "procedure_code", "description", "charge_cents", "insurance_paid_cents",
        "adjustment_cents", "patient_cents",
    )  # fmt: skip
    return StatementLine(statement=statement, **{name: getattr(line, name) for name in kept})


def _stop_live_attempt(statement: Statement) -> None:
    attempt = statement.attempts.live().first()
    if attempt is not None:
        try:
            payments.stop(attempt)
        except payments.CardPageUnreachable as error:
            raise WithdrawalRefused(
                "A card page for this bill is open and the card processor does not answer. Try again in a few minutes."
            ) from error


def credit_by_id() -> dict[int, int]:
    """What the practice owes back: cents by the statement's primary key, largest first."""
    owed = (
        Leg.objects.filter(account=Account.CREDIT, statement__isnull=False)
        .values("statement")
        .annotate(cents=-Sum("cents"))
        .filter(cents__gt=0)
        .order_by("-cents")
    )
    return {row["statement"]: row["cents"] for row in owed}


def credit_by_statement() -> list[tuple[Statement, int]]:
    """The same with the statements themselves."""
    by_id = credit_by_id()
    statements = Statement.objects.select_related("patient").in_bulk(by_id)
    return [(statements[pk], cents) for pk, cents in by_id.items()]
