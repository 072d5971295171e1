from django.db import migrations

from practice.accounts.roles import ADMINISTRATOR, HIRING, grant

GRANTS = {
    ADMINISTRATOR: {"opening": "vac"},
    HIRING: {"opening": "vac", "application": "vc"},
}
forward, backward = grant("careers", GRANTS)


class Migration(migrations.Migration):
    dependencies = [("careers", "0001_careers"), ("accounts", "0003_roles")]
    operations = [migrations.RunPython(forward, backward)]
