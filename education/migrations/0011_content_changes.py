from django.db import migrations

from practice.published_pages import publish_changes


class Migration(migrations.Migration):
    dependencies = [("education", "0010_change_log"), ("practice", "0012_content_changes")]
    operations = [
        publish_changes(
            "education_article",
            "education_edition",
            "education_entry",
            "education_illustration",
            "education_name",
            "education_procedurecode",
            "education_referencecode",
            "education_term",
            "education_topic",
            "education_topic_locations",
        ),
    ]
