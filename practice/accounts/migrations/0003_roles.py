"""The roles exist from the start; what each may do is granted by the migrations of the app it concerns."""

from django.db import migrations

from practice.accounts.roles import ADMINISTRATOR, ROLES, grant

GRANTS = {ADMINISTRATOR: {"user": "vac", "accessentry": "v"}}
forward, backward = grant("accounts", GRANTS)


def create_roles(apps, schema_editor):
    group = apps.get_model("auth", "Group")
    for role in ROLES:
        group.objects.get_or_create(name=role)


def remove_roles(apps, schema_editor):
    apps.get_model("auth", "Group").objects.filter(name__in=ROLES).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_access_log_append_only"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [
        migrations.RunPython(create_roles, remove_roles),
        migrations.RunPython(forward, backward),
    ]
