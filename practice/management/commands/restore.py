import signal
import sys
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from practice.backups.making import what_it_holds
from practice.backups.programs import ProgramFailed
from practice.backups.restoring import RestoreDiffers, RestoreRefused, open_backup, restore


class Command(BaseCommand):
    help = "Put a backup into an empty database and empty folders, and prove that nothing was lost."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser):
        parser.add_argument("source", type=Path, help="a file that `backup` wrote, or the folder with the only one")
        parser.add_argument(
            "--replace",
            action="store_true",
            help="put it in the place of what the database holds now, which is lost; stop the site before",
        )

    def handle(self, *args, source, replace, **options):
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the files put there are taken away again
        try:
            with open_backup(source) as backup:
                manifest = restore(backup, replace)
        except RestoreDiffers as error:
            raise CommandError(f"Do not use this database: it is not what the backup says. {error}") from error
        except (RestoreRefused, ProgramFailed, DatabaseError, OSError) as error:
            raise CommandError(f"{source} was not restored; nothing was changed. {error}".strip()) from error
        self.stdout.write(f"Restored, and proved to be the same: {what_it_holds(manifest)}")
        if missing := manifest["named_but_missing"]:
            self.stderr.write(f"{len(missing)} files that rows name were not in the backup, first {missing[0]}.")
        self.stdout.write(
            "Now run migrate, then settle_payments --deep and purge_applications, before the site serves."
        )
