"""The page cache: the same page for everybody, from memory, and never a moment too old."""

import gzip
import os
import threading
import time
from datetime import UTC, datetime, timedelta
from io import BytesIO
from zoneinfo import ZoneInfo

import brotli
import pytest
import time_machine
from django.conf import settings as django_settings
from django.core.handlers.wsgi import WSGIHandler
from django.db import DatabaseError, OperationalError, connection, connections, transaction
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from practice import page_cache
from practice.announcements.models import Announcement
from practice.models import ContentChange, Identity, Location, Physician
from practice.page_cache import Asked, PageCache, Shelf
from practice.page_copies import PageCopy, best_encoding, has_it
from practice.page_files import PageFiles
from practice.published_pages import fold_changes, published_page, read_version
from tests import factories
from tests.practice.test_project import example
from tests.signing_in import sign_in

LATELY = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Site:
    """One worker: a page cache around an application, and what it answers."""

    def __init__(self, application=None):
        self.cache = PageCache(application or WSGIHandler(), megabytes=8)
        self.headers: dict[str, str] = {}
        self.body = b""

    def ask(self, path, query="", method="GET", **environ):
        """The status code; headers (lower-case names) and body stay on the site."""
        environ = {
            "REQUEST_METHOD": method, "PATH_INFO": path.encode().decode("latin-1"), "QUERY_STRING": query, "SERVER_NAME": "testserver",
            "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": "testserver", "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(), "wsgi.errors": BytesIO(), **environ,
        }  # fmt: skip
        told = []
        answer = self.cache(environ, lambda status, headers: told.append((status, headers)))
        self.body = b"".join(answer)
        if hasattr(answer, "close"):
            answer.close()
        ((status, headers),) = told
        self.headers = {name.lower(): value for name, value in headers}
        return int(status.split()[0])

    def text(self, path, query="", **environ):
        assert self.ask(path, query, **environ) == 200
        return self.body.decode()


def commit():
    """As if the transaction had ended: what it did is counted, and the next one has another number."""
    ContentChange.objects.filter(transaction__gt=0).update(transaction=-1 - ContentChange.objects.count())


@pytest.fixture
def at_once(monkeypatch):
    """Every request asks for the version, so that no test has to wait."""
    monkeypatch.setattr(page_cache, "ASKED_EVERY", 0.0)


@pytest.fixture
def folder(settings, tmp_path, monkeypatch):
    settings.VAR_DIR = tmp_path
    # Between two requests a connection may be closed; here it holds the transaction of the test.
    monkeypatch.setattr(type(connections["default"]), "close_if_unusable_or_obsolete", lambda self: None)
    return tmp_path


@pytest.fixture
def site(db, folder, at_once):
    if not Identity.objects.exists():  # else the rows behind all addresses bring one
        factories.IdentityFactory()
    return Site()


# ---- What is kept ---------------------------------------------------------------------------------------------------


def test_a_known_page_asks_the_database_for_the_version_alone(site):
    first = site.text("/")

    with CaptureQueriesContext(connection) as asked:
        again = site.text("/")

    assert [query["sql"].count("practice_contentchange") for query in asked] == [1]
    assert again == first


@pytest.mark.parametrize("path", ["/nothing/", "/physicians", "/physicians/nobody/", "/glossary/%ff/", "/es/nada/"])
def test_what_is_not_found_is_not_kept(site, path):
    status = site.ask(path)

    assert (status in (301, 404), len(site.cache.pages.copies)) == (True, 0)


def test_each_language_host_and_scheme_has_its_own_page(site, settings):
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.ALLOWED_HOSTS = ["testserver", "other.example"]
    site.cache.trusts_proxy = True

    english, spanish = site.text("/"), site.text("/es/")
    elsewhere = site.text("/", HTTP_HOST="other.example")
    secure = site.text("/", HTTP_X_FORWARDED_PROTO="https")

    assert ['<html lang="en">' in english, '<html lang="es">' in spanish] == [True, True]
    assert ["http://other.example/" in elsewhere, "https://testserver/" in secure] == [True, True]
    assert "http://testserver/" in site.text("/")


