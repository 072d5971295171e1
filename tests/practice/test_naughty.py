"""Odd input in every public form field, query parameter and address, and all over the office: never a 500."""

import json
import re

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse
from lxml import etree

from practice.models import Feedback
from tests import factories
from tests.signing_in import sign_in

pytestmark = pytest.mark.django_db

STRINGS = [
    "\0",
    "a\0b",
    "",
    " ",
    "-1",
    "0",
    "999999999999999999999999",
    "1e309",
    "NaN",
    "²",
    "١٢٣",
    "Ω≈ç√∫",
    "田中さんにあげて",
    "👩‍⚕️ 🩻",
    "\u202etest\u202c",
    "\ufeff",
    "Z͑ͫ̓ͪ̂ͫ̽a",
    "' OR 1=1 --",
    "%_%\\",
    "{{ 7|add:7 }} {% now %}",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "../../../etc/passwd",
    "\r\nSet-Cookie: a=b",
    "x" * 5000,
]
READ = {
    "/glossary/": ["q", "page"],
    "/es/glossary/": ["q"],
    "/patient-information/": ["region", "exam", "page"],
    "/search/": ["q"],
    "/es/search/": ["q"],
    "/prep-sheets/": ["q"],
    "/sheet/": ["code"],
    "/infobutton": [
        "mainSearchCriteria.v.c",
        "mainSearchCriteria.v.cs",
        "mainSearchCriteria.v.dn",
        "mainSearchCriteria.v.ot9",
        "informationRecipient.languageCode.c",
        "knowledgeResponseType",
    ],
    "/announcements/": ["page"],
    "/notices/{notice}/": ["on"],
    "/accounts/login/": ["next"],
}
POSTED = {
    "/pay/": {"code": "x", "born_on": "1/1/1950"},
    "/feedback/": {"topic": "visit", "message": "Hello.", "name": "N", "email": "n@example.com", "website": ""},
    "/careers/{opening}/apply/": {"name": "N", "email": "n@example.com", "phone": "1", "message": "x", "cv": ""},
    "/accounts/login/": {"login": "n@example.com", "password": "x", "next": "/"},
    "/accounts/password/reset/": {"email": "n@example.com"},
    "/pay/statement/": {"choice": "part", "amount": "5"},
    "/pay/statement/choose/": {"statement": "1"},
    "/pay/q/00000000000000000000000000/": {"born_on": "1/1/1950"},
    "/pay/verify/": {"number": "R-2026-000001"},
    "/pay/estimate/": {"exam": "MRI", "scheduled_on": "", "name": "N", "contact": "n@example.com", "website": ""},
    "/pay/ask/charge/": {"message": "Why?", "email": "n@example.com", "line": "1"},
    "/pay/questions/": {"question": "1"},
    "/pay/parts/": {"parts": "2", "email": "n@example.com", "agreed": "on"},
    "/sandbox/pay/00000000-0000-0000-0000-000000000000/": {"button": "pay"},
}
ADDRESSES = ["/physicians/", "/announcements/", "/notices/", "/patient-information/", "/glossary/", "/sheet/",
             "/careers/", "/careers/application/", "/pay/receipt/", "/pay/webhooks/", "/pay/q/", "/pay/plan/", "/pay/ask/", "/accent-", "/resources/", "/media/portraits/"]  # fmt: skip


@pytest.fixture(scope="module")
def identity(module_rows):
    return factories.IdentityFactory()


@pytest.fixture(scope="module")
def place(identity):
    factories.ArticleFactory(topic__slug="knee", title="Knee")  # a number would answer "0"
    return {"notice": factories.NoticeVersionFactory().notice.slug, "opening": factories.OpeningFactory().slug}


@pytest.fixture
def guest(client, place):
    statement = factories.StatementFactory()
    client.post("/pay/", {"code": statement.code, "born_on": "6/15/1950"})
    return client


@pytest.mark.parametrize("text", STRINGS)
def test_odd_queries_are_answered(client, place, text):
    statuses = {
        (path, name): client.get(path.format(**place), {name: text}).status_code
        for path, names in READ.items()
        for name in names
    }

    assert set(statuses.values()) == {200}, statuses


