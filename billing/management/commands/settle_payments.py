from django.core.management.base import BaseCommand

from billing.payments import sweep


class Command(BaseCommand):
    help = "Ask the card processor about payments whose outcome we have not heard. Run it every minute."

    def handle(self, *args, **options):
        closed = sweep()
        self.stdout.write(f"{closed} payment{'s' if closed != 1 else ''} settled or closed.")