def test_a_proxy_that_is_not_trusted_chooses_no_page(site):
    assert "http://testserver/" in site.text("/", HTTP_X_FORWARDED_PROTO="https")
    assert [asked.is_https for asked in site.cache.pages.copies] == [False]


def test_nothing_else_of_a_request_reaches_the_page(site):
    """Whoever asks first cannot choose what others are shown."""
    poisoned = {
        "HTTP_X_FORWARDED_HOST": "evil.example", "HTTP_X_FORWARDED_PREFIX": "/evil", "HTTP_COOKIE": "evil=1; csrf=evil",
        "HTTP_ACCEPT_LANGUAGE": "es", "HTTP_REFERER": "https://evil.example/", "HTTP_USER_AGENT": "evil", "HTTP_ACCEPT": "evil/evil",
        "HTTP_X_ORIGINAL_URL": "/evil", "HTTP_RANGE": "bytes=0-9", "REMOTE_ADDR": "203.0.113.9", "HTTP_X_HTTP_METHOD_OVERRIDE": "POST",
    }  # fmt: skip
    seen = []
    handler = WSGIHandler()

    def application(environ, start_response):
        seen.append(environ)
        return handler(environ, start_response)

    site.cache.application = application
    page = site.text("/", "evil=1&utm_source=evil", **poisoned)

    assert "evil" not in page
    assert "evil" not in repr({key: value for key, value in seen[0].items() if not key.startswith("wsgi.")})
    assert set(seen[0]) & set(poisoned) == set()
    assert site.text("/") == page


@pytest.mark.parametrize(
    ("query", "kept_as"),
    [
        ("q=&page=2", "page=2&q="),
        ("page=2&q=&fbclid=1", "page=2&q="),
        ("page=3&page=2", "page=2"),
        ("on=2026-03-01&exam=mri", "exam=mri&on=2026-03-01"),
        ("q=", "q="),
        ("utm_source=mail", ""),
        ("&&==&q", "q="),
    ],
)
def test_addresses_that_ask_the_same_are_one(site, query, kept_as):
    site.ask("/glossary/", query)

    kept = [*site.cache.with_parameters.copies, *site.cache.pages.copies]
    assert [asked.parameters for asked in kept] == [kept_as]
    assert site.body.decode() == Client().get(f"/glossary/?{kept_as}").content.decode()


@pytest.mark.parametrize(
    "query",
    [
        "q=x-ray", "q=radiograf%C3%ADa", "q=radiografía".encode().decode("latin-1"), "q=%00", "q=&q=x", "code=K7Q2-9FMB",
        "page=%ff", "page=two", "page=0", "page=99999", "page=٢".encode().decode("latin-1"), "on=tuesday", "on=2026-3-1",
        "region=mine", "exam=knee%0A", "size=%3Cb%3E", "location=A", "p=x",
    ],
)  # fmt: skip
def test_no_copy_is_kept_of_what_somebody_typed(site, folder, query):
    """A word to look up may be about somebody's health, so it lies in no memory and in no file."""
    status = site.ask("/glossary/", query)

    assert (status, [*site.cache.with_parameters.copies, *site.cache.pages.copies]) == (200, [])
    assert [path.name for path in site.cache.files.folder.glob("*") if path.name != "version"] == []
    assert not query.isascii() or site.body.decode() == Client().get(f"/glossary/?{query}").content.decode()


@pytest.mark.parametrize(
    "asked",
    ["/search/?q=knee", "/glossary/?q=knee", "/prep-sheets/?q=knee", "/sheet/?code=ABC", "/infobutton?mainSearchCriteria.v.dn=knee"],
)  # fmt: skip
def test_no_browser_keeps_what_somebody_typed(client, identity, asked):
    """It may be about their health, and the computer somebody else's."""
    answers = [client.get(asked), client.head(asked), client.get(f"/es{asked}" if "infobutton" not in asked else asked)]

    assert [answer.headers["Cache-Control"] for answer in answers] == ["private, no-store"] * 3
    assert [answer.headers.get("ETag") for answer in answers] == [None] * 3


