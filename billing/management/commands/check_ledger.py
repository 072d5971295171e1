from django.core.management.base import BaseCommand, CommandError

from billing.proof import prove
from practice.money import dollars


class Command(BaseCommand):
    help = "Add the whole ledger up again from its rows; exit status 1 when anything is off by a cent."

    def add_arguments(self, parser):
        parser.add_argument("--json", action="store_true", help="print the proof as JSON, sums in cents")

    def handle(self, *args, **options):
        proof = prove()
        if options["json"]:
            self.stdout.write(proof.as_json())
        else:
            for account, cents in proof.accounts_cents.items():
                self.stdout.write(f"{account:12} {dollars(cents):>20}")
            for problem, rows in proof.problems.items():
                if rows:
                    self.stderr.write(f"{problem}: {', '.join(rows)}")
        if not proof.holds:
            raise CommandError(f"The ledger does not hold: {proof.first_problem}.")
        if not options["json"]:
            figures = proof.figures
            self.stdout.write(
                f"The ledger holds: {figures['journals']} entries, {figures['statements']} statements, "
                f"{figures['payments']} payments."
            )
