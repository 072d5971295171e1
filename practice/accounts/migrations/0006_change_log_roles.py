from django.db import migrations

from practice.accounts.roles import ADMINISTRATOR, grant

forward, backward = grant("accounts", {ADMINISTRATOR: {"change": "v"}})


class Migration(migrations.Migration):
    dependencies = [("accounts", "0005_change_log")]
    operations = [migrations.RunPython(forward, backward)]
