"""A database that takes connections and answers nothing must not hold the threads that serve pages.

A server that is paused, or whose machine is, closes no connection: whoever asked it something waits for ever. Once each
thread has asked, nobody is served, not even a page that lies in memory. So a thread of its own looks how long the
others wait. Where that is long, it asks the server for a connection of its own. A server that lets it in is well, and
the others have asked for much. One that does not hangs: then all connections are cut, and none is tried anew until the
server answers. To pages that is a database that is away.
"""

import os
import socket
import time
from threading import Event, Lock, Thread
from weakref import WeakSet

import psycopg2
from django.db import connections
from psycopg2 import extensions

PATIENCE = 5.0  # seconds a statement may take before somebody asks whether the server is well
LOOKS_EVERY = 1.0


class DatabaseHangs(psycopg2.OperationalError):
    """Nobody tries to connect, since the server has just let nobody in."""


class Watch:
    """Over the connections of this process to one server."""

    def __init__(self):
        self.links: WeakSet[extensions.connection] = WeakSet()
        self.lock = Lock()
        self.dsn = ""
        self.hangs = False
        self.is_suspect = Event()

    def connect(self, dsn: str, *more, **options) -> extensions.connection:
        """What psycopg2 takes as its `connection_factory`."""
        if self.hangs:
            raise DatabaseHangs("The database does not answer.")
        self.dsn = dsn
        try:
            link = extensions.connection(dsn, *more, **options)
        except psycopg2.OperationalError as error:
            if _ran_out_of_time(error):
                self.is_suspect.set()
            raise
        with self.lock:
            self.links.add(link)
        return link

    def keep_looking(self) -> None:
        waiting: dict[extensions.connection, float] = {}
        while True:
            must_look = self.is_suspect.wait(LOOKS_EVERY)
            now = time.monotonic()
            waiting = {link: waiting.get(link, now) for link in self._links() if _waits(link)}
            if must_look or any(now - since >= PATIENCE for since in waiting.values()):
                while self._lets_nobody_in():
                    self.hangs = True
                    for link in self._links():
                        _cut(link)
                self.hangs = False
                self.is_suspect.clear()
                waiting = {}

    def _links(self) -> list[extensions.connection]:
        with self.lock:
            return list(self.links)

    def _lets_nobody_in(self) -> bool:
        try:
            psycopg2.connect(self.dsn).close()
        except psycopg2.OperationalError as error:
            return _ran_out_of_time(error)
        return False


def _ran_out_of_time(error: psycopg2.OperationalError) -> bool:
    """Whether nobody answered within `connect_timeout`; one who refuses answers."""
    return "timeout expired" in str(error)  # libpq's words: it has no number for it


def _waits(link: extensions.connection) -> bool:
    try:
        return link.get_transaction_status() == extensions.TRANSACTION_STATUS_ACTIVE
    except psycopg2.InterfaceError:
        return False  # closed


def _cut(link: extensions.connection) -> None:
    """Hang up; whoever waits for an answer gets an OperationalError. The link itself is left to its own thread."""
    try:
        number = link.fileno()
        with socket.socket(fileno=os.dup(number)) as ours:
            # Its thread could have closed it meanwhile, and the number could be that of another socket by now.
            if not link.closed and link.fileno() == number:
                ours.shutdown(socket.SHUT_RDWR)
    except (psycopg2.InterfaceError, OSError):
        return  # closed, or cut before


def watch() -> None:
    """For a process that serves pages, before it connects."""
    for settings in connections.settings.values():
        watching = Watch()
        settings["OPTIONS"]["connection_factory"] = watching.connect
        Thread(target=watching.keep_looking, name="hung-database", daemon=True).start()
