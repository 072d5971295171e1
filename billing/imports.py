"""Imports statements from the practice's billing system: all or nothing, also for 200,000 rows.

New rows go in through COPY. A statement that is already here with the same content is left alone; one with other
content is revised, and what was overpaid by that becomes credit. Statements that are not in the file stay.
"""

import gc
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from django.db import connection, transaction
from django.utils import timezone

from billing import ledger, payments
from billing.codes import code_index, link_index, link_token, new_code
from billing.models import ImportBatch, Journal, JournalKind, Leg, Question, Statement, StatementLine
from billing.models.ledger import Account
from billing.statement_file import (
    ImportProblem,
    ImportRefused,
    ParsedFile,
    ParsedStatement,
    Progress,
    no_progress,
    parse_statements,
)
from patients.models import Patient, last_name_index
from practice.copying import batches, copy_over, copy_rows, new_keys

BATCH = 5000
SHOWN_CHANGES = 200
MANY = 10_000

__all__ = ["ImportProblem", "ImportRefused", "ImportReport", "import_statements"]


@dataclass
class ImportReport:
    """What an import did, or would do. Sums are cents of what patients owe; `changes` shows the first changed ones."""

    lines: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    new_patients: int = 0
    total_cents: int = 0
    stopped: int = 0
    changes: list[dict] = field(default_factory=list)
    numbers: list[str] = field(default_factory=list)
    batch: ImportBatch | None = None


class _DryRun(Exception):
    """Takes a dry run's changes back."""


def import_statements(
    data: bytes, file_name: str, *, dry_run: bool = False, by=None, progress: Progress = no_progress
) -> ImportReport:
    """Bring the database to what the file says. Raises ImportRefused with nothing changed.

    A card page that is open for more than a revised statement still owes is closed afterwards.
    """
    with _nothing_to_collect():
        return _import(data, file_name, dry_run, by, progress)


