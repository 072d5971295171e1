"""Writes the ledger, and proves it. Every function runs inside the caller's transaction.

Source of the legs: a debit is positive. See `Account` for the books.
"""

from dataclasses import dataclass, field

from django.db import connection
from django.db.models import Sum

from billing.models import Account, Journal, JournalKind, Leg, Payment, Statement


def _post(kind: JournalKind, cause: str, legs: list[tuple[Account, Statement | None, int]]) -> Journal:
    journal = Journal.objects.create(kind=kind, cause=cause)
    Leg.objects.bulk_create(
        Leg(journal=journal, account=account, statement=statement, cents=cents)
        for account, statement, cents in legs
        if cents
    )
    return journal


def charge_legs(journal: Journal, statement: Statement, cents: int) -> list[Leg]:
    """The unsaved legs of an issued statement on which the patient owes `cents`, for an import that writes many."""
    return [
        Leg(journal=journal, account=Account.RECEIVABLE, statement=statement, cents=cents),
        Leg(journal=journal, account=Account.REVENUE, statement=statement, cents=-cents),
    ]


def post_revision(statement: Statement, difference_cents: int, cause: str) -> None:
    """The practice's system sent the statement again with other charges; what was overpaid becomes credit first."""
    new_charges = statement.charges_cents + difference_cents
    surplus = max(0, statement.applied_cents - new_charges)
    if surplus:
        _post(
            JournalKind.RELEASE,
            cause,
            [(Account.RECEIVABLE, statement, surplus), (Account.CREDIT, statement, -surplus)],
        )
    if difference_cents:
        _post(
            JournalKind.REVISION,
            cause,
            [(Account.RECEIVABLE, statement, difference_cents), (Account.REVENUE, statement, -difference_cents)],
        )


def post_payment(payment: Payment) -> None:
    """Money arrived at the processor: it lowers what is owed, and the surplus is owed back."""
    _post(
        JournalKind.PAYMENT,
        str(payment.attempt_id),
        [
            (Account.GATEWAY, payment.statement, payment.amount_cents),
            (Account.RECEIVABLE, payment.statement, -payment.applied_cents),
            (Account.CREDIT, payment.statement, -payment.credit_cents),
        ],
    )


def credit_of(statement: Statement) -> int:
    """Cents the practice owes back on this statement."""
    total = Leg.objects.filter(statement=statement, account=Account.CREDIT).aggregate(total=Sum("cents"))["total"]
    return -(total or 0)


PROOFS = {
    "journals that do not balance": """
        SELECT j.id FROM billing_journal j LEFT JOIN billing_leg l ON l.journal_id = j.id
        GROUP BY j.id HAVING coalesce(sum(l.cents), 0) <> 0 OR count(l.id) < 2""",
    "statements whose sums differ from their legs": """
        SELECT s.id FROM billing_statement s LEFT JOIN (
            SELECT l.statement_id,
                sum(l.cents) FILTER (WHERE j.kind IN ('charge', 'revision')) AS charged,
                -sum(l.cents) FILTER (WHERE j.kind NOT IN ('charge', 'revision')) AS applied
            FROM billing_leg l JOIN billing_journal j ON j.id = l.journal_id
            WHERE l.account = 'receivable' GROUP BY l.statement_id
        ) b ON b.statement_id = s.id
        WHERE s.charges_cents <> coalesce(b.charged, 0) OR s.applied_cents <> coalesce(b.applied, 0)""",
    "statements whose lines do not add up": """
        SELECT s.id FROM billing_statement s LEFT JOIN billing_statementline l ON l.statement_id = s.id
        GROUP BY s.id HAVING coalesce(sum(l.patient_cents), 0) <> s.charges_cents""",
    "payments without their ledger entry": """
        SELECT p.id FROM billing_payment p LEFT JOIN billing_journal j
            ON j.kind = 'payment' AND j.cause = p.attempt_id::text
        LEFT JOIN billing_leg l ON l.journal_id = j.id AND l.account = 'gateway'
        GROUP BY p.id, p.amount_cents HAVING coalesce(sum(l.cents), 0) <> p.amount_cents""",
    "paid attempts without a payment": """
        SELECT a.id FROM billing_attempt a LEFT JOIN billing_payment p ON p.attempt_id = a.id
        WHERE a.state = 'paid' AND p.id IS NULL""",
}


@dataclass
class Proof:
    """The whole ledger added up again from its rows."""

    accounts_cents: dict[str, int] = field(default_factory=dict)
    journals: int = 0
    statements: int = 0
    payments: int = 0
    problems: dict[str, list[str]] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        return not any(self.problems.values()) and sum(self.accounts_cents.values()) == 0


def prove() -> Proof:
    """Add everything up again from raw rows. Problems list the ids of at most ten offending rows each."""
    proof = Proof()
    with connection.cursor() as cursor:
        cursor.execute("SELECT account, sum(cents) FROM billing_leg GROUP BY account ORDER BY account")
        proof.accounts_cents = {account: int(total) for account, total in cursor.fetchall()}
        for name, table in (("journals", Journal), ("statements", Statement), ("payments", Payment)):
            setattr(proof, name, table.objects.count())
        for problem, query in PROOFS.items():
            cursor.execute(f"{query} ORDER BY 1 LIMIT 10")
            proof.problems[problem] = [str(row[0]) for row in cursor.fetchall()]
    return proof
