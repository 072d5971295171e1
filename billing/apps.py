from django.apps import AppConfig


class BillingConfig(AppConfig):
    name = "billing"
    verbose_name = "Billing"
    append_only = dict.fromkeys(("billing_journal", "billing_leg", "billing_chainlink"), "SELECT, INSERT")

    def ready(self):
        from billing import rules  # noqa: F401, PLC0415  (registers the checks)

    def proof(self) -> dict:
        """What a backup must prove about money: the ledger added up again, and the end of its chain."""
        from billing.proof import prove  # noqa: PLC0415

        return prove().as_dict()
