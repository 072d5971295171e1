"""Anonymous visitors read from a real streaming replica of the embedded server: behind, stopped, killed, and back."""

import os
import shutil
import signal
import tempfile
import time
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path

import pytest
from django.conf import settings as project
from django.db import connection, connections
from django.db.backends.postgresql.psycopg_any import IsolationLevel
from django.test import Client
from django.test.utils import CaptureQueriesContext

from practice import replica
from practice.announcements.models import Announcement
from practice.embedded.server import EmbeddedServer
from practice.search.models import MissedSearch
from tests import factories
from tests.hurried_server import IN_A_HURRY
from tests.signing_in import sign_in

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        project.DATABASES["default"]["ENGINE"] != "practice.embedded", reason="makes a replica of the embedded server"
    ),
]
LONGEST_SECONDS = 180  # it first replays what others have written while it was copied
VERSION = "SELECT coalesce(sum(changes), 0) FROM practice_contentchange"


def until(holds, what):
    deadline = time.monotonic() + LONGEST_SECONDS
    while not holds():
        assert time.monotonic() < deadline, f"in vain: {what}"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def standby(django_db_setup, django_db_blocker):
    """The server, made by pg_basebackup, which streams from the embedded one."""
    from practice.embedded.base import SERVER  # noqa: PLC0415

    folder = Path(tempfile.mkdtemp(prefix="replica-"))
    server = EmbeddedServer(folder, options=IN_A_HURRY)
    with django_db_blocker.unblock():
        connection.ensure_connection()
    server._prepare_folders()
    server._run(
        "pg_basebackup", "--pgdata", str(server.data), "--host", str(SERVER.socket_folder), "--username", "postgres",
        "--checkpoint", "fast", "--wal-method", "stream", "--write-recovery-conf",
    )  # fmt: skip
    server.ensure_running()
    yield server
    server.stop()
    server.leave()
    shutil.rmtree(folder)


@pytest.fixture
def reading(standby, settings, identity, monkeypatch):
    """The site reads from the replica, which knows all that is written so far."""
    standby.ensure_running()
    settings.REPLICA_URL = "postgres://replica"
    facts = deepcopy(connections.settings["default"]) | {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": connection.settings_dict["NAME"],
        "HOST": str(standby.socket_folder),
        "USER": "postgres",
        "OPTIONS": {"connect_timeout": 2, "isolation_level": IsolationLevel.REPEATABLE_READ},
    }
    monkeypatch.setitem(connections.settings, "replica", facts)
    wrapper = connections["replica"]

    def ensure_connection():
        """As Django's own, which tests replace by one that knows no database but theirs."""
        if wrapper.connection is None:
            with wrapper.wrap_database_errors:
                wrapper.connect()

    monkeypatch.setattr(wrapper, "ensure_connection", ensure_connection)
    yield standby
    connections["replica"].close()
    del connections["replica"]


def ask(sql, using="replica"):
    with connections[using].cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]


def catch_up():
    lsn = ask("SELECT pg_current_wal_lsn()::text", "default")
    until(lambda: ask(f"SELECT pg_last_wal_replay_lsn() >= '{lsn}'"), "the replica to catch up")


@contextmanager
def behind():
    """What is written meanwhile does not show on the replica."""
    ask("SELECT pg_wal_replay_pause()::text")
    until(lambda: ask("SELECT pg_get_wal_replay_pause_state()") == "paused", "the replay to pause")
    try:
        yield
    finally:
        ask("SELECT pg_wal_replay_resume()::text")


def get(path, client=None):
    """The page's text, and the SQL that each server was asked while it was made."""
    client = client or Client()
    client.raise_request_exception = False
    with (
        CaptureQueriesContext(connections["default"]) as primary,
        CaptureQueriesContext(connections["replica"]) as other,
    ):
        response = client.get(path)
    assert response.status_code == 200
    return response.text, [one["sql"] for one in primary], [one["sql"] for one in other]


def test_visitor_reads_from_the_replica(reading):
    factories.AnnouncementFactory(title="Please welcome Dr. Lee")
    catch_up()
    text, primary, other = get("/announcements/")
    assert "Please welcome Dr. Lee" in text
    assert (primary, VERSION in other, len(other) > 2) == ([VERSION], True, True)
    assert ask("SELECT pg_is_in_recovery()") is True


def test_all_that_is_shown_is_of_one_moment(reading, monkeypatch):
    """The version and the page are read in one snapshot, whatever is replayed in between."""
    news = factories.AnnouncementFactory(title="Before")
    catch_up()
    changes = replica._changes

    def and_then_it_changes(using):
        found = changes(using)
        if using == "replica":
            Announcement.objects.filter(pk=news.pk).update(title="After")
            until(lambda: _on_another_connection() == "After", "the replica to have the change")
        return found

    monkeypatch.setattr(replica, "_changes", and_then_it_changes)
    assert "Before" in get("/announcements/")[0]


def _on_another_connection(sql="SELECT title FROM announcements_announcement", values=()):
    aside = connections.create_connection("replica")
    aside.connect()
    try:
        with aside.cursor() as cursor:
            cursor.execute(sql, values)
            return cursor.fetchone()[0]
    finally:
        aside.close()


