"""What the office's pages share: amounts in dollars."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from practice.money import dollars


class MoneyColumns:
    """Shows `<name>_cents` as dollars under the name `<name>`."""

    @admin.display(description=_("amount"), ordering="amount_cents")
    def amount(self, row):
        return dollars(row.amount_cents)

    @admin.display(description=_("billed"), ordering="charges_cents")
    def charges(self, row):
        return dollars(row.charges_cents)

    @admin.display(description=_("paid or taken off"), ordering="applied_cents")
    def applied(self, row):
        return dollars(row.applied_cents)

    @admin.display(description=_("balance"))
    def balance(self, row):
        return dollars(row.balance_cents)

    @admin.display(description=_("credit"), ordering="credit_cents")
    def credit(self, row):
        return dollars(row.credit_cents)
