from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from practice.accounts.demo import current_codes


class Command(BaseCommand):
    help = "Print the code that the authenticator of each demo login shows now."

    def handle(self, *args, **options):
        if not settings.DEMO:
            raise CommandError("This is not a demo.")
        for email, code in current_codes().items():
            self.stdout.write(f"{email:34} {code}")
