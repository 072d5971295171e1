"""A recorded payment becomes a script that pays any bill: nothing of the first one is left in it."""

import pytest

from benchmarks.payments import script_of
from benchmarks.servers import BenchmarkError


def payment(bill, attempt, journal, *, at="2026-11-27T16:43:47.832964+00:00", extra=""):
    return [
        "BEGIN",
        f'INSERT INTO "billing_attempt" ("id", "statement_id", "created_at", "amount_cents") VALUES (\'{attempt}\'::uuid, {bill}, \'{at}\'::timestamptz, 12345)',
        "SELECT nextval('billing_receipt_number')",
        f'INSERT INTO "billing_payment" ("receipt_number") VALUES (\'R-2026-{550_000 + bill % 1000}\') RETURNING "billing_payment"."id"',
        f'INSERT INTO "billing_journal" ("cause") VALUES (\'sandbox_{attempt.replace("-", "")}\') RETURNING "billing_journal"."id"',
        f'INSERT INTO "billing_leg" ("journal_id", "cents") SELECT * FROM UNNEST(ARRAY[{journal},{journal}], ARRAY[12345,-12345]){extra}',
        "COMMIT",
    ]


FIRST = payment(510_000_001, "0b0e0c4e-9f0b-4b8e-8a5e-1c6a6e1f0001", 530_000_001)
SECOND = payment(
    510_000_002, "1c0e0c4e-9f0b-4b8e-8a5e-1c6a6e1f0002", 530_000_002, at="2026-11-27T16:43:48.000001+00:00"
)
KNOWN = ({"510000001": "statement_id"}, {"510000002": "statement_id"})


def test_what_differs_becomes_a_variable():
    script = script_of(FIRST, SECOND, KNOWN)

    assert script.text.splitlines()[2:] == [
        "BEGIN;",
        'INSERT INTO "billing_attempt" ("id", "statement_id", "created_at", "amount_cents") '
        "VALUES (':made0'::uuid, :statement_id, '2026-11-27T16:43:47.832964+00:00'::timestamptz, 12345);",
        "SELECT nextval('billing_receipt_number') AS receipt \\gset",
        'INSERT INTO "billing_payment" ("receipt_number") VALUES (\'R-2026-:receipt\') '
        'RETURNING "billing_payment"."id" AS "payment_id" \\gset',
        'INSERT INTO "billing_journal" ("cause") VALUES (\'sandbox_:made1\') '
        'RETURNING "billing_journal"."id" AS "journal_id" \\gset',
        'INSERT INTO "billing_leg" ("journal_id", "cents") '
        "SELECT * FROM UNNEST(ARRAY[:journal_id,:journal_id], ARRAY[12345,-12345]);",
        "COMMIT;",
    ]
    assert script.columns == {
        "made0": "gen_random_uuid()::text",
        "made1": "replace(gen_random_uuid()::text, '-', '')",
    }


def test_two_payments_that_differ_otherwise_are_refused():
    other = payment(510_000_002, "1c0e0c4e-9f0b-4b8e-8a5e-1c6a6e1f0002", 530_000_002, extra=" -- 7 of 9")

    with pytest.raises(BenchmarkError, match="differ in more than is understood"):
        script_of(FIRST, other, KNOWN)


def test_payments_of_other_lengths_are_refused():
    with pytest.raises(ValueError, match="zip"):
        script_of(FIRST, SECOND[:-1], KNOWN)
