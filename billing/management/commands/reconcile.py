from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from billing.gateways.interface import Unknown
from billing.management.arguments import day
from billing.proof import prove
from billing.reconcile import reconcile
from practice.money import dollars


class Command(BaseCommand):
    help = "Compare a day with the card processor, movement by movement; exit status 1 on any difference."

    def add_arguments(self, parser):
        parser.add_argument("--date", type=day, default=None, help="the day, like 2026-03-31; today when left out")

    def handle(self, *args, date, **options):
        on = date or timezone.localdate()
        if not settings.BILLING_GATEWAY:
            raise CommandError("Paying online is switched off: BILLING_GATEWAY names no card processor.")
        try:
            comparison = reconcile(on)
        except Unknown as error:
            raise CommandError("The card processor did not answer. Try again in a few minutes.") from error
        proof = prove()
        if not proof.holds:
            self.stderr.write(f"The ledger does not hold: {proof.first_problem}")
        for difference in comparison.differences:
            self.stderr.write(str(difference))
        if not proof.holds and not comparison.differences:
            raise CommandError(f"{on.isoformat()}: the movements tie, the ledger does not hold.")
        if comparison.differences:
            count = len(comparison.differences)
            raise CommandError(f"{on.isoformat()}: {count} difference{'s' if count != 1 else ''}.")
        self.stdout.write(
            f"{on.isoformat()} ties: {comparison.compared} movements, net {dollars(comparison.theirs_cents)}."
        )
