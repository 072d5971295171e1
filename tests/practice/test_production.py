"""What a real server answers with the environment of production: https, a proxy in front, strict in everything."""

import os
import socket
import subprocess
import sys
import time
from http.client import HTTPConnection

import pytest
from django.conf import settings as project
from django.core.management import call_command
from django.db import connection

from tests import database_address, factories
from tests.practice.test_headers import EVERYWHERE, POLICY, Answer
from tests.practice.test_project import example

HSTS = "max-age=31536000; includeSubDomains; preload"
SITE = "www.radiology.example"
BY_HTTPS = {"Host": SITE, "X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.1"}
FROM_THE_FORM = {
    "Content_Type": "application/x-www-form-urlencoded",
    "Origin": f"https://{SITE}",
    "Cookie": "__Host-csrf=" + "a" * 32,
}
IN_PRODUCTION = EVERYWHERE | {
    "Strict-Transport-Security": HSTS,
    "Content-Security-Policy": POLICY - {"form-action 'self'"}
    | {"form-action 'self' https://checkout.stripe.com", "upgrade-insecure-requests"},
}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def production(tmp_path, transactional_db, settings):
    """A function that asks a granian with the example's environment; its database is the test's, with one account."""
    factories.IdentityFactory()
    port = free_port()
    ours = {name: value for name, value in example().items() if value is not None}
    ours |= {
        "DATABASE_URL": database_address.database_url(),
        "VAR_DIR": str(tmp_path),
        "X_ACCEL_REDIRECT": "",
    }
    mine = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    settings.STATIC_ROOT = tmp_path / "static"
    settings.STORAGES = project.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}  # not compressed
    }
    call_command("collectstatic", interactive=False, verbosity=0)
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "granian", "--interface", "wsgi", "--port", str(port),
             "--workers", "1", "--log-level", "warning", "practice.wsgi:application"],
            cwd=project.BASE_DIR, env=mine | ours, stdout=log, stderr=log,
        )  # fmt: skip

    def send(method, path, body=b"", **fields):
        line = HTTPConnection("127.0.0.1", port, timeout=30)
        line.request(method, path, body, BY_HTTPS | {name.replace("_", "-"): v for name, v in fields.items()})
        response = line.getresponse()
        response.read()
        line.close()
        return Answer(response.status, response.getheaders())

    try:
        for _try in range(300):
            try:
                send("GET", "/healthz")
                break
            except OSError:
                assert server.poll() is None, (tmp_path / "log").read_text()
                time.sleep(0.1)
        yield send
    finally:
        server.terminate()
        server.wait(30)
        connection.close()


def test_production_is_strict_in_everything_it_answers(production):
    factories.UserFactory(email="ann@example.com", password="a long password 1")
    answers = {
        "home": production("GET", "/"),
        "Spanish": production("HEAD", "/es/"),
        "file": production("GET", "/static/css/base.css"),
        "none": production("GET", "/nope"),
        "redirect": production("GET", "/physicians"),
        "host": production("GET", "/", Host="evil.example"),
        "form without its token": production("POST", "/feedback/", b"topic=visit"),
        "too much": production("POST", "/feedback/", b"a=" + b"x" * (2 * 1024 * 1024 + 1), **FROM_THE_FORM),
        "too many fields": production("POST", "/feedback/", b"&".join([b"a=1"] * 1001), **FROM_THE_FORM),
        "method": production("PUT", "/healthz"),
        "message": production("POST", "/pay/webhooks/stripe/", b"{}"),
        "office": production("GET", "/admin/"),
        "form": production("GET", "/pay/"),
    }  # fmt: skip

    assert {what: answer.status for what, answer in answers.items()} == {
        "home": 200, "Spanish": 200, "file": 200, "none": 404, "redirect": 301, "host": 400, "form without its token": 403,
        "too much": 413, "too many fields": 400, "method": 403, "message": 400, "office": 302, "form": 200,
    }  # fmt: skip
    assert {what: answer.secured() for what, answer in answers.items()} == dict.fromkeys(answers, IN_PRODUCTION)
    assert {what for what, answer in answers.items() if answer.cookies} == {"form"}
    (cookie,) = answers["form"].cookies
    name, *attributes = cookie.strip().split("; ")
    assert name.split("=")[0] == "__Host-csrf"
    assert sorted(attributes) == ["HttpOnly", "Path=/", "SameSite=Lax", "Secure"]

    # By http it only says where https is, but to a load balancer that asks inside the house.
    asked = [
        production("GET", path, X_Forwarded_Proto="http") for path in ("/", "/static/css/base.css", "/nope", "/healthz")
    ]

    assert [(a.status, a.headers.get("Location")) for a in asked] == [
        (301, f"https://{SITE}/"), (301, f"https://{SITE}/static/css/base.css"), (301, f"https://{SITE}/nope"), (200, None),
    ]  # fmt: skip
    assert [a.headers.get("Strict-Transport-Security") for a in asked] == [None] * 4  # browsers heed it by https only
    assert [a.secured() | {"Strict-Transport-Security": HSTS} for a in asked] == [IN_PRODUCTION] * 4
