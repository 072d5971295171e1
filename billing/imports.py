"""Imports statements from the practice's billing system. The file's format is documented in docs/statement-import.md.

All or nothing: every error of the whole file is listed by row and column, and then nothing is changed. Error messages
name rows, columns and statement numbers, never what a cell says about a person.
"""

import csv
import hashlib
import io
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from billing import ledger
from billing.codes import INDEX_CONTEXT, new_code, normalise
from billing.models import (
    LARGEST_STATEMENT_CENTS,
    ImportBatch,
    Journal,
    JournalKind,
    Leg,
    Statement,
    StatementLine,
)
from patients.models import Patient
from practice.encryption import blind_index
from practice.money import parse_cents

MAX_BYTES = 100 * 1024 * 1024
MAX_ROWS = 200_000
BATCH = 2000

STATEMENT_COLUMNS = (
    "issued_on",
    "due_on",
    "account_number",
    "facility",
    "insurer",
    "statement_code",
    "statement_total",
)
PATIENT_COLUMNS = ("first_name", "last_name", "date_of_birth", "language")


@dataclass(frozen=True)
class ImportProblem:
    """One thing wrong: the row as a spreadsheet counts (the header is row 1), the column, and a sentence."""

    row: int
    column: str
    message: str

    def __str__(self):
        return f"row {self.row}, {self.column}: {self.message}" if self.column else f"row {self.row}: {self.message}"


class ImportRefused(Exception):
    """The file has errors; nothing was changed."""

    def __init__(self, problems: list[ImportProblem]):
        super().__init__(f"{len(problems)} problem{'s' if len(problems) != 1 else ''}")
        self.problems = problems


@dataclass
class ImportReport:
    """What an import did, or would do. Sums are cents of what patients owe."""

    lines: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    new_patients: int = 0
    total_cents: int = 0


# ---- Cells ----------------------------------------------------------------------------------------------------------


def _text(longest: int, *, required: bool) -> Callable[[str], str]:
    def parse(cell: str) -> str:
        cell = " ".join(cell.split())
        if required and not cell:
            raise ValueError("is empty")
        if len(cell) > longest:
            raise ValueError(f"is longer than {longest} characters")
        if any(ord(character) < 32 or ord(character) == 127 for character in cell):
            raise ValueError("holds control characters")
        return cell

    return parse


def _date(cell: str) -> date:
    try:
        if len(cell.strip()) != 10:
            raise ValueError
        return date.fromisoformat(cell.strip())
    except ValueError:
        raise ValueError("is not a date like 2026-03-31") from None


def _birth_date(cell: str) -> date:
    born_on = _date(cell)
    if not date(1890, 1, 1) <= born_on <= timezone.localdate():
        raise ValueError("is not a date of birth of somebody alive")
    return born_on


def _cents(cell: str) -> int:
    try:
        cents = parse_cents(cell)
    except ValueError:
        raise ValueError("is not an amount like 1234.50") from None
    if cents > LARGEST_STATEMENT_CENTS:
        raise ValueError("is more than $1,000,000.00")
    return cents


def _optional_cents(cell: str) -> int | None:
    return _cents(cell) if cell.strip() else None


def _position(cell: str) -> int:
    cell = cell.strip()
    if not (cell.isascii() and cell.isdigit() and int(cell[:6]) > 0 and len(cell) <= 5):
        raise ValueError("is not a line number like 1")
    return int(cell)


def _language(cell: str) -> str:
    language = cell.strip().lower() or "en"
    if language not in dict(settings.LANGUAGES):
        raise ValueError("is not en or es")
    return language


def _code(cell: str) -> str:
    if not cell.strip():
        return ""
    code = normalise(cell)
    if code is None:
        raise ValueError("is not a statement code: 12 letters and digits and a check character")
    return code


CELLS: dict[str, Callable] = {
    "statement_number": _text(40, required=True),
    "issued_on": _date,
    "due_on": _date,
    "account_number": _text(40, required=True),
    "first_name": _text(100, required=True),
    "last_name": _text(100, required=True),
    "date_of_birth": _birth_date,
    "line": _position,
    "service_date": _date,
    "description": _text(200, required=True),
    "charge": _cents,
    "insurance_paid": _cents,
    "adjustment": _cents,
    "patient_owes": _cents,
    # May be left out of the file:
    "procedure_code": _text(20, required=False),
    "facility": _text(200, required=False),
    "insurer": _text(200, required=False),
    "language": _language,
    "statement_code": _code,
    "statement_total": _optional_cents,
}
OPTIONAL = {"procedure_code", "facility", "insurer", "language", "statement_code", "statement_total"}


