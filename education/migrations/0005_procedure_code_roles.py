from django.db import migrations

from practice.accounts.roles import ADMINISTRATOR, CLINICAL_REVIEWER, EDITOR, grant

GRANTS = {
    ADMINISTRATOR: {"procedurecode": "vacd"},
    EDITOR: {"procedurecode": "vacd"},
    CLINICAL_REVIEWER: {"procedurecode": "v"},
}
forward, backward = grant("education", GRANTS)


class Migration(migrations.Migration):
    dependencies = [("education", "0004_sample_charges"), ("accounts", "0003_roles")]
    operations = [migrations.RunPython(forward, backward)]
