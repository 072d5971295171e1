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
    hidden text[] := string_to_array(TG_ARGV[1], ',');
    ignored text[] := string_to_array(TG_ARGV[2], ',');
    person bigint := nullif(current_setting('practice.person', true), '')::bigint;
    route text := coalesce(nullif(current_setting('practice.route', true), ''), session_user::text);
    origin inet := nullif(current_setting('practice.address', true), '')::inet;
    head text := 'INSERT INTO accounts_change
        (table_name, row, count, action, before, user_id, route, address, changed_at) ';
BEGIN
    IF TG_OP = 'INSERT' THEN
        EXECUTE head || format(
            'SELECT %1$L, CASE WHEN count(*) = 1 THEN (array_agg(%2$I))[1]::text ELSE
                    (array_agg(%2$I ORDER BY %2$I))[1]::text || '' to ''
                    || (array_agg(%2$I ORDER BY %2$I DESC))[1]::text END,
                count(*), ''insert'', ''{}''::jsonb, $1, $2, $3, clock_timestamp()
            FROM (SELECT %2$I, CASE WHEN count(*) OVER () > 1000 THEN 0 ELSE row_number() OVER () END AS entry
                FROM new_rows) AS loaded
            GROUP BY entry ORDER BY entry',
            TG_TABLE_NAME, TG_ARGV[0]
        ) USING person, route, origin;
    ELSIF TG_OP = 'UPDATE' THEN
        EXECUTE head || format(
            'SELECT %1$L, old_rows.%2$I::text, 1, ''update'', changed.columns, $1, $2, $3, clock_timestamp()
            FROM old_rows LEFT JOIN new_rows ON new_rows.%2$I = old_rows.%2$I,
            LATERAL (
                SELECT jsonb_object_agg(
                    key, CASE WHEN key = ANY($4) OR $4 = ''{*}'' THEN ''"…"''::jsonb ELSE value END
                ) AS columns
                FROM jsonb_each(to_jsonb(old_rows))
                WHERE value IS DISTINCT FROM to_jsonb(new_rows) -> key AND key <> ALL($5)
            ) AS changed
            WHERE changed.columns IS NOT NULL ORDER BY old_rows.%2$I',
            TG_TABLE_NAME, TG_ARGV[0]
        ) USING person, route, origin, hidden, ignored;
    ELSIF TG_OP = 'DELETE' THEN
        EXECUTE head || format(
            'SELECT %1$L, old_rows.%2$I::text, 1, ''delete'', (
                SELECT jsonb_object_agg(
                    key, CASE WHEN key = ANY($4) OR $4 = ''{*}'' THEN ''"…"''::jsonb ELSE value END
                )
                FROM jsonb_each(to_jsonb(old_rows)) WHERE key <> ALL($5)
            ), $1, $2, $3, clock_timestamp()
            FROM old_rows ORDER BY old_rows.%2$I',
            TG_TABLE_NAME, TG_ARGV[0]
        ) USING person, route, origin, hidden, ignored;
    ELSE
        EXECUTE head || 'VALUES ($1, '''', 0, ''truncate'', ''{}'', $2, $3, $4, clock_timestamp())'
            USING TG_TABLE_NAME, person, route, origin;
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
