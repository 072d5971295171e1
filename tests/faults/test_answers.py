"""What a page says to each thing that a database or a disk can say: that it will be back, or that it is our fault."""

import errno

import psycopg2
import pytest
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction
from django.test import Client

from practice import views
from practice.embedded import base
from practice.embedded.server import EmbeddedServerError
from practice.logs import NoPeopleFilter
from tests.factories import UserFactory
from tests.signing_in import sign_in

pytestmark = pytest.mark.django_db
PASSES = {
    "53100": "disk full",
    "53200": "out of memory",
    "53300": "too many connections",
    "57P01": "shut down by the administrator",
    "57P02": "shut down by a crash",
    "57P03": "the database system is starting up",
    "57014": "statement timeout",
    "55P03": "lock timeout",
    "40P01": "deadlock",
    "40001": "not in one order",
    "25006": "a standby, which only reads",
    "25P03": "idle in transaction for too long",
    "08006": "connection failure",
    "58030": "input or output error",
}
OUR_FAULT = ["23505", "22P02", "42P01", "0A000", "P0001"]


def page_of(monkeypatch, break_it, path="/locations/"):
    monkeypatch.setattr(views.Location.objects.__class__, "prefetch_related", break_it)
    return Client(raise_request_exception=False).get(path)


def refuse(state):
    def work(*_arguments):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{state}'; END $$")

    return work


@pytest.mark.parametrize("state", PASSES, ids=PASSES.values())
def test_what_passes_is_said_to_pass(monkeypatch, state):
    page = page_of(monkeypatch, refuse(state))
    assert (page.status_code, page.get("Retry-After"), page.get("Cache-Control")) == (503, "60", "private, no-store")
    assert "We will be back in a moment" in page.text


def test_server_that_hangs_up_in_the_middle_of_an_answer_passes(monkeypatch):
    def hang_up(*_arguments):
        try:
            raise psycopg2.DatabaseError("server closed the connection unexpectedly")
        except psycopg2.DatabaseError as error:
            raise DatabaseError(*error.args) from error

    assert page_of(monkeypatch, hang_up).status_code == 503


@pytest.mark.parametrize("state", OUR_FAULT)
def test_what_is_our_fault_is_said_to_be(monkeypatch, state):
    page = page_of(monkeypatch, refuse(state))
    assert (page.status_code, page.get("Retry-After")) == (500, None)


def test_it_is_said_in_the_language_of_the_address(monkeypatch):
    page = page_of(monkeypatch, refuse("57P03"), "/es/locations/")
    assert (page.status_code, page["Content-Language"], "Volvemos en un momento" in page.text) == (503, "es", True)


def full_disk(*_arguments):
    raise OSError(errno.ENOSPC, "No space left on device")


def no_such_file(*_arguments):
    raise FileNotFoundError(errno.ENOENT, "No such file")


def connection_that_was_lost_before(*_arguments):
    try:
        raise InterfaceError("connection already closed")
    except InterfaceError as error:
        raise transaction.TransactionManagementError("You can't execute queries") from error


@pytest.mark.parametrize(
    ("work", "status"), [(full_disk, 503), (no_such_file, 500), (connection_that_was_lost_before, 503)]
)
def test_disk_and_what_follows_from_a_lost_connection(monkeypatch, work, status):
    assert page_of(monkeypatch, work).status_code == status


@pytest.mark.skipif(settings.DATABASES["default"]["ENGINE"] != "practice.embedded", reason="another server is in use")
def test_embedded_server_that_does_not_start_is_a_database_that_is_away(monkeypatch):
    def cannot():
        raise EmbeddedServerError("no room")

    def away(*_arguments):
        raise connection.Database.OperationalError("no such socket")

    monkeypatch.setattr(base.SERVER, "ensure_running", cannot)
    monkeypatch.setattr(base.base.DatabaseWrapper, "get_new_connection", away)
    other = connection.copy()
    with pytest.raises(OperationalError, match="no room"):
        other.ensure_connection()
    assert issubclass(OperationalError, DatabaseError)


def test_session_that_could_not_be_saved_is_no_bad_request(client, monkeypatch):
    """Django says 400 there, whatever the reason."""
    sign_in(client, UserFactory())
    monkeypatch.setattr(SessionStore, "get_expiry_date", refuse("57P01"))
    client.raise_request_exception = False
    page = client.get("/resources/")
    assert (page.status_code, page.get("Retry-After")) == (503, "60")


def test_log_of_an_outage_is_one_line_and_of_a_fault_its_traceback(monkeypatch, caplog):
    keep_out_people = NoPeopleFilter()
    page_of(monkeypatch, refuse("57P03"))
    page_of(monkeypatch, refuse("42P01"))
    records = [record for record in caplog.records if record.name == "django.request"]
    for record in records:
        keep_out_people.filter(record)
    assert [bool(record.exc_info) for record in records] == [False, True]
    assert records[0].getMessage() == "Service Unavailable: (practice:locations) (OperationalError)"
