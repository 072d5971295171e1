"""Files for other programs of the office. No names: an account number says enough."""

from collections.abc import Iterator

from django.db.models import QuerySet
from django.utils import timezone

from billing.models import Statement
from practice.money import plain_dollars
from practice.spreadsheets import csv_line

OWED_HEADER = (
    "statement_number", "account_number", "issued_on", "due_on", "charges", "paid", "balance", "on_hold",
    "on_hold_since",
)  # fmt: skip


def statements_file(statements: QuerySet[Statement]) -> Iterator[str]:
    """CSV lines: what is owed on each statement, and whether it is on hold."""
    yield csv_line(OWED_HEADER)
    fields = (
        "number",
        "issued_on",
        "due_on",
        "charges_cents",
        "applied_cents",
        "held_since",
        "patient__account_number",
    )
    rows = statements.select_related("patient").only(*fields).order_by("number")
    for statement in rows.iterator(chunk_size=2000):
        yield csv_line(
            [
                statement.number,
                statement.patient.account_number,
                statement.issued_on.isoformat(),
                statement.due_on.isoformat(),
                plain_dollars(statement.charges_cents),
                plain_dollars(statement.applied_cents),
                plain_dollars(statement.balance_cents),
                "yes" if statement.is_on_hold else "no",
                timezone.localdate(statement.held_since).isoformat() if statement.held_since else "",
            ]
        )
