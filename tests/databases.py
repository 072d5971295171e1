"""Databases beside the one of the tests, on the same server, and what they are made of."""

import re
from contextlib import contextmanager

from django.db import connection, connections


@contextmanager
def another_database(name, template=None):
    """A database that `connection` leads to meanwhile: a copy of the tests' own, or of `template`.

    The tests' own is left as it is. What is a template may have no guests.
    """
    home = connections["default"]
    assert home.settings_dict["NAME"].startswith("test_")  # and never the one you work with
    other, admin = home.copy(), home.copy()
    other.settings_dict["NAME"] = f"{home.settings_dict['NAME']}_{name}"
    admin.settings_dict["NAME"] = "postgres"

    def do(*statements):
        with admin.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    drop = f'DROP DATABASE IF EXISTS "{other.settings_dict["NAME"]}" WITH (FORCE)'
    do(drop, f'CREATE DATABASE "{other.settings_dict["NAME"]}" TEMPLATE "{template or home.settings_dict["NAME"]}"')
    connections["default"] = other
    try:
        yield other.settings_dict["NAME"]
    finally:
        connections["default"] = home
        other.close()
        do(drop)
        admin.close()


def schema():
    """What the database is made of, but the sequences' numbers."""
    kinds = """
        SELECT 'trigger', tgrelid::regclass::text, pg_get_triggerdef(oid), tgenabled::text FROM pg_trigger WHERE NOT tgisinternal
        UNION ALL SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
            WHERE connamespace = 'public'::regnamespace
        UNION ALL SELECT 'index', tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
        UNION ALL SELECT 'extension', extname, extversion, '' FROM pg_extension
        UNION ALL SELECT 'configuration', cfgname, m.maptokentype::text || m.mapseqno, m.mapdict::regdictionary::text
            FROM pg_ts_config c JOIN pg_ts_config_map m ON m.mapcfg = c.oid WHERE cfgnamespace = 'public'::regnamespace
        UNION ALL SELECT 'function', proname, pg_get_functiondef(p.oid), '' FROM pg_proc p
            WHERE pronamespace = 'public'::regnamespace AND prokind = 'f'
        UNION ALL SELECT 'column', attrelid::regclass::text, attname,
            concat_ws(' ', format_type(atttypid, atttypmod), attidentity, attgenerated, attnotnull,
                pg_get_expr(adbin, adrelid)) FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid AND relkind = 'r'
            LEFT JOIN pg_attrdef d ON adrelid = attrelid AND adnum = attnum
            WHERE relnamespace = 'public'::regnamespace AND attnum > 0 AND NOT attisdropped"""
    with connection.cursor() as cursor:
        cursor.execute(kinds)
        # PostgreSQL reads its own `a = ANY ((ARRAY[…])::text[])` as another way to write the same.
        same = re.compile(r"::(character varying|text)(\[\])?|[()\s]")
        return sorted(tuple(same.sub("", str(fact)) for fact in row) for row in cursor.fetchall())
