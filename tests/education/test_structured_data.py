import json
import re
from datetime import date

import pytest
from lxml import html

from education import publishing
from education.models import CodeSystem, SectionKind, TopicKind
from education.review import change_status
from practice.json_ld import as_script
from tests.education.test_publishing import translate
from tests.factories import ArticleFactory, PhysicianFactory, TopicFactory

pytestmark = pytest.mark.usefixtures("identity")

ADDRESS = "http://testserver/patient-information/knee/"


def graph(response):
    """What a search engine reads out of the page: (the page, its subject)."""
    (script,) = html.fromstring(response.text).xpath('//script[@type="application/ld+json"]/text()')
    data = json.loads(script)
    assert data["@context"] == "https://schema.org"
    return data["@graph"]


def head(response, xpath):
    return html.fromstring(response.text).xpath(f"//head/{xpath}")


def reviewed():
    return {
        "is_sample": False,
        "reviewer": PhysicianFactory(name="Ann Lee"),
        "reviewed_on": date(2026, 3, 31),
        "next_review_on": date(2027, 3, 31),
    }


# ---- JSON-LD --------------------------------------------------------------------------------------------------------


@pytest.fixture
def knee(time_machine):
    time_machine.move_to("2026-11-26T12:00:00Z", tick=False)
    topic = TopicFactory(slug="knee", kind=TopicKind.EXAM)
    topic.reference_codes.create(system=CodeSystem.LOINC, code="24690-0")
    topic.reference_codes.create(system=CodeSystem.CPT, code="73721")
    return ArticleFactory(
        topic=topic,
        title="Knee MRI",
        summary="Pictures of the knee.",
        also_called="joint scan\nleg scan",
        copyright="© Test",
        sections={SectionKind.PREPARE: "Eat."},
    )


def test_exam_is_a_medical_test(client, knee):
    page, subject = graph(client.get("/patient-information/knee/"))
    assert page == {
        "@type": "MedicalWebPage",
        "@id": ADDRESS,
        "url": ADDRESS,
        "name": "Knee MRI",
        "description": "Pictures of the knee.",
        "inLanguage": "en",
        "datePublished": "2026-11-26",
        "audience": {"@type": "MedicalAudience", "audienceType": "Patient"},
        "about": {"@id": f"{ADDRESS}#subject"},
        "publisher": {"@type": "MedicalOrganization", "name": "Test Radiology", "telephone": "(574) 555-0100"},
        "copyrightNotice": "© Test",
    }
    assert subject == {
        "@type": "MedicalTest",
        "@id": f"{ADDRESS}#subject",
        "name": "Knee MRI",
        "description": "Pictures of the knee.",
        "alternateName": ["joint scan", "leg scan"],
        "code": [
            {"@type": "MedicalCode", "codeValue": "24690-0", "codingSystem": "LOINC"},
            {"@type": "MedicalCode", "codeValue": "73721", "codingSystem": "CPT"},
        ],
    }


def test_treatment_is_a_procedure_with_what_its_sections_say(client):
    ArticleFactory(
        topic=TopicFactory(slug="knee", kind=TopicKind.TREATMENT, body_region="spine"),
        title="Kyphoplasty",
        summary="A treatment.",
        sections={
            SectionKind.PREPARE: "Eat *well*.\n\n- Walk\n- Rest",
            SectionKind.WHAT_HAPPENS: "You lie [still](/x/).",
            SectionKind.AFTER: "# Home\n\nGo home.",
            SectionKind.RISKS: "Few.",
        },
    )
    _page, subject = graph(client.get("/patient-information/knee/"))
    assert subject == {
        "@type": "MedicalProcedure",
        "@id": f"{ADDRESS}#subject",
        "name": "Kyphoplasty",
        "description": "A treatment.",
        "bodyLocation": "Back and spine",
        "preparation": "Eat well.\nWalk\nRest",
        "howPerformed": "You lie still.",
        "followup": "Home\nGo home.",
    }


def test_spanish_page_is_described_in_spanish(client, knee):
    translate(knee, {SectionKind.PREPARE: "Coma."}, title="RM de rodilla", summary="Imágenes.")
    page, subject = graph(client.get("/es/patient-information/knee/"))
    address = "http://testserver/es/patient-information/knee/"
    assert [page["@id"], page["inLanguage"], page["name"]] == [address, "es", "RM de rodilla"]
    assert [subject["@id"], subject["name"], subject["description"]] == [
        f"{address}#subject",
        "RM de rodilla",
        "Imágenes.",
    ]


def test_place_in_the_body_is_in_the_language_of_the_page(client):
    ArticleFactory(topic=TopicFactory(slug="knee", kind=TopicKind.TREATMENT, body_region="spine"), language="es")
    _page, subject = graph(client.get("/es/patient-information/knee/"))
    assert subject["bodyLocation"] == "Espalda y columna"


def test_reviewed_text_says_by_whom_and_when(client):
    ArticleFactory(topic__slug="knee", **reviewed())
    page, _subject = graph(client.get("/patient-information/knee/"))
    assert (page["lastReviewed"], page["reviewedBy"]) == (
        "2026-03-31",
        {"@type": "Physician", "name": "Ann Lee, MD", "medicalSpecialty": "Radiography"},
    )


