"""What a row went through, for its history page: the change log's entries with what was before and what came after."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher
from typing import Any

from django.contrib.admin.utils import display_for_value
from django.core.exceptions import ValidationError
from django.db import connection, models
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from practice.accounts.models import Change, ChangeAction

MOST_STEPS = 200
MOST_COMPARED = 1_000_000  # pairs of words; beyond that common words no longer count as the same
AROUND = 8  # unchanged words shown before and after a change
HIDDEN = "…"  # how the log writes a value it does not keep


@dataclass(frozen=True)
class Difference:
    """A field and its values as a person reads them; None where the log or the page does not tell the value."""

    label: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Step:
    """One change of the row itself, or of one of the rows that belong to it (`part` names that one)."""

    at: datetime
    by: Any
    how: str
    action: Any
    part: str
    differences: list[Difference]


@dataclass(frozen=True)
class Part:
    """A kind of rows that belong to a row: their model, the foreign key to it, and which fields a page may show."""

    model: type[models.Model]
    link: str
    shown: frozenset[str]


def history_of(row: models.Model, shown: Iterable[str], parts: Iterable[Part] = ()) -> list[Step]:
    """The last MOST_STEPS steps, the newest first. Only fields in `shown` come with their values."""
    steps = _steps_of(type(row), frozenset(shown), models.Q(row=str(row.pk)), [row.pk], "")
    for part in parts:
        column = part.model._meta.get_field(part.link).column  # type: ignore[union-attr]
        keys = list(part.model._base_manager.filter(**{part.link: row.pk}).values_list("pk", flat=True))
        gone = Change.objects.filter(
            table_name=part.model._meta.db_table, action=ChangeAction.DELETE, **{f"before__{column}": row.pk}
        )
        rows = {str(key) for key in keys} | set(gone.values_list("row", flat=True)[:MOST_STEPS])
        name = str(part.model._meta.verbose_name)
        steps += _steps_of(part.model, part.shown - {part.link}, models.Q(row__in=rows), keys, name)
    return sorted(steps, key=lambda step: step.at, reverse=True)[:MOST_STEPS]


def _steps_of(model, shown, which: models.Q, keys: list, part: str) -> list[Step]:
    log = Change.objects.filter(which, table_name=model._meta.db_table).select_related("user")
    later = _as_stored(model, keys)
    names = {str(key): str(row) for key, row in model._base_manager.in_bulk(keys).items()} if part else {}
    steps = []
    for change in log[:MOST_STEPS]:
        now = later.setdefault(change.row, {})
        found = [
            _difference(model, shown, column, value, now.get(column))
            for column, value in change.before.items()
            if change.action == ChangeAction.UPDATE
        ]
        now |= change.before
        differences = [one for one in found if one is not None]
        if differences or change.action != ChangeAction.UPDATE:
            name = f"{part} {names.get(change.row, change.row)}" if part else ""
            action = change.get_action_display()
            steps.append(Step(change.changed_at, change.user, change.route, action, name, differences))
    return steps


def _as_stored(model, keys: list) -> dict[str, dict]:
    """{key: {column: value}} of these rows as they are now, with values written as the log writes them."""
    table, key = map(connection.ops.quote_name, (model._meta.db_table, model._meta.pk.column))
    with connection.cursor() as cursor:
        query = f"SELECT {key}::text, to_jsonb(t)::text FROM {table} AS t WHERE {key} = ANY(%s)"  # noqa: S608
        cursor.execute(query, [keys])
        return {key: json.loads(facts) for key, facts in cursor.fetchall()}


def _difference(model, shown, column: str, before, after) -> Difference | None:
    """None for what nobody would call a change: other white space, and what the site keeps for itself."""
    field = _field_of(model, column)
    if field is None:
        return Difference(column, None, None)
    label = str(field.verbose_name)
    if HIDDEN in (before, after):
        return Difference(label, None, None)
    if field.name not in shown:
        return Difference(label, None, None) if field.editable else None
    was, now = _in_words(field, before), _in_words(field, after)
    return Difference(label, *mark_changes(was, now)) if was.split() != now.split() else None


def _field_of(model, column: str):
    found = [field for field in model._meta.concrete_fields if field.column == column]
    return found[0] if found else None


def _in_words(field, value) -> str:
    if value in (None, ""):
        return ""
    if field.remote_field:
        related = field.remote_field.model._base_manager.filter(pk=value).first()
        return str(related or value)
    if field.choices:
        return str(dict(field.flatchoices).get(value, value))
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    try:
        return display_for_value(field.to_python(value), "")
    except ValidationError:
        return str(value)


def mark_changes(before: str, after: str) -> tuple[SafeString, SafeString]:
    """Both texts as HTML, the words that went in <del> and those that came in <ins>; long unchanged stretches cut."""
    old, new = before.split(), after.split()
    was, now = [], []
    for kind, a, b, c, d in SequenceMatcher(None, old, new, autojunk=len(old) * len(new) > MOST_COMPARED).get_opcodes():
        if kind == "equal":
            same = escape(_cut(old[a:b]))
            was.append(same)
            now.append(same)
            continue
        if a < b:
            was.append(format_html("<del>{}</del>", " ".join(old[a:b])))
        if c < d:
            now.append(format_html("<ins>{}</ins>", " ".join(new[c:d])))
    return mark_safe(" ".join(was)), mark_safe(" ".join(now))  # noqa: S308  (each piece is escaped above)


def _cut(words: list[str]) -> str:
    if len(words) <= 3 * AROUND:
        return " ".join(words)
    return " ".join([*words[:AROUND], "[…]", *words[-AROUND:]])
