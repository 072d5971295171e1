import logging
import time

from django.core.management.base import BaseCommand
from django.db import DatabaseError, connection

from billing.sweep import sweep

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Ask the card processor about everything that is not resolved, and charge what is due. Run it every minute."

    def add_arguments(self, parser):
        parser.add_argument(
            "--deep", action="store_true", help="also look for what the processor did in the last 35 days; run it daily"
        )
        parser.add_argument(
            "--every", type=int, metavar="SECONDS", help="go on for ever, instead of a timer that starts it"
        )

    def handle(self, *args, deep, every, verbosity, **options):
        self.is_silent = verbosity == 0
        if not every:
            self._sweep(deep)
            return
        while True:
            try:
                self._sweep(deep)
            except DatabaseError:
                logger.exception("The sweep could not be finished; it is tried again")
            connection.close()
            time.sleep(every)

    def _sweep(self, deep):
        report = sweep(deep=deep)
        if self.is_silent:
            return
        if report is None:
            self.stdout.write("Another sweep is at work; nothing was done.")
            return
        self.stdout.write(
            f"{report.attempts} payments settled or closed, {report.events} messages acted on, "
            f"{report.refunds} refunds resolved, {report.instalments} instalments paid, {report.found} found at the "
            f"processor, {report.reminders} reminders sent."
        )
