from django.db import migrations

from practice.accounts.roles import ADMINISTRATOR, BILLING, BILLING_LEAD, grant

GRANTS = {
    ADMINISTRATOR: {"importbatch": "v", "gatewayevent": "v"},
    BILLING: {"statement": "v", "statementline": "v", "payment": "v", "attempt": "v", "importbatch": "v"},
    BILLING_LEAD: {
        "statement": "v",
        "statementline": "v",
        "payment": "v",
        "attempt": "v",
        "importbatch": "v",
        "journal": "v",
        "leg": "v",
        "gatewayevent": "v",
    },
}
forward, backward = grant("billing", GRANTS)


class Migration(migrations.Migration):
    dependencies = [("billing", "0002_ledger_rules"), ("accounts", "0003_roles")]
    operations = [migrations.RunPython(forward, backward)]
