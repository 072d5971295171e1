"""Whether the version that runs can go on while the database is migrated for the next one.

An upgrade without a break has the old code and the new one on one schema: first the migrations, then one server after
another. So a migration may add (expand), and what the old code still reads or writes goes with a later version, when no
code of before is left (contract). A migration that takes away says so: `contracts = "why nobody misses it"`.
"""

import re
from collections.abc import Iterable, Iterator

from django.db import connection
from django.db.migrations import Migration, operations
from django.db.migrations.state import ProjectState
from django.db.models import NOT_PROVIDED, Field, ManyToManyField

TAKES_AWAY = re.compile(
    r"\b(DROP\s+(TABLE|COLUMN|VIEW|FUNCTION|SCHEMA|TYPE)|RENAME|SET\s+NOT\s+NULL|ALTER\s+COLUMN\s+\S+\s+(SET\s+DATA\s+)?TYPE"
    r"|ADD\s+CONSTRAINT|CREATE\s+UNIQUE|REVOKE|TRUNCATE\s+TABLE)\b",
    re.IGNORECASE,
)


def breaks(full_plan: Iterable[Migration], waiting: set[tuple[str, str]]) -> list[str]:
    """Sentences about what breaks the running version, for those of the plan that wait to be applied.

    `full_plan` is every migration from the first on, in the order in which they are applied.
    """
    found, state, new_tables = [], ProjectState(), set[tuple[str, str]]()
    for migration in full_plan:
        is_waiting = (migration.app_label, migration.name) in waiting
        is_marked = bool(getattr(migration, "contracts", ""))
        for operation in migration.operations:
            if is_waiting and not is_marked:
                name = f"{migration.app_label}.{migration.name}"
                found += [f"{name}: {why}" for why in _why(operation, migration.app_label, state, new_tables)]
            if is_waiting:
                new_tables |= _made_by(operation, migration.app_label)
            operation.state_forwards(migration.app_label, state)
    return found


def _made_by(operation, app_label: str) -> set[tuple[str, str]]:
    """The models it creates: the old code does not know them."""
    return {(app_label, operation.name_lower)} if isinstance(operation, operations.CreateModel) else set()


def _why(operation, app_label: str, state: ProjectState, new_tables: set[tuple[str, str]]) -> Iterator[str]:
    model = getattr(operation, "model_name_lower", getattr(operation, "name_lower", ""))
    if (app_label, model) in new_tables:
        return
    match operation:
        case operations.SeparateDatabaseAndState():
            for inner in operation.database_operations:
                yield from _why(inner, app_label, state, new_tables)
        case operations.DeleteModel() | operations.RenameModel() | operations.AlterModelTable():
            yield f"the old code still looks for the table of {operation.describe()!r}"
        case operations.RemoveField() | operations.RenameField():
            yield f"the old code still reads the column: {operation.describe()!r}"
        case operations.AddField():
            if not _old_code_can_leave_out(operation.field):
                yield f"the old code writes rows without {model}.{operation.name}: give it null=True or a db_default"
        case operations.AlterField():
            before = state.models[app_label, model].fields[operation.name]
            yield from _why_altered(f"{model}.{operation.name}", before, operation.field)
        case operations.AddConstraint():
            yield f"the old code may write rows that {operation.constraint.name} refuses"
        case operations.AlterUniqueTogether():
            yield f"the old code may write rows that are not unique: {operation.describe()!r}"
        case operations.RunSQL():
            for words in sorted({match.group(0).upper() for match in TAKES_AWAY.finditer(_text_of(operation.sql))}):
                yield f"SQL of its own says {words}"


def _why_altered(name: str, before: Field, after: Field) -> Iterator[str]:
    if isinstance(after, ManyToManyField):
        return
    if before.null and not after.null:
        yield f"the old code still writes empty values into {name}"
    if after.unique and not before.unique:
        yield f"the old code may write equal values into {name}"
    if before.db_column != after.db_column or _type_of(before) != _type_of(after):
        yield f"{name} becomes something else under the old code: {_type_of(before)} to {_type_of(after)}"


def _old_code_can_leave_out(field: Field) -> bool:
    has_default = field.db_default is not NOT_PROVIDED or field.generated
    return isinstance(field, ManyToManyField) or ((field.null or has_default) and not (field.unique and not field.null))


def _type_of(field: Field) -> str:
    if field.remote_field is not None:
        return f"a reference to {field.remote_field.model}".lower()
    return field.db_parameters(connection=connection)["type"] or ""


def _text_of(sql) -> str:
    if isinstance(sql, str):
        return sql
    return "\n".join(part if isinstance(part, str) else part[0] for part in sql)
