import pytest
from django.contrib.sessions.models import Session
from django.db import OperationalError
from django.test import Client

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
