from django.db import migrations

from practice.published_pages import publish_changes


class Migration(migrations.Migration):
    dependencies = [("announcements", "0004_years_known"), ("practice", "0012_content_changes")]
    operations = [
        publish_changes(
            "announcements_announcement",
            "announcements_announcement_physicians",
        ),
    ]