@contextmanager
def _nothing_to_collect() -> Iterator[None]:
    """An import keeps millions of small things until it ends, and none of them in a circle: looking through them for
    garbage again and again would take a fourth of its time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _import(data: bytes, file_name: str, dry_run: bool, by, progress: Progress) -> ImportReport:
    parsed = parse_statements(data, progress)
    report = ImportReport(lines=parsed.lines, numbers=sorted(parsed.statements))
    try:
        with transaction.atomic():
            revised = _write(parsed, report, data, file_name, by, progress)
            progress("checking the sums", 0, 0)
            with connection.cursor() as cursor:
                # Now, and not at commit, where they would be checked while others wait for the ledger's end.
                for when in ("IMMEDIATE", "DEFERRED"):
                    cursor.execute(f"SET CONSTRAINTS billing_lines_add_up, billing_statement_lines_add_up {when}")
            if dry_run:
                raise _DryRun
    except _DryRun:
        return report
    if report.new > MANY:
        with connection.cursor() as cursor:
            # PostgreSQL plans by statistics, which it would bring up to date only minutes from now.
            cursor.execute("ANALYZE patients_patient, billing_statement, billing_statementline, billing_leg")
    report.stopped = payments.stop_what_is_too_much(revised)
    return report


def _write(
    parsed: ParsedFile, report: ImportReport, data: bytes, file_name: str, by, progress: Progress
) -> list[Statement]:
    """Write what is new and what has changed; returns the statements that were revised."""
    progress("comparing with what is here", 0, len(parsed.statements))
    present = {
        statement.number: statement
        for numbers in batches(sorted(parsed.statements), BATCH)
        for statement in Statement.objects.filter(number__in=numbers)
        .select_related("patient")
        .select_for_update(of=("self",))
        .order_by("number")
    }
    patients = {
        patient.account_number: patient
        for accounts in batches(sorted(parsed.patients), BATCH)
        for patient in Patient.objects.filter(account_number__in=accounts)
    }
    _check_against_database(parsed, present, patients)

    new, changed = [], []
    for source in parsed.statements.values():
        report.total_cents += source.total_cents
        known = present.get(source.number)
        if known is None:
            new.append(source)
        elif known.content_hash != source.content_hash():
            changed.append(source)
            if len(report.changes) < SHOWN_CHANGES:
                report.changes.append(_change(known, source))
    report.new, report.changed = len(new), len(changed)
    report.unchanged = len(parsed.statements) - len(new) - len(changed)

    patient_keys = _write_patients(parsed, patients, progress)
    report.new_patients = len(parsed.patients) - len(patients)
    if not (new or changed):
        return []
    report.batch = ImportBatch.objects.create(
        sha256=hashlib.sha256(data).hexdigest(),
        file_name=Path(file_name).name[:200],
        imported_by=by,
        lines=report.lines,
        new=report.new,
        changed=report.changed,
        unchanged=report.unchanged,
    )
    _create(new, patient_keys, report.batch, progress)
    return _revise([(present[source.number], source) for source in changed], report.batch, progress)


def _change(known: Statement, source: ParsedStatement) -> dict:
    """How a revision will look, for the preview."""
    surplus, given_up = ledger.surplus_over(known, source.total_cents)
    return {
        "number": known.number,
        "before_cents": known.charges_cents,
        "after_cents": source.total_cents,
        "credit_cents": surplus - given_up,
    }


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
    problems += _problems_of_codes(parsed, present)
    if problems:
        raise ImportRefused(sorted(problems, key=lambda problem: problem.row))


def _problems_of_codes(parsed: ParsedFile, present: dict) -> list[ImportProblem]:
    with_code = [source for source in parsed.statements.values() if source.facts["statement_code"]]
    codes = {code_index(source.facts["statement_code"]): source for source in with_code if source.number not in present}
    taken = [
        ImportProblem(codes[index].row, "statement_code", "is already used by another statement")
        for indexes in batches(codes, BATCH)
        for index in Statement.objects.filter(code_index__in=indexes).values_list("code_index", flat=True)
    ]
    seen = Counter(source.facts["statement_code"] for source in with_code)
    return taken + [
        ImportProblem(source.row, "statement_code", "stands on two statements of this file")
        for source in with_code
        if seen[source.facts["statement_code"]] > 1
    ]


# ---- Patients -------------------------------------------------------------------------------------------------------


PATIENT_COLUMNS = [
    "id", "account_number", "first_name", "last_name", "last_name_index", "born_on", "language", "created_at",
]  # fmt: skip


def _write_patients(parsed: ParsedFile, known: dict[str, Patient], progress: Progress) -> dict[str, int]:
    """Create those who are missing, take over changed names and languages. Returns the keys of all, by account."""
    keys = {account: patient.pk for account, patient in known.items()}
    new, changed = [], []
    for account, facts in parsed.patients.items():
        patient = known.get(account)
        if patient is None:
            new.append((account, facts))
        elif (patient.first_name, patient.last_name, patient.language) != _names_of(facts):
            patient.set_names(facts["first_name"], facts["last_name"])
            patient.language = facts["language"]
            changed.append(patient)
    fresh = new_keys(Patient, len(new))
    keys |= {account: key for key, (account, _facts) in zip(fresh, new, strict=True)}
    now = timezone.now()
    index = cache(last_name_index)
    for start in range(0, len(new), BATCH):
        progress("writing patients", start, len(new))
        copy_rows(
            Patient,
            PATIENT_COLUMNS,
            (
                (keys[account], account, facts["first_name"], facts["last_name"], index(facts["last_name"]),
                 facts["date_of_birth"], facts["language"], now)
                for account, facts in new[start : start + BATCH]
            ),
        )  # fmt: skip
    Patient.objects.bulk_update(changed, ["first_name", "last_name", "last_name_index", "language"], batch_size=2000)
    return keys


def _names_of(facts: dict) -> tuple[str, str, str]:
    return facts["first_name"], facts["last_name"], facts["language"]


# ---- New statements -------------------------------------------------------------------------------------------------

STATEMENT_COLUMNS = [
    "id", "number", "patient_id", "issued_on", "due_on", "facility", "insurer", "code", "code_index", "link_index",
    "content_hash", "charges_cents", "applied_cents", "link_version", "created_at",
]  # fmt: skip
LINE_COLUMNS = [
    "statement_id", "position", "service_on", "procedure_code", "description", "charge_cents", "insurance_paid_cents",
    "adjustment_cents", "patient_cents",
]  # fmt: skip
REVISED_COLUMNS = ["id", "issued_on", "due_on", "facility", "insurer", "content_hash", "revised_at"]
LEG_COLUMNS = ["journal_id", "account", "statement_id", "cents"]


def _create(new: list[ParsedStatement], patients: dict[str, int], batch: ImportBatch, progress: Progress) -> None:
    """Write one journal that charges them all, then the statements, which arrive with what is owed, and their lines."""
    now = timezone.now()
    keys = new_keys(Statement, len(new))
    progress("writing the ledger", 0, len(new))
    charged = [(key, source.total_cents) for key, source in zip(keys, new, strict=True) if source.total_cents]
    if charged:
        journal = Journal.objects.create(kind=JournalKind.CHARGE, cause=f"import {batch.pk}")
        legs = [(journal.pk, Account.RECEIVABLE.value, statement_id, cents) for statement_id, cents in charged]
        revenue = (journal.pk, Account.REVENUE.value, None, -sum(cents for _statement_id, cents in charged))
        copy_rows(Leg, LEG_COLUMNS, [*legs, revenue])
    for start in range(0, len(new), BATCH):
        progress("writing statements", start, len(new))
        pairs = list(zip(keys[start : start + BATCH], new[start : start + BATCH], strict=True))
        copy_rows(Statement, STATEMENT_COLUMNS, (_statement_row(key, source, patients, now) for key, source in pairs))
        copy_rows(StatementLine, LINE_COLUMNS, (row for key, source in pairs for row in _line_rows(key, source)))


def _statement_row(key: int, source: ParsedStatement, patients: dict[str, int], now) -> list:
    facts = source.facts
    code = facts["statement_code"] or new_code()
    return [
        key, source.number, patients[facts["account_number"]], facts["issued_on"], facts["due_on"],
        facts["facility"], facts["insurer"], code, code_index(code),
        link_index(link_token(source.number, 1)), source.content_hash(), source.total_cents, 0, 1, now,
    ]  # fmt: skip


def _line_rows(statement_id: int, source: ParsedStatement) -> Iterator[list]:
    for line in source.lines:
        yield [
            statement_id, line["line"], line["service_date"], line["procedure_code"], line["description"],
            line["charge"], line["insurance_paid"], line["adjustment"], line["patient_owes"],
        ]  # fmt: skip


# ---- Changed statements ---------------------------------------------------------------------------------------------


def _revise(
    changed: Iterable[tuple[Statement, ParsedStatement]], batch: ImportBatch, progress: Progress
) -> list[Statement]:
    """Give the statements their new lines and dates, and the ledger the differences."""
    changed = list(changed)
    now = timezone.now()
    for start, pairs in zip(range(0, len(changed), BATCH), batches(changed, BATCH), strict=True):
        progress("revising statements", start, len(changed))
        lines = StatementLine.objects.filter(statement__in=[statement for statement, _source in pairs])
        Question.objects.filter(line__in=lines).update(line=None)
        lines._raw_delete(lines.db)  # Django's own would fetch every line first
        rows = (row for statement, source in pairs for row in _line_rows(statement.pk, source))
        copy_rows(StatementLine, LINE_COLUMNS, rows)
        differences = [(statement, source.total_cents - statement.charges_cents) for statement, source in pairs]
        releases = [
            entry
            for statement, difference in differences
            for entry in ledger.release_entries(statement, difference, f"{statement.number}/{batch.pk}")
        ]
        revised = [(statement, difference) for statement, difference in differences if difference]
        # One entry for the whole batch: each is sealed one by one at commit, while other writers wait.
        entry = [ledger.revision_entry(f"import {batch.pk}/{start}", revised)] if revised else []
        ledger.post_all(releases + entry)
        copy_over(Statement, REVISED_COLUMNS, (_revised_row(statement, source, now) for statement, source in pairs))
    return [statement for statement, _source in changed]


def _revised_row(statement: Statement, source: ParsedStatement, now) -> list:
    facts = source.facts
    return [
        statement.pk, facts["issued_on"], facts["due_on"], facts["facility"], facts["insurer"], source.content_hash(),
        now,
    ]  # fmt: skip
