"""Writes many rows at once with PostgreSQL's COPY. Constraints and triggers hold; Django's `save` is not asked."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

from django.db import DatabaseError, connection, models

from practice.encryption import EncryptedTextField

LINES_AT_A_TIME = 200
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


def _lines(fields: Sequence[models.Field], rows: Iterable[Sequence]) -> Iterator[str]:
    """The rows as COPY reads them."""
    sealed = [(place, f.preparer()) for place, f in enumerate(fields) if isinstance(f, EncryptedTextField)]
    tabs = len(fields) - 1
    for row in rows:
        values = list(row)
        for place, prepare in sealed:
            values[place] = prepare(values[place])
        line = "\t".join(map(str, values))
        # Most rows have nothing to escape, and this tells it fast.
        if None in values or "\\" in line or "\n" in line or "\r" in line or line.count("\t") != tabs:
            line = "\t".join(map(_cell, values))
        yield line + "\n"


def _cell(value) -> str:
    return "\\N" if value is None else str(value).translate(ESCAPES)


class _Arriving:
    """A file that is written while it is read: PostgreSQL loads what it has while Python makes the next rows."""

    def __init__(self, lines: Iterator[str]):
        self.lines = lines
        self.error: Exception | None = None

    def read(self, size: int) -> str:
        """The next lines, whatever the size; psycopg2 takes them as they come."""
        try:
            return "".join(islice(self.lines, LINES_AT_A_TIME))
        except Exception as error:
            self.error = error  # psycopg2 would tell only that there was one
            raise


def _copy(table: str, fields: Sequence[models.Field], rows: Iterable[Sequence]) -> None:
    text = _Arriving(_lines(fields, rows))
    quote = connection.ops.quote_name
    try:
        with connection.wrap_database_errors, connection.cursor() as cursor:
            cursor.copy_expert(f"COPY {quote(table)} ({_names(fields)}) FROM STDIN", text)
    except DatabaseError as error:
        if text.error is not None:
            raise text.error from None
        told = getattr(error.__cause__, "diag", None)
        raise type(error)((told and told.message_primary) or "COPY failed") from None
