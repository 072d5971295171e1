"""A few bills of people who do not exist, for the demo."""

from datetime import date
from pathlib import Path

from django.conf import settings

from billing.codes import printed
from billing.imports import import_statements
from billing.models import Statement

STATEMENTS = Path(__file__).parent / "demo_data" / "statements.csv"
FIRST = "S-1001"


def load() -> None:
    if not Statement.objects.filter(number=FIRST).exists():
        import_statements(STATEMENTS.read_bytes(), STATEMENTS.name)


def jobs() -> list[list[str]]:
    """Commands that run beside the demo: the sweep, which elsewhere a timer starts each minute."""
    return [["settle_payments", "--every", "60", "--verbosity", "0"]] if settings.BILLING_GATEWAY == "sandbox" else []


def statement_to_pay() -> Statement | None:
    """A bill on which something is still owed, for the demo to name."""
    return Statement.objects.outstanding().select_related("patient").order_by("pk").first()


def announcements() -> list[str]:
    """What the demo prints about billing."""
    statement = statement_to_pay()
    if statement is None:
        return ["Every demo bill is paid. `make clean run` starts anew."]
    born: date = statement.patient.born_on  # type: ignore[assignment]  # an encrypted date is a TextField
    return [
        f"A bill to pay at /pay/: code {printed(statement.code)}, date of birth {born.month}/{born.day}/{born.year}"
    ]
