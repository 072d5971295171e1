"""allauth's second list of addresses goes: a person signs in with the address an administrator gave, and no other."""

from django.db import migrations


def forward(apps, schema_editor):
    apps.get_model("account", "EmailAddress").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("accounts", "0006_change_log_roles"), ("account", "0009_emailaddress_unique_primary_email")]
    operations = [migrations.RunPython(forward, migrations.RunPython.noop)]
