from django.db import migrations

from practice.accounts.roles import ADMINISTRATOR, CLINICAL_REVIEWER, EDITOR, grant

WRITING = {
    "edition": "v",
    "localnote": "vacd",
    "referencecode": "vacd",
    "illustration": "vac",
}
GRANTS = {
    ADMINISTRATOR: WRITING,
    EDITOR: WRITING,
    CLINICAL_REVIEWER: {
        "edition": "v",
        "localnote": "vc",
        "referencecode": "v",
        "illustration": "v",
    },
}
forward, backward = grant("education", GRANTS)


class Migration(migrations.Migration):
    dependencies = [("education", "0008_first_editions")]
    operations = [migrations.RunPython(forward, backward)]
