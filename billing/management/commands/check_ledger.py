import json

from django.core.management.base import BaseCommand, CommandError

from billing.ledger import prove
from practice.money import dollars


class Command(BaseCommand):
    help = "Add the whole ledger up again from its rows; exit status 1 when anything is off by a cent."

    def add_arguments(self, parser):
        parser.add_argument("--json", action="store_true", help="print the proof as JSON")

    def handle(self, *args, **options):
        proof = prove()
        if options["json"]:
            self.stdout.write(
                json.dumps(
                    {
                        "holds": proof.holds,
                        "accounts_cents": proof.accounts_cents,
                        "journals": proof.journals,
                        "statements": proof.statements,
                        "payments": proof.payments,
                        "problems": proof.problems,
                    },
                    indent=2,
                )
            )
        else:
            for account, cents in proof.accounts_cents.items():
                self.stdout.write(f"{account:12} {dollars(cents):>20}")
            for problem, rows in proof.problems.items():
                if rows:
                    self.stderr.write(f"{problem}: {', '.join(rows)}")
        if not proof.holds:
            raise CommandError("The ledger does not hold.")
        if not options["json"]:
            self.stdout.write(
                f"The ledger holds: {proof.journals} entries, {proof.statements} statements, {proof.payments} payments."
            )
