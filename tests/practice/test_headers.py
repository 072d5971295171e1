"""What every response carries: each address with each method, each status, each thing that may stop a request."""

import functools

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import OperationalError, close_old_connections
from django.test import RequestFactory
from django.urls import NoReverseMatch, reverse

from practice import headers, throttles
from practice.accounts import demo
from practice.page_cache import PageCache
from tests.practice.test_urls import ADMIN, ALLAUTH, AUDIENCE, PUBLIC, WITH_A_POSTING_FORM, rows, rows_of_all

__all__ = ["rows", "rows_of_all"]

POLICY = {
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "connect-src 'self'",
    "form-action 'self'", "base-uri 'none'", "object-src 'none'", "frame-ancestors 'none'",
}  # fmt: skip
EVERYWHERE = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), "
    "magnetometer=(), microphone=(), payment=(), usb=(), browsing-topics=()",
    "Referrer-Policy": "same-origin",
    "Server": "web",
    "Strict-Transport-Security": None,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Powered-By": None,
}
NOWHERE = {"private, no-store", "no-store, private", "private, no-store, no-cache, must-revalidate, max-age=0",
           "private, no-store, max-age=0, no-cache, must-revalidate",
           "max-age=0, no-cache, no-store, must-revalidate, private"}  # fmt: skip
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"]

NAMED = [
    name for name in [*AUDIENCE, *ALLAUTH, *ADMIN] if name != "admin"
]  # which is for what is no page of the office
FORM = {"HTTP_COOKIE": "csrf=" + "a" * 32}
TOKEN = b"csrfmiddlewaretoken=" + b"a" * 32
MULTIPART = "multipart/form-data; boundary=b"


class Answer:
    def __init__(self, status, fields):
        self.status, self.fields = int(status), fields
        self.headers = {name.title().replace("Csp", "CSP"): value for name, value in fields}
        self.headers["X-Frame-Options"] = self.headers.get("X-Frame-Options")

    def secured(self):
        found = {name: self.headers.get(name) for name in EVERYWHERE}
        found["Content-Security-Policy"] = set((found["Content-Security-Policy"] or "").split("; "))
        return found

    @property
    def is_kept_nowhere(self):
        return self.headers.get("Cache-Control") in NOWHERE

    @property
    def cookies(self):
        return [value for name, value in self.fields if name.lower() == "set-cookie"]


@pytest.fixture
def ask_of():
    """A function that makes a function that sends a request through a WSGI application, as a server does."""
    for signal in (request_started, request_finished):  # the test's transaction must outlive the request
        signal.disconnect(close_old_connections)

    def sender(application):
        def send(method, path, body=b"", **environ):
            content_type = environ.pop("CONTENT_TYPE", "application/x-www-form-urlencoded")
            request = RequestFactory().generic(method, path, body, content_type=content_type)
            answer = []
            response = application(request.environ | environ, lambda *facts: answer.extend(facts))
            b"".join(response)
            if hasattr(response, "close"):
                response.close()
            return Answer(answer[0][:3], answer[1])

        return send

    yield sender
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def ask(ask_of):
    """A function that sends a request through the site without its page cache, with the settings the test has made."""
    application = functools.cache(WSGIHandler)

    def site(*facts):
        return application()(*facts)

    return ask_of(site)


def address_of(name, rows):
    for arguments in (rows.get(name, []), ["1"], ["1", "1"], ["billing"]):
        try:
            return reverse(name, args=arguments)
        except NoReverseMatch:
            continue
    raise AssertionError(name)


@pytest.mark.parametrize("method", METHODS)
def test_every_address_carries_them_with_every_method(ask, rows, method):
    without = {}
    for name in NAMED:
        answer = ask(method, address_of(name, rows))
        if answer.secured() != EVERYWHERE or "Cache-Control" not in answer.headers:
            without[name] = answer.headers

    assert without == {}


def test_only_public_pages_may_be_kept_and_those_set_no_cookie(ask, rows):
    addresses = {name: address_of(name, rows) for name in NAMED}
    answers = {name: ask("GET", address) for name, address in addresses.items()}

    may_be_kept = {name for name, answer in answers.items() if not answer.is_kept_nowhere}
    public = {name for name, audience in AUDIENCE.items() if audience == PUBLIC}
    assert may_be_kept - public == set()
    assert may_be_kept & WITH_A_POSTING_FORM == set()
    assert {name: answers[name].cookies for name in may_be_kept if answers[name].cookies} == {}


def spoil_homepage(monkeypatch, error):
    def fail(*_arguments):
        raise error

    monkeypatch.setattr("practice.views.Physician.objects.practising", fail)
    monkeypatch.setattr("practice.context.get_identity", fail)


def use_up(limit, monkeypatch):
    monkeypatch.setattr(
        throttles, "COUNT_ONE", throttles.COUNT_ONE.replace("t.count + 1", "1000").replace(" 1, %", " 1000, %")
    )


