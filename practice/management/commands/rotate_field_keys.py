from collections import Counter

from django.core.management.base import BaseCommand, CommandError

from practice.encryption import DecryptionError
from practice.key_rotation import newest_key, rotate


class Command(BaseCommand):
    help = "Encrypt everything anew with the first of FIELD_KEYS, and say which older keys are still needed."

    def handle(self, *args, **options):
        try:
            done = rotate(self._progress)
        except DecryptionError as error:
            raise CommandError(f"{error} Is its key in FIELD_KEYS? Run this again when it is.") from error
        stay: Counter[str] = Counter()
        for column in done:
            if column.anew:
                self.stdout.write(f"{column.column}: {column.anew} encrypted anew.")
            for key, count in sorted(column.stay.items()):
                self.stdout.write(f"{column.column}: {count} never change and stay with the key {key}.")
            stay += column.stay
        if stay:
            self.stdout.write(f"Leave in FIELD_KEYS, after {newest_key()}: {', '.join(sorted(stay))}.")
        else:
            self.stdout.write(f"Nothing needs another key than {newest_key()}. Keep the older ones with old backups.")

    def _progress(self, column: str, done: int) -> None:
        """A line that writes itself over, for somebody who watches."""
        if self.stderr.isatty():
            self.stderr.write(f"\r{column}: {done:,}".ljust(70), ending="")
