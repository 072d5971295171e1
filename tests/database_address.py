"""Where the database of the tests is, for the processes that a test starts: embedded, or a server of its own."""

from urllib.parse import urlencode

from django.db import connection

NAMES = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD"}


def parameters() -> dict[str, str]:
    facts = connection.get_connection_params()
    return {name: str(facts[name]) for name in NAMES if facts.get(name)}


def database_url() -> str:
    return f"postgres:///{connection.settings_dict['NAME']}?{urlencode(parameters())}"


def for_programs() -> dict[str, str]:
    """The environment of PostgreSQL's own programs."""
    return {NAMES[name]: value for name, value in parameters().items()} | {
        "PGDATABASE": connection.settings_dict["NAME"]
    }
