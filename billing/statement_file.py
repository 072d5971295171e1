"""The statement file: what is read, and what is wrong with it. The format is documented in docs/statement-import.md.

Every error of the whole file is found, by row and column. Messages name rows, columns and statement numbers, never
what a cell says about a person.
"""

import csv
import hashlib
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from operator import itemgetter

from django.conf import settings
from django.utils import timezone

from billing.codes import normalise
from billing.models import LARGEST_STATEMENT_CENTS
from practice.free_text import private_number
from practice.money import parse_cents

MAX_BYTES = 100 * 1024 * 1024
MAX_ROWS = 200_000
ROWS_BETWEEN_REPORTS = 10_000

STATEMENT_COLUMNS = (
    "issued_on",
    "due_on",
    "account_number",
    "facility",
    "insurer",
    "statement_code",
    "statement_total",
)
PRIVATE_NUMBERS = {
    "card": "looks like it holds a card number",
    "ssn": "looks like it holds a social security number",
}
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


# ---- Cells ----------------------------------------------------------------------------------------------------------


CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f]")


def _text(longest: int, *, required: bool, is_number: bool = False) -> Callable[[str], str]:
    """Parses a text; in one that is a number of the practice's own, digits may be as many as they like."""

    def parse(cell: str) -> str:
        cell = " ".join(cell.split())
        if required and not cell:
            raise ValueError("is empty")
        if len(cell) > longest:
            raise ValueError(f"is longer than {longest} characters")
        if not cell.isprintable() and CONTROL_CHARACTER.search(cell):
            raise ValueError("holds control characters")
        if not is_number and (found := private_number(cell)):
            raise ValueError(PRIVATE_NUMBERS[found])
        return cell

    return parse


@lru_cache(maxsize=10_000)
def _date(cell: str) -> date:
    try:
        if len(cell.strip()) != 10:
            raise ValueError
        return date.fromisoformat(cell.strip())
    except ValueError:
        raise ValueError("is not a date like 2026-03-31") from None


@lru_cache(maxsize=50_000)  # who was born by a day stays so
def _birth_date(cell: str) -> date:
    born_on = _date(cell)
    if not date(1890, 1, 1) <= born_on <= timezone.localdate():
        raise ValueError("is not a date of birth of somebody alive")
    return born_on


@lru_cache(maxsize=100_000)
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


@lru_cache(maxsize=1_000)
def _position(cell: str) -> int:
    cell = cell.strip()
    if not (cell.isascii() and cell.isdigit() and int(cell[:6]) > 0 and len(cell) <= 5):
        raise ValueError("is not a line number like 1")
    return int(cell)


@lru_cache(maxsize=100)
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
    "statement_number": _text(40, required=True, is_number=True),
    "issued_on": _date,
    "due_on": _date,
    "account_number": _text(40, required=True, is_number=True),
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

SHARED_COLUMNS = ["statement_number", *STATEMENT_COLUMNS, *PATIENT_COLUMNS]  # the same on each row of a statement
LINE_COLUMNS = [name for name in CELLS if name not in SHARED_COLUMNS]
REPEATED = {"first_name", "last_name", "description", "procedure_code", "facility", "insurer"}  # as few words in a file


# ---- Parsing --------------------------------------------------------------------------------------------------------


@dataclass
class ParsedStatement:
    """The rows of one statement, agreed with each other."""

    number: str
    row: int
    facts: dict = field(default_factory=dict)  # STATEMENT_COLUMNS
    lines: list[dict] = field(default_factory=list)
    positions: set[int] = field(default_factory=set)  # of its lines
    total_cents: int = 0  # what the patient owes on its lines

    def content_hash(self) -> str:
        """Tells whether the statement was sent before as it is. Of JSON, which C writes; kept with each statement."""
        facts = {name: value for name, value in self.facts.items() if name != "statement_code"}
        lines = sorted(self.lines, key=itemgetter("line"))
        return hashlib.sha256(_as_json([self.number, facts, lines]).encode()).hexdigest()


_as_json = json.JSONEncoder(default=str, sort_keys=True, check_circular=False).encode


@dataclass
class ParsedFile:
    """A file without errors of its own."""

    statements: dict[str, ParsedStatement] = field(default_factory=dict)
    patients: dict[str, dict] = field(default_factory=dict)  # account number: PATIENT_COLUMNS
    patient_rows: dict[str, int] = field(default_factory=dict)
    lines: int = 0


Progress = Callable[[str, int, int], None]  # what is being done, how much is, of how much


def no_progress(stage: str, done: int, total: int) -> None:
    """For those who do not look."""


