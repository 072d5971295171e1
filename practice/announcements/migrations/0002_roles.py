from django.db import migrations

from practice.accounts.roles import ADMINISTRATOR, EDITOR, grant

GRANTS = {
    ADMINISTRATOR: {"announcement": "vacd"},
    EDITOR: {"announcement": "vacd"},
}
forward, backward = grant("announcements", GRANTS)


class Migration(migrations.Migration):
    dependencies = [("announcements", "0001_announcements"), ("accounts", "0003_roles")]
    operations = [migrations.RunPython(forward, backward)]
