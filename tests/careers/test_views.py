import re
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from django.utils.html import escape

from careers import views
from careers.models import Application, Draft, Employment, OpeningStatus, PayPeriod, Role
from practice import throttles
from practice.models import Identity, Subspecialty
from practice.resources.demo_pdf import one_page
from tests.factories import ApplicationFactory, LocationFactory, OpeningFactory

pytestmark = pytest.mark.usefixtures("identity")

PDF = one_page("CV", ["A line"])


def main_of(response):
    return re.search(r'<main id="main">(.*)</main>', response.text, re.DOTALL).group(1)


def titles(response):
    return re.findall(r'<a href="/(?:es/)?careers/[a-z0-9-]+/" lang="(..)">([^<]+)</a>', main_of(response))


def filled(**changes):
    data = {"name": "Ann Lee", "email": "ann@example.com", "phone": "", "message": "Hello.", "website": ""} | changes
    return {"cv": SimpleUploadedFile("cv.pdf", PDF)} | data


def sitemap_of(client):
    text = client.get("/sitemap.xml").text
    return re.findall(r"<loc>https?://testserver(/(?:es/)?careers/[^<]+/)</loc>", text)


# ---- Openings -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 3])
def test_list_takes_three_queries_however_many_openings(client, django_assert_num_queries, count):
    for _number in range(count):
        OpeningFactory()
    with django_assert_num_queries(3):  # openings with locations; the days to answer; who the practice is
        response = client.get("/careers/")
    assert len(titles(response)) == count


def test_list_shows_what_is_open_the_newest_first(client):
    OpeningFactory(title="Old", slug="old", posted_on=date(2026, 1, 1))
    OpeningFactory(title="New", slug="new", posted_on=date(2026, 2, 1), title_es="Nuevo")
    for status in (OpeningStatus.DRAFT, OpeningStatus.CLOSED):
        OpeningFactory(title=f"Secret {status}", status=status)
    OpeningFactory(title="Secret over", closes_on=timezone.localdate() - timedelta(days=1))
    english, spanish = client.get("/careers/"), client.get("/es/careers/")
    assert titles(english) == [("en", "New"), ("en", "Old")]
    assert titles(spanish) == [("es", "Nuevo"), ("en", "Old")]
    assert ["Secret" in page.text for page in (english, spanish)] == [False, False]
    assert sitemap_of(client) == ["/careers/new/", "/es/careers/new/", "/careers/old/", "/es/careers/old/"]


def test_empty_list_says_so(client):
    OpeningFactory(status=OpeningStatus.DRAFT)
    assert "<li>There is no opening just now. Please look again.</li>" in main_of(client.get("/careers/"))


@pytest.mark.parametrize(
    ("facts", "pay"),
    [
        ({}, "$300,000 – $400,000 a year"),
        ({"pay_from_cents": 3450, "pay_to_cents": 4600, "pay_period": PayPeriod.HOUR}, "$34.50 – $46 an hour"),
    ],
)
def test_list_shows_what_it_pays_and_where(client, facts, pay):
    OpeningFactory(location=LocationFactory(city="Anytown", state="OH"), employment=Employment.PART_TIME, **facts)
    (line,) = re.findall(r'<p class="small muted">([^<]+)</p>', main_of(client.get("/careers/")))
    assert line == f"Anytown, OH · Part time · {pay}"


def facts_of(response):
    found = re.findall(r'<dt class="muted small">([^<]+)</dt>\s*<dd[^>]*>(.*?)</dd>', main_of(response), re.DOTALL)
    return {name: " ".join(re.sub(r"<[^>]+>", "", value).split()) for name, value in found}


