"""Many new rows at once are written down by counting them: of the rows themselves only the first and the last are read.

PostgreSQL had made each of them into JSON, only to take its key out again. What is written stays the same.
"""

from importlib import import_module

from django.db import migrations

BEFORE = import_module("practice.accounts.migrations.0010_rows_made_into_facts_once").AFTER
AFTER = BEFORE.replace(
    """    origin inet := nullif(current_setting('practice.address', true), '')::inet;
BEGIN
    IF TG_OP = 'INSERT' THEN
""",
    """    origin inet := nullif(current_setting('practice.address', true), '')::inet;
    many bigint := 0;
    first_key text;
    last_key text;
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT count(*) INTO many FROM new_rows;
    END IF;
    IF many > 1000 THEN
        EXECUTE format('SELECT %I::text FROM new_rows LIMIT 1', key_column) INTO first_key;
        EXECUTE format('SELECT %I::text FROM new_rows OFFSET $1', key_column) INTO last_key USING many - 1;
        INSERT INTO accounts_change (table_name, row, count, action, before, user_id, route, address, changed_at)
        VALUES (TG_TABLE_NAME, first_key || ' to ' || last_key, many, 'insert', '{}', person, route, origin,
            clock_timestamp());
    ELSIF TG_OP = 'INSERT' THEN
""",
).replace(
    """        SELECT TG_TABLE_NAME, CASE WHEN count(*) = 1 THEN min(key) ELSE
                (array_agg(key ORDER BY place))[1] || ' to ' || (array_agg(key ORDER BY place DESC))[1] END,
            count(*), 'insert', '{}', person, route, origin, clock_timestamp()
        FROM (
            SELECT to_jsonb(added) ->> key_column AS key, row_number() OVER () AS place, count(*) OVER () AS many
            FROM new_rows AS added
        ) AS loaded
        GROUP BY CASE WHEN many > 1000 THEN 0 ELSE place END ORDER BY min(place);
""",
    """        SELECT TG_TABLE_NAME, to_jsonb(added) ->> key_column, 1, 'insert', '{}', person, route, origin,
            clock_timestamp()
        FROM new_rows AS added;
""",
)  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [("accounts", "0010_rows_made_into_facts_once")]
    operations = [migrations.RunSQL(AFTER, BEFORE)]
