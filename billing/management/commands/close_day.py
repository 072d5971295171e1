from django.core.management.base import BaseCommand, CommandError

from billing.close import CloseRefused, close_day
from billing.management.arguments import day, signed_cents
from practice.money import dollars


class Command(BaseCommand):
    help = "Close the day: it ties to the processor and to the deposit, to the cent, or it does not close."

    def add_arguments(self, parser):
        parser.add_argument("--date", type=day, default=None, help="the day, like 2026-03-31; today when left out")
        parser.add_argument(
            "--deposit",
            type=signed_cents,
            default=None,
            help="what the bank shows, like 1234.50; else the processor's word",
        )

    def handle(self, *args, date, deposit, **options):
        try:
            closed = close_day(date, deposit_cents=deposit)
        except CloseRefused as refusal:
            for reason in refusal.reasons:
                self.stderr.write(reason)
            raise CommandError("The day was not closed. Nothing was changed.") from refusal
        self.stdout.write(
            f"{closed.day.isoformat()} is closed: {closed.entries} entries, paid {dollars(closed.payments_cents)}, "
            f"returned {dollars(closed.refunds_cents)}, disputed {dollars(closed.disputes_cents)}, fees "
            f"{dollars(closed.fees_cents)}, deposit {dollars(closed.deposit_cents)}. File {closed.sha256}."
        )
