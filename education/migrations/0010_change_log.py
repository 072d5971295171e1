from django.db import migrations

from practice.accounts.change_log import track


class Migration(migrations.Migration):
    dependencies = [("education", "0009_roles_for_editions"), ("accounts", "0005_change_log")]
    operations = [
        track(
            "education_topic",
            "education_topic_locations",
            "education_article",
            "education_section",
            "education_localnote",
            "education_illustration",
            "education_procedurecode",
            "education_referencecode",
            "education_term",
            "education_entry",
            "education_name",
        ),
        track("education_edition", ignored=("shown", "search_vector", "names_vector")),
    ]