# ---- Parsing --------------------------------------------------------------------------------------------------------


@dataclass
class ParsedStatement:
    """The rows of one statement, agreed with each other."""

    number: str
    row: int
    facts: dict = field(default_factory=dict)  # STATEMENT_COLUMNS
    lines: list[dict] = field(default_factory=list)

    @property
    def total_cents(self) -> int:
        return sum(line["patient_owes"] for line in self.lines)

    def content_hash(self) -> str:
        facts = {name: value for name, value in self.facts.items() if name != "statement_code"}
        lines = sorted(self.lines, key=lambda line: line["line"])
        text = json.dumps([self.number, facts, lines], default=str, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass
class ParsedFile:
    """A file without errors of its own."""

    statements: dict[str, ParsedStatement] = field(default_factory=dict)
    patients: dict[str, dict] = field(default_factory=dict)  # account number: PATIENT_COLUMNS
    patient_rows: dict[str, int] = field(default_factory=dict)
    lines: int = 0


def parse_statements(data: bytes) -> ParsedFile:
    """Read the whole file (UTF-8 CSV). Raises ImportRefused with every problem in it."""
    problems: list[ImportProblem] = []
    rows = _rows(data, problems)
    first = next(rows, None)
    header = _header(first[1], problems) if first else []
    if problems:
        raise ImportRefused(problems)
    parsed = ParsedFile()
    for row_number, cells in rows:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            problems.append(ImportProblem(row_number, "", f"has {len(cells)} cells, the header has {len(header)}"))
            continue
        parsed.lines += 1
        if parsed.lines > MAX_ROWS:
            problems.append(ImportProblem(row_number, "", f"the file has more than {MAX_ROWS:,} rows; split it"))
            break
        values = _values(row_number, header, cells, problems)
        if values is not None:
            _add_row(parsed, row_number, values, problems)
    if not parsed.lines and not problems:
        problems.append(ImportProblem(1, "", "the file has no statements"))
    for statement in parsed.statements.values():
        _check_total(statement, problems)
    if problems:
        raise ImportRefused(sorted(problems, key=lambda problem: problem.row))
    return parsed


def _rows(data: bytes, problems: list[ImportProblem]) -> Iterator[tuple[int, list[str]]]:
    if len(data) > MAX_BYTES:
        problems.append(ImportProblem(1, "", "the file is larger than 100 MB; split it"))
        return
    if not data.strip():
        problems.append(ImportProblem(1, "", "the file is empty"))
        return
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = data[: error.start].count(b"\n") + 1
        problems.append(ImportProblem(row, "", "is not UTF-8 text; save the file as CSV UTF-8"))
        return
    if "\0" in text:
        problems.append(ImportProblem(text[: text.index("\0")].count("\n") + 1, "", "holds a NUL character"))
        return
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        while (cells := next(reader, None)) is not None:
            yield reader.line_num, cells
    except csv.Error as error:
        problems.append(ImportProblem(reader.line_num, "", f"is not CSV ({error})"))


def _header(cells: list[str], problems: list[ImportProblem]) -> list[str]:
    header = [cell.strip().lower() for cell in cells]
    for name, times in Counter(header).items():
        if times > 1:
            problems.append(ImportProblem(1, name, "stands in the header twice"))
        if name not in CELLS:
            problems.append(ImportProblem(1, name or "(empty)", "is not a column of the format"))
    problems.extend(
        ImportProblem(1, name, "is missing from the header") for name in CELLS if name not in {*header, *OPTIONAL}
    )
    return header


def _values(row: int, header: list[str], cells: list[str], problems: list[ImportProblem]) -> dict | None:
    values = {}
    for name, parse in CELLS.items():
        try:
            values[name] = parse(cells[header.index(name)] if name in header else "")
        except ValueError as error:
            problems.append(ImportProblem(row, name, str(error)))
    return values if len(values) == len(CELLS) else None


def _add_row(parsed: ParsedFile, row: int, values: dict, problems: list[ImportProblem]) -> None:
    number, account = values["statement_number"], values["account_number"]
    if values["due_on"] < values["issued_on"]:
        problems.append(ImportProblem(row, "due_on", "is before issued_on"))
    owes = values["charge"] - values["insurance_paid"] - values["adjustment"]
    if values["patient_owes"] != owes:
        problems.append(ImportProblem(row, "patient_owes", "is not charge - insurance_paid - adjustment"))

    patient = {name: values[name] for name in PATIENT_COLUMNS}
    known = parsed.patients.setdefault(account, patient)
    parsed.patient_rows.setdefault(account, row)
    for name in PATIENT_COLUMNS:
        if known[name] != patient[name]:
            first = parsed.patient_rows[account]
            problems.append(ImportProblem(row, name, f"differs from row {first} of the same account"))

    statement = parsed.statements.setdefault(number, ParsedStatement(number, row))
    facts = {name: values[name] for name in STATEMENT_COLUMNS}
    statement.facts = statement.facts or facts
    problems.extend(
        ImportProblem(row, name, f"differs from row {statement.row} of the same statement")
        for name in STATEMENT_COLUMNS
        if statement.facts[name] != facts[name]
    )
    if any(line["line"] == values["line"] for line in statement.lines):
        problems.append(ImportProblem(row, "line", "stands twice on this statement"))
    statement.lines.append(
        {name: values[name] for name in CELLS if name not in (*STATEMENT_COLUMNS, *PATIENT_COLUMNS, "statement_number")}
    )


def _check_total(statement: ParsedStatement, problems: list[ImportProblem]) -> None:
    stated = statement.facts["statement_total"]
    if stated is not None and stated != statement.total_cents:
        problems.append(ImportProblem(statement.row, "statement_total", "is not the sum of the lines' patient_owes"))
    if statement.total_cents > LARGEST_STATEMENT_CENTS:
        problems.append(ImportProblem(statement.row, "patient_owes", "adds up to more than $1,000,000.00"))


# ---- Writing --------------------------------------------------------------------------------------------------------


class _DryRun(Exception):
    """Takes a dry run's changes back."""


def import_statements(data: bytes, file_name: str, *, dry_run: bool = False, by=None) -> ImportReport:
    """Bring the database to what the file says. Raises ImportRefused with nothing changed.

    A statement that is already here with the same content is left alone; one with other content is revised, and what
    was overpaid by that becomes credit. Statements that are not in the file stay.
    """
    parsed = parse_statements(data)
    report = ImportReport(lines=parsed.lines)
    try:
        with transaction.atomic():
            _write(parsed, report, data, file_name, by)
            if dry_run:
                raise _DryRun
    except _DryRun:
        pass
    return report


def _write(parsed: ParsedFile, report: ImportReport, data: bytes, file_name: str, by) -> None:
    present = {
        statement.number: statement
        for statement in Statement.objects.filter(number__in=parsed.statements)
        .select_related("patient")
        .select_for_update(of=("self",))
        .order_by("number")
    }
    patients = {
        patient.account_number: patient for patient in Patient.objects.filter(account_number__in=parsed.patients)
    }
    _check_against_database(parsed, present, patients)

    new, changed = [], []
    for statement in parsed.statements.values():
        report.total_cents += statement.total_cents
        known = present.get(statement.number)
        if known is None:
            new.append(statement)
        elif known.content_hash != statement.content_hash():
            changed.append(statement)
    report.new, report.changed = len(new), len(changed)
    report.unchanged = len(parsed.statements) - len(new) - len(changed)

    report.new_patients = _write_patients(parsed, patients)
    if not (new or changed):
        return
    batch = ImportBatch.objects.create(
        sha256=hashlib.sha256(data).hexdigest(),
        file_name=Path(file_name).name[:200],
        imported_by=by,
        lines=report.lines,
        new=report.new,
        changed=report.changed,
        unchanged=report.unchanged,
    )
    for start in range(0, len(new), BATCH):
        _create(new[start : start + BATCH], patients)
    for statement in changed:
        _revise(present[statement.number], statement, batch)


def _check_against_database(parsed: ParsedFile, present: dict, patients: dict) -> None:
    problems = [
        ImportProblem(
            parsed.patient_rows[account],
            "date_of_birth",
            "differs from the one on file for this account; correct one of them first",
        )
        for account, patient in patients.items()
        if patient.born_on != parsed.patients[account]["date_of_birth"]
    ]
    for number, statement in present.items():
        row = parsed.statements[number].row
        if statement.patient.account_number != parsed.statements[number].facts["account_number"]:
            problems.append(ImportProblem(row, "account_number", "this statement belongs to another account"))
        if statement.voided_at:
            problems.append(
                ImportProblem(row, "statement_number", "this statement was voided; send it under a new number")
            )
    codes = {
        blind_index(statement.facts["statement_code"], INDEX_CONTEXT): statement
        for statement in parsed.statements.values()
        if statement.facts["statement_code"] and statement.number not in present
    }
    problems.extend(
        ImportProblem(codes[index].row, "statement_code", "is already used by another statement")
        for index in Statement.objects.filter(code_index__in=codes).values_list("code_index", flat=True)
    )
    seen = Counter(s.facts["statement_code"] for s in parsed.statements.values() if s.facts["statement_code"])
    problems.extend(
        ImportProblem(statement.row, "statement_code", "stands on two statements of this file")
        for statement in parsed.statements.values()
        if seen[statement.facts["statement_code"]] > 1
    )
    if problems:
        raise ImportRefused(sorted(problems, key=lambda problem: problem.row))


def _write_patients(parsed: ParsedFile, patients: dict[str, Patient]) -> int:
    """Create those who are missing, take over changed names and languages; returns how many are new."""
    new, changed = [], []
    for account, facts in parsed.patients.items():
        patient = patients.get(account)
        names = (facts["first_name"], facts["last_name"], facts["language"])
        if patient is None:
            patient = Patient(account_number=account, born_on=facts["date_of_birth"])
            new.append(patient)
        elif (patient.first_name, patient.last_name, patient.language) != names:
            changed.append(patient)
        patient.set_names(facts["first_name"], facts["last_name"])
        patient.language = facts["language"]
        patients[account] = patient
    Patient.objects.bulk_create(new, batch_size=BATCH)
    Patient.objects.bulk_update(changed, ["first_name", "last_name", "last_name_index", "language"], batch_size=BATCH)
    return len(new)


def _create(parsed: list[ParsedStatement], patients: dict[str, Patient]) -> None:
    statements = []
    for source in parsed:
        code = source.facts["statement_code"] or new_code()
        statements.append(
            Statement(
                number=source.number,
                patient=patients[source.facts["account_number"]],
                issued_on=source.facts["issued_on"],
                due_on=source.facts["due_on"],
                facility=source.facts["facility"],
                insurer=source.facts["insurer"],
                code=code,
                code_index=blind_index(code, INDEX_CONTEXT),
                content_hash=source.content_hash(),
            )
        )
    Statement.objects.bulk_create(statements)
    StatementLine.objects.bulk_create(
        line for row, source in zip(statements, parsed, strict=True) for line in _lines(row, source)
    )
    owed = [(row, source.total_cents) for row, source in zip(statements, parsed, strict=True) if source.total_cents]
    journals = Journal.objects.bulk_create(Journal(kind=JournalKind.CHARGE, cause=row.number) for row, _cents in owed)
    Leg.objects.bulk_create(
        leg
        for journal, (row, cents) in zip(journals, owed, strict=True)
        for leg in ledger.charge_legs(journal, row, cents)
    )


def _lines(statement: Statement, source: ParsedStatement) -> list[StatementLine]:
    return [
        StatementLine(
            statement=statement,
            position=line["line"],
            service_on=line["service_date"],
            procedure_code=line["procedure_code"],
            description=line["description"],
            charge_cents=line["charge"],
            insurance_paid_cents=line["insurance_paid"],
            adjustment_cents=line["adjustment"],
            patient_cents=line["patient_owes"],
        )
        for line in source.lines
    ]


def _revise(statement: Statement, source: ParsedStatement, batch: ImportBatch) -> None:
    statement.lines.all().delete()
    StatementLine.objects.bulk_create(_lines(statement, source))
    ledger.post_revision(statement, source.total_cents - statement.charges_cents, f"{statement.number}/{batch.pk}")
    for name in ("issued_on", "due_on", "facility", "insurer"):
        setattr(statement, name, source.facts[name])
    statement.content_hash = source.content_hash()
    statement.revised_at = timezone.now()
    statement.save(update_fields=["issued_on", "due_on", "facility", "insurer", "content_hash", "revised_at"])