def parse_statements(data: bytes, progress: Progress = no_progress) -> ParsedFile:
    """Read the whole file (UTF-8 CSV). Raises ImportRefused with every problem in it."""
    problems: list[ImportProblem] = []
    expected = data.count(b"\n")
    rows = _rows(data, problems)
    first = next(rows, None)
    header = _header(first[1], problems) if first else []
    if problems:
        raise ImportRefused(problems)
    parsed = ParsedFile()
    parsers = _parsers()
    every_cell, shared_cells, line_cells = (
        _Cells(names, header, parsers) for names in (CELLS, SHARED_COLUMNS, LINE_COLUMNS)
    )
    before: tuple | None = None
    statement = ParsedStatement("", 0)
    for row_number, cells in rows:
        if not any(map(str.strip, cells)):
            continue
        if len(cells) != len(header):
            problems.append(ImportProblem(row_number, "", f"has {len(cells)} cells, the header has {len(header)}"))
            continue
        parsed.lines += 1
        if parsed.lines % ROWS_BETWEEN_REPORTS == 0:
            progress("reading", parsed.lines, expected)
        if parsed.lines > MAX_ROWS:
            problems.append(ImportProblem(row_number, "", f"the file has more than {MAX_ROWS:,} rows; split it"))
            break
        cells.append("")  # for the columns that are not in the file
        shared = shared_cells.of(cells)
        if shared == before:  # one more line of the statement before it, about which nothing was wrong
            line = line_cells.values(row_number, cells, problems)
            if line is not None:
                _add_line(statement, row_number, line, problems)
            continue
        found = len(problems)
        values = every_cell.values(row_number, cells, problems)
        if values is None:
            continue
        statement = _statement_of(parsed, row_number, values, problems)
        before = shared if len(problems) == found else None
        _add_line(statement, row_number, {name: values[name] for name in LINE_COLUMNS}, problems)
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


def _parsers() -> dict[str, Callable]:
    """By column. Words that come again are read once; nothing of that outlives the file."""
    return {name: lru_cache(10_000)(parse) if name in REPEATED else parse for name, parse in CELLS.items()}


class _Cells:
    """Some columns of a row: where they stand and how they are read. What is not in the file stands in a last cell."""

    def __init__(self, names: Iterable[str], header: list[str], parsers: dict[str, Callable]):
        places = {name: header.index(name) if name in header else len(header) for name in names}
        self.columns = [(name, parsers[name], place) for name, place in places.items()]
        self.of = itemgetter(*places.values())

    def values(self, row: int, cells: list[str], problems: list[ImportProblem]) -> dict | None:
        """By the names of the columns; None where something is wrong with one of them."""
        try:
            return {name: parse(cells[place]) for name, parse, place in self.columns}
        except ValueError:
            problems += self._problems(row, cells)
            return None

    def _problems(self, row: int, cells: list[str]) -> Iterator[ImportProblem]:
        for name, parse, place in self.columns:
            try:
                parse(cells[place])
            except ValueError as error:
                yield ImportProblem(row, name, str(error))


def _statement_of(parsed: ParsedFile, row: int, values: dict, problems: list[ImportProblem]) -> ParsedStatement:
    """The statement that the row belongs to, as its first row has it; the row must agree with the others."""
    number, account = values["statement_number"], values["account_number"]
    if values["due_on"] < values["issued_on"]:
        problems.append(ImportProblem(row, "due_on", "is before issued_on"))

    patient = {name: values[name] for name in PATIENT_COLUMNS}
    known = parsed.patients.setdefault(account, patient)
    first = parsed.patient_rows.setdefault(account, row)
    if known != patient:
        problems.extend(
            ImportProblem(row, name, f"differs from row {first} of the same account")
            for name in PATIENT_COLUMNS
            if known[name] != patient[name]
        )

    facts = {name: values[name] for name in STATEMENT_COLUMNS}
    statement = parsed.statements.get(number)
    if statement is None:
        statement = parsed.statements[number] = ParsedStatement(number, row, facts)
    elif statement.facts != facts:
        problems.extend(
            ImportProblem(row, name, f"differs from row {statement.row} of the same statement")
            for name in STATEMENT_COLUMNS
            if statement.facts[name] != facts[name]
        )
    return statement


def _add_line(statement: ParsedStatement, row: int, line: dict, problems: list[ImportProblem]) -> None:
    owes = line["charge"] - line["insurance_paid"] - line["adjustment"]
    if line["patient_owes"] != owes:
        problems.append(ImportProblem(row, "patient_owes", "is not charge - insurance_paid - adjustment"))
    if line["line"] in statement.positions:
        problems.append(ImportProblem(row, "line", "stands twice on this statement"))
    statement.positions.add(line["line"])
    statement.lines.append(line)
    statement.total_cents += line["patient_owes"]


def _check_total(statement: ParsedStatement, problems: list[ImportProblem]) -> None:
    stated = statement.facts["statement_total"]
    if stated is not None and stated != statement.total_cents:
        problems.append(ImportProblem(statement.row, "statement_total", "is not the sum of the lines' patient_owes"))
    if statement.total_cents > LARGEST_STATEMENT_CENTS:
        problems.append(ImportProblem(statement.row, "patient_owes", "adds up to more than $1,000,000.00"))
