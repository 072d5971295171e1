"""What passes by itself: a database, a disk or a bucket that takes nothing now. No input and no program is wrong."""

import errno

import psycopg2.errors
from django.db import InterfaceError, OperationalError

from practice.private_files import StorageFailed

# The last two count as errors of the program, and are none: a standby taken for the server, and a server that ended a
# transaction which waited too long.
AWAY = (
    OperationalError,
    InterfaceError,
    StorageFailed,
    psycopg2.errors.ReadOnlySqlTransaction,
    psycopg2.errors.IdleInTransactionSessionTimeout,
)
NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}


def is_outage(error: BaseException | None) -> bool:
    """Whether this, or what it came of, is an outage."""
    while error is not None:
        if isinstance(error, AWAY) or (isinstance(error, OSError) and error.errno in NO_ROOM) or _was_cut(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def _was_cut(error: BaseException) -> bool:
    """Whether the server hung up in the middle of an answer: psycopg2 has no better name for it than its base class."""
    if not isinstance(error, psycopg2.DatabaseError):
        return False
    return type(error) is psycopg2.DatabaseError and error.pgcode is None
