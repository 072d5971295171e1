import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from practice.accounts.change_log import track

# Statement triggers see all rows of a statement at once. Arguments: the column of the key; the columns whose values are
# never copied ("*": all); the columns whose change alone is none.
FUNCTION = """
CREATE FUNCTION accounts_record_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
DECLARE
    key_column text := TG_ARGV[0];
    hidden text[] := string_to_array(TG_ARGV[1], ',');
    ignored text[] := string_to_array(TG_ARGV[2], ',');
    person bigint := nullif(current_setting('practice.person', true), '')::bigint;
    route text := coalesce(nullif(current_setting('practice.route', true), ''), session_user::text);
    origin inet := nullif(current_setting('practice.address', true), '')::inet;
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO accounts_change (table_name, row, count, action, before, user_id, route, address, changed_at)
        SELECT TG_TABLE_NAME, CASE WHEN count(*) = 1 THEN min(key) ELSE
                (array_agg(key ORDER BY place))[1] || ' to ' || (array_agg(key ORDER BY place DESC))[1] END,
            count(*), 'insert', '{}', person, route, origin, clock_timestamp()
        FROM (
            SELECT to_jsonb(added) ->> key_column AS key, row_number() OVER () AS place, count(*) OVER () AS many
            FROM new_rows AS added
        ) AS loaded
        GROUP BY CASE WHEN many > 1000 THEN 0 ELSE place END ORDER BY min(place);
    ELSIF TG_OP = 'UPDATE' THEN
        INSERT INTO accounts_change (table_name, row, count, action, before, user_id, route, address, changed_at)
        SELECT TG_TABLE_NAME, was.key, 1, 'update', changed.columns, person, route, origin, clock_timestamp()
        FROM (SELECT to_jsonb(o) AS facts, to_jsonb(o) ->> key_column AS key, row_number() OVER () AS place
                FROM old_rows AS o) AS was
            LEFT JOIN (SELECT to_jsonb(n) AS facts, to_jsonb(n) ->> key_column AS key FROM new_rows AS n) AS now
                ON now.key = was.key,
        LATERAL (
            SELECT jsonb_object_agg(
                key, CASE WHEN key = ANY(hidden) OR hidden = '{*}' THEN '"…"'::jsonb ELSE value END
            ) AS columns
            FROM jsonb_each(was.facts)
            WHERE value IS DISTINCT FROM now.facts -> key AND key <> ALL(ignored)
        ) AS changed
        WHERE changed.columns IS NOT NULL ORDER BY was.place;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO accounts_change (table_name, row, count, action, before, user_id, route, address, changed_at)
        SELECT TG_TABLE_NAME, to_jsonb(gone) ->> key_column, 1, 'delete', (
            SELECT jsonb_object_agg(
                key, CASE WHEN key = ANY(hidden) OR hidden = '{*}' THEN '"…"'::jsonb ELSE value END
            )
            FROM jsonb_each(to_jsonb(gone)) WHERE key <> ALL(ignored)
        ), person, route, origin, clock_timestamp()
        FROM old_rows AS gone;
    ELSE
        INSERT INTO accounts_change (table_name, row, count, action, before, user_id, route, address, changed_at)
        VALUES (TG_TABLE_NAME, '', 0, 'truncate', '{}', person, route, origin, clock_timestamp());
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER accounts_change_never_changes BEFORE UPDATE OR DELETE ON accounts_change
    FOR EACH ROW EXECUTE FUNCTION accounts_never_changes();
CREATE TRIGGER accounts_change_never_emptied BEFORE TRUNCATE ON accounts_change
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_never_changes();
"""
NO_FUNCTION = """
DROP TRIGGER accounts_change_never_emptied ON accounts_change;
DROP TRIGGER accounts_change_never_changes ON accounts_change;
DROP FUNCTION accounts_record_change();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_site_cache"),
        ("account", "0009_emailaddress_unique_primary_email"),
        ("mfa", "0003_authenticator_type_uniq"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.CreateModel(
            name="Change",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("table_name", models.CharField(max_length=100, verbose_name="table")),
                ("row", models.CharField(max_length=200, verbose_name="row")),
                ("count", models.PositiveIntegerField(verbose_name="rows")),
                (
                    "action",
                    models.CharField(
                        choices=[
                            ("insert", "Added"),
                            ("update", "Changed"),
                            ("delete", "Deleted"),
                            ("truncate", "Emptied"),
                        ],
                        max_length=10,
                        verbose_name="what",
                    ),
                ),
                ("before", models.JSONField(default=dict, verbose_name="before")),
                ("route", models.CharField(max_length=200, verbose_name="how")),
                ("address", models.GenericIPAddressField(null=True, verbose_name="address")),
                ("changed_at", models.DateTimeField(verbose_name="when")),
                (
                    "user",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="by",
                    ),
                ),
            ],
            options={
                "verbose_name": "change",
                "verbose_name_plural": "change log",
                "ordering": ["-pk"],
                "indexes": [
                    models.Index(fields=["table_name", "row"], name="accounts_change_row"),
                    models.Index(fields=["user", "-id"], name="accounts_change_user"),
                ],
            },
        ),
        migrations.RunSQL(FUNCTION, NO_FUNCTION),
        track("accounts_user", hidden=("password",), ignored=("last_login",)),
        track("accounts_user_groups", "accounts_user_user_permissions", "auth_group", "auth_group_permissions"),
        track("account_emailaddress", "mfa_authenticator", hidden=("*",), ignored=("last_used_at",)),
    ]
