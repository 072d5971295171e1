from django.db import migrations

from practice.accounts.change_log import track


class Migration(migrations.Migration):
    dependencies = [("resources", "0010_roles"), ("accounts", "0005_change_log")]
    operations = [
        track(
            "resources_collection",
            "resources_version",
            "resources_acknowledgement",
            "resources_callservice",
            "resources_orderingadvice",
            "resources_contact",
        ),
        track("resources_callshift", hidden=("phone",)),
    ]