def test_opening_says_what_people_want_to_know(client):
    Identity.objects.update(ownership="physicians")
    OpeningFactory(
        slug="breast",
        title="Breast imager",
        title_es="Imágenes de la mama",
        body="- Read **images**",
        body_es="- Leer **imágenes**",
        role=Role.RADIOLOGIST,
        subspecialty=Subspecialty.objects.create(name="Breast imaging", name_es="Imágenes de la mama"),
        location=LocationFactory(name="Main Street", city="Anytown", state="OH"),
        schedule="Four days",
        call="None",
        remote_percent=40,
        weeks_off=0,
        productivity="shares",
        partnership_months=24,
        partnership="No buy-in",
        visa="j1",
        starts_on=date(2126, 4, 1),
        posted_on=date(2026, 3, 1),
        closes_on=date(2126, 3, 31),
    )
    english, spanish = client.get("/careers/breast/"), client.get("/es/careers/breast/")
    assert facts_of(english) == {
        "Pay": "$300,000 – $400,000 a year",
        "How pay is worked out": "Equal shares",
        "Role": "Radiologist, Breast imaging",
        "Where": "Main Street, Anytown, OH",
        "Employment": "Full time",
        "Schedule": "Four days",
        "Call": "None",
        "Weeks off a year": "0",
        "Remote reading": "40%",
        "Partnership": "After 24 months. No buy-in",
        "The practice belongs to": "Its physicians",
        "Visa": "J-1 waiver",
        "Start": "April 1, 2126",
        "Posted": "March 1, 2026",
        "Apply by": "March 31, 2126",
    }
    assert '<h1 lang="en">Breast imager</h1>' in english.text
    assert "<li>Read <strong>images</strong></li>" in english.text
    assert '<h1 lang="es">Imágenes de la mama</h1>' in spanish.text
    assert "<li>Leer <strong>imágenes</strong></li>" in spanish.text
    assert english.text.count('href="/careers/breast/apply/"') == 2


def test_opening_leaves_out_what_was_not_given(client):
    OpeningFactory(slug="bare")
    assert list(facts_of(client.get("/careers/bare/"))) == [
        "Pay", "Role", "Where", "Employment", "Schedule", "Start", "Posted",
    ]  # fmt: skip


def test_opening_escapes_what_staff_write(client):
    script = "<script>alert(1)</script>"
    texts = {field: f"{field}{script}" for field in ("title", "summary", "schedule", "call", "partnership", "body")}
    OpeningFactory(slug="xss", **texts)
    page = client.get("/careers/xss/").text
    assert page.count("<script") == 1  # the data for search engines
    assert "<script>" not in page
    assert [field for field, text in texts.items() if escape(text) not in page] == []


CLOSED = {
    "closed by hand": {"status": OpeningStatus.CLOSED},
    "over since yesterday": {"closes_on": date(2026, 5, 14)},
}


@pytest.mark.parametrize("facts", list(CLOSED.values()), ids=list(CLOSED))
@pytest.mark.parametrize(("path", "method"), [("", "get"), ("apply/", "get"), ("apply/", "post")])
@pytest.mark.parametrize(
    ("prefix", "sentence"),
    [
        ("", "“CT chief” no longer takes applications. If you have applied, you will hear from us."),
        ("/es", "Ya no se reciben solicitudes para “Jefe de TC”. Si usted ya envió la suya, le responderemos."),
    ],
)
def test_closed_opening_is_gone_and_says_so(client, facts, path, method, prefix, sentence):
    OpeningFactory(slug="ct", title="CT chief", title_es="Jefe de TC", summary="Secret pay", **facts)
    with time_machine.travel(datetime(2026, 5, 15, 16, tzinfo=UTC)):
        response = getattr(client, method)(f"{prefix}/careers/ct/{path}", filled() if method == "post" else None)
    assert response.status_code == 410
    assert f'<p class="lead">{sentence}</p>' in main_of(response)
    assert '<meta name="robots" content="noindex">' in response.text
    assert "Secret pay" not in response.text
    assert Application.objects.count() == 0


@pytest.mark.parametrize(
    ("at", "status"),
    [
        # 11 in the evening of the last day in Indiana, where it is already the next day in UTC; then midnight there
        (datetime(2026, 5, 16, 3, 0, tzinfo=UTC), 200),
        (datetime(2026, 5, 16, 4, 0, tzinfo=UTC), 410),
    ],
)
def test_opening_closes_at_midnight_where_the_practice_is(client, at, status):
    OpeningFactory(slug="ct", closes_on=date(2026, 5, 15))
    with time_machine.travel(at):
        assert client.get("/careers/ct/").status_code == status


