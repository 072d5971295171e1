from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from education.packs.format import PackRefused
from education.packs.loading import import_pack


class Command(BaseCommand):
    help = "Load a content pack (docs/content-packs.md). All or nothing; what staff edited since is kept."

    def add_arguments(self, parser):
        parser.add_argument("folder", type=Path)
        parser.add_argument("--overwrite", action="store_true", help="replace also what staff edited")

    def handle(self, *args, folder, overwrite, **options):
        try:
            report = import_pack(folder, overwrite=overwrite)
        except PackRefused as refusal:
            for problem in refusal.problems:
                self.stderr.write(str(problem))
            raise CommandError(f"{refusal}. Nothing was loaded.") from refusal
        for path in report.kept:
            self.stdout.write(f"{path}: kept as staff edited it")
        self.stdout.write(f"{report.loaded} files loaded, {report.unchanged} unchanged, {len(report.kept)} kept.")