@pytest.mark.parametrize("path", ["/glossary/", "/glossary/?q=", "/prep-sheets/?page=1", "/sheet/"])
def test_page_where_nothing_was_typed_is_kept_by_browsers(client, identity, path):
    answer = client.get(path)

    assert (answer.headers["Cache-Control"], "ETag" in answer.headers) == ("no-cache", True)


@pytest.mark.parametrize(
    ("host", "kept"),
    [
        ("testserver", 1), ("testserver:80", 1), ("localhost", 1), ("[::1]", 1), ("[::1]:80", 1),
        ("testserver:81", 0), ("testserver:080", 0), ("TestServer", 0), ("testserver.", 0), ("[::1]:81", 0),
        ("evil.example", 0), ("testserver:80:80", 0), ("testserver@evil", 0),
    ],
)  # fmt: skip
def test_host_has_one_copy_however_oddly_it_is_written(site, settings, host, kept):
    settings.ALLOWED_HOSTS = ["testserver", "localhost", "[::1]"]
    site.ask("/", HTTP_HOST=host)

    assert len(site.cache.pages.copies) == kept


def test_whoever_is_signed_in_is_served_by_the_site_itself(site):
    client = sign_in(Client(), factories.UserFactory())
    cookie = f"csrf=1; session={client.cookies['session'].value}"
    site.text("/")
    (asked,) = site.cache.pages.copies
    site.cache.pages.put(asked, PageCopy.make(site.cache.version.current(), "200 OK", (), b"from memory"))

    assert site.text("/") == "from memory"
    assert site.text("/", HTTP_COOKIE="csrf=1") == "from memory"
    assert "<h1" in site.text("/", HTTP_COOKIE=cookie)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"])
def test_who_sends_something_is_answered_by_the_site_itself(site, method):
    site.text("/")

    assert site.ask("/", method=method) in (403, 405)
    assert site.ask("/", "x=" + "a" * 400) == 200  # long addresses too, and they are not kept
    assert len(site.cache.pages.copies) == 1


def test_a_page_that_sets_a_cookie_is_sent_but_not_kept(folder, monkeypatch, caplog):
    @published_page()
    def careless(request):
        response = HttpResponse("hello")
        response.set_cookie("who", "me")
        return response

    def application(environ, start_response):
        from django.test import RequestFactory  # noqa: PLC0415

        response = careless(RequestFactory().get("/"))
        start_response("200 OK", [("Set-Cookie", "who=me")])
        return response

    monkeypatch.setattr(page_cache, "read_version", lambda: "1")
    site = Site(application)

    assert (site.ask("/"), len(site.cache.pages.copies)) == (200, 0)
    assert ["depends on who asks" in record.message for record in caplog.records] == [True]


# ---- How it goes out ------------------------------------------------------------------------------------------------


def test_the_same_page_in_each_encoding(site):
    plain = site.text("/")
    etag = site.headers["etag"]
    site.ask("/", HTTP_ACCEPT_ENCODING="gzip")
    zipped = (site.headers["content-encoding"], gzip.decompress(site.body).decode(), site.headers["etag"])
    site.ask("/", HTTP_ACCEPT_ENCODING="gzip, deflate, br, zstd")
    brotlied = (site.headers["content-encoding"], brotli.decompress(site.body).decode(), site.headers["etag"])

    assert (zipped, brotlied) == (("gzip", plain, etag), ("br", plain, etag))
    assert (site.headers["vary"], int(site.headers["content-length"])) == ("Accept-Encoding", len(site.body))


@pytest.mark.parametrize(
    ("accepted", "best"),
    [
        ("", ""), ("br", "br"), ("gzip", "gzip"), ("gzip, br", "br"), ("GZIP;q=0.5, BR;q=0.1", "br"), ("br;q=0, gzip", "gzip"),
        ("br;q=0.000,gzip;q=0", ""), ("*", "br"), ("*;q=0", ""), ("br;q=0, *", "gzip"), ("identity", ""), ("deflate, zstd", ""),
        ("br;q=", "br"), (" , ;", ""), ("brx", ""), ("gzip ; q=1.0", "gzip"),
    ],
)  # fmt: skip
def test_best_encoding(accepted, best):
    assert best_encoding(accepted) == best


