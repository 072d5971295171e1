"""The statement import: what it takes, what it refuses and how it says so, and what a second file changes."""

import csv
import io
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection

from billing import imports, statement_file
from billing.codes import link_index, link_token
from billing.gateways.interface import Outcome, OutcomeState
from billing.gateways.sandbox.models import CardSession
from billing.gateways.sandbox.processor import take_payment
from billing.imports import ImportRefused, import_statements
from billing.ledger import credit_of, written_off_on
from billing.models import (
    Attempt,
    AttemptState,
    ImportBatch,
    Journal,
    JournalKind,
    Leg,
    Payment,
    Statement,
    StatementLine,
)
from billing.payments import settle, start_payment
from billing.proof import prove
from billing.statement_file import parse_statements
from billing.withdrawals import void_statement, write_off
from patients.models import Patient
from tests import factories

pytestmark = pytest.mark.django_db

ROW = {
    "statement_number": "S-1",
    "issued_on": "2026-10-01",
    "due_on": "2026-12-01",
    "account_number": "A-1",
    "first_name": "Testa",
    "last_name": "Patientson",
    "date_of_birth": "1950-06-15",
    "line": "1",
    "service_date": "2026-09-01",
    "procedure_code": "71046",
    "description": "Chest X-ray, two views",
    "charge": "300.00",
    "insurance_paid": "150.00",
    "adjustment": "50.00",
    "patient_owes": "100.00",
}


def table(*rows, columns=None):
    """A CSV of these rows; each is what differs from ROW."""
    text = io.StringIO()
    rows = [ROW | row for row in rows or ({},)]
    writer = csv.DictWriter(
        text, columns or list(dict.fromkeys(key for row in rows for key in row)), extrasaction="ignore"
    )
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def load(*rows, **options):
    return import_statements(table(*rows), "test.csv", **options)


