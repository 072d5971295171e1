from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from practice.upgrading import breaks


class Command(BaseCommand):
    help = "Say whether the migrations that wait can be applied while the version before goes on serving."

    def handle(self, *args, **options):
        executor = MigrationExecutor(connection)
        targets = executor.loader.graph.leaf_nodes()
        waiting = {(migration.app_label, migration.name) for migration, _ in executor.migration_plan(targets)}
        full_plan = [migration for migration, _ in executor.migration_plan(targets, clean_start=True)]
        found = breaks(full_plan, waiting)
        for sentence in found:
            self.stderr.write(sentence)
        if found:
            raise CommandError("Stop the old version before you migrate: it would fail on the new tables.")
        wait = "1 migration waits" if len(waiting) == 1 else f"{len(waiting)} migrations wait"
        self.stdout.write(f"{wait}; the version before can go on meanwhile.")
