from django.db import migrations

from practice.accounts.roles import ADMINISTRATOR, BILLING, BILLING_LEAD, FRONT_DESK, grant

GRANTS = {
    ADMINISTRATOR: {"patient": "v"},
    BILLING: {"patient": "v"},
    BILLING_LEAD: {"patient": "vc"},
    FRONT_DESK: {"patient": "v"},
}
forward, backward = grant("patients", GRANTS)


class Migration(migrations.Migration):
    dependencies = [("patients", "0001_patients"), ("accounts", "0003_roles")]
    operations = [migrations.RunPython(forward, backward)]
