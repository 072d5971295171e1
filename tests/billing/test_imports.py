"""The statement import: what it takes, what it refuses and how it says so, and what a second file changes."""

import csv
import io

import pytest
from django.core.management import CommandError, call_command

from billing.gateways.interface import Outcome, OutcomeState
from billing.imports import ImportRefused, import_statements, parse_statements
from billing.ledger import prove
from billing.models import ImportBatch, Journal, Statement, StatementLine
from billing.payments import settle
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


def problems(data):
    with pytest.raises(ImportRefused) as refusal:
        import_statements(data, "test.csv")
    assert Statement.objects.count() == Patient.objects.count() == ImportBatch.objects.count() == 0
    return [str(problem) for problem in refusal.value.problems]


def test_import_creates_patient_statement_lines_and_ledger():
    report = load(
        {}, {"line": "2", "charge": "20.00", "insurance_paid": "0.00", "adjustment": "0", "patient_owes": "20"}
    )

    statement = Statement.objects.get()
    assert (report.lines, report.new, report.new_patients, report.total_cents) == (2, 1, 1, 12_000)
    assert (statement.charges_cents, statement.applied_cents) == (12_000, 0)
    assert statement.patient.full_name == "Testa Patientson"
    assert [line.patient_cents for line in statement.lines.all()] == [10_000, 2_000]
    assert [(leg.account, leg.cents) for leg in Journal.objects.get().legs.all()] == [
        ("receivable", 12_000),
        ("revenue", -12_000),
    ]
    assert prove().holds


def test_import_twice_changes_nothing():
    load()
    code = Statement.objects.get().code

    report = load()

    assert (report.new, report.changed, report.unchanged) == (0, 0, 1)
    assert Statement.objects.get().code == code
    assert (Journal.objects.count(), ImportBatch.objects.count()) == (1, 1)


def test_import_dry_run_changes_nothing_and_says_what_it_would():
    report = load(dry_run=True)

    assert (report.new, report.new_patients) == (1, 1)
    assert Statement.objects.count() == Patient.objects.count() == Journal.objects.count() == 0


def test_import_revises_a_changed_statement():
    load()

    report = load({"charge": "320.00", "patient_owes": "120.00", "insurer": "Sample Health"})

    statement = Statement.objects.get()
    assert (report.new, report.changed) == (0, 1)
    assert (statement.charges_cents, statement.insurer) == (12_000, "Sample Health")
    assert StatementLine.objects.get().charge_cents == 32_000
    assert [journal.kind for journal in Journal.objects.order_by("pk")] == ["charge", "revision"]
    assert prove().holds


def test_import_that_lowers_below_what_was_paid_makes_credit():
    load()
    attempt = factories.AttemptFactory(statement=Statement.objects.get(), amount_cents=9_000)
    settle(attempt, Outcome(OutcomeState.PAID, payment_ref="p", amount_cents=9_000))

    load({"adjustment": "90.00", "patient_owes": "60.00"})

    statement = Statement.objects.get()
    proof = prove()
    assert (statement.charges_cents, statement.applied_cents) == (6_000, 6_000)
    assert proof.accounts_cents == {"credit": -3_000, "gateway": 9_000, "receivable": 0, "revenue": -6_000}
    assert proof.holds


def test_import_and_back_again_follows_each_file():
    load()
    load({"adjustment": "90.00", "patient_owes": "60.00"})

    report = load()

    assert report.changed == 1
    assert Statement.objects.get().charges_cents == 10_000
    assert prove().holds


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
    assert prove().holds


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


def test_import_problems_never_repeat_what_a_cell_says():
    secret = "Xyzzy-Secret"
    rows = [dict.fromkeys(ROW, secret), {"last_name": secret}, {"line": "2", "last_name": "Other"}]

    with pytest.raises(ImportRefused) as refusal:
        import_statements(table(*rows), "test.csv")

    assert secret not in " ".join(str(problem) for problem in refusal.value.problems)


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


def test_check_ledger_command(capsys):
    load()

    call_command("check_ledger")

    assert capsys.readouterr().out.splitlines()[-1] == "The ledger holds: 1 entries, 1 statements, 0 payments."
