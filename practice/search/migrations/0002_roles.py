from django.db import migrations

from practice.accounts.roles import ADMINISTRATOR, CLINICAL_REVIEWER, EDITOR, grant

GRANTS = {
    ADMINISTRATOR: {"synonymgroup": "vacd", "missedsearch": "vc"},
    EDITOR: {"synonymgroup": "vacd", "missedsearch": "vc"},
    CLINICAL_REVIEWER: {"synonymgroup": "v", "missedsearch": "v"},
}
forward, backward = grant("search", GRANTS)


class Migration(migrations.Migration):
    dependencies = [("search", "0001_search"), ("accounts", "0003_roles")]
    operations = [migrations.RunPython(forward, backward)]
