"""The table of the cache that all workers share, as `createcachetable` makes it."""

from django.db import migrations

FORWARD = """
CREATE TABLE site_cache (
    cache_key varchar(255) NOT NULL PRIMARY KEY,
    value text NOT NULL,
    expires timestamp with time zone NOT NULL
);
CREATE INDEX site_cache_expires ON site_cache (expires);
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_roles")]
    operations = [migrations.RunSQL(FORWARD, "DROP TABLE site_cache")]
