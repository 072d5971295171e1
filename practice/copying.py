"""Writes many rows at once with PostgreSQL's COPY. Constraints and triggers hold; Django's `save` is not asked."""

import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

from django.db import DatabaseError, connection, models

from practice.encryption import EncryptedTextField

ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


Row = TypeVar("Row")


def batches(rows: Iterable[Row], size: int) -> Iterator[tuple[Row, ...]]:
    """The rows, so many at a time. (`itertools.batched` of Python 3.12.)"""
    remaining = iter(rows)
    while batch := tuple(islice(remaining, size)):
        yield batch


def new_keys(model: type[models.Model], count: int) -> list[int]:
    """So many primary keys that nobody else will get."""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH sequence AS MATERIALIZED (SELECT pg_get_serial_sequence(%s, 'id')::regclass AS name) "
            "SELECT nextval(name) FROM sequence, generate_series(1, %s)",
            [model._meta.db_table, count],
        )
        return [row[0] for row in cursor.fetchall()]


def copy_rows(model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence]) -> None:
    """Append rows to the model's table. Values are as the database takes them; encrypted columns are encrypted here.

    Raises Django's database errors, without the row that PostgreSQL quotes in them: it may be about somebody.
    """
    _copy(model._meta.db_table, _fields(model, columns), rows)


def copy_over(model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence]) -> None:
    """Change rows that are there, all at once. The first column is the primary key; see `copy_rows`.

    Only inside a transaction.
    """
    key, *changed = fields = _fields(model, columns)
    quote = connection.ops.quote_name
    table, incoming = quote(model._meta.db_table), "incoming_rows"
    names = _names(fields)
    sets = ", ".join(f"{name} = i.{name}" for name in map(_names, ([f] for f in changed)))
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE {incoming} AS SELECT {names} FROM {table} LIMIT 0")  # noqa: S608
        _copy(incoming, fields, rows)
        cursor.execute(f"ANALYZE {incoming}")
        cursor.execute(
            f"UPDATE {table} t SET {sets} FROM {incoming} i WHERE t.{_names([key])} = i.{_names([key])}"  # noqa: S608
        )
        cursor.execute(f"DROP TABLE {incoming}")


def _fields(model: type[models.Model], columns: Sequence[str]) -> list[models.Field]:
    return [next(f for f in model._meta.concrete_fields if name in (f.column, f.name)) for name in columns]


def _names(fields: Iterable[models.Field]) -> str:
    return ", ".join(connection.ops.quote_name(str(f.column)) for f in fields)


def _cell(value) -> str:
    """A value as COPY reads it."""
    if value is None:
        return "\\N"
    text = str(value)
    # Most texts have nothing to escape, and this tells it fast: tabs and line ends are not printable.
    return text if text.isprintable() and "\\" not in text else text.translate(ESCAPES)


def _copy(table: str, fields: Sequence[models.Field], rows: Iterable[Sequence]) -> None:
    sealed = {place: f for place, f in enumerate(fields) if isinstance(f, EncryptedTextField)}
    text = io.StringIO()
    for row in rows:
        values = [sealed[place].get_prep_value(value) if place in sealed else value for place, value in enumerate(row)]
        text.write("\t".join([_cell(value) for value in values]) + "\n")
    text.seek(0)
    quote = connection.ops.quote_name
    try:
        with connection.wrap_database_errors, connection.cursor() as cursor:
            cursor.copy_expert(f"COPY {quote(table)} ({_names(fields)}) FROM STDIN", text)
    except DatabaseError as error:
        told = getattr(error.__cause__, "diag", None)
        raise type(error)((told and told.message_primary) or "COPY failed") from None
