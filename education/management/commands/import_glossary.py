from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from education.glossary import GlossaryRefused, import_glossary


class Command(BaseCommand):
    help = "Load glossary words from files with one JSON object a line (docs/glossary-import.md)."

    def add_arguments(self, parser):
        parser.add_argument("files", nargs="+", type=Path)

    def handle(self, *args, files, **options):
        for file in files:
            try:
                report = import_glossary(file.read_bytes().decode("utf-8-sig"), file.name)
            except OSError as error:
                raise CommandError(f"{file} cannot be read: {error.strerror}.") from error
            except UnicodeDecodeError as error:
                raise CommandError(f"{file} is not UTF-8 text (byte {error.start}).") from error
            except GlossaryRefused as refusal:
                for problem in refusal.problems:
                    self.stderr.write(problem)
                raise CommandError(f"{refusal} in {file.name}. Nothing of it was loaded.") from refusal
            self.stdout.write(
                f"{file.name}: {report.entries} entries, {report.written} written, {report.unchanged} unchanged, "
                f"{report.skipped} skipped (empty or repeated)."
            )
