from django.db import migrations

from practice.accounts.roles import ADMINISTRATOR, CLINICAL_REVIEWER, EDITOR, FRONT_DESK, grant

GRANTS = {
    ADMINISTRATOR: {
        "identity": "vac",
        "location": "vacd",
        "openinghours": "vacd",
        "subspecialty": "vacd",
        "physician": "vac",
        "notice": "vac",
        "noticeversion": "va",
        "feedback": "vc",
    },
    EDITOR: {"location": "vac", "openinghours": "vacd", "subspecialty": "vac", "physician": "vac", "identity": "v"},
    CLINICAL_REVIEWER: {"physician": "v"},  # to choose who has reviewed an article
    FRONT_DESK: {"location": "vc", "openinghours": "vacd", "feedback": "vc"},
}
forward, backward = grant("practice", GRANTS)


class Migration(migrations.Migration):
    dependencies = [("practice", "0002_notices_in_force_stay"), ("accounts", "0003_roles")]
    operations = [migrations.RunPython(forward, backward)]