@pytest.mark.parametrize("path", ["/careers/ct/", "/careers/ct/apply/", "/es/careers/ct/"])
def test_draft_is_not_found(client, path):
    OpeningFactory(slug="ct", status=OpeningStatus.DRAFT, title="Secret")
    response = client.get(path)
    assert (response.status_code, "Secret" in response.text) == (404, False)


# ---- Applying -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("prefix", "language"), [("", "en"), ("/es", "es")])
def test_application_is_taken_in_and_leads_to_its_page(client, prefix, language):
    opening = OpeningFactory(slug="ct")
    response = client.post(f"{prefix}/careers/ct/apply/", filled(phone=" (574) 555-0199 "))
    application = Application.objects.get()
    assert (application.opening, application.name, application.email) == (opening, "Ann Lee", "ann@example.com")
    assert (application.phone, application.message, application.language) == ("(574) 555-0199", "Hello.", language)
    with application.files.get().stored.open() as file:
        assert file.read() == PDF
    address = f"{prefix}/careers/application/{application.token}/"
    assert (response.status_code, response["Location"]) == (302, f"{address}sent/")
    page = client.get(response["Location"]).text
    assert ("ann@example.com" in page, "ann@example.com" in client.get(address).text) == (True, False)


def test_apply_page_is_not_kept_by_caches(client):
    OpeningFactory(slug="ct", title="CT chief")
    response = client.get("/careers/ct/apply/")
    assert response["Cache-Control"] == "max-age=0, no-cache, no-store, must-revalidate, private"
    assert "<title>Apply: CT chief | Test Radiology</title>" in response.text
    assert re.findall('<(?:input|textarea)[^>]* name="([a-z_]+)"', main_of(response)) == [
        "csrfmiddlewaretoken",
        "name",
        "email",
        "phone",
        "cv",
        "others",
        "message",
        "once",
        "website",
    ]


@pytest.mark.parametrize(
    ("data", "errors"),
    [
        (
            {},
            [
                ("id_name", "Enter your name."),
                ("id_email", "Enter your e-mail address."),
                ("id_cv", "Choose your CV file."),
            ],
        ),
        (
            filled(name="4111 1111 1111 1111"),
            [("id_name", "This looks like it holds a card number. Please take it out: we never need it here.")],
        ),
        (
            filled() | {"cv": SimpleUploadedFile("cv.pdf", b"MZ")},
            [
                (
                    "id_cv",
                    "This file is named .pdf but is not a PDF. Please save it as a PDF and try again.",
                )
            ],
        ),
    ],
)
def test_bad_application_is_explained_and_not_kept(client, settings, data, errors):
    OpeningFactory(slug="ct")
    response = client.post("/careers/ct/apply/", data)
    assert response.status_code == 200
    assert re.findall(r'<li><a href="#(\w+)">([^<]+)</a></li>', response.text) == errors
    assert "<title>Error: Apply: " in response.text
    assert Application.objects.count() == 0
    kept = Draft.objects.values_list("files__name", flat=True)
    assert list(kept) == (["cv.pdf"] if [field for field, _text in errors] == ["id_name"] else [])


def test_machine_that_fills_everything_is_led_away(client):
    OpeningFactory(slug="ct")
    response = client.post("/careers/ct/apply/", filled(website="https://example.com"))
    assert (response.status_code, response["Location"], Application.objects.count()) == (302, "/careers/ct/", 0)


def test_too_many_tries_from_one_place_are_refused_before_anybody_looks_into_the_file(client, monkeypatch):
    OpeningFactory(slug="ct")
    looked = []
    monkeypatch.setattr(views, "APPLICATION_TRIES_PER_ADDRESS", throttles.Limit("test", 3, timedelta(hours=1)))
    monkeypatch.setattr("practice.uploads._checked_apart", lambda ending, data: looked.append(ending) or "damaged pdf")
    statuses = [client.post("/careers/ct/apply/", filled()).status_code for _number in range(4)]
    assert (statuses, len(looked)) == ([200] * 3 + [429], 3)


