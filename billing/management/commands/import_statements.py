import errno
import os
import sys
import tempfile
from contextlib import contextmanager, nullcontext
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from billing.imports import import_statements
from billing.links import codes_file
from billing.models import Statement
from billing.statement_file import ImportRefused
from practice.money import dollars


class Command(BaseCommand):
    help = "Import statements from a CSV file (docs/statement-import.md). All or nothing."

    def add_arguments(self, parser):
        parser.add_argument("file", type=Path, nargs="?", help="the statements; left out: only write --codes")
        parser.add_argument("--dry-run", action="store_true", help="say what would change, change nothing")
        parser.add_argument(
            "--codes",
            type=Path,
            metavar="CODES_FILE",
            help="write number, code and QR link of these statements for the printer; without a file: of all that owe",
        )

    def handle(self, *args, file, dry_run, codes, **options):
        if file is None and codes is None:
            raise CommandError("Name the file to import, or a file for --codes to write.")
        if dry_run and codes:
            raise CommandError("A dry run makes no codes: leave out --dry-run or --codes.")
        with self._owners_file(codes) if codes else nullcontext() as out:
            statements = Statement.objects.outstanding()
            if file is not None:
                report = self._import(file, dry_run)
                statements = Statement.objects.valid().filter(number__in=report.numbers)
            if out is not None:
                self._write_codes(out, codes, statements)

    def _import(self, file, dry_run):
        try:
            data = file.read_bytes()
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.") from error
        try:
            report = import_statements(data, file.name, dry_run=dry_run, progress=self._progress)
        except DatabaseError as error:
            sentence = f"The database could not take {file.name} just now; try again. Nothing was changed."
            raise CommandError(sentence) from error
        except ImportRefused as refusal:
            for problem in refusal.problems:
                self.stderr.write(f"{file.name}, {problem}")
            raise CommandError(f"{refusal} in {file.name}. Nothing was changed.") from refusal
        finally:
            if self._shows_progress:
                self.stderr.write("")
        self.stdout.write(
            f"{'Dry run: ' if dry_run else ''}{report.lines} rows, patients owe {dollars(report.total_cents)} in all: "
            f"{report.new} new, {report.changed} changed, {report.unchanged} unchanged statements, "
            f"{report.new_patients} new patients."
        )
        return report

    _shows_progress = False

    def _progress(self, stage: str, done: int, total: int) -> None:
        """A line that writes itself over, for somebody who watches; a log keeps no trace of it."""
        if sys.stderr.isatty():
            self._shows_progress = True
            self.stderr.write(f"\r{stage} {f'{done:,} of {total:,}' if total else ''}".ljust(70), ending="")

    @contextmanager
    def _owners_file(self, path: Path):
        """A file that takes the place of `path` when all went well. Codes open bills, so only its owner may read it.

        It is made before anything is imported: where it cannot be, nothing is changed.
        """
        unfinished = None
        try:
            if path.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            descriptor, unfinished = tempfile.mkstemp(dir=path.parent, prefix=".codes-")  # readable by its owner only
            with os.fdopen(descriptor, "w", newline="") as out:
                yield out
            Path(unfinished).replace(path)
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror}.") from error
        finally:
            if unfinished:
                Path(unfinished).unlink(missing_ok=True)

    def _write_codes(self, out, path: Path, statements) -> None:
        count = -1  # the header
        for line in codes_file(statements):
            out.write(line)
            count += 1
        self.stdout.write(f"{path} holds the codes of {count} statements. Give it to nobody but the printer.")
