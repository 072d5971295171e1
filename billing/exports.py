"""Files for other programs of the office. No names: an account number says enough."""

import csv
import io
from collections.abc import Iterator

from django.db.models import QuerySet
from django.utils import timezone

from billing.models import Statement
from practice.spreadsheets import safe_cell

OWED_HEADER = (
    "statement_number", "account_number", "issued_on", "due_on", "charges", "paid", "balance", "on_hold",
    "on_hold_since",
)  # fmt: skip


def statements_file(statements: QuerySet[Statement]) -> Iterator[str]:
    """CSV lines: what is owed on each statement, and whether it is on hold."""
    yield _line(OWED_HEADER)
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
        yield _line(
            [
                statement.number,
                statement.patient.account_number,
                statement.issued_on.isoformat(),
                statement.due_on.isoformat(),
                *(f"{cents // 100}.{cents % 100:02d}" for cents in _sums(statement)),
                "yes" if statement.is_on_hold else "no",
                timezone.localdate(statement.held_since).isoformat() if statement.held_since else "",
            ]
        )


def _sums(statement: Statement) -> tuple[int, int, int]:
    return statement.charges_cents, statement.applied_cents, statement.balance_cents


def _line(cells) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow([safe_cell(cell) for cell in cells])
    return out.getvalue()
