"""What each role of the database may do: the owner migrates, the site works, the backup reads.

The site's role owns nothing, empties nothing, and in a log it can only add. Each app says in its AppConfig which of its
tables are `append_only`, and what the site may do there.
"""

from django.apps import apps
from django.db import connection

EVERYTHING = "SELECT, INSERT, UPDATE, DELETE"


def append_only() -> dict[str, str]:
    """{table: what the site may do with it}, of the tables where that is less than everything."""
    found: dict[str, str] = {}
    for config in apps.get_app_configs():
        found |= getattr(config, "append_only", {})
    return found


def role_statements(owner: str, app: str, backup: str) -> list[str]:
    """SQL that makes the roles and their grants anew; to be run by the owner or a superuser, after each migrate."""
    own, site, read = (connection.ops.quote_name(name) for name in (owner, app, backup))
    database = connection.ops.quote_name(connection.settings_dict["NAME"])
    literals = {name: "'" + name.replace("'", "''") + "'" for name in (app, backup)}
    statements = [
        f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {literals[name]}) "
        f"THEN CREATE ROLE {connection.ops.quote_name(name)} LOGIN; END IF; END $$"
        for name in (app, backup)
    ]
    statements += [
        f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {site}, {read}",
        f"GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {site}",
        f"GRANT CONNECT ON DATABASE {database} TO {read}",
        f"GRANT USAGE ON SCHEMA public TO {site}, {read}",
        f"REVOKE CREATE ON SCHEMA public FROM PUBLIC, {site}, {read}",
        f"GRANT {EVERYTHING} ON ALL TABLES IN SCHEMA public TO {site}",
        f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {site}",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {read}",
        f"GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO {read}",
        f"ALTER DEFAULT PRIVILEGES FOR ROLE {own} IN SCHEMA public GRANT {EVERYTHING} ON TABLES TO {site}",
        f"ALTER DEFAULT PRIVILEGES FOR ROLE {own} IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {site}",
        f"ALTER DEFAULT PRIVILEGES FOR ROLE {own} IN SCHEMA public GRANT SELECT ON TABLES TO {read}",
        f"ALTER ROLE {site} SET statement_timeout = '60s'",
        f"REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM {site}",
    ]
    for table, allowed in sorted(append_only().items()):
        name = connection.ops.quote_name(table)
        statements += [f"REVOKE ALL ON {name} FROM {site}", f"GRANT {allowed} ON {name} TO {site}"]
    return statements
