from django.db import migrations

from practice.published_pages import publish_changes


class Migration(migrations.Migration):
    dependencies = [("search", "0003_change_log"), ("practice", "0012_content_changes")]
    operations = [publish_changes("search_synonymgroup", "search_word")]
