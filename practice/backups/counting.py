"""What the database holds, in figures two databases can be compared by: rows and a digest of each table, proofs."""

from typing import Any

from django.apps import apps
from django.core.files.storage import storages
from django.db import connection, models

# Tables of the site, not those that an extension brought.
TABLES = """
    SELECT n.nspname, c.relname,
        array_agg(quote_ident(a.attname) ORDER BY a.attnum) FILTER (WHERE a.attgenerated = '')
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
        AND n.nspname NOT LIKE 'pg\\_t%'
        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
            AND d.deptype = 'e')
    GROUP BY n.nspname, c.relname ORDER BY 1, 2"""
# A row's digest as a number, added up: the same rows in another order are the same table.
DIGEST = """
    SELECT count(*), coalesce(sum(('x' || left(encode(sha256(convert_to(ROW({columns})::text, 'UTF8')), 'hex'), 14))
        ::bit(56)::bigint), 0)::text
    FROM {table}"""
# How values are written as text depends on these.
SAME_WRITING = {
    "timezone": "UTC", "datestyle": "ISO, YMD", "intervalstyle": "iso_8601", "extra_float_digits": "1",
    "bytea_output": "hex", "xmloption": "content", "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
}  # fmt: skip


def write_alike() -> None:
    """For the rest of this transaction, values are written the same on every server, and nothing runs out of time."""
    with connection.cursor() as cursor:
        for name, value in SAME_WRITING.items():
            cursor.execute("SELECT set_config(%s, %s, true)", [name, value])


def table_names() -> list[str]:
    return [f"{schema}.{table}" for schema, table, _columns in _tables()]


def _tables() -> list[tuple[str, str, str]]:
    """(schema, name, its columns as SQL); columns that the database works out itself are left out."""
    with connection.cursor() as cursor:
        cursor.execute(TABLES)
        return [(schema, table, ", ".join(columns or ["NULL"])) for schema, table, columns in cursor.fetchall()]


def count_tables() -> dict[str, dict[str, Any]]:
    """{table: {"rows": how many, "digest": of all their values}}; call `write_alike` before."""
    counted = {}
    quote = connection.ops.quote_name
    for schema, table, columns in _tables():
        with connection.cursor() as cursor:
            cursor.execute(DIGEST.format(columns=columns, table=f"{quote(schema)}.{quote(table)}"))
            rows, digest = cursor.fetchone()
        counted[f"{schema}.{table}"] = {"rows": rows, "digest": digest}
    return counted


def applied_migrations() -> list[list[str]]:
    with connection.cursor() as cursor:
        if "django_migrations" not in connection.introspection.table_names(cursor):
            return []
        cursor.execute("SELECT app, name FROM django_migrations ORDER BY app, name")
        return [list(row) for row in cursor.fetchall()]


def proofs() -> dict[str, dict]:
    """What each room proves about its own rows: {room: figures}. A room has `proof()` in its AppConfig."""
    return {config.label: config.proof() for config in apps.get_app_configs() if hasattr(config, "proof")}


def files_named_by_rows() -> set[str]:
    """The files that rows name, as they are called in a backup."""
    named = set()
    for model in apps.get_models(include_auto_created=True):
        for field in model._meta.get_fields():
            if isinstance(field, models.FileField):
                where = "private" if type(field.storage) is type(storages["private"]) else "media"
                for name in model._base_manager.exclude(**{field.name: ""}).values_list(field.name, flat=True):
                    if name:
                        named.add(f"{where}/{name}")
    return named
