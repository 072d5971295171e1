from django.db import migrations

from practice.accounts.change_log import track


class Migration(migrations.Migration):
    dependencies = [("search", "0002_roles"), ("accounts", "0005_change_log")]
    operations = [
        track("search_synonymgroup", "search_missedsearch"),
    ]
