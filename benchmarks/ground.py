"""The database a part measures in: an embedded one of its own, never one with anything real in it."""

from django.conf import settings
from django.core.management import call_command

from benchmarks.servers import BenchmarkError


def lay_ground() -> None:
    """Make the tables. Raises BenchmarkError where the settings (a .env file) name another database server."""
    if settings.DATABASES["default"]["ENGINE"] != "practice.embedded":
        raise BenchmarkError("Benchmarks fill the database they are given: unset DATABASE_URL, also in .env.")
    call_command("migrate", verbosity=0)
