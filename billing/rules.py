"""The rules about money that the database itself holds, and a check that they are all there and switched on."""

import re
from pathlib import Path

from django.apps import apps
from django.core.checks import Error, Tags, register
from django.db import connections
from django.db.migrations.recorder import MigrationRecorder
from django.db.utils import DEFAULT_DB_ALIAS, DatabaseError

SQL = Path(__file__).parent / "migrations" / "sql"
LAST_RULES = ("billing", "0016_charged_on_arrival")


def expected_triggers() -> set[str]:
    """Names of the triggers that the migrations make."""
    made: set[str] = set()
    for name in ("ledger.sql", "sealed_ledger.sql", "office_rules.sql", "charged_on_arrival.sql"):
        text = (SQL / name).read_text()
        made -= set(re.findall(r"^DROP TRIGGER (\w+)", text, re.MULTILINE))
        made |= set(re.findall(r"^CREATE (?:CONSTRAINT )?TRIGGER (\w+)", text, re.MULTILINE))
    return made


def expected_constraints() -> set[str]:
    """Names of the checks and unique indexes that the models ask for."""
    return {
        constraint.name
        for model in apps.get_app_config("billing").get_models()
        for constraint in model._meta.constraints
    }


def missing_rules(using: str = DEFAULT_DB_ALIAS) -> list[str]:
    """Triggers that are missing or switched off; constraints of our tables that are missing or not validated."""
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled IN ('O', 'A') "
            "UNION SELECT conname FROM pg_constraint WHERE contype <> 't' "
            "UNION SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
            "WHERE i.indisunique AND i.indisvalid"
        )
        present = {row[0] for row in cursor.fetchall()}
        cursor.execute(
            "SELECT c.conname FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid "
            "WHERE t.relname LIKE 'billing\\_%' AND NOT c.convalidated ORDER BY 1"
        )
        unproved = [row[0] for row in cursor.fetchall()]
    return sorted((expected_triggers() | expected_constraints()) - present) + unproved


def rules_are_in_force(using: str) -> list[Error]:
    """billing.E001 for each rule the database does not hold. A database that is still to be migrated is not judged."""
    try:
        if LAST_RULES not in MigrationRecorder(connections[using]).applied_migrations():
            return []
        return [
            Error(
                f"The database does not hold the rule {rule}.",
                hint="Money is not safe without it. Restore it from billing/migrations/sql/.",
                id="billing.E001",
            )
            for rule in missing_rules(using)
        ]
    except DatabaseError:
        return []


@register(Tags.database)
def rules_of_each_database(app_configs, databases=None, **options):
    return [error for using in databases or [] for error in rules_are_in_force(using)]


@register(Tags.security, deploy=True)
def rules_before_going_live(app_configs, databases=None, **options):
    return [] if databases else rules_are_in_force(DEFAULT_DB_ALIAS)
