from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from education.packs.writing import export_pack


class Command(BaseCommand):
    help = "Write topics, articles and glossary into a folder as a content pack."

    def add_arguments(self, parser):
        parser.add_argument("folder", type=Path)

    def handle(self, *args, folder, **options):
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise CommandError(f"{folder} is not an empty folder. Choose a new one.")
        try:
            count = export_pack(folder)
        except OSError as error:
            raise CommandError(f"{folder} cannot be written: {error.strerror}.") from error
        self.stdout.write(f"{count} files written to {folder}.")
