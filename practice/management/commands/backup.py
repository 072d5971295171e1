import json
import signal
import sys
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from practice.backups.making import BackupRefused, make, what_it_holds
from practice.backups.programs import ProgramFailed
from practice.backups.restoring import RestoreRefused, open_backup, verify


class Command(BaseCommand):
    help = "Write the database and the files into one sealed file; or prove one with --verify."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser):
        parser.add_argument("destination", type=Path, help="a new file, or a folder; with --verify a backup")
        parser.add_argument("--verify", action="store_true", help="read a backup and compare it with its manifest")
        parser.add_argument("--json", action="store_true", help="print the manifest")

    def handle(self, *args, destination, **options):
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what is unfinished is taken away
        manifest = self.prove(destination) if options["verify"] else self.make(destination, options["json"])
        if options["json"]:
            self.stdout.write(json.dumps(manifest, indent=1))

    def make(self, destination: Path, is_quiet: bool) -> dict:
        try:
            made = make(destination)
        except (BackupRefused, ProgramFailed, DatabaseError, OSError) as error:
            raise CommandError(f"No backup was made. {error}".strip()) from error
        if not is_quiet:
            self.stdout.write(f"{made.path}: {what_it_holds(made.manifest)}")
            self.stdout.write(f"SHA-256 {made.sha256}")
        if missing := made.manifest["named_but_missing"]:
            self.stderr.write(f"{len(missing)} files that rows name are not there, first {missing[0]}.")
        for room, proof in made.manifest["proofs"].items():
            if not proof.get("holds", True):
                self.stderr.write(f"The proof of {room} does not hold: {proof.get('first_problem', '')}.")
        return made.manifest

    def prove(self, source: Path) -> dict:
        try:
            with open_backup(source) as backup:
                manifest = verify(backup)
        except (RestoreRefused, OSError) as error:
            raise CommandError(f"{source} is not a whole backup. {error}") from error
        self.stderr.write(f"{source} is whole: {what_it_holds(manifest)}")
        return manifest