def test_replica_that_is_behind_shows_nobody_the_past(reading):
    news = factories.AnnouncementFactory(title="Before")
    catch_up()
    with behind():
        Announcement.objects.filter(pk=news.pk).update(title="After")
        assert ask("SELECT title FROM announcements_announcement") == "Before"
        text, primary, other = get("/announcements/")
        assert ("After" in text, "Before" in text, len(primary) > 2) == (True, False, True)
        assert [sql for sql in other if "announcement" in sql] == []
    catch_up()
    text, primary, other = get("/announcements/")
    assert ("After" in text, primary) == (True, [VERSION])


def test_what_is_not_published_content_makes_nobody_wait(reading):
    """A replica that lacks somebody's payment, say, still knows all that visitors read."""
    factories.AnnouncementFactory(title="News")
    catch_up()
    with behind():
        factories.UserFactory()
        assert get("/announcements/")[1] == [VERSION]


def test_page_cache_keeps_nothing_of_the_past(reading, settings, tmp_path):
    from django.core.wsgi import get_wsgi_application  # noqa: PLC0415

    from practice.page_cache import PageCache  # noqa: PLC0415

    settings.VAR_DIR = tmp_path
    cache = PageCache(get_wsgi_application(), 8)
    news = factories.AnnouncementFactory(title="Before")
    catch_up()
    assert b"Before" in visit(cache)
    with behind():
        Announcement.objects.filter(pk=news.pk).update(title="After")
        cache.version.asked_at = -1e9  # half a second has passed
        assert b"After" in visit(cache)
        assert b"After" in visit(cache)  # the kept one
    cache.version.asked_at = -1e9
    assert b"After" in visit(cache)


def visit(application):
    environ = Client()._base_environ(PATH_INFO="/announcements/", HTTP_HOST="testserver")
    return b"".join(application(environ, lambda status, headers, *_: None))


@pytest.mark.parametrize("path", ["/announcements/", "/search/?q=mri"])
def test_somebody_with_a_session_reads_from_the_primary(reading, path):
    client = sign_in(Client(), factories.UserFactory())
    catch_up()
    assert get(path, client)[2] == []


@pytest.mark.parametrize("path", ["/pay/", "/feedback/", "/accounts/login/", "/readyz"])
def test_other_pages_are_made_from_the_primary(reading, path):
    catch_up()
    assert get(path)[2] == []


def test_post_and_what_is_written_go_to_the_primary(reading):
    catch_up()
    with CaptureQueriesContext(connections["replica"]) as other:
        response = Client().post("/announcements/")
        factories.AnnouncementFactory(title="New")
        assert Announcement.objects.get().title == "New"
    assert (response.status_code, len(other)) == (405, 0)


def test_search_reads_from_the_replica_and_counts_what_it_missed_on_the_primary(reading):
    catch_up()
    _text, primary, other = get("/search/?q=zzzyx")
    assert [(missed.words, missed._state.db) for missed in MissedSearch.objects.all()] == [("zzzyx", "default")]
    assert [sql for sql in primary if sql.startswith("SELECT") and "search_word" in sql] == []
    assert [sql for sql in other if "search_word" in sql] != []


def test_replica_that_is_killed_is_missed_by_nobody(reading, monkeypatch):
    monkeypatch.setattr(replica, "AWAY_FOR", 3600.0)
    factories.AnnouncementFactory(title="News")
    catch_up()
    client = Client()
    assert get("/announcements/", client)[1] == [VERSION]
    os.kill(reading.postmaster_pid(), signal.SIGKILL)
    until(lambda: reading.postmaster_pid() is None, "the server to die")
    text, primary, _other = get("/announcements/", client)
    assert ("News" in text, len(primary) > 2) == (True, True)

    tries = []
    with monkeypatch.context() as watched:
        watched.setattr(connections["replica"], "connect", lambda: tries.append(1))
        text = client.get("/announcements/").text
    assert ("News" in text, tries) == (True, [])  # it is not asked again at once


def test_replica_that_comes_back_is_read_again(reading, monkeypatch):
    monkeypatch.setattr(replica, "AWAY_FOR", 0.0)
    factories.AnnouncementFactory(title="News")
    catch_up()
    client = Client()
    get("/announcements/", client)
    os.kill(reading.postmaster_pid(), signal.SIGKILL)
    until(lambda: reading.postmaster_pid() is None, "the server to die")
    assert len(get("/announcements/", client)[1]) > 2
    reading.ensure_running()
    catch_up()
    assert get("/announcements/", client)[1] == [VERSION]


def test_replica_that_gives_up_half_way_is_missed_by_nobody(reading, monkeypatch):
    """As when what it replays takes away the rows that a page is reading."""
    factories.AnnouncementFactory(title="News")
    catch_up()
    changes = replica._changes

    def and_then_it_is_cut_off(using):
        found = changes(using)
        if using == "replica":
            with connections["replica"].cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                (number,) = cursor.fetchone()
            _on_another_connection("SELECT pg_terminate_backend(%s, 5000)", [number])
        return found

    monkeypatch.setattr(replica, "_changes", and_then_it_is_cut_off)
    text, primary, _other = get("/announcements/")
    assert ("News" in text, len(primary) > 2) == (True, True)
