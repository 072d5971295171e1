from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand

from practice import supplies


class Command(BaseCommand):
    help = "Write the bill of materials (sbom.json, as CycloneDX) and the page of licences (licences.md)."

    def add_arguments(self, parser):
        parser.add_argument("--folder", type=Path, default=settings.BASE_DIR / "docs")

    def handle(self, *args, folder, **options):
        supplies.write(folder)
        self.stdout.write(
            f"{folder / 'sbom.json'} and {folder / 'licences.md'} name {len(supplies.requirements())} packages."
        )