def test_long_header_is_not_remembered(monkeypatch):
    """Hundreds of them, as long as a server takes them, would fill the memory."""
    asked = []
    monkeypatch.setattr("practice.page_copies._best_encoding", lambda accepted: asked.append(accepted) or "br")

    assert [best_encoding("br," + "x" * 500), best_encoding("br")] == ["", "br"]
    assert asked == ["br"]


def test_who_has_the_page_is_told_so_until_it_changes(site):
    site.text("/")
    etag = site.headers["etag"]
    commit()

    assert site.ask("/", HTTP_IF_NONE_MATCH=etag, HTTP_ACCEPT_ENCODING="br") == 304
    assert (site.body, site.headers["etag"]) == (b"", etag)
    assert "content-length" not in site.headers
    assert {"cache-control", "vary", "content-security-policy"} <= set(site.headers)
    Identity.objects.update(name="Another name")
    assert site.ask("/", HTTP_IF_NONE_MATCH=etag) == 200


@pytest.mark.parametrize(
    ("header", "is_it"),
    [
        ('W/"a"', True), ('"a"', True), ('"b", "a"', True), ("*", True), ('"b"', False), ("a", False), ("", False), ('W/"b",', False),
    ],
)  # fmt: skip
def test_has_it(header, is_it):
    assert has_it(header, 'W/"a"') is is_it


def test_head_tells_what_get_would(site):
    site.ask("/", HTTP_ACCEPT_ENCODING="br")
    got, body = site.headers, site.body

    assert site.ask("/", method="HEAD", HTTP_ACCEPT_ENCODING="br") == 200
    assert (site.headers, site.body, len(body) > 0) == (got, b"", True)


def test_a_copy_says_what_the_site_itself_would(site):
    """Every header of security is on it, and nothing is on it twice."""
    itself = Client().get("/", headers={"accept-encoding": "br"})
    site.ask("/", HTTP_ACCEPT_ENCODING="br")

    assert site.headers == {name.lower(): value for name, value in itself.headers.items()}
    assert site.body == itself.content


def test_pages_of_nobody_are_compressed_and_those_of_a_session_are_not(client, identity):
    accepts = {"accept-encoding": "br"}
    stranger = client.get("/feedback/", headers=accepts)
    member = sign_in(Client(), factories.UserFactory())

    assert stranger.headers["Content-Encoding"] == "br"
    assert b"<h1" in brotli.decompress(stranger.content)
    assert int(stranger.headers["Content-Length"]) == len(stranger.content)
    assert "Content-Encoding" not in member.get("/feedback/", headers=accepts).headers
    assert member.get("/physicians/", headers=accepts).headers["Content-Encoding"] == "br"


def test_pages_have_their_etag_also_without_the_cache(client, identity):
    etag = client.get("/").headers["ETag"]

    assert client.get("/", headers={"if-none-match": etag}).status_code == 304
    assert "ETag" not in client.get("/feedback/").headers


# ---- Never too old --------------------------------------------------------------------------------------------------


def _by_sql():
    with connection.cursor() as cursor:
        cursor.execute("UPDATE practice_identity SET name = 'Another'")


CHANGES = {
    "save": factories.AnnouncementFactory,
    "update": lambda: Physician.objects.update(name="Another"),
    "bulk": lambda: Announcement.objects.bulk_create([factories.AnnouncementFactory.build(slug="bulk")]),
    "related": lambda: Announcement.objects.first().physicians.add(Physician.objects.first()),
    "delete": lambda: Announcement.objects.first().delete(),
    "by SQL": _by_sql,
}


@pytest.mark.parametrize("change", CHANGES)
def test_any_change_of_content_changes_the_version(identity, change):
    factories.AnnouncementFactory()
    factories.PhysicianFactory()
    commit()
    before = read_version()

    CHANGES[change]()

    assert read_version() != before


