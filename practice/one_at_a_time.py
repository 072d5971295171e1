"""Work that one process at a time may do, however many machines start it: advisory locks of PostgreSQL's."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def alone(number: int) -> Iterator[bool]:
    """Holds the lock of this number meanwhile; gives False, and holds nothing, where another process does.

    The lock belongs to the session: it is free as soon as the process is gone, and not before the connection is, so
    a pool in front of PostgreSQL must give each client a session of its own.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [number])
        (is_ours,) = cursor.fetchone()
        try:
            yield is_ours
        finally:
            if is_ours:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [number])


def wait_for_turn(number: int) -> None:
    """Holds the lock of this number until the transaction ends. Waits for it as long as for any other lock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])
