"""Anonymous visitors may read from a replica of the database (REPLICA_URL); all else happens on the primary.

Which pages: those marked as published (`published_page`), and views marked `reads_replica`. Whose requests: GET and
HEAD without a session. Nothing else ever asks the replica: the router sends all reading to the primary unless such a
page is being made, and all writing always.

A replica is behind at times. So a page is made from it in one snapshot, and only if that snapshot has every change of
published content that the primary has; else from the primary, as when the replica is away. So nobody reads from it what
was already changed, and the page cache keeps nothing that is older than the version it keeps it under.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.db import InterfaceError, OperationalError, connections, transaction

REPLICA = "replica"
PRIMARY = "default"
AWAY_FOR = 5.0  # seconds in which nobody asks again after it did not answer

logger = logging.getLogger(__name__)
_is_read = ContextVar("a page is being made from the replica", default=False)


class Behind(Exception):
    """The replica lacks a change that the primary has."""


class ReplicaRouter:
    """Reading goes to the primary, or to the replica while a page is being made from it; writing to the primary."""

    def db_for_read(self, model, **hints):
        return REPLICA if _is_read.get() else PRIMARY

    def db_for_write(self, model, **hints):
        return PRIMARY

    def allow_relation(self, one, other, **hints):
        return True  # the same rows, wherever they were read

    def allow_migrate(self, db, app_label, **hints):
        return db == PRIMARY


def reading_connection():
    """The connection for SQL of one's own that reads what the page being made shows."""
    return connections[REPLICA if _is_read.get() else PRIMARY]


def reads_replica(view: Callable) -> Callable:
    """Mark a view that is no published page, but may read from the replica for people who are not signed in.

    It reads nothing but published content, and the reader would not notice if it were made twice.
    """
    view.reads_replica = True  # type: ignore[attr-defined]
    return view


class ReplicaMiddleware:
    """The last one: what stands before it has let the request pass, and reads from the primary."""

    def __init__(self, get_response):
        if not settings.REPLICA_URL:
            raise MiddlewareNotUsed
        self.get_response = get_response
        self.try_again_at = -1e9  # by the monotonic clock

    def __call__(self, request):
        return self.get_response(request)

    def process_view(self, request, view, args, kwargs):
        if not self._may_read(request, view) or time.monotonic() < self.try_again_at:
            return None
        try:
            with _one_snapshot():
                return view(request, *args, **kwargs)
        except Behind:
            return None
        except (OperationalError, InterfaceError) as error:
            self._rest(error)
            return None

    def _may_read(self, request, view) -> bool:
        is_marked = getattr(view, "is_published_page", False) or getattr(view, "reads_replica", False)
        return is_marked and request.method in ("GET", "HEAD") and settings.SESSION_COOKIE_NAME not in request.COOKIES

    def _rest(self, error: Exception) -> None:
        """It is away, or it gave up for the sake of replaying; the primary makes the page."""
        connection = connections[REPLICA]
        if connection.connection is None or not connection.is_usable():
            self.try_again_at = time.monotonic() + AWAY_FOR
            logger.warning("The replica does not answer (%s); the primary is read", type(error).__name__)
            connection.close()


@contextmanager
def _one_snapshot() -> Iterator[None]:
    needed = _changes(PRIMARY)
    with transaction.atomic(using=REPLICA):  # REPEATABLE READ: the first statement settles what all of them see
        if _changes(REPLICA) < needed:
            raise Behind
        token = _is_read.set(True)
        try:
            yield
        finally:
            _is_read.reset(token)


def _changes(using: str) -> int:
    """How often published content was changed, as that server knows."""
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT coalesce(sum(changes), 0) FROM practice_contentchange")
        return cursor.fetchone()[0]
