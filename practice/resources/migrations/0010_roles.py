from django.db import migrations

from practice.accounts.roles import ADMINISTRATOR, FRONT_DESK, RESOURCES_EDITOR, grant

KEPT_BY_EDITORS = {
    "collection": "vacd",
    "version": "v",
    "callservice": "vacd",
    "callshift": "vacd",
    "orderingadvice": "vacd",
    "contact": "vacd",
}
GRANTS = {
    ADMINISTRATOR: KEPT_BY_EDITORS,
    RESOURCES_EDITOR: KEPT_BY_EDITORS,
    FRONT_DESK: {"callservice": "v", "callshift": "vacd"},  # who answers the phone when somebody swaps
}
forward, backward = grant("resources", GRANTS)


class Migration(migrations.Migration):
    dependencies = [("resources", "0009_records_stay"), ("accounts", "0003_roles")]
    operations = [migrations.RunPython(forward, backward)]
