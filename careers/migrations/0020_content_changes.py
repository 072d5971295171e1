from django.db import migrations

from practice.published_pages import publish_changes


class Migration(migrations.Migration):
    dependencies = [("careers", "0019_shipped_mails"), ("practice", "0012_content_changes")]
    operations = [
        publish_changes(
            "careers_opening",
        ),
    ]
