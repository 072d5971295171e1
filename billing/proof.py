"""Proves the ledger: adds everything up again from raw rows and follows the chain, with SQL of its own.

Nothing here trusts a sum that is kept somewhere. Sums are integer cents.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.db import connection, transaction

from billing.rules import missing_rules

# Each query gives the ids of offending rows. The first that finds something is where to look.
PROOFS = {
    "journals that do not balance": """
        SELECT j.id FROM billing_journal j LEFT JOIN billing_leg l ON l.journal_id = j.id
        GROUP BY j.id HAVING coalesce(sum(l.cents), 0) <> 0 OR count(l.id) < 2""",
    "journals outside the chain": """
        SELECT j.id FROM billing_journal j LEFT JOIN billing_chainlink c ON c.journal_id = j.id
        WHERE c.position IS NULL""",
    "links of the chain that do not fit": """
        SELECT c.position FROM (
            SELECT position, journal_id, digest,
                lag(digest) OVER w AS before, lag(position, 1, 0::bigint) OVER w AS last
            FROM billing_chainlink WINDOW w AS (ORDER BY position)
        ) c
        WHERE c.position <> c.last + 1 OR c.digest IS DISTINCT FROM billing_digest(c.before, c.journal_id)""",
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
    "overpaid statements": """
        SELECT id FROM billing_statement WHERE applied_cents > charges_cents OR applied_cents < 0""",
    "payments that differ from their ledger entry": """
        SELECT p.id FROM billing_payment p
        LEFT JOIN billing_journal j ON j.kind = 'payment' AND j.cause IN (p.payment_ref, p.attempt_id::text)
        LEFT JOIN billing_leg l ON l.journal_id = j.id
        GROUP BY p.id, p.amount_cents, p.applied_cents, p.credit_cents
        HAVING coalesce(sum(l.cents) FILTER (WHERE l.account = 'gateway'), 0) <> p.amount_cents
            OR coalesce(-sum(l.cents) FILTER (WHERE l.account = 'receivable'), 0) <> p.applied_cents
            OR coalesce(-sum(l.cents) FILTER (WHERE l.account = 'credit'), 0) <> p.credit_cents""",
    "paid attempts without a payment": """
        SELECT a.id FROM billing_attempt a LEFT JOIN billing_payment p
            ON p.attempt_id = a.id AND p.payment_ref = a.payment_ref
        WHERE a.state = 'paid' AND p.id IS NULL""",
    "payments with more returned than was paid": """
        SELECT p.id FROM billing_payment p LEFT JOIN billing_refund r
            ON r.payment_id = p.id AND r.state NOT IN ('failed', 'declined')
        GROUP BY p.id, p.amount_cents HAVING coalesce(sum(r.amount_cents), 0) > p.amount_cents""",
    "payments whose reserved or disputed sum differs from its rows": """
        SELECT p.id FROM billing_payment p
        WHERE p.refund_reserved_cents <> coalesce((SELECT sum(r.amount_cents) FROM billing_refund r
                WHERE r.payment_id = p.id AND r.state NOT IN ('failed', 'declined')), 0)
            OR p.disputed_cents <> coalesce((SELECT sum(d.amount_cents) FROM billing_dispute d
                WHERE d.payment_id = p.id AND d.state <> 'won'), 0)""",
    "refunds that differ from their ledger entries": """
        SELECT r.id FROM billing_refund r
        WHERE CASE WHEN r.state = 'succeeded' THEN r.amount_cents ELSE 0 END <> coalesce((
            SELECT -sum(l.cents) FROM billing_leg l JOIN billing_journal j ON j.id = l.journal_id
            WHERE l.account = 'gateway' AND j.kind IN ('refund', 'refund failed')
                AND split_part(j.cause, '/', 1) = r.id::text), 0)""",
    "disputes that differ from their ledger entries": """
        SELECT d.id FROM billing_dispute d
        WHERE CASE WHEN d.state = 'won' THEN 0 ELSE d.amount_cents END <> coalesce((
            SELECT -sum(l.cents) FROM billing_leg l JOIN billing_journal j ON j.id = l.journal_id
            WHERE l.account = 'gateway' AND j.kind IN ('dispute', 'dispute won') AND j.cause = d.dispute_ref), 0)""",
    "money at the processor without a payment, refund or dispute": """
        SELECT j.id FROM billing_journal j
        WHERE j.kind = 'payment' AND NOT EXISTS (SELECT 1 FROM billing_payment p WHERE p.payment_ref = j.cause)
                AND NOT EXISTS (SELECT 1 FROM billing_payment p WHERE p.attempt_id::text = j.cause)
            OR j.kind IN ('refund', 'refund failed') AND NOT EXISTS (
                SELECT 1 FROM billing_refund r WHERE r.id::text = split_part(j.cause, '/', 1))
            OR j.kind IN ('dispute', 'dispute won', 'dispute lost') AND NOT EXISTS (
                SELECT 1 FROM billing_dispute d WHERE d.dispute_ref = j.cause)""",
    "entries in books their kind does not touch": """
        SELECT DISTINCT j.id FROM billing_leg l JOIN billing_journal j ON j.id = l.journal_id
        WHERE l.account = 'gateway'
                AND j.kind NOT IN ('payment', 'refund', 'refund failed', 'dispute', 'dispute won', 'deposit')
            OR l.account IN ('bank', 'fees') AND j.kind <> 'deposit'""",
    "deposits that differ from their closed day": """
        SELECT j.id FROM billing_journal j
        LEFT JOIN billing_dailyclose d ON d.day::text = j.cause
        LEFT JOIN billing_leg l ON l.journal_id = j.id
        WHERE j.kind = 'deposit'
        GROUP BY j.id, d.deposit_cents, d.fees_cents
        HAVING coalesce(sum(l.cents) FILTER (WHERE l.account = 'bank'), 0) IS DISTINCT FROM d.deposit_cents
            OR coalesce(sum(l.cents) FILTER (WHERE l.account = 'fees'), 0) IS DISTINCT FROM d.fees_cents""",
    "closed days whose sums differ from the ledger": """
        SELECT d.id FROM billing_dailyclose d
        LEFT JOIN billing_chainlink c ON c.position BETWEEN d.first_position AND d.last_position
        LEFT JOIN billing_journal j ON j.id = c.journal_id
        LEFT JOIN billing_leg l ON l.journal_id = j.id AND l.account = 'gateway'
        GROUP BY d.id, d.payments_cents, d.refunds_cents, d.disputes_cents
        HAVING coalesce(sum(l.cents) FILTER (WHERE j.kind = 'payment'), 0) <> d.payments_cents
            OR coalesce(-sum(l.cents) FILTER (WHERE j.kind IN ('refund', 'refund failed')), 0) <> d.refunds_cents
            OR coalesce(-sum(l.cents) FILTER (WHERE j.kind IN ('dispute', 'dispute won')), 0) <> d.disputes_cents""",
    "void statements on which money is still applied": """
        SELECT s.id FROM billing_statement s
        LEFT JOIN billing_leg l ON l.statement_id = s.id AND l.account IN ('adjustment', 'revenue')
        LEFT JOIN billing_journal j ON j.id = l.journal_id
        WHERE s.voided_at IS NOT NULL
        GROUP BY s.id, s.charges_cents
        HAVING coalesce(sum(l.cents) FILTER (WHERE l.account = 'adjustment'), 0)
            + coalesce(sum(l.cents) FILTER (WHERE l.account = 'revenue' AND j.kind = 'void'), 0) <> s.charges_cents""",
    "paid instalments without a payment": """
        SELECT i.id FROM billing_instalment i WHERE i.state = 'paid' AND NOT EXISTS (
            SELECT 1 FROM billing_attempt a JOIN billing_payment p ON p.attempt_id = a.id
            WHERE a.instalment_id = i.id)""",
    "plans whose parts do not add up": """
        SELECT p.id FROM billing_paymentplan p LEFT JOIN billing_instalment i ON i.plan_id = p.id
        GROUP BY p.id, p.total_cents HAVING coalesce(sum(i.amount_cents), 0) <> p.total_cents""",
    "statements with more than one live attempt": """
        SELECT statement_id FROM billing_attempt WHERE state IN ('created', 'open', 'unknown')
        GROUP BY statement_id HAVING count(*) > 1""",
    "closed days whose file or batch was altered": """
        SELECT d.id FROM (
            SELECT *, lag(last_position, 1, 0::bigint) OVER (ORDER BY day) AS before FROM billing_dailyclose
        ) d
        WHERE d.first_position <> d.before + 1 OR d.sha256 <> encode(sha256(convert_to(d.body, 'UTF8')), 'hex')
            OR (d.last_position > 0 AND d.chain_digest IS DISTINCT FROM (
                SELECT c.digest FROM billing_chainlink c WHERE c.position = d.last_position))""",
}

FIGURES = {
    "captured": "SELECT coalesce(sum(amount_cents), 0) FROM billing_payment",
    "refunded": "SELECT coalesce(sum(amount_cents), 0) FROM billing_refund WHERE state = 'succeeded'",
    "disputed": "SELECT coalesce(sum(amount_cents), 0) FROM billing_dispute WHERE state <> 'won'",
    # Money that pays statements now: neither what was written off or voided, nor what went back.
    "applied": """
        SELECT coalesce(sum(CASE
            WHEN l.account = 'receivable' AND j.kind NOT IN ('charge', 'revision') THEN -l.cents
            WHEN l.account = 'adjustment' THEN -l.cents
            WHEN l.account = 'revenue' AND j.kind = 'void' THEN -l.cents END), 0)
        FROM billing_leg l JOIN billing_journal j ON j.id = l.journal_id""",
    "credit": "SELECT coalesce(-sum(cents), 0) FROM billing_leg WHERE account = 'credit'",
    "ledger_sum": "SELECT coalesce(sum(cents), 0) FROM billing_leg",
    "overpaid": "SELECT count(*) FROM billing_statement WHERE applied_cents > charges_cents",
    "over_refunded": """
        SELECT count(*) FROM (SELECT p.id FROM billing_payment p JOIN billing_refund r ON r.payment_id = p.id
            WHERE r.state NOT IN ('failed', 'declined')
            GROUP BY p.id, p.amount_cents HAVING sum(r.amount_cents) > p.amount_cents) o""",
    "live_attempts": "SELECT count(*) FROM billing_attempt WHERE state IN ('created', 'open', 'unknown')",
    "unprocessed_events": "SELECT count(*) FROM billing_gatewayevent WHERE processed_at IS NULL",
    "unresolved_refunds": "SELECT count(*) FROM billing_refund WHERE state IN ('requested', 'unknown', 'pending')",
    "journals": "SELECT count(*) FROM billing_journal",
    "statements": "SELECT count(*) FROM billing_statement",
    "payments": "SELECT count(*) FROM billing_payment",
}


@dataclass
class Proof:
    """The whole ledger added up again. `problems` lists the ids of at most ten offending rows for each rule."""

    figures: dict[str, int] = field(default_factory=dict)
    accounts_cents: dict[str, int] = field(default_factory=dict)
    chain_head: str = ""
    chain_length: int = 0
    problems: dict[str, list[str]] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        return not any(self.problems.values()) and self.figures["ledger_sum"] == 0

    @property
    def first_problem(self) -> str:
        """Names the first bad row, or is empty."""
        for problem, rows in self.problems.items():
            if rows:
                return f"{problem}: {rows[0]}"
        return "" if self.holds else f"the ledger adds up to {self.figures['ledger_sum']} cents instead of 0"

    def as_dict(self) -> dict:
        return {
            "holds": self.holds,
            **self.figures,
            "accounts_cents": self.accounts_cents,
            "chain_length": self.chain_length,
            "chain_head": self.chain_head,
            "first_problem": self.first_problem,
            "problems": {problem: rows for problem, rows in self.problems.items() if rows},
        }

    def as_json(self) -> str:
        return json.dumps(self.as_dict(), indent=2)


def prove() -> Proof:
    """Add everything up again from raw rows, in one snapshot of the database where no transaction is open yet."""
    proof = Proof()
    with _one_snapshot(), connection.cursor() as cursor:
        for name, query in FIGURES.items():
            cursor.execute(query)
            proof.figures[name] = int(cursor.fetchone()[0])
        cursor.execute("SELECT account, sum(cents) FROM billing_leg GROUP BY account ORDER BY account")
        proof.accounts_cents = {account: int(total) for account, total in cursor.fetchall()}
        cursor.execute("SELECT position, digest FROM billing_chainlink ORDER BY position DESC LIMIT 1")
        proof.chain_length, proof.chain_head = cursor.fetchone() or (0, "")
        for problem, query in PROOFS.items():
            cursor.execute(f"{query} ORDER BY 1 LIMIT 10")
            proof.problems[problem] = [str(row[0]) for row in cursor.fetchall()]
    proof.problems["rules missing from the database"] = missing_rules()
    return proof


@contextmanager
def _one_snapshot() -> Iterator[None]:
    """What others commit meanwhile is not seen, so that all figures are of one moment."""
    if connection.in_atomic_block:
        yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield
