from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from billing.imports import ImportRefused, import_statements
from practice.money import dollars


class Command(BaseCommand):
    help = "Import statements from a CSV file (docs/statement-import.md). All or nothing."

    def add_arguments(self, parser):
        parser.add_argument("file", type=Path)
        parser.add_argument("--dry-run", action="store_true", help="say what would change, change nothing")

    def handle(self, *args, file, dry_run, **options):
        try:
            data = file.read_bytes()
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.") from error
        try:
            report = import_statements(data, file.name, dry_run=dry_run)
        except ImportRefused as refusal:
            for problem in refusal.problems:
                self.stderr.write(f"{file.name}, {problem}")
            raise CommandError(f"{refusal} in {file.name}. Nothing was changed.") from refusal
        self.stdout.write(
            f"{'Dry run: ' if dry_run else ''}{report.lines} rows, patients owe {dollars(report.total_cents)} in all: "
            f"{report.new} new, {report.changed} changed, {report.unchanged} unchanged statements, "
            f"{report.new_patients} new patients."
        )
