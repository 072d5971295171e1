from django.db import migrations

from practice.accounts.roles import ADMINISTRATOR, RESOURCES_EDITOR, grant

GRANTS = {
    ADMINISTRATOR: {"document": "vac"},
    RESOURCES_EDITOR: {"document": "vac"},
}
forward, backward = grant("resources", GRANTS)


class Migration(migrations.Migration):
    dependencies = [("resources", "0001_documents"), ("accounts", "0003_roles")]
    operations = [migrations.RunPython(forward, backward)]
