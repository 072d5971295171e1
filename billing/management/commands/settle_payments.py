from django.core.management.base import BaseCommand

from billing.sweep import sweep


class Command(BaseCommand):
    help = "Ask the card processor about everything that is not resolved, and charge what is due. Run it every minute."

    def add_arguments(self, parser):
        parser.add_argument(
            "--deep", action="store_true", help="also look for what the processor did in the last 35 days; run it daily"
        )

    def handle(self, *args, deep, **options):
        report = sweep(deep=deep)
        if report is None:
            self.stdout.write("Another sweep is at work; nothing was done.")
            return
        self.stdout.write(
            f"{report.attempts} payments settled or closed, {report.events} messages acted on, "
            f"{report.refunds} refunds resolved, {report.instalments} instalments paid, {report.found} found at the "
            f"processor, {report.reminders} reminders sent."
        )
