from django.db import migrations

from practice.accounts.roles import ADMINISTRATOR, APPLICATION_REVIEWER, HIRING, grant

SCORE = {"application.score_application": "Can score application"}
GRANTS = {
    ADMINISTRATOR: {
        "criterion": "vacd",
        "mailtext": "vc",
        "certificate": "v",
        "application.read_survey_counts": "Can view the counts of the voluntary questions",
    },
    HIRING: {
        "criterion": "vacd",
        "mailtext": "vc",
        "certificate": "v",
        "application.export_application": "Can export application",
        **SCORE,
    },
    APPLICATION_REVIEWER: {"application": "v", **SCORE},
}
forward, backward = grant("careers", GRANTS)


class Migration(migrations.Migration):
    dependencies = [("careers", "0016_what_nobody_may_do")]
    operations = [migrations.RunPython(forward, backward)]