STOPPED = {
    # what is sent: (status, method, path, what else)
    "unknown host": (400, "GET", "/", {"HTTP_HOST": "evil.example"}),
    "unknown host of a page that is none": (400, "GET", "/physicians", {"HTTP_HOST": "evil.example"}),
    "host that is none": (400, "GET", "/pay/", {"HTTP_HOST": "a b"}),
    "too many fields": (400, "POST", "/feedback/", {"body": b"&".join(b"a=1" for _ in range(1001)), **FORM}),
    "too much": (413, "POST", "/feedback/", {"body": b"a=" + b"x" * (2 * 1024 * 1024 + 1), **FORM}),
    "too many files": (400, "POST", "/feedback/", {**FORM, "CONTENT_TYPE": MULTIPART, "body": b"".join(
        b'--b\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\nx\r\n' for _ in range(101)) + b"--b--\r\n"}),
    "no form at all": (400, "POST", "/feedback/", {**FORM, "CONTENT_TYPE": "multipart/form-data", "body": b"x"}),
    "NUL in the office": (302, "GET", "/admin/practice/feedback/?q=%00", {}),
    "form without its token": (403, "POST", "/feedback/", {"body": b"topic=visit"}),
    "address that is none": (404, "GET", "/nope", {}),
    "Spanish address that is none": (404, "GET", "/es/nope/", {}),
    "NUL in the address": (404, "GET", "/physicians/%00/", {}),
    "wrong method": (405, "DELETE", "/healthz", {"body": TOKEN, **FORM, "HTTP_X_CSRFTOKEN": "a" * 32}),
    "webhook by GET": (405, "GET", "/pay/webhooks/sandbox/", {}),
    "webhook without a signature": (400, "POST", "/pay/webhooks/sandbox/", {"body": b"{}"}),
    "webhook that is too large": (413, "POST", "/pay/webhooks/sandbox/", {"body": b"x" * (256 * 1024 + 1)}),
    "webhook of nobody": (404, "POST", "/pay/webhooks/other/", {"body": b"{}"}),
    "address without its slash": (301, "GET", "/physicians", {}),
    "private page": (302, "GET", "/resources/", {}),
    "office": (302, "GET", "/admin/", {}),
    "file that is none": (404, "GET", "/static/nope.css", {}),
    "picture that is none": (404, "GET", "/media/portraits/nope.png", {}),
    "way out of the pictures": (404, "GET", "/media/portraits/../../settings.py", {}),
    "closed page of sign-in": (302, "GET", "/accounts/email/", {}),
}  # fmt: skip


@pytest.mark.parametrize("what", STOPPED)
def test_refusals_carry_them_and_are_kept_nowhere(ask, rows, what):
    status, method, path, facts = STOPPED[what]

    answer = ask(method, path, **facts)

    assert (answer.status, answer.secured()) == (status, EVERYWHERE)
    assert answer.is_kept_nowhere or (status, answer.headers["Cache-Control"]) == (301, "no-cache")
    assert answer.cookies == []


@pytest.mark.parametrize(("error", "status"), [(ZeroDivisionError(), 500), (OperationalError("gone"), 503)])
def test_faults_carry_them_and_are_kept_nowhere(ask, rows, monkeypatch, error, status):
    spoil_homepage(monkeypatch, error)

    answer = ask("GET", "/physicians/")

    assert (answer.status, answer.secured(), answer.headers["Cache-Control"]) == (
        status, EVERYWHERE, headers.KEEP_NOWHERE,
    )  # fmt: skip


def test_too_many_tries_carry_them(ask, rows, monkeypatch):
    use_up(throttles.FEEDBACK_PER_ADDRESS, monkeypatch)

    answer = ask("POST", "/feedback/", TOKEN + b"&topic=visit&message=Hello", **FORM)

    assert (answer.status, answer.secured(), answer.is_kept_nowhere) == (429, EVERYWHERE, True)


def test_refusal_of_a_demo_database_carries_them(ask, rows, settings):
    settings.DEMO = False
    demo.load()

    answer = ask("GET", "/")

    assert (answer.status, answer.secured(), answer.headers["Cache-Control"]) == (503, EVERYWHERE, headers.KEEP_NOWHERE)


def test_files_carry_them_and_are_for_our_own_pages_only(ask, rows, settings, tmp_path):
    settings.STATIC_ROOT = tmp_path
    (tmp_path / "a.css").write_text("a { color: red }")
    answers = [
        ask("GET", "/static/a.css"),
        ask("HEAD", "/static/a.css"),
        ask("GET", "/static/a.css", HTTP_RANGE="bytes=0-9"),
        ask("GET", "/static/a.css", HTTP_RANGE="bytes=999999999-"),
        ask("POST", "/static/a.css"),
    ]
    since = answers[0].headers["Last-Modified"]
    answers.append(ask("GET", "/static/a.css", HTTP_IF_MODIFIED_SINCE=since))

    assert [answer.status for answer in answers] == [200, 200, 206, 416, 405, 304]
    assert [answer.secured() for answer in answers] == [EVERYWHERE] * 6
    assert [answer.headers.get("Access-Control-Allow-Origin") for answer in answers] == [None] * 6


@pytest.mark.parametrize("wrap", [lambda application: application, lambda application: PageCache(application, 1)])
def test_pages_from_memory_and_not_modified_carry_them(ask_of, rows, settings, tmp_path, monkeypatch, wrap):
    settings.VAR_DIR = tmp_path
    monkeypatch.setattr("practice.page_cache._read_version", lambda: "1")  # it may close the test's connection
    ask = ask_of(wrap(WSGIHandler()))
    made = ask("GET", "/")
    answers = [
        made,
        ask("GET", "/"),
        ask("HEAD", "/"),
        ask("GET", "/", HTTP_ACCEPT_ENCODING="br"),
        ask("GET", "/", HTTP_IF_NONE_MATCH=made.headers["Etag"]),
        ask("GET", "/physicians/nobody/"),
        ask("GET", "/", HTTP_HOST="evil.example"),
    ]

    assert [answer.status for answer in answers] == [200, 200, 200, 200, 304, 404, 400]
    assert [answer.secured() for answer in answers] == [EVERYWHERE] * 7
    assert [answer.headers["Cache-Control"] for answer in answers] == ["no-cache"] * 5 + [headers.KEEP_NOWHERE] * 2


def test_a_demo_page_is_told_nothing_of_https(ask, rows):
    assert ask("GET", "/", **{"wsgi.url_scheme": "https"}).headers.get("Strict-Transport-Security") is None