def test_too_many_applications_from_one_place_wait_an_hour(client, monkeypatch):
    monkeypatch.setattr(views, "APPLICATIONS_PER_ADDRESS", throttles.Limit("test", 2, timedelta(hours=1)))
    OpeningFactory(slug="ct")
    start = datetime(2026, 5, 15, 16, tzinfo=UTC)
    with time_machine.travel(start, tick=False) as clock:
        statuses = [client.post("/careers/ct/apply/", filled()).status_code for _number in range(2)]
        refused = client.post("/careers/ct/apply/", filled())
        elsewhere = client.post("/careers/ct/apply/", filled(), REMOTE_ADDR="192.0.2.7")
        clock.move_to(start + timedelta(hours=1))
        later = client.post("/careers/ct/apply/", filled())
    assert statuses == [302] * 2
    assert (refused.status_code, elsewhere.status_code, later.status_code) == (429, 302, 302)
    sentence = "There were too many applications from here. Please try again in an hour, or call us."
    assert f"<li>{sentence}</li>" in refused.text
    assert 'value="Ann Lee"' in refused.text
    assert Application.objects.count() == 4


def test_application_needs_the_token_of_the_form():
    OpeningFactory(slug="ct")
    assert Client(enforce_csrf_checks=True).post("/careers/ct/apply/", filled()).status_code == 403
    assert Application.objects.count() == 0


# ---- The page of an application -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prefix", "facts"),
    [
        (
            "",
            [
                ("Number", "{pk}"),
                ("Status", "Not chosen"),
                ("Received", "March 31, 2026"),
                ("Last change", "April 2, 2026"),
            ],
        ),
        (
            "/es",
            [
                ("Número", "{pk}"),
                ("Estado", "No seleccionada"),
                ("Recibida", "31 de marzo de 2026"),
                ("Último cambio", "2 de abril de 2026"),
            ],
        ),
    ],
)
def test_application_page_tells_where_it_stands_and_no_more(client, prefix, facts):
    application = ApplicationFactory(
        name="Ann Lee",
        email="ann@example.com",
        phone="(574) 555-0199",
        message="Private words",
        status="declined",
        reason_note="Secret",
        opening=OpeningFactory(title="CT chief", title_es="Jefe de TC", status=OpeningStatus.CLOSED),
        status_changed_at=datetime(2026, 4, 2, 12, tzinfo=UTC),
    )
    Application.objects.update(received_at=datetime(2026, 3, 31, 12, tzinfo=UTC))
    response = client.get(f"{prefix}/careers/application/{application.token}/")
    assert response.status_code == 200
    found = re.findall(r"<dt>([^<]+)</dt><dd>(?:<strong>)?([^<]+)", main_of(response))
    assert found == [(name, value.format(pk=application.pk)) for name, value in facts]
    leaks = ("Ann Lee", "ann@example.com", "555-0199", "Private words", application.files.get().stored.name, "Secret")
    assert [leak for leak in leaks if leak in response.text] == []
    assert response["Cache-Control"] == "private, no-store"
    assert '<meta name="robots" content="noindex">' in response.text
    assert response["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize("change", [lambda token: token[:-1], lambda token: token.swapcase(), lambda _token: "1"])
def test_application_page_opens_with_the_very_token_only(client, change):
    application = ApplicationFactory(token="abcDEF" + "x" * 26)
    assert client.get(f"/careers/application/{change(application.token)}/").status_code == 404


@pytest.mark.parametrize("path", ["/careers/", "/careers/ct/", "/careers/application/{}/"])
def test_pages_are_for_reading_only(client, path):
    application = ApplicationFactory(opening=OpeningFactory(slug="ct"))
    address = path.format(application.token)
    assert [client.get(address).status_code, client.head(address).status_code, client.post(address).status_code] == [
        200,
        200,
        405,
    ]
