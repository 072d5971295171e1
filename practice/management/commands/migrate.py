import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress

from django.core.management.commands import migrate
from django.db import DatabaseError, InterfaceError, connections, transaction
from django.db.migrations.executor import MigrationExecutor

ONE_MIGRATION = 6_211_004  # of PostgreSQL's advisory locks


class WholeExecutor(MigrationExecutor):
    """A migration and the note that it was applied are one transaction.

    Django commits most migrations first and notes them then. Killed in between, the next `migrate` would do the
    migration again and fail for ever, because its tables are there.
    """

    def apply_migration(self, state, migration, *args, **options):
        with self._in_one(migration):
            return super().apply_migration(state, migration, *args, **options)

    def unapply_migration(self, state, migration, *args, **options):
        with self._in_one(migration):
            return super().unapply_migration(state, migration, *args, **options)

    def _in_one(self, migration):
        return transaction.atomic(using=self.connection.alias) if migration.atomic else nullcontext()


@contextmanager
def alone(alias: str) -> Iterator[None]:
    """Waits until no other `migrate` is at work: two at once would make the same table, and one of them fail.

    Asked again and again, since a statement that waits would itself be waited for where an index is made concurrently.
    """
    connection = connections[alias]
    while not _ask(connection, "SELECT pg_try_advisory_lock(%s)"):
        time.sleep(0.5)
    try:
        yield
    finally:
        with suppress(DatabaseError, InterfaceError):  # then the lock ends with the session
            _ask(connection, "SELECT pg_advisory_unlock(%s)")


def _ask(connection, statement: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(statement, [ONE_MIGRATION])
        return cursor.fetchone()[0]


class Command(migrate.Command):
    def handle(self, *args, **options):
        migrate.MigrationExecutor = WholeExecutor  # type: ignore[attr-defined]
        with alone(options["database"]):
            return super().handle(*args, **options)
