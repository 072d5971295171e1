import re
from datetime import date

import pytest
import time_machine
from django.core import mail
from django.db import OperationalError
from django.test import Client

from practice import views
from practice.models import Feedback
from tests import factories

pytestmark = pytest.mark.django_db

MESSAGE = {"topic": "visit", "message": "You were kind.", "name": "", "email": "", "website": ""}
CALL = '<a href="tel:+15745550100">(574) 555-0100</a>'


@pytest.fixture
def notice(identity):
    notice = factories.NoticeFactory(slug="privacy", title="Privacy")
    factories.NoticeVersionFactory(notice=notice, effective_on=date(2025, 1, 1), body="The first text.")
    factories.NoticeVersionFactory(notice=notice, effective_on=date(2026, 1, 1), body="The second text.")
    factories.NoticeVersionFactory(notice=notice, effective_on=date(2099, 1, 1), body="The coming text.")
    return notice


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        ("", "The second text."),
        ("2024-12-31", "This notice was not yet in force on Dec. 31, 2024."),
        ("2025-01-01", "The first text."),
        ("2025-12-31", "The first text."),
        ("2026-01-01", "The second text."),
    ],
)
def test_notice_says_what_was_in_force(client, notice, on, expected):
    page = client.get("/privacy/", {"on": on}).content.decode()

    texts = [text for text in ("first", "second", "coming", "not yet in force") if f"{text}" in page]
    assert expected in page
    assert len(texts) == 1


def test_notice_with_a_wrong_date_says_so_and_shows_todays(client, notice):
    page = client.get("/privacy/?on=yesterday").content.decode()

    assert "Choose a date, or write it as 2026-03-31." in page
    assert "The second text." in page


@pytest.mark.parametrize("slug", ["terms", "privacy", "accessibility"])
def test_notice_of_the_footer_answers_before_it_is_written(client, identity, slug):
    factories.NoticeVersionFactory(notice__slug=slug, effective_on=date(2099, 1, 1), body="The coming text.")

    page = client.get(f"/{slug}/").content.decode()

    assert f"This notice has not been published here yet. Please call {CALL} and ask for it." in page
    assert "The coming text." not in page


@pytest.mark.parametrize("path", ["/feedback/", "/es/feedback/", "/notices/"])
def test_number_in_a_sentence_is_called_by_touching_it(client, identity, path):
    main = client.get(path).text.split("<main")[1].split("</main>")[0]

    assert CALL in main


def test_every_page_ends_with_the_numbers_to_call(client, identity):
    footer = client.get("/").text.split("<footer")[1]

    assert re.findall(r'href="tel:\+1(\d+)"', footer) == ["5745550110", "5745550100", "5745550120"]


def test_feedback_is_kept_and_staff_hear_of_it(client, identity, run_jobs, settings):
    settings.FEEDBACK_RECIPIENTS = ["desk@example.com"]

    response = client.post("/es/feedback/", MESSAGE | {"email": "n@example.com"})
    run_jobs()

    feedback = Feedback.objects.get()
    assert response.headers["Location"] == "/es/feedback/thank-you/"
    assert (feedback.message, feedback.email, feedback.language, feedback.status) == (
        "You were kind.",
        "n@example.com",
        "es",
        "new",
    )
    (sent,) = mail.outbox
    assert (sent.to, sent.subject) == (["desk@example.com"], f"Feedback {feedback.pk} arrived on the website")
    assert "You were kind." not in sent.body
    assert f"/admin/practice/feedback/{feedback.pk}/change/" in sent.body


@pytest.mark.parametrize(
    "text", ["4111 1111 1111 1111", "my ssn is 123456789", "078-05-1120", "card:5555-5555-5555-4444."]
)
def test_feedback_refuses_private_numbers_and_keeps_what_was_typed(client, identity, text):
    page = client.post("/feedback/", MESSAGE | {"message": text}).content.decode()

    assert Feedback.objects.count() == 0
    assert "Please take it out: we never need it here." in page
    assert text in page


def test_feedback_from_a_machine_is_thanked_and_dropped(client, identity):
    response = client.post("/feedback/", MESSAGE | {"website": "http://spam.example"})

    assert response.headers["Location"] == "/feedback/thank-you/"
    assert Feedback.objects.count() == 0


def test_feedback_is_limited_per_address(client, identity):
    statuses = [client.post("/feedback/", MESSAGE).status_code for _message in range(21)]

    assert statuses == [302] * 20 + [429]
    assert Feedback.objects.count() == 20


def test_feedback_is_limited_for_a_host_with_many_addresses(client, identity):
    for number in range(20):
        client.post("/feedback/", MESSAGE, REMOTE_ADDR=f"2001:db8:0:1::{number:x}")

    response = client.post("/feedback/", MESSAGE, REMOTE_ADDR="2001:db8:0:1:ffff::")
    assert (response.status_code, Feedback.objects.count()) == (429, 20)
    assert client.post("/feedback/", MESSAGE, REMOTE_ADDR="2001:db8:0:2::").status_code == 302


def test_form_without_its_token_is_told_to_send_again(identity):
    response = Client(enforce_csrf_checks=True).post("/feedback/", MESSAGE)

    assert response.status_code == 403
    assert "Please send that once more" in response.content.decode()


def test_a_lost_database_is_a_friendly_503(client, identity, monkeypatch):
    def gone(*_arguments):
        raise OperationalError("server closed the connection")

    monkeypatch.setattr("practice.context.get_identity", gone)
    monkeypatch.setattr(views.Physician.objects, "practising", gone)
    client.raise_request_exception = False

    response = client.get("/physicians/")

    assert (response.status_code, response.headers["Retry-After"]) == (503, "60")
    assert "We will be back in a moment" in response.content.decode()


def test_a_fault_of_ours_is_a_friendly_500(client, monkeypatch):
    def fault(*_arguments):
        raise ZeroDivisionError

    monkeypatch.setattr(views.Physician.objects, "practising", fault)
    client.raise_request_exception = False

    response = client.get("/physicians/")

    assert response.status_code == 500
    assert "Something went wrong on our side" in response.content.decode()


def test_not_found_offers_the_doors(client, identity):
    response = client.get("/es/nada/")

    assert response.status_code == 404
    assert "Información para pacientes" in response.content.decode()


@pytest.mark.parametrize(
    ("colour", "status"), [("a3195b", 200), ("A3195B", 404), ("0b5563", 404), ("a3195b1", 404), ("red", 404)]
)
def test_accent_is_the_practices_own_colour(client, identity, colour, status):
    identity.accent_colour = "#a3195b"
    identity.save()

    assert client.get(f"/accent-{colour}.css").status_code == status


def test_announcements_appear_and_go_by_themselves(client, identity):
    factories.AnnouncementFactory(title="Now", publish_from="2026-01-01T00:00Z", publish_until="2026-02-01T00:00Z")
    factories.AnnouncementFactory(title="Later", publish_from="2026-03-01T00:00Z")

    shown = {}
    for day in ("2025-12-31", "2026-01-15", "2026-03-02"):
        with time_machine.travel(f"{day}T12:00:00Z"):
            page = client.get("/announcements/").content.decode()
            shown[day] = [title for title in ("Now", "Later") if f">{title}<" in page]

    assert shown == {"2025-12-31": [], "2026-01-15": ["Now"], "2026-03-02": ["Later"]}
