"""The page cache: published pages are served from memory, ahead of Django, sessions and the database.

It stands around the WSGI application, so a page that is known costs a look into a dictionary. Each worker keeps copies
in memory, and all workers of a machine share them through files, so that one reader is enough for all of them, also
when the database is gone. What a copy is known by is all the page may depend on: the request that makes it carries
nothing else. See `published_pages` for what may be kept, and for the version that tells how long.

When the database is away, copies of the last known version are served; what is known to be older is not.
"""

import logging
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from hashlib import sha256
from importlib import import_module
from io import BytesIO
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.urls import Resolver404, resolve
from django.utils import translation

from practice.page_copies import OK, PageCopy
from practice.page_files import PageFiles
from practice.published_pages import PARAMETERS, read_version

logger = logging.getLogger(__name__)

ASKED_EVERY = 0.4  # seconds between two looks at the version; a change must be seen everywhere within one
WAIT_FOR_ANOTHER = 1.0  # at most, for another thread that looks
UNREACHABLE_FOR = 1.0  # how long nobody asks again after the database did not answer
WAIT_FOR_COPY = 10.0  # at most, for another thread that makes the same page
LONGEST_ADDRESS = 300
# Of a request's own headers only these reach the view of a published page.
PASSED_ON = ("HTTP_HOST", "SERVER_NAME", "SERVER_PORT", "SERVER_PROTOCOL", "PATH_INFO", "wsgi.url_scheme")
FORWARDED_HTTPS = "HTTP_X_FORWARDED_PROTO"


class Asked(NamedTuple):
    """What a copy is known by."""

    host: str
    is_https: bool
    path: str
    parameters: str  # those that published pages read, sorted, as a query string


class Version:
    """The version of the published content as this process knows it."""

    def __init__(self, files: PageFiles):
        self.files = files
        self.value: str | None = None
        self.asked_at = -1e9  # by the monotonic clock
        self.try_again_at = -1e9
        self.asking = threading.Lock()

    def current(self) -> str | None:
        """The version, at most ASKED_EVERY seconds old; the last known one while the database is away."""
        now = time.monotonic()
        age = now - self.asked_at
        if age < ASKED_EVERY or now < self.try_again_at:
            return self.value
        # One thread asks. The others go on with what is known, unless it is too old to go by.
        if not self.asking.acquire(timeout=0 if age < 2 * ASKED_EVERY else WAIT_FOR_ANOTHER):
            if age >= 2 * ASKED_EVERY:
                self.try_again_at = time.monotonic() + UNREACHABLE_FOR  # it hangs
            return self.value
        try:
            if time.monotonic() - self.asked_at >= ASKED_EVERY and time.monotonic() >= self.try_again_at:
                self._ask()
        finally:
            self.asking.release()
        return self.value

    def _ask(self) -> None:
        asked_at = time.monotonic()
        try:
            value = _read_version()
        except (DatabaseError, InterfaceError):
            self.try_again_at = time.monotonic() + UNREACHABLE_FOR
            if self.value is None:
                self.value = self.files.last_version()
            return
        if value != self.value:
            self.files.note_version(value)
        self.value, self.asked_at = value, asked_at


def _read_version() -> str:
    """Also after the server was restarted: a connection that is broken is thrown away and made anew, once.

    Not where the server says no, as to somebody who has waited long for a lock: it would only be waited for once more.
    """
    connection.close_if_unusable_or_obsolete()
    try:
        return read_version()
    except (DatabaseError, InterfaceError):
        says_no = connection.connection is not None and connection.is_usable()
        connection.close()
        if says_no:
            raise
    try:
        return read_version()
    except (DatabaseError, InterfaceError):
        connection.close()
        raise


