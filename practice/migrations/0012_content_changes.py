from django.db import migrations, models

from practice.published_pages import publish_changes

# The row of this transaction may be there already: then nothing is left to do, unless it is an old one of a database
# that was restored from another server's, whose numbers run over ours.
FUNCTION = """
CREATE FUNCTION practice_content_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO practice_contentchange AS known (transaction, changes, at)
    VALUES (pg_current_xact_id()::text::bigint, 1, now())
    ON CONFLICT (transaction) DO UPDATE SET changes = known.changes + 1, at = now() WHERE known.at <> now();
    RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("practice", "0011_who_owns_the_practice")]
    operations = [
        migrations.CreateModel(
            name="ContentChange",
            fields=[
                ("transaction", models.BigIntegerField(primary_key=True, serialize=False)),
                ("changes", models.BigIntegerField()),
                ("at", models.DateTimeField()),
            ],
            options={"verbose_name": "change of content", "verbose_name_plural": "changes of content"},
        ),
        migrations.RunSQL(FUNCTION, "DROP FUNCTION practice_content_changes();"),
        publish_changes(
            "practice_identity",
            "practice_location",
            "practice_notice",
            "practice_noticetranslation",
            "practice_noticeversion",
            "practice_openinghours",
            "practice_physician",
            "practice_physician_subspecialties",
            "practice_subspecialty",
        ),
    ]
