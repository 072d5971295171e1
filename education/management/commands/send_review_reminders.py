from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from education.reminders import remind


class Command(BaseCommand):
    help = "Mail the editors what waits: reviews due within 30 days, stale translations, missed searches."

    def handle(self, *args, **options):
        if not settings.EDITORIAL_RECIPIENTS:
            raise CommandError("Nobody is named in EDITORIAL_RECIPIENTS.")
        self.stdout.write(
            "A reminder is on its way." if remind() else "Nothing waits, or today's mail was sent already."
        )