class Shelf:
    """Copies in memory, at most so many bytes of them; what was not asked for longest goes first."""

    def __init__(self, most_bytes: int):
        self.most_bytes = most_bytes
        self.bytes = 0
        self.copies: OrderedDict[Asked, PageCopy] = OrderedDict()
        self.lock = threading.Lock()

    def get(self, asked: Asked) -> PageCopy | None:
        with self.lock:
            found = self.copies.get(asked)
            if found is not None:
                self.copies.move_to_end(asked)
            return found

    def put(self, asked: Asked, copy: PageCopy) -> None:
        with self.lock:
            self._take_out(asked)
            if copy.size > self.most_bytes // 8:
                return  # one page must not push all others out
            self.copies[asked] = copy
            self.bytes += copy.size
            while self.bytes > self.most_bytes:
                self._take_out(next(iter(self.copies)))

    def _take_out(self, asked: Asked) -> None:
        gone = self.copies.pop(asked, None)
        if gone is not None:
            self.bytes -= gone.size


class PageCache:
    """Wraps a WSGI application. `megabytes` bounds the copies in this process, and the files all processes share."""

    def __init__(self, application: Callable, megabytes: int):
        self.application = application
        most_bytes = megabytes * 1024 * 1024
        # Addresses with parameters are without end, so they have a shelf of their own and never push a page out.
        self.pages, self.with_parameters = Shelf(most_bytes * 3 // 4), Shelf(most_bytes // 4)
        self.files = PageFiles(settings.VAR_DIR / "pages", most_bytes, code_stamp())
        self.version = Version(self.files)
        self.being_made: dict[Asked, threading.Event] = {}
        self.lock = threading.Lock()
        self.session_cookie = f"{settings.SESSION_COOKIE_NAME}="
        self.public_host = settings.PUBLIC_ORIGIN.partition("://")[2]
        self.trusts_proxy = settings.SECURE_PROXY_SSL_HEADER is not None
        import_module(settings.ROOT_URLCONF)  # the views say which parameters they read

    def __call__(self, environ: dict, start_response: Callable) -> Iterable[bytes]:
        asked = self._asked(environ)
        if asked is None:
            return self.application(environ, start_response)
        shelf = self.with_parameters if asked.parameters else self.pages
        copy = shelf.get(asked)
        if copy is None and not _is_published(asked.path):
            return self.application(environ, start_response)
        version = self.version.current()
        if copy is None or copy.version != version:
            copy = self._find_or_make(asked, version, shelf, environ)
            if copy is None:
                return self.application(environ, start_response)
        status, headers, body = copy.answer(
            environ["REQUEST_METHOD"], environ.get("HTTP_ACCEPT_ENCODING", ""), environ.get("HTTP_IF_NONE_MATCH", "")
        )
        start_response(status, headers)
        return [body] if body else []

    def _asked(self, environ: dict) -> Asked | None:
        """What is asked for; None where the answer can be no copy, since somebody is signed in, or sends something."""
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD") or environ.get("SCRIPT_NAME"):
            return None
        if self.session_cookie in environ.get("HTTP_COOKIE", ""):
            return None
        path, query = environ["PATH_INFO"], environ.get("QUERY_STRING", "")
        if len(path) + len(query) > LONGEST_ADDRESS:
            return None
        is_https = environ["wsgi.url_scheme"] == "https" or (
            self.trusts_proxy and environ.get(FORWARDED_HTTPS, "").split(",")[0].strip() == "https"
        )
        host, parameters = environ.get("HTTP_HOST", ""), _known_parameters(query) if query else ""
        if parameters is None or not self._is_plain(host, environ.get("SERVER_PORT", "")):
            return None
        return Asked(host, is_https, path, parameters)

    def _is_plain(self, host: str, port: str) -> bool:
        """Whether this is how browsers name a host of ours. A copy for each odd way to write it would push others out.

        Which names are ours is Django's to say: it refuses others, and so there is no copy.
        """
        name, _colon, given = host.rpartition(":") if host[-1:] != "]" and ":" in host else (host, "", "")
        is_plain = host == host.lower() and not name.endswith(".")
        return is_plain and (host == self.public_host or given in ("", port))

    def _find_or_make(self, asked: Asked, version: str | None, shelf: Shelf, environ: dict) -> PageCopy | None:
        """The copy of this version, made by one thread while others wait; None where the page is not to be kept."""
        if version is None:
            return None
        with self.lock:
            made = self.being_made.get(asked)
            if made is None:
                self.being_made[asked] = threading.Event()
        if made is not None:
            made.wait(WAIT_FOR_COPY)
            copy = shelf.get(asked)
            return copy if copy is not None and copy.version == version else None
        try:
            copy = shelf.get(asked)  # it may have come meanwhile
            if copy is None or copy.version != version:
                copy = self.files.read(asked, version) or self._make(asked, version, environ)
            if copy is not None and copy.status == OK:
                shelf.put(asked, copy)
            return copy
        finally:
            with self.lock:
                self.being_made.pop(asked).set()

    def _make(self, asked: Asked, version: str, environ: dict) -> PageCopy | None:
        """Ask the site for the page, by a request that carries what the copy is known by and nothing else.

        What is no page (not found, moved, a fault) comes as a copy too, to be sent once. None where the answer depends
        on more, which is a fault of the view.
        """
        inner = {name: environ[name] for name in PASSED_ON if name in environ} | {
            "REQUEST_METHOD": "GET",
            "SCRIPT_NAME": "",
            "QUERY_STRING": asked.parameters,
            "wsgi.version": (1, 0),
            "wsgi.input": BytesIO(),
            "wsgi.errors": environ["wsgi.errors"],
            "wsgi.multithread": environ.get("wsgi.multithread", True),
            "wsgi.multiprocess": environ.get("wsgi.multiprocess", True),
            "wsgi.run_once": False,
            IS_KEPT: True,
        }
        if asked.is_https:
            inner[FORWARDED_HTTPS] = "https"
        response = self.application(inner, lambda *_: None)
        try:
            if response.streaming or response.cookies or response.has_header("Vary"):
                logger.error("The published page %s depends on who asks.", resolve(_address(asked.path)).view_name)
                return None
            status = f"{response.status_code} {response.reason_phrase}"
            copy = PageCopy.make(version, status, response.items(), response.content)
            is_kept = getattr(response, "is_published", False)
        finally:
            response.close()
        if is_kept:
            self.files.write(asked, copy)
        return copy


IS_KEPT = "practice.is_kept"  # in the environment of a request whose answer the page cache keeps


def _known_parameters(query: str) -> str | None:
    """The parameters that published pages read, in one order; of a name that comes twice the last, as views read it.

    None where one has a value that nobody but who typed it should have: such a page is made for them alone.
    """
    given = dict(parse_qsl(query, keep_blank_values=True, encoding="latin-1"))  # bytes, as WSGI writes them
    if any(not pattern.fullmatch(given.get(name, "")) for name, pattern in PARAMETERS.items()):
        return None
    return urlencode({name: given[name] for name in sorted(PARAMETERS) if name in given}, encoding="latin-1")


def _address(path: str) -> str:
    """The path as people write it; WSGI hands over its bytes as if they were Latin-1. Raises UnicodeError."""
    return path.encode("latin-1").decode()


def _is_published(path: str) -> bool:
    """Whether the view behind this address is marked as a published page."""
    try:
        address = _address(path)
        with translation.override(translation.get_language_from_path(address) or settings.LANGUAGE_CODE):
            return getattr(resolve(address).func, "is_published_page", False)
    except (Resolver404, UnicodeError):
        return False


def code_stamp() -> str:
    """Changes with the program, its texts and its settings: pages made by another program are not this one's.

    Of the environment counts what the settings name. The rest tells one start of a server from another (systemd and
    containers number them), and servers of one program share their copies, also with the next one.
    """
    names = (settings.BASE_DIR / "practice" / "settings.py").read_text()
    stamp = sha256(repr(sorted(pair for pair in os.environ.items() if f'"{pair[0]}"' in names)).encode())
    roots = [settings.BASE_DIR / name for name in ("practice", "education", "careers", "patients", "billing")]
    for root in [*roots, settings.BASE_DIR / "templates", settings.BASE_DIR / "locale"]:
        for path in sorted(root.rglob("*")):
            if path.suffix in (".py", ".html", ".mo", ".txt", ".typ"):
                stat = path.stat()
                stamp.update(f"{path} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    for path in (settings.BASE_DIR / ".env", settings.STATIC_ROOT / "staticfiles.json"):
        if path.exists():
            stamp.update(f"{path} {path.stat().st_mtime_ns}\n".encode())
    return stamp.hexdigest()[:16]