def problem_of_ledger():
    """The first thing wrong with the ledger, when everything is sealed as at a commit."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    return prove().first_problem


def rows_of(*models):
    """How many rows each of these has; all that an import writes when none is named."""
    models = models or (Patient, Statement, StatementLine, Journal, Leg, ImportBatch)
    return {model.__name__: model.objects.count() for model in models}


NOTHING = dict.fromkeys(["Patient", "Statement", "StatementLine", "Journal", "Leg", "ImportBatch"], 0)


def problems(data):
    with pytest.raises(ImportRefused) as refusal:
        import_statements(data, "test.csv")
    assert rows_of() == NOTHING
    return [str(problem) for problem in refusal.value.problems]


def test_import_creates_patient_statement_lines_and_ledger():
    report = load(
        {}, {"line": "2", "charge": "20.00", "insurance_paid": "0.00", "adjustment": "0", "patient_owes": "20"}
    )

    statement = Statement.objects.get()
    assert (report.lines, report.new, report.new_patients, report.total_cents) == (2, 1, 1, 12_000)
    assert (report.numbers, report.changes, report.stopped) == (["S-1"], [], 0)
    assert (statement.charges_cents, statement.applied_cents) == (12_000, 0)
    assert statement.patient.full_name == "Testa Patientson"
    assert [line.patient_cents for line in statement.lines.all()] == [10_000, 2_000]
    assert [(leg.account, leg.cents) for leg in Journal.objects.get().legs.all()] == [
        ("receivable", 12_000),
        ("revenue", -12_000),
    ]
    assert problem_of_ledger() == ""


def test_import_gives_each_statement_a_link():
    load()

    statement = Statement.objects.get()
    assert (statement.link_version, statement.link_index) == (1, link_index(link_token("S-1", 1)))


def test_import_charges_all_its_statements_in_one_entry():
    user = factories.UserFactory()
    report = load(
        {},
        {"statement_number": "S-2", "account_number": "A-2", "charge": "250.00", "patient_owes": "50.00"},
        {"statement_number": "S-3", "insurance_paid": "250.00", "patient_owes": "0.00"},
        by=user,
    )

    batch = ImportBatch.objects.get()
    assert report.batch == batch
    assert (batch.file_name, batch.imported_by, batch.lines, batch.new, batch.changed, batch.unchanged) == (
        "test.csv",
        user,
        3,
        3,
        0,
        0,
    )
    journal = Journal.objects.get()
    assert (journal.kind, journal.cause) == (JournalKind.CHARGE, f"import {batch.pk}")
    assert list(journal.legs.values_list("account", "statement__number", "cents")) == [
        ("receivable", "S-1", 10_000),
        ("receivable", "S-2", 5_000),
        ("revenue", None, -15_000),
    ]
    assert problem_of_ledger() == ""


def test_import_twice_changes_nothing():
    load()
    statement = Statement.objects.get()
    before = rows_of()

    report = load()

    assert (report.new, report.changed, report.unchanged, report.new_patients, report.batch) == (0, 0, 1, 0, None)
    again = Statement.objects.get()
    assert (again.code, again.link_index, again.revised_at) == (statement.code, statement.link_index, None)
    assert rows_of() == before == NOTHING | dict.fromkeys(before, 1) | {"Leg": 2}


def test_import_dry_run_changes_nothing_and_says_what_it_would():
    report = load(dry_run=True)

    assert (report.new, report.new_patients) == (1, 1)
    assert rows_of() == NOTHING


def test_import_dry_run_of_a_change_shows_what_becomes_of_each_statement():
    load({}, {"statement_number": "S-2"}, {"statement_number": "S-3"})
    pay(9_000)

    report = load(
        {"adjustment": "90.00", "patient_owes": "60.00"},
        {"statement_number": "S-2", "charge": "310.00", "patient_owes": "110.00"},
        {"statement_number": "S-3"},
        dry_run=True,
    )

    assert (report.new, report.changed, report.unchanged) == (0, 2, 1)
    assert report.changes == [
        {"number": "S-1", "before_cents": 10_000, "after_cents": 6_000, "credit_cents": 3_000},
        {"number": "S-2", "before_cents": 10_000, "after_cents": 11_000, "credit_cents": 0},
    ]
    assert sorted(Statement.objects.values_list("number", "charges_cents")) == [
        ("S-1", 10_000),
        ("S-2", 10_000),
        ("S-3", 10_000),
    ]
    assert Journal.objects.count() == 2  # the charges and the payment


def test_import_revises_a_changed_statement():
    load()
    code = Statement.objects.get().code

    report = load({"charge": "320.00", "patient_owes": "120.00", "insurer": "Sample Health"})

    statement = Statement.objects.get()
    batch = ImportBatch.objects.first()
    assert (report.new, report.changed) == (0, 1)
    assert (statement.charges_cents, statement.insurer, statement.code) == (12_000, "Sample Health", code)
    assert StatementLine.objects.get().charge_cents == 32_000
    assert list(Journal.objects.order_by("pk").values_list("kind", "cause")) == [
        ("charge", f"import {ImportBatch.objects.last().pk}"),
        ("revision", f"import {batch.pk}/0"),
    ]
    assert problem_of_ledger() == ""


# ---- What was paid stays paid ---------------------------------------------------------------------------------------


def pay(cents, number="S-1"):
    attempt = factories.AttemptFactory(statement=Statement.objects.get(number=number), amount_cents=cents)
    settle(attempt, Outcome(OutcomeState.PAID, payment_ref=f"pay-{number}", amount_cents=cents))


def sums():
    """Charged, applied, written off and owed back, in cents."""
    statement = Statement.objects.get()
    return (
        statement.charges_cents,
        statement.applied_cents,
        written_off_on(statement),
        credit_of(statement),
    )


def owes(dollars):
    """A row on which the patient owes so much of the 300 dollars."""
    return {"adjustment": f"{150 - dollars}.00", "patient_owes": f"{dollars}.00"}


@pytest.mark.parametrize(
    ("paid_cents", "given_up_cents", "new_dollars", "expected"),
    [
        (9_000, 0, 90, (9_000, 9_000, 0, 0)),
        (9_000, 0, 60, (6_000, 6_000, 0, 3_000)),
        (9_000, 0, 0, (0, 0, 0, 9_000)),
        (9_000, 1_000, 95, (9_500, 9_500, 500, 0)),
        (5_000, 3_000, 60, (6_000, 6_000, 1_000, 0)),
        (5_000, 3_000, 50, (5_000, 5_000, 0, 0)),
        (5_000, 3_000, 40, (4_000, 4_000, 0, 1_000)),
        (0, 3_000, 20, (2_000, 2_000, 2_000, 0)),
        (0, 3_000, 0, (0, 0, 0, 0)),
        (5_000, 3_000, 120, (12_000, 8_000, 3_000, 0)),
    ],
)
def test_import_never_goes_below_what_was_paid(paid_cents, given_up_cents, new_dollars, expected):
    """What was paid and does not fit any more is owed back; what was written off is owed back to nobody."""
    load()
    if paid_cents:
        pay(paid_cents)
    if given_up_cents:
        by = factories.UserFactory()
        write_off(Statement.objects.get(), given_up_cents, by=by, reason="Hardship", cause=uuid4())

    report = load(owes(new_dollars))

    assert sums() == expected
    assert report.changes[0]["credit_cents"] == expected[3]
    assert problem_of_ledger() == ""


def test_import_that_lowers_below_what_was_paid_makes_credit():
    load()
    pay(9_000)

    load(owes(60))

    assert prove().accounts_cents == {"credit": -3_000, "gateway": 9_000, "receivable": 0, "revenue": -6_000}
    assert list(Journal.objects.order_by("pk").values_list("kind", flat=True)) == [
        "charge",
        "payment",
        "release",
        "revision",
    ]
    assert Payment.objects.get().amount_cents == 9_000
    assert problem_of_ledger() == ""


def test_import_step_by_step_gives_back_what_was_written_off_before_what_was_paid():
    load()
    pay(5_000)
    write_off(Statement.objects.get(), 3_000, by=factories.UserFactory(), reason="Hardship", cause=uuid4())

    seen = []
    for dollars in (70, 55, 30, 100):
        load(owes(dollars))
        seen.append(sums())

    assert seen == [
        (7_000, 7_000, 2_000, 0),
        (5_500, 5_500, 500, 0),
        (3_000, 3_000, 0, 2_000),
        (10_000, 3_000, 0, 2_000),
    ]
    assert problem_of_ledger() == ""


@pytest.mark.parametrize(
    ("dollars", "stopped", "state"),
    [(60, 1, AttemptState.EXPIRED), (99, 1, AttemptState.EXPIRED), (110, 0, AttemptState.OPEN)],
)
def test_import_closes_a_card_page_that_asks_for_more_than_is_owed(dollars, stopped, state):
    load()
    start_payment(Statement.objects.get(), 10_000, "en")

    report = load(owes(dollars))

    assert (report.stopped, Attempt.objects.get().state) == (stopped, state)
    assert CardSession.objects.get().state == state.value
    assert problem_of_ledger() == ""


def test_import_leaves_a_card_page_that_still_fits():
    load()
    start_payment(Statement.objects.get(), 5_000, "en")

    assert load(owes(60)).stopped == 0
    assert Attempt.objects.get().state == AttemptState.OPEN


def test_import_dry_run_closes_no_card_page():
    load()
    start_payment(Statement.objects.get(), 10_000, "en")

    assert load(owes(60), dry_run=True).stopped == 0
    assert (Attempt.objects.get().state, CardSession.objects.get().state) == (AttemptState.OPEN, "open")


def test_import_finds_that_a_card_page_was_paid_a_moment_before():
    load()
    start_payment(Statement.objects.get(), 10_000, "en")
    take_payment(CardSession.objects.get().pk, messages=0)

    load(owes(60))

    payment = Payment.objects.get()
    assert (payment.amount_cents, payment.applied_cents, payment.credit_cents) == (10_000, 6_000, 4_000)
    assert sums() == (6_000, 6_000, 0, 4_000)
    assert problem_of_ledger() == ""


# ---- All of it or nothing -------------------------------------------------------------------------------------------


def many(count, **change):
    return table(
        *({"statement_number": f"S-{n:03}", "account_number": f"A-{n:03}"} | change for n in range(1, count + 1))
    )


def test_import_with_a_wrong_row_late_in_the_file_leaves_nothing():
    data = many(300) + many(1, statement_number="S-999", patient_owes="1.00").split(b"\n", 1)[1]

    assert problems(data) == ["row 302, patient_owes: is not charge - insurance_paid - adjustment"]


def test_import_that_the_database_refuses_late_leaves_nothing():
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION pg_temp.refuse() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'the disk is full'; END $$"
        )
        cursor.execute(
            "CREATE TRIGGER refuse BEFORE INSERT ON billing_statementline FOR EACH ROW "
            "WHEN (NEW.position = 77) EXECUTE FUNCTION pg_temp.refuse()"
        )
    data = many(300) + many(1, statement_number="S-999", line="77").split(b"\n", 1)[1]

    with pytest.raises(DatabaseError, match="the disk is full"):
        import_statements(data, "test.csv")

    assert rows_of() == NOTHING


STAGES = [
    "reading",
    "comparing with what is here",
    "writing patients",
    "writing the ledger",
    "writing statements",
    "revising statements",
    "checking the sums",
]


class Killed(Exception):
    pass


@pytest.mark.parametrize("stage", STAGES)
def test_import_that_stops_in_the_middle_leaves_all_as_it_was(stage, monkeypatch):
    monkeypatch.setattr(statement_file, "ROWS_BETWEEN_REPORTS", 1)
    load()
    pay(9_000)
    before = rows_of(), sums()
    data = table(owes(60), {"statement_number": "S-2", "account_number": "A-2"})

    def stop(at, done, total):
        if at == stage:
            raise Killed

    with pytest.raises(Killed):
        import_statements(data, "test.csv", progress=stop)

    assert (rows_of(), sums()) == before
    assert import_statements(data, "test.csv").new == 1
    assert problem_of_ledger() == ""


def test_import_tells_how_far_it_is(monkeypatch):
    monkeypatch.setattr(statement_file, "ROWS_BETWEEN_REPORTS", 2)
    monkeypatch.setattr(imports, "BATCH", 2)
    load({"statement_number": "S-001", "account_number": "A-001"})
    told = []

    import_statements(many(5, charge="310.00", patient_owes="110.00"), "test.csv", progress=lambda *at: told.append(at))

    assert told == [
        ("reading", 2, 6),
        ("reading", 4, 6),
        ("comparing with what is here", 0, 5),
        ("writing patients", 0, 4),
        ("writing patients", 2, 4),
        ("writing the ledger", 0, 4),
        ("writing statements", 0, 4),
        ("writing statements", 2, 4),
        ("revising statements", 0, 1),
        ("checking the sums", 0, 0),
    ]
    assert problem_of_ledger() == ""


def test_import_in_many_batches_is_the_same_as_in_one(monkeypatch):
    monkeypatch.setattr(imports, "BATCH", 2)

    report = import_statements(many(7), "test.csv")
    again = import_statements(many(7, charge="310.00", patient_owes="110.00"), "test.csv")

    assert (report.new, report.new_patients, again.changed, again.new_patients) == (7, 7, 7, 0)
    assert {s.number: (s.patient.account_number, s.charges_cents) for s in Statement.objects.all()} == {
        f"S-{n:03}": (f"A-{n:03}", 11_000) for n in range(1, 8)
    }
    assert Journal.objects.filter(kind=JournalKind.CHARGE).count() == 1
    assert problem_of_ledger() == ""


# ---- Text -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("back\\slash", None),
        ("\\N", None),
        ("\\.", None),
        ("\\t and \\n and \\r and \\x41 and \\101", None),
        ("ends with \\", None),
        ("a\ttab", "a tab"),
        ("two\nlines", "two lines"),
        ("two\r\nlines  and   room ", "two lines and room"),
        ("\"quoted\", 'single', `back`", None),
        ("comma, semicolon; pipe | percent %s {} $1", None),
        ("NULL", None),
        ("'; DROP TABLE billing_leg; --", None),
        ("Łukasz Ñandú-Ødegård", None),
        ("李小龍", None),
        ("محمد", None),
        ("Ζωή 🩻", None),
        ("<b>&amp;</b>", None),
    ],
)
def test_import_keeps_text_exactly(written, kept):
    kept = kept or written
    names = ["first_name", "last_name", "description", "facility", "insurer"]
    load(dict.fromkeys(names, written) | {"statement_number": f"{kept[:20]}1", "account_number": f"{kept[:20]}2"})

    statement = Statement.objects.select_related("patient").get()
    patient = statement.patient
    assert [
        patient.first_name,
        patient.last_name,
        statement.lines.get().description,
        statement.facility,
        statement.insurer,
    ] == [kept] * 5
    assert (statement.number, patient.account_number) == (f"{kept[:20]}1", f"{kept[:20]}2")
    assert list(Patient.objects.named(written)) == [patient]
    assert load().new == 1  # and what came before does not disturb the next file


def test_import_writes_names_and_codes_encrypted():
    load({"last_name": "Xyzzyson", "statement_code": factories.code_of(5)})

    with connection.cursor() as cursor:
        cursor.execute("SELECT to_jsonb(p)::text, to_jsonb(s)::text FROM patients_patient p, billing_statement s")
        raw = " ".join(cursor.fetchone())
    assert [secret for secret in ("Xyzzyson", "Testa", "1950", factories.code_of(5)) if secret in raw] == []
    assert Patient.objects.get().born_on.isoformat() == "1950-06-15"


def test_import_and_back_again_follows_each_file():
    load()
    load({"adjustment": "90.00", "patient_owes": "60.00"})

    report = load()

    assert report.changed == 1
    assert Statement.objects.get().charges_cents == 10_000
    assert problem_of_ledger() == ""


def test_import_takes_a_byte_order_mark_any_column_order_and_codes():
    code = factories.code_of(1)
    columns = ["statement_code", *reversed(ROW)]
    data = b"\xef\xbb\xbf" + table({"statement_code": code.lower()}, columns=columns)

    import_statements(data, "test.csv")

    assert Statement.objects.get().code == code


def test_import_matches_patients_by_account_and_takes_over_names():
    load()

    report = load({"statement_number": "S-2", "last_name": "Newname"})

    assert (report.new, report.new_patients) == (1, 0)
    assert list(Patient.objects.named("NEWNAME")) == [Patient.objects.get()]


def test_import_statement_of_zero_owes_nothing():
    load({"insurance_paid": "250.00", "patient_owes": "0.00"})

    assert Statement.objects.get().is_paid
    assert Journal.objects.count() == 0
    assert problem_of_ledger() == ""


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"charge": "1e3"}, "row 2, charge: is not an amount like 1234.50"),
        ({"charge": "３00"}, "row 2, charge: is not an amount like 1234.50"),
        ({"charge": "-5.00"}, "row 2, charge: is not an amount like 1234.50"),
        ({"charge": ""}, "row 2, charge: is not an amount like 1234.50"),
        ({"charge": "1000000.01"}, "row 2, charge: is more than $1,000,000.00"),
        ({"patient_owes": "99.99"}, "row 2, patient_owes: is not charge - insurance_paid - adjustment"),
        ({"issued_on": "10/01/2026"}, "row 2, issued_on: is not a date like 2026-03-31"),
        ({"due_on": "2026-09-30"}, "row 2, due_on: is before issued_on"),
        ({"date_of_birth": "2999-01-01"}, "row 2, date_of_birth: is not a date of birth of somebody alive"),
        ({"account_number": "  "}, "row 2, account_number: is empty"),
        ({"first_name": "x" * 101}, "row 2, first_name: is longer than 100 characters"),
        ({"description": "bell \x07"}, "row 2, description: holds control characters"),
        ({"line": "0"}, "row 2, line: is not a line number like 1"),
        ({"line": "²"}, "row 2, line: is not a line number like 1"),
        ({"language": "fr"}, "row 2, language: is not en or es"),
        ({"statement_total": "100.01"}, "row 2, statement_total: is not the sum of the lines' patient_owes"),
        (
            {"statement_code": "WRONG"},
            "row 2, statement_code: is not a statement code: 12 letters and digits and a check character",
        ),
    ],
)
def test_import_refuses_a_wrong_cell(change, expected):
    assert problems(table(change)) == [expected]


def test_import_lists_every_problem_of_the_file():
    data = table(
        {"charge": "x", "issued_on": "x"},
        {"statement_number": "S-2", "account_number": ""},
        {"line": "7", "last_name": "Other"},
    )

    assert problems(data) == [
        "row 2, issued_on: is not a date like 2026-03-31",
        "row 2, charge: is not an amount like 1234.50",
        "row 3, account_number: is empty",
    ]


def test_import_tells_what_is_wrong_on_each_row_of_a_statement():
    data = table(
        {"due_on": "2026-09-30"},
        {"due_on": "2026-09-30", "line": "2", "charge": "x"},
        {"due_on": "2026-09-30", "line": "3"},
        {"statement_number": "S-2", "facility": "x" * 201},
        {"statement_number": "S-2", "facility": "x" * 201, "line": "2"},
        {"statement_number": "S-3", "patient_owes": "100.01"},
        {"statement_number": "S-3", "patient_owes": "100.01", "line": "2"},
        {"statement_number": "S-3", "line": "2"},
    )

    assert problems(data) == [
        "row 2, due_on: is before issued_on",
        "row 3, charge: is not an amount like 1234.50",
        "row 4, due_on: is before issued_on",
        "row 5, facility: is longer than 200 characters",
        "row 6, facility: is longer than 200 characters",
        "row 7, patient_owes: is not charge - insurance_paid - adjustment",
        "row 8, patient_owes: is not charge - insurance_paid - adjustment",
        "row 9, line: stands twice on this statement",
    ]


def test_import_takes_the_rows_of_a_statement_wherever_they_stand():
    load(
        {"line": "1"}, {"line": "2"}, {"statement_number": "S-2"}, {"line": "3"}, {"statement_number": "S-2", "line": "2"}
    )  # fmt: skip

    told = {s.number: (s.charges_cents, [line.position for line in s.lines.all()]) for s in Statement.objects.all()}
    assert told == {"S-1": (30_000, [1, 2, 3]), "S-2": (20_000, [1, 2])}
    assert problem_of_ledger() == ""


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        ({"line": "2", "last_name": "Other"}, ["row 3, last_name: differs from row 2 of the same account"]),
        ({"line": "2", "due_on": "2026-12-02"}, ["row 3, due_on: differs from row 2 of the same statement"]),
        ({"line": "1"}, ["row 3, line: stands twice on this statement"]),
        (
            {"line": "2", "account_number": "A-2"},
            ["row 3, account_number: differs from row 2 of the same statement"],
        ),
    ],
)
def test_import_refuses_rows_that_disagree(second, expected):
    assert problems(table({}, second)) == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", ["row 1: the file is empty"]),
        (b"\xff\xfe", ["row 1: is not UTF-8 text; save the file as CSV UTF-8"]),
        (table({}) + b"a,b\n", ["row 3: has 2 cells, the header has 15"]),
        (table({})[: table({}).index(b"\n") + 1], ["row 1: the file has no statements"]),
        (table({"x": "y"}), ["row 1, x: is not a column of the format"]),
        (table({}, columns=[c for c in ROW if c != "charge"]), ["row 1, charge: is missing from the header"]),
        (table({"description": "nul\0"}), ["row 2: holds a NUL character"]),
        (table({}) + b'"open', ["row 3: is not CSV (unexpected end of data)"]),
    ],
)
def test_import_refuses_a_wrong_file(data, expected):
    found = problems(data)

    assert found[0] == expected[0]


def test_import_refuses_another_date_of_birth_for_a_known_account():
    load()

    with pytest.raises(ImportRefused) as refusal:
        load({"statement_number": "S-2", "date_of_birth": "1950-06-16"})

    assert [str(problem) for problem in refusal.value.problems] == [
        "row 2, date_of_birth: differs from the one on file for this account; correct one of them first"
    ]
    assert Statement.objects.count() == 1


def test_import_refuses_a_statement_of_another_account():
    load()

    with pytest.raises(ImportRefused) as refusal:
        load({"account_number": "A-2"})

    assert [str(problem) for problem in refusal.value.problems] == [
        "row 2, account_number: this statement belongs to another account"
    ]


def test_import_refuses_a_code_in_use():
    code = factories.StatementFactory().code

    with pytest.raises(ImportRefused) as refusal:
        load({"statement_code": code})

    assert [str(problem) for problem in refusal.value.problems] == [
        "row 2, statement_code: is already used by another statement"
    ]


def test_import_refuses_a_code_that_stands_on_two_statements():
    code = factories.code_of(7)

    assert problems(table({"statement_code": code}, {"statement_number": "S-2", "statement_code": code})) == [
        "row 2, statement_code: stands on two statements of this file",
        "row 3, statement_code: stands on two statements of this file",
    ]


def test_import_refuses_a_voided_statement():
    load()
    void_statement(Statement.objects.get(), by=factories.UserFactory(), reason="Wrong patient")

    with pytest.raises(ImportRefused) as refusal:
        load(owes(60), {"statement_number": "S-2"})

    assert [str(problem) for problem in refusal.value.problems] == [
        "row 2, statement_number: this statement was voided; send it under a new number"
    ]
    assert Statement.objects.count() == 1
    assert problem_of_ledger() == ""


def test_import_leaves_statements_that_are_not_in_the_file():
    load({}, {"statement_number": "S-2"})

    load({"statement_number": "S-2", **owes(60)})

    assert sorted(Statement.objects.values_list("number", "charges_cents")) == [("S-1", 10_000), ("S-2", 6_000)]


def test_import_problems_never_repeat_what_a_cell_says():
    secret = "Xyzzy-Secret"
    rows = [dict.fromkeys(ROW, secret), {"last_name": secret}, {"line": "2", "last_name": "Other"}]

    with pytest.raises(ImportRefused) as refusal:
        import_statements(table(*rows), "test.csv")

    assert secret not in " ".join(str(problem) for problem in refusal.value.problems)


def test_content_is_told_by_the_same_digest_as_ever():
    """It stands with each statement: another would make all that is here look as if it had changed."""
    data = table(
        {"line": "2", "description": 'Röntgen "lateral" \\ 胸', "statement_total": "200"},
        {"procedure_code": "", "statement_total": "200"},
        {"statement_number": "S-2", "statement_total": ""},
    )

    assert {number: source.content_hash() for number, source in parse_statements(data).statements.items()} == {
        "S-1": "97016d822141ae486204cbc13800dfdcf225c2c6da957430a53ad846261e8212",
        "S-2": "e809e4eb011bf883aca49bdac63d3b496209d0cbc399f9649c2a8137131be875",
    }


def test_parse_keeps_lines_in_file():
    assert parse_statements(table({}, {"line": "2"})).lines == 2


def test_command_reports_and_refuses(tmp_path, capsys):
    file = tmp_path / "statements.csv"
    file.write_bytes(table())
    call_command("import_statements", str(file), "--dry-run")
    call_command("import_statements", str(file))
    assert capsys.readouterr().out.splitlines() == [
        "Dry run: 1 rows, patients owe $100.00 in all: 1 new, 0 changed, 0 unchanged statements, 1 new patients.",
        "1 rows, patients owe $100.00 in all: 1 new, 0 changed, 0 unchanged statements, 1 new patients.",
    ]

    file.write_bytes(table({"charge": "x"}))
    with pytest.raises(CommandError, match=r"^1 problem in statements.csv. Nothing was changed.$"):
        call_command("import_statements", str(file))
    assert capsys.readouterr().err == "statements.csv, row 2, charge: is not an amount like 1234.50\n"

    with pytest.raises(CommandError, match="cannot be read: No such file or directory"):
        call_command("import_statements", str(tmp_path / "absent.csv"))


def test_command_says_every_row_and_column(tmp_path, capsys):
    file = tmp_path / "statements.csv"
    file.write_bytes(table({"charge": "x", "line": "0"}, {"statement_number": ""}))

    with pytest.raises(CommandError) as refusal:
        call_command("import_statements", str(file))

    assert (str(refusal.value), refusal.value.returncode) == (
        "3 problems in statements.csv. Nothing was changed.",
        1,
    )
    assert capsys.readouterr().err.splitlines() == [
        "statements.csv, row 2, line: is not a line number like 1",
        "statements.csv, row 2, charge: is not an amount like 1234.50",
        "statements.csv, row 3, statement_number: is empty",
    ]
    assert rows_of() == NOTHING
