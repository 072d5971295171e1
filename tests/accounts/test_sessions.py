import pytest
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.models import Session
from django.db import OperationalError
from django.test import Client

from practice.accounts.session_store import SessionStore
from tests import factories
from tests.signing_in import sign_in

pytestmark = pytest.mark.django_db
UNKNOWN = "a" * 32
FORM = ["/feedback/", "/pay/", "/accounts/login/"]


@pytest.fixture
def stale(identity):
    """A browser with the cookie of a session that is over."""
    client = Client()
    client.cookies["session"] = UNKNOWN
    return client


@pytest.mark.parametrize("path", ["/", "/physicians/", "/nope/", "/resources/", "/admin/", *FORM])
def test_cookie_of_no_session_makes_none(stale, path):
    response = stale.get(path)

    assert Session.objects.count() == 0
    assert (response.cookies["session"].value, response.cookies["session"]["max-age"]) == ("", 0)
    assert response.headers["Clear-Site-Data"] == (
        '"cache", "storage"' if path in FORM else '"cache", "cookies", "storage"'
    )
    assert "no-store" in response.headers["Cache-Control"]


def test_session_is_kept_going_by_pages_that_do_not_look_at_it(identity):
    client = sign_in(Client(), factories.UserFactory())
    Session.objects.update(expire_date="2099-01-01T00:00Z")

    response = client.get("/physicians/")

    assert Session.objects.get().expire_date.year < 2099
    assert response.cookies["session"].value == client.session.session_key
    assert response.headers["Cache-Control"] == "private, no-store"
    assert "Clear-Site-Data" not in response.headers


def test_page_is_shown_where_the_session_cannot_be_looked_for(stale, monkeypatch):
    def gone(*_arguments):
        raise OperationalError

    monkeypatch.setattr("django.contrib.sessions.backends.db.SessionStore.load", gone)

    response = stale.get("/healthz")

    assert (response.status_code, response.cookies.output()) == (200, "")


def test_sign_in_takes_no_session_key_that_was_known_before(stale):
    user = factories.UserFactory(email="ann@example.com", password="a long password 1")
    stale.post("/accounts/login/", {"login": user.email, "password": "a long password 1"})

    assert stale.session["_auth_user_id"] == str(user.pk)
    assert stale.session.session_key != UNKNOWN


@pytest.mark.parametrize(
    "next_page",
    [
        "//evil.example",
        "https://evil.example/",
        "/\\evil.example",
        "\t//evil.example",
        "javascript:alert(1)",
        "http:///evil.example",
    ],
)
def test_sign_in_leads_to_no_other_site(client, identity, next_page):
    user = factories.UserFactory(email="ann@example.com", password="a long password 1")
    sent = {"login": user.email, "password": "a long password 1", "next": next_page}

    response = client.post("/accounts/login/", sent)

    assert response.headers["Location"] == "/resources/"


# ---- Two requests at once -------------------------------------------------------------------------------------------


@pytest.fixture
def key():
    session = SessionStore()
    session.update({"said": ["one"], "bill": 7})
    session.save()
    return session.session_key


def test_slow_request_takes_nothing_back_that_another_has_written(key):
    slow, quick = SessionStore(key), SessionStore(key)
    assert slow["bill"] == 7
    quick["said"] = ["one", "two"]
    del quick["bill"]
    quick.save()
    before = Session.objects.get().expire_date
    slow.save()

    assert dict(SessionStore(key).items()) == {"said": ["one", "two"]}
    assert Session.objects.get().expire_date > before


def test_request_that_ends_after_the_session_brings_it_not_back(key):
    slow = SessionStore(key)
    assert slow["bill"] == 7
    SessionStore(key).flush()

    with pytest.raises(UpdateError):
        slow.save()
    assert Session.objects.count() == 0


def test_what_is_changed_in_place_is_written(key):
    session = SessionStore(key)
    session["said"].append("two")
    session.save()
    session["said"].append("three")
    session.save()

    assert SessionStore(key)["said"] == ["one", "two", "three"]


def test_session_of_a_new_key_has_what_the_old_one_had(key):
    session = SessionStore(key)
    assert session["bill"] == 7
    session.cycle_key()
    session.save()

    assert (session.session_key != key, SessionStore(session.session_key)["bill"]) == (True, 7)
    assert Session.objects.count() == 1