def test_text_that_no_physician_has_read_claims_no_review(client, knee):
    page, _subject = graph(client.get("/patient-information/knee/"))
    assert {"lastReviewed", "reviewedBy"} & set(page) == set()


def test_review_of_a_later_text_is_not_claimed_for_the_one_on_the_site(client):
    article = ArticleFactory(topic__slug="knee")
    change_status(article, "in review")
    type(article).objects.update(**reviewed())
    page, _subject = graph(client.get("/patient-information/knee/"))
    assert {"lastReviewed", "reviewedBy"} & set(page) == set()


HOSTILE = [
    "</script><script>alert(1)</script>",
    "</SCRIPT >",
    "<!--<script>",
    "]]>",
    '"}]}',
    " & \\ \\u003c",
    "'",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_in_the_text_closes_the_script(client, text):
    topic = TopicFactory(slug="knee", kind=TopicKind.TREATMENT)
    sections = {SectionKind.PREPARE: f"P`{text}`"}
    ArticleFactory(topic=topic, title=f"T{text}", summary=f"S{text}", also_called=f"A{text}", sections=sections)
    response = client.get("/patient-information/knee/")
    page, subject = graph(response)
    assert [page["name"], page["description"], subject["name"]] == [f"T{text}", f"S{text}", f"T{text}"]
    assert (subject["alternateName"], subject["preparation"]) == ([f"A{text}"], f"P{text}")
    assert len(html.fromstring(response.text).xpath("//script[not(@src)]")) == 1


def test_script_has_no_sign_of_markup_inside():
    text = as_script({"<a>": ["</script>", "&amp;", {"b": "<!--"}]})
    inside = text.removeprefix('<script type="application/ld+json">').removesuffix("</script>")
    assert set("<>&") & set(inside) == set()
    assert json.loads(inside) == {"<a>": ["</script>", "&amp;", {"b": "<!--"}]}


@pytest.mark.parametrize(
    "path",
    [
        "/patient-information/",
        "/es/patient-information/knee/",
        "/patient-information/knee/both-languages/",
        "/glossary/",
    ],
)
def test_other_pages_describe_no_article(client, knee, path):
    assert "ld+json" not in client.get(path).text


# ---- Addresses and cards --------------------------------------------------------------------------------------------


LINKS = 'link[@rel="canonical" or @hreflang]'


def addresses(response):
    return [(link.get("rel"), link.get("hreflang"), link.get("href")) for link in head(response, LINKS)]


@pytest.mark.parametrize("prefix", ["", "/es"])
@pytest.mark.parametrize("query", ["", "?utm_source=x"])
def test_page_names_its_address_and_its_translation(client, knee, prefix, query):
    translate(knee, {SectionKind.PREPARE: "Coma."})
    english, spanish = ADDRESS, "http://testserver/es/patient-information/knee/"
    assert addresses(client.get(f"{prefix}/patient-information/knee/{query}")) == [
        ("canonical", None, spanish if prefix else english),
        ("alternate", "en", english),
        ("alternate", "es", spanish),
        ("alternate", "x-default", english),
    ]


@pytest.mark.parametrize(
    ("language", "address", "expected"),
    [
        ("en", "/patient-information/knee/", ["en", "x-default"]),
        ("es", "/es/patient-information/knee/", ["es"]),
    ],
)
def test_page_in_one_language_names_no_translation(client, language, address, expected):
    ArticleFactory(topic__slug="knee", language=language)
    found = addresses(client.get(address))
    assert [hreflang for rel, hreflang, _href in found if rel == "alternate"] == expected
    assert found[0] == ("canonical", None, f"http://testserver{address}")


def test_translation_that_was_taken_off_is_not_named(client, knee):
    publishing.take_off(translate(knee, {SectionKind.PREPARE: "Coma."}))
    found = addresses(client.get("/patient-information/knee/"))
    assert [hreflang for _rel, hreflang, _href in found] == [None, "en", "x-default"]


@pytest.mark.parametrize(("language", "prefix", "locale"), [("en", "", "en_US"), ("es", "/es", "es_US")])
def test_page_has_a_card_for_those_who_share_it(client, language, prefix, locale):
    ArticleFactory(topic__slug="knee", language=language, title='Knee "MRI"', summary="Pictures & more.")
    response = client.get(f"{prefix}/patient-information/knee/")
    cards = {meta.get("property") or meta.get("name"): meta.get("content") for meta in head(response, "meta")}
    wanted = {name: cards.get(name) for name in cards if re.match("og:|twitter:|description", name or "")}
    assert wanted == {
        "description": "Pictures & more.",
        "og:type": "article",
        "og:site_name": "Test Radiology",
        "og:title": 'Knee "MRI"',
        "og:description": "Pictures & more.",
        "og:url": f"http://testserver{prefix}/patient-information/knee/",
        "og:locale": locale,
        "twitter:card": "summary",
    }
    assert "noindex" not in str(cards.get("robots"))


def test_page_leads_to_the_feed(client, knee):
    links = head(client.get("/patient-information/knee/"), 'link[@type="application/atom+xml"]')
    assert [link.get("href") for link in links] == ["/patient-information/feed/"]
