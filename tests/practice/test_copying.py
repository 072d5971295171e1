"""COPY writes what it is given, to the letter, whatever the letters."""

from datetime import UTC, datetime

import pytest
from django.db import DataError, IntegrityError, connection, transaction

from patients.models import Patient
from practice.copying import batches, copy_rows, new_keys
from practice.models import Feedback, Throttle

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
COLUMNS = [
    "topic", "message", "name", "email", "language", "team", "status", "received_at", "due_on", "answer",
    "is_answer_mailed", "answered_at", "answered_by_id",
]  # fmt: skip


def feedback(message, name="Ann"):
    return ["other", message, name, "", "en", "billing", "new", NOON, NOON.date(), "", False, None, None]


ATTACKS = [
    "plain",
    "",
    " ",
    "\\",
    "\\\\",
    "\\N",
    "\\n",
    "\\t",
    "\\.",
    "\\.\n",
    "\n\\.\n",
    "\\x41",
    "\\101",
    "\\b\\f\\v",
    "\b\f\v\x1b\x7f",
    "\t",
    "a\tb\tc",
    "a\nb",
    "a\r\nb",
    "\r",
    "ends with \\",
    "\\\t",
    "\\\n",
    "NULL",
    "null",
    "'; DROP TABLE practice_feedback; --",
    '"quoted", "twice"',
    "%s %(x)s {} $1",
    "Ñandú Łukasz",
    "李小龍 محمد",
    "🩻 \u200f \u2028 \ufeff",
    "é" * 2000,
]


@pytest.mark.parametrize("text", ATTACKS)
def test_text_arrives_to_the_letter(text):
    copy_rows(Feedback, COLUMNS, [feedback(text)])

    row = Feedback.objects.get()
    assert (row.message, row.name, row.received_at, row.answered_at) == (text, "Ann", NOON, None)


def test_no_text_breaks_out_of_its_row():
    copy_rows(Feedback, COLUMNS, [feedback(text, name=text[:100]) for text in ATTACKS])

    rows = Feedback.objects.order_by("pk").values_list("message", "name", "email")
    assert list(rows) == [(text, text[:100], "") for text in ATTACKS]


def test_none_is_null_and_its_letters_are_not():
    copy_rows(Feedback, COLUMNS, [feedback("\\N")])

    with connection.cursor() as cursor:
        cursor.execute("SELECT message IS NULL, answered_at IS NULL FROM practice_feedback")
        assert cursor.fetchall() == [(False, True)]


def test_encrypted_columns_are_encrypted():
    """Also where the column's attribute and its name are given in another order than the table's."""
    columns = ["last_name", "first_name", "born_on", "account_number", "last_name_index", "language", "created_at"]
    copy_rows(Patient, columns, [["Xyzzy\\N\t", "Ann", "1950-06-15", "A-1", "0" * 64, "en", NOON]])

    patient = Patient.objects.get()
    assert (patient.first_name, patient.last_name, patient.born_on.isoformat()) == ("Ann", "Xyzzy\\N\t", "1950-06-15")
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_jsonb(p)::text FROM patients_patient p")
        (raw,) = cursor.fetchone()
    assert [secret for secret in ("Xyzzy", "Ann", "1950") if secret in raw] == []


def test_no_rows_write_nothing():
    copy_rows(Feedback, COLUMNS, [])
    copy_rows(Feedback, COLUMNS, iter(()))

    assert Feedback.objects.count() == 0


def test_row_that_cannot_be_made_is_told_as_it_is_and_nothing_is_written():
    def rows():
        yield from [feedback("good")] * 1000
        raise LookupError("no such patient")

    with pytest.raises(LookupError, match="no such patient") as refusal, transaction.atomic():
        copy_rows(Feedback, COLUMNS, rows())

    assert refusal.value.__suppress_context__
    assert Feedback.objects.count() == 0


@pytest.mark.parametrize(
    ("row", "error", "said"),
    [
        (
            ["secret topic", *feedback("Xyzzy")[1:]],
            IntegrityError,
            'new row for relation "practice_feedback" violates check constraint "practice_feedback_topic_known"',
        ),
        (
            feedback(None, name="Xyzzy"),
            IntegrityError,
            'null value in column "message" of relation "practice_feedback" violates not-null constraint',
        ),
        (feedback("m", name="Xyzzy" * 21), DataError, "value too long for type character varying(100)"),
        ([*feedback("Xyzzy"), "one too many"], DataError, "extra data after last expected column"),
        (feedback("Xyzzy")[:-1], DataError, 'missing data for column "answered_by_id"'),
    ],
)
def test_constraints_hold_and_errors_quote_no_row(row, error, said):
    with pytest.raises(error) as refusal, transaction.atomic():
        copy_rows(Feedback, COLUMNS, [feedback("good"), row])

    assert str(refusal.value) == said
    assert refusal.value.__suppress_context__
    assert Feedback.objects.count() == 0


def test_unique_columns_hold():
    row = ["k", "", 1, NOON]
    with pytest.raises(IntegrityError, match="duplicate key value"), transaction.atomic():
        copy_rows(Throttle, ["key", "subject", "count", "window_ends_at"], [row, row])

    assert Throttle.objects.count() == 0


def test_new_keys_are_nobody_elses():
    first = new_keys(Feedback, 3)
    copy_rows(Feedback, COLUMNS, [feedback("by the sequence")])
    second = new_keys(Feedback, 2)

    assert sorted({*first, *second, Feedback.objects.get().pk}) == list(range(first[0], first[0] + 6))
    assert new_keys(Feedback, 0) == []


@pytest.mark.parametrize(
    ("count", "size", "expected"),
    [(0, 2, []), (1, 2, [(0,)]), (4, 2, [(0, 1), (2, 3)]), (5, 2, [(0, 1), (2, 3), (4,)]), (2, 9, [(0, 1)])],
)
def test_batches_lose_nothing(count, size, expected):
    assert list(batches(iter(range(count)), size)) == expected
