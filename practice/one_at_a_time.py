"""Work that one process at a time may do, however many machines start it: advisory locks of PostgreSQL's."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DEFAULT_DB_ALIAS, connection, connections

ASKED_EVERY = 0.5  # seconds


@contextmanager
def alone(number: int, using: str = DEFAULT_DB_ALIAS) -> Iterator[bool]:
    """Holds the lock of this number meanwhile; gives False, and holds nothing, where another process does.

    The lock belongs to the session: it is free as soon as the process is gone, and not before the connection is, so
    a pool in front of PostgreSQL must give each client a session of its own.
    """
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [number])
        (is_ours,) = cursor.fetchone()
        try:
            yield is_ours
        finally:
            if is_ours and not cursor.connection.closed:  # else the lock has ended with the session
                cursor.execute("SELECT pg_advisory_unlock(%s)", [number])


@contextmanager
def alone_in_turn(number: int, using: str = DEFAULT_DB_ALIAS) -> Iterator[None]:
    """Holds the lock of this number meanwhile, and waits for it as long as it takes.

    Asked again and again, since a statement that waits would itself be waited for where an index is made concurrently.
    """
    while True:
        with alone(number, using) as is_ours:
            if is_ours:
                yield
                return
        time.sleep(ASKED_EVERY)


def wait_for_turn(number: int) -> None:
    """Holds the lock of this number until the transaction ends. Waits for it as long as for any other lock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])
