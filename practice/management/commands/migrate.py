from contextlib import nullcontext

from django.core.management.commands import migrate
from django.db import transaction
from django.db.migrations.executor import MigrationExecutor

from practice.one_at_a_time import alone_in_turn

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


class Command(migrate.Command):
    def handle(self, *args, **options):
        migrate.MigrationExecutor = WholeExecutor  # type: ignore[attr-defined]
        # Two at once would make the same table, and one of them fail.
        with alone_in_turn(ONE_MIGRATION, options["database"]):
            return super().handle(*args, **options)