def test_what_is_no_content_leaves_it(db):
    opening = factories.OpeningFactory()
    factories.ApplicationFactory(opening=opening)
    commit()
    before = read_version()

    factories.ApplicationFactory(opening=opening)
    factories.FeedbackFactory()
    factories.StatementFactory()
    factories.UserFactory()

    assert read_version() == before


def test_a_changed_page_is_the_next_one_shown(site):
    announcement = factories.AnnouncementFactory(title="At first")
    commit()
    first = site.text("/")
    Announcement.objects.filter(pk=announcement.pk).update(title="And then")

    assert ["At first" in first, "And then" in site.text("/"), "At first" in site.text("/")] == [True, True, False]


def test_a_change_that_is_taken_back_was_none(db):
    before = read_version()
    with transaction.atomic():
        factories.LocationFactory()
        transaction.set_rollback(True)

    assert read_version() == before
    assert ContentChange.objects.count() == 0


def test_a_transaction_leaves_one_row_however_much_it_writes(db):
    factories.LocationFactory.create_batch(3)
    with transaction.atomic():
        Location.objects.update(name="Another")

    assert [row.changes for row in ContentChange.objects.all()] == [1]


def test_a_number_of_another_server_hides_no_change(db):
    """A restored database brings rows whose transactions this server has yet to reach."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()::text::bigint")
        (number,) = cursor.fetchone()
    ContentChange.objects.create(transaction=number, changes=7, at=LATELY)
    before = read_version()

    factories.LocationFactory()
    factories.LocationFactory()

    assert read_version() != before
    assert [row.changes for row in ContentChange.objects.all()] == [8]


def test_folding_keeps_the_version(db):
    ContentChange.objects.bulk_create([ContentChange(transaction=n, changes=n, at=LATELY) for n in (1, 2, 3)])
    before = read_version()

    assert (fold_changes(), read_version()) == (3, before)
    factories.LocationFactory()
    after = read_version()
    assert (fold_changes(), fold_changes(), read_version()) == (1, 0, after)
    assert [(row.transaction, row.changes) for row in ContentChange.objects.all()] == [(0, 7)]


@pytest.mark.django_db(transaction=True)
def test_two_who_write_at_once_do_not_wait_for_each_other():
    factories.LocationFactory()
    before = read_version()
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("DELETE FROM practice_physician")
            with connection.cursor() as ours:
                ours.execute("SET lock_timeout = '2s'")
            Location.objects.update(name="Another")
            between = read_version()
            cursor.execute("COMMIT")
        assert len({before, between, read_version()}) == 3
    finally:
        other.close()
        with connection.cursor() as ours:
            ours.execute("RESET lock_timeout")


def test_what_begins_and_ends_by_the_clock(site):
    with time_machine.travel(LATELY, tick=False):
        factories.AnnouncementFactory(
            title="For an hour",
            publish_from=LATELY + timedelta(hours=1),
            publish_until=LATELY + timedelta(hours=2),
        )
    shown = []
    for minutes in (0, 59, 60, 119, 120):
        with time_machine.travel(LATELY + timedelta(minutes=minutes), tick=False):
            shown.append("For an hour" in site.text("/"))

    assert shown == [False, False, True, True, False]


def test_what_begins_by_the_day(site):
    with time_machine.travel(LATELY, tick=False):
        opening = factories.OpeningFactory(title="Night shift", posted_on=LATELY.date(), closes_on=LATELY.date())
        shown = [site.ask(opening.get_absolute_url())]
    midnight = datetime(2026, 3, 3, tzinfo=ZoneInfo("America/Indiana/Indianapolis"))
    for seconds in (-1, 0):
        with time_machine.travel(midnight + timedelta(seconds=seconds), tick=False):
            shown.append(site.ask(opening.get_absolute_url()))

    assert shown == [200, 200, 410]


# ---- Asked seldom, and by one ---------------------------------------------------------------------------------------


class Clock:
    def __init__(self, monkeypatch):
        self.now = 1000.0
        monkeypatch.setattr(page_cache.time, "monotonic", lambda: self.now)


def said(site, path="/"):
    site.ask(path)
    return site.body.decode()


class Numbered:
    """An application whose pages tell how often one was made."""

    def __init__(self):
        self.made = 0
        self.pause = 0.0

    def __call__(self, environ, start_response):
        self.made += 1
        number = self.made
        time.sleep(self.pause)
        response = HttpResponse(f"page {number}")
        response.is_published = True
        start_response("200 OK", [])
        return response


@pytest.fixture
def numbered(folder, monkeypatch):
    monkeypatch.setattr(page_cache, "_is_published", lambda path: True)
    monkeypatch.setattr(page_cache, "code_stamp", lambda: "stamp")  # the environment names the phase of the test
    return Site(Numbered())


def test_the_version_is_asked_for_twice_a_second_at_most(numbered, monkeypatch):
    clock, asked = Clock(monkeypatch), []
    monkeypatch.setattr(page_cache, "read_version", lambda: asked.append(clock.now) or str(len(asked)))
    pages = []
    for now in (0, 0.1, 0.39, 0.41, 0.6, 0.83):
        clock.now = 1000 + now
        pages.append(said(numbered))

    assert asked == [1000, 1000.41, 1000.83]
    assert pages == ["page 1", "page 1", "page 1", "page 2", "page 2", "page 3"]


@pytest.mark.parametrize("path", ["/healthz", "/static/css/site.css", "/nothing/", "/pay/"])
def test_what_is_never_kept_asks_for_no_version(folder, monkeypatch, path):
    monkeypatch.setattr(page_cache, "read_version", lambda: pytest.fail("nobody needs the version here"))

    assert said(Site(Numbered()), path) == "page 1"


def test_a_page_that_many_ask_for_at_once_is_made_once(numbered, monkeypatch):
    monkeypatch.setattr(page_cache, "read_version", lambda: "1")
    numbered.cache.application.pause = 0.2
    answers = []

    def reader():
        environ = {
            "REQUEST_METHOD": "GET", "PATH_INFO": "/", "HTTP_HOST": "x", "wsgi.url_scheme": "http", "wsgi.errors": None,
        }  # fmt: skip
        answers.append(b"".join(numbered.cache(environ, lambda *_: None)))

    readers = [threading.Thread(target=reader) for _ in range(20)]
    for one in readers:
        one.start()
    for one in readers:
        one.join()

    assert (answers, numbered.cache.application.made) == ([b"page 1"] * 20, 1)


def test_a_page_that_fails_lets_the_next_one_try(numbered, monkeypatch):
    monkeypatch.setattr(page_cache, "read_version", lambda: "1")
    whole, numbered.cache.application = numbered.cache.application, lambda *_: 1 / 0
    with pytest.raises(ZeroDivisionError):
        numbered.ask("/")
    numbered.cache.application = whole

    assert (said(numbered), numbered.cache.being_made) == ("page 1", {})


# ---- The database away ----------------------------------------------------------------------------------------------


def away():
    raise OperationalError


def test_pages_of_the_last_known_version_are_served_while_the_database_is_away(numbered, monkeypatch):
    clock = Clock(monkeypatch)
    monkeypatch.setattr(page_cache, "read_version", lambda: "1")
    first = said(numbered)
    monkeypatch.setattr(page_cache, "read_version", away)
    clock.now += 60

    assert [said(numbered), said(numbered)] == [first, first]
    clock.now += 60
    monkeypatch.setattr(page_cache, "read_version", lambda: "2")
    assert said(numbered) == "page 2"


@pytest.mark.django_db(transaction=True)
def test_version_that_somebody_locks_is_not_waited_for_twice(monkeypatch):
    tries, other = [], connection.copy()
    monkeypatch.setattr(page_cache, "read_version", lambda: tries.append(1) or read_version())
    try:
        with other.cursor() as cursor, connection.cursor() as ours:
            cursor.execute("BEGIN")
            cursor.execute("LOCK TABLE practice_contentchange IN ACCESS EXCLUSIVE MODE")
            ours.execute("SET lock_timeout = '50ms'")
            with pytest.raises(OperationalError):
                page_cache._read_version()
        assert len(tries) == 1
    finally:
        other.close()


def test_what_is_known_to_be_old_is_not_served(numbered, monkeypatch):
    clock = Clock(monkeypatch)
    monkeypatch.setattr(page_cache, "read_version", lambda: "1")
    said(numbered)
    clock.now += 1
    monkeypatch.setattr(page_cache, "read_version", lambda: "2")
    said(numbered, "/other/")
    monkeypatch.setattr(page_cache, "read_version", away)
    clock.now += 1
    numbered.cache.application = lambda environ, start: HttpResponse("away", status=503)

    numbered.ask("/")
    assert numbered.body == b"away"
    assert said(numbered, "/other/") == "page 2"


def test_nobody_waits_for_a_database_that_is_away(numbered, monkeypatch):
    clock, tries = Clock(monkeypatch), []

    def refuse():
        tries.append(clock.now)
        raise OperationalError

    monkeypatch.setattr(page_cache, "read_version", lambda: "1")
    said(numbered)
    monkeypatch.setattr(page_cache, "read_version", refuse)
    for second in range(5):
        clock.now = 2000.0 + second / 2
        said(numbered)

    assert tries == [2000.0, 2000.0, 2001.0, 2001.0, 2002.0, 2002.0]  # a broken connection is tried once more


def test_a_worker_that_starts_while_the_database_is_away_finds_what_the_others_made(numbered, monkeypatch):
    monkeypatch.setattr(page_cache, "read_version", lambda: "1")
    page = said(numbered)
    monkeypatch.setattr(page_cache, "read_version", away)

    assert said(Site(lambda *_: pytest.fail("nobody can make a page now"))) == page


def test_a_site_whose_tables_are_not_there_yet_keeps_nothing(numbered, monkeypatch):
    def no_table():
        raise DatabaseError

    monkeypatch.setattr(page_cache, "read_version", no_table)

    assert [said(numbered), said(numbered)] == ["page 1", "page 2"]


# ---- Room -----------------------------------------------------------------------------------------------------------


def copy_of(size, version="1"):
    return PageCopy(version, "200 OK", (), "text/html", {"": b"x" * size})


def test_what_was_not_asked_for_longest_goes_first():
    shelf = Shelf(100_000)
    for name in "abcdefgh":
        shelf.put(name, copy_of(8_000))
    shelf.get("a")
    for name in "ijk":
        shelf.put(name, copy_of(8_000))

    assert list(shelf.copies) == ["d", "e", "f", "g", "h", "a", "i", "j", "k"]
    assert shelf.bytes == sum(copy.size for copy in shelf.copies.values()) <= 100_000


def test_a_huge_page_is_not_kept_and_an_old_one_is_not_counted_twice():
    shelf = Shelf(100_000)
    shelf.put("a", copy_of(4_000))
    shelf.put("a", copy_of(5_000))
    shelf.put("b", copy_of(50_000))
    shelf.put("a", copy_of(50_000))

    assert (list(shelf.copies), shelf.bytes) == ([], 0)


def test_addresses_with_parameters_push_no_page_out(numbered, monkeypatch):
    monkeypatch.setattr(page_cache, "read_version", lambda: "1")
    monkeypatch.setattr(page_cache, "PARAMETERS", {"q"})
    said(numbered)
    for number in range(2000):
        numbered.cache.with_parameters.put(Asked("x", False, "/", f"q={number}"), copy_of(8_000))

    assert said(numbered) == "page 1"
    assert numbered.cache.with_parameters.bytes <= 2 * 1024 * 1024


# ---- Files ----------------------------------------------------------------------------------------------------------

ASKED = Asked("testserver", False, "/", "")


@pytest.fixture
def files(tmp_path):
    return PageFiles(tmp_path, 1_000_000, "stamp")


def test_a_copy_comes_back_as_it_was(files):
    copy = PageCopy.make(
        "1", "200 OK", [("X-A", "1"), ("Content-Type", "text/html"), ("Content-Length", "9")], b"<p>" * 200
    )
    files.write(ASKED, copy)

    assert files.read(ASKED, "1") == copy
    assert [files.read(ASKED, "2"), files.read(ASKED._replace(path="/es/"), "1")] == [None, None]
    assert oct(files.folder.stat().st_mode)[-3:] == "700"


def zeros_behind_the_head(content):
    """What a power cut can leave: the length of all of it, and the bytes of the beginning."""
    head, end, rest = content.partition(b"\n")
    return head + end + bytes(len(rest))


@pytest.mark.parametrize(
    "damage",
    [
        lambda b: b[:-1], lambda b: b"", lambda b: b"\x00" + b, lambda b: b + b"x", lambda b: bytes(len(b)),
        zeros_behind_the_head, lambda _: b"7\n", lambda _: b"null\n", lambda _: b"{}\n", lambda _: b"\xff\n",
        lambda _: b"[" * 200_000 + b"\n", lambda b: b.replace(b'"headers"', b'"hexders"'),
    ],
)  # fmt: skip
def test_a_damaged_file_is_none(files, damage):
    files.write(ASKED, copy_of(100))
    (path,) = files.folder.iterdir()
    path.write_bytes(damage(path.read_bytes()))

    assert files.read(ASKED, "1") is None


def test_a_damaged_version_is_none(files):
    files.note_version("1")
    (files.folder / "version").write_bytes(b"\xff\xfe")

    assert files.last_version() is None


def test_another_program_starts_with_none(files, tmp_path):
    files.write(ASKED, copy_of(100))
    files.note_version("1")
    other = PageFiles(tmp_path, 1_000_000, "another")

    assert (other.read(ASKED, "1"), other.last_version()) == (None, None)


@pytest.mark.parametrize(("days", "is_there"), [(1, True), (3, False)])
def test_pages_of_a_program_stay_while_it_serves(files, tmp_path, days, is_there):
    files.write(ASKED, copy_of(100))
    files.note_version("1")
    long_ago = time.time() - days * 24 * 3600
    os.utime(files.folder, (long_ago, long_ago))
    PageFiles(tmp_path, 1_000_000, "another")

    assert (files.read(ASKED, "1") is not None, files.last_version() == "1") == (is_there, is_there)


def test_servers_of_one_program_share_their_pages_whatever_started_them(monkeypatch):
    before = page_cache.code_stamp()
    for name in ("INVOCATION_ID", "JOURNAL_STREAM", "SYSTEMD_EXEC_PID", "HOSTNAME"):  # of systemd and of containers
        monkeypatch.setenv(name, "another")

    assert page_cache.code_stamp() == before


@pytest.mark.parametrize("name", sorted(example()))
def test_program_with_other_settings_is_another(monkeypatch, name):
    before = page_cache.code_stamp()
    monkeypatch.setenv(name, "another")

    assert page_cache.code_stamp() != before


def test_the_folder_stays_in_its_bounds(files):
    files.note_version("1")
    for number in range(40):
        files.write(number, copy_of(50_000))

    kept = sum(path.stat().st_size for path in files.folder.iterdir())
    assert (kept < 1_300_000, files.read(39, "1") is not None, files.last_version()) == (True, True, "1")


def test_where_nothing_can_be_written_nothing_is_missing(tmp_path):
    (tmp_path / "stamp").write_text("a file where the folder should be")
    files = PageFiles(tmp_path, 1_000_000, "stamp")
    files.write(ASKED, copy_of(100))
    files.note_version("1")

    assert (files.read(ASKED, "1"), files.last_version()) == (None, None)


def test_the_setting_switches_it_off():
    import subprocess  # noqa: PLC0415
    import sys  # noqa: PLC0415

    told = subprocess.run(
        [sys.executable, "-c", "from practice.wsgi import application; print(type(application).__name__)"],
        cwd=django_settings.BASE_DIR,
        env={"PATH": "/usr/bin", "DEMO": "1", "VAR_DIR": str(django_settings.VAR_DIR), "PAGE_CACHE_MEGABYTES": "0"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert told.stdout == "FewBodiesAtOnce\n"
