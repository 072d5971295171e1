from django.db import migrations

from practice.accounts.roles import ADMINISTRATOR, CLINICAL_REVIEWER, EDITOR, grant

GRANTS = {
    ADMINISTRATOR: {
        "topic": "vac",
        "article": "vac",
        "section": "vacd",
        "term": "vacd",
        "entry": "vacd",
        "article.publish_article": "Can publish and retire articles",
    },
    EDITOR: {"topic": "vac", "article": "vac", "section": "vacd", "term": "vacd", "entry": "vacd"},
    CLINICAL_REVIEWER: {
        "topic": "v",
        "article": "vc",
        "section": "vc",
        "term": "v",
        "entry": "v",
        "article.publish_article": "Can publish and retire articles",
    },
}
forward, backward = grant("education", GRANTS)


class Migration(migrations.Migration):
    dependencies = [("education", "0001_education"), ("accounts", "0003_roles")]
    operations = [migrations.RunPython(forward, backward)]
