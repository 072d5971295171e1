from django.db import migrations

from practice.accounts.change_log import track


class Migration(migrations.Migration):
    dependencies = [("careers", "0002_roles"), ("accounts", "0005_change_log")]
    operations = [
        track("careers_opening"),
        track("careers_application", hidden=("*",)),
    ]