@pytest.mark.parametrize("text", STRINGS)
@pytest.mark.parametrize("answer", ["application/json", "application/atom+xml"])
def test_odd_questions_of_health_record_systems_are_answered_in_their_format(client, place, answer, text):
    asked = {"mainSearchCriteria.v.c": text, "mainSearchCriteria.v.dn": text, "taskContext.c.c": text}
    response = client.get("/infobutton", asked | {"knowledgeResponseType": answer})
    (json.loads if answer.endswith("json") else etree.fromstring)(response.content)

    assert (response.status_code, response.headers["Content-Type"]) == (200, f"{answer}; charset=utf-8")


@pytest.mark.parametrize("sign", ["\x01", "\x1b", "\ufffe"])
@pytest.mark.parametrize("parameters", [{"mainSearchCriteria.v.c": "a{}"}, {"taskContext.{}": "a"}])
def test_answer_in_xml_is_xml_whatever_is_echoed(client, identity, parameters, sign):
    asked = {key.format(sign): value.format(sign) for key, value in parameters.items()}
    response = client.get("/infobutton", asked | {"knowledgeResponseType": "application/atom+xml"})

    etree.fromstring(response.content)


@pytest.mark.parametrize("text", STRINGS)
def test_odd_wishes_for_a_hand_out_are_answered(client, place, text):
    responses = {
        name: client.get("/patient-information/knee/handout.pdf", {name: text}) for name in ("size", "part", "location")
    }
    found = {name: (response.status_code, response.content[:5] == b"%PDF-") for name, response in responses.items()}

    # What may be the address of a location names none here; what may not is left aside.
    location = (404, False) if re.fullmatch(r"[-a-zA-Z0-9_]+", text) else (200, True)
    assert found == {"size": (200, True), "part": (200, True), "location": location}


@pytest.mark.parametrize("text", STRINGS)
def test_odd_form_input_is_answered(guest, place, text):
    statuses = {
        (path, field): guest.post(path.format(**place), facts | {field: text}).status_code
        for path, facts in POSTED.items()
        for field in facts
    }

    assert {key: status for key, status in statuses.items() if status not in (200, 302, 303, 404, 429)} == {}


@pytest.mark.parametrize("text", STRINGS)
def test_odd_addresses_are_answered(client, identity, text):
    statuses = {path: client.get(path + text.replace("/", "%2F")).status_code for path in ADDRESSES}

    assert {path: status for path, status in statuses.items() if status not in (200, 301, 302, 404, 405)} == {}


def test_odd_text_is_kept_as_it_was(client, identity):
    client.post("/feedback/", {"topic": "visit", "message": "<b>Ω</b> 👩‍⚕️ ' \" {{ x }}"})

    assert Feedback.objects.get().message == "<b>Ω</b> 👩‍⚕️ ' \" {{ x }}"


@pytest.fixture
def administrator(identity):
    client = Client()
    sign_in(client, factories.UserFactory(is_staff=True, is_superuser=True))
    return client


@pytest.mark.parametrize("model", sorted(admin.site._registry, key=lambda model: model._meta.label))
def test_office_lists_answer_odd_queries_and_actions(administrator, model):
    base = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    url = reverse(f"{base}_changelist")
    statuses = {}
    for text in ("\0", "²'", "9" * 30):
        for name in ("q", "p", "o", "_to_field", "status"):
            statuses[f"?{name}={text!r}"] = administrator.get(url, {name: text}, follow=True).status_code
        statuses[f"{text!r}/change"] = administrator.get(f"{url}{text}/change/", follow=True).status_code
        statuses[f"{text!r}/history"] = administrator.get(f"{url}{text}/history/", follow=True).status_code
        posted = {"action": "delete_selected", "_selected_action": text, "select_across": text, "index": text}
        statuses[f"action {text!r}"] = administrator.post(url, posted, follow=True).status_code
    for act in getattr(admin.site._registry[model], "bulk_acts", ()):
        posted = {"action": act.name, "_selected_action": "²"}
        statuses[act.name] = administrator.post(url, posted, follow=True).status_code

    assert {key: status for key, status in statuses.items() if status not in (200, 400, 403, 404)} == {}


def test_office_autocomplete_answers_odd_terms(administrator):
    statuses = {
        text: administrator.get(
            "/admin/autocomplete/",
            {"term": text, "app_label": "education", "model_name": "article", "field_name": "topic"},
        ).status_code
        for text in STRINGS
    }

    assert {text: status for text, status in statuses.items() if status not in (200, 400)} == {}
