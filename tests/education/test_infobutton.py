import json
from itertools import product

import pytest
from lxml import etree

from education import publishing
from education.models import ArticleStatus, CodeSystem
from tests.education.test_publishing import publish
from tests.factories import ArticleFactory, TopicFactory

pytestmark = pytest.mark.usefixtures("identity")

OIDS = {
    CodeSystem.ICD_10_CM: "2.16.840.1.113883.6.90",
    CodeSystem.LOINC: "2.16.840.1.113883.6.1",
    CodeSystem.SNOMED_CT: "2.16.840.1.113883.6.96",
    CodeSystem.RADLEX: "2.16.840.1.113883.6.256",
    CodeSystem.CPT: "2.16.840.1.113883.6.12",
}
CODES = {
    CodeSystem.ICD_10_CM: "M81.0",
    CodeSystem.LOINC: "38268-5",
    CodeSystem.SNOMED_CT: "300004007",
    CodeSystem.RADLEX: "RPID13",
    CodeSystem.CPT: "77080",
}
UNKNOWN_OID = "2.16.840.1.113883.6.999"
ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture(autouse=True)
def _address(settings):
    settings.PUBLIC_ORIGIN = "https://practice.example"


def topic(slug, titles, **codes):
    """Live articles, {language: title}, on a topic with codes."""
    made = TopicFactory(slug=slug)
    for system, code in codes.items():
        made.reference_codes.create(system=system.replace("_", "-"), code=code)
    for language, title in titles.items():
        ArticleFactory(topic=made, language=language, title=title)
    return made


def asking(code="", system="", name="", text="", language="", number=""):
    """The parameters of one criterion."""
    keys = {"c": code, "cs": system, "dn": name, "ot": text}
    asked = {f"mainSearchCriteria.v.{key}{number}": value for key, value in keys.items() if value}
    return asked | ({"informationRecipient.languageCode.c": language} if language else {})


def titles(client, asked):
    """The titles of the answer, which JSON, Atom and the page must agree on."""
    feed = json.loads(client.get("/infobutton", asked | {"knowledgeResponseType": "application/json"}).text)["feed"]
    found = [entry["title"]["_value"] for entry in feed["entry"]]
    atom = client.get("/infobutton", asked | {"knowledgeResponseType": "application/atom+xml"}).content
    assert [title.text for title in etree.fromstring(atom).findall(f"{ATOM}entry/{ATOM}title")] == found
    page = client.get("/infobutton", asked)
    if len(found) == 1:
        assert (page.status_code, page.headers["Location"]) == (
            302,
            "/" + feed["entry"][0]["id"]["_value"].split("/", 3)[3],
        )
    else:
        assert [edition.title for edition in page.context["editions"]] == found
    return found


# ---- What is found --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("system", CodeSystem)
@pytest.mark.parametrize("spelling", ["{}", "urn:oid:{}"])
def test_each_vocabulary_is_known_by_its_oid(client, system, spelling):
    for other in CodeSystem:
        topic(other, {"en": f"By {other.label}"}).reference_codes.create(system=other, code=CODES[other])
    asked = asking(CODES[system], spelling.format(OIDS[system]))
    assert titles(client, asked) == [f"By {system.label}"]


@pytest.mark.parametrize(("system", "other"), [pair for pair in product(CodeSystem, repeat=2) if pair[0] != pair[1]])
def test_code_of_one_vocabulary_is_not_taken_for_one_of_another(client, system, other):
    topic("knee", {"en": "Knee"}).reference_codes.create(system=system, code="A100")
    assert titles(client, asking("A100", OIDS[other])) == []


@pytest.mark.parametrize("system", CodeSystem)
def test_code_without_a_vocabulary_may_be_of_any(client, system):
    topic("knee", {"en": "Knee"}).reference_codes.create(system=system, code=CODES[system])
    assert titles(client, asking(CODES[system])) == ["Knee"]


@pytest.mark.parametrize("code", [" m81.0 ", "M81.0", "m81.0"])
def test_code_is_read_without_regard_to_case_and_spaces(client, code):
    topic("bones", {"en": "Bones"}, icd_10_cm="M81.0")
    assert titles(client, asking(code, OIDS[CodeSystem.ICD_10_CM])) == ["Bones"]


@pytest.mark.parametrize(
    ("kept", "asked", "found"),
    [
        (["M81.0"], "M81.0", ["M81.0"]),
        (["M81"], "M81.0", ["M81"]),
        (["M81.0"], "M81.0XXA", ["M81.0"]),
        (["S72.001"], "S72.001A", ["S72.001"]),
        (["S72.00"], "S72.001A", ["S72.00"]),
        (["S72"], "S72.001A", ["S72"]),
        (["T14.8"], "T14.8XXX", ["T14.8"]),
        (["S72", "S72.0", "S72.001"], "S72.001A", ["S72.001"]),  # the nearest
        (["S72", "S72.1"], "S72.001A", ["S72"]),
        (["M81.0"], "M81", []),  # a narrower one says too much
        (["M8"], "M81.0", []),  # shorter than a category
        (["M82"], "M81.0", []),
    ],
)
def test_broader_code_of_icd_10_is_found_the_nearest_first(client, kept, asked, found):
    for number, code in enumerate(kept):
        topic(f"topic-{number}", {"en": code}, icd_10_cm=code)
    assert titles(client, asking(asked, OIDS[CodeSystem.ICD_10_CM])) == found


@pytest.mark.parametrize("system", sorted(set(CodeSystem) - {CodeSystem.ICD_10_CM}))
@pytest.mark.parametrize("vocabulary", ["named", "not named"])
def test_no_other_vocabulary_has_broader_codes(client, system, vocabulary):
    topic("knee", {"en": "Knee"}).reference_codes.create(system=system, code="7108")
    assert titles(client, asking("71081", OIDS[system] if vocabulary == "named" else "")) == []


@pytest.mark.parametrize("system", ["", OIDS[CodeSystem.CPT]])
def test_procedure_code_of_a_bill_is_found(client, system):
    ArticleFactory(title="Chest X-ray", topic=TopicFactory(codes=["71046"]))
    assert titles(client, asking("71046", system)) == ["Chest X-ray"]


def test_procedure_code_of_a_bill_is_no_code_of_another_vocabulary(client):
    ArticleFactory(topic=TopicFactory(codes=["71046"]))
    assert titles(client, asking("71046", OIDS[CodeSystem.LOINC])) == []


def test_code_of_an_unknown_vocabulary_is_none(client):
    topic("bones", {"en": "Bones"}, icd_10_cm="M81.0")
    assert titles(client, asking("M81.0", UNKNOWN_OID)) == []
    assert titles(client, asking("M81.0", UNKNOWN_OID, "bones")) == ["Bones"]


@pytest.mark.parametrize("key", ["name", "text"])
def test_article_is_found_by_the_words_given(client, key):
    topic("bones", {"en": "Bone density"})
    topic("knee", {"en": "Knee"})
    assert titles(client, asking(**{key: "Bone Density"})) == ["Bone density"]


def test_code_comes_before_the_words_and_words_where_no_code_fits(client):
    topic("bones", {"en": "Bones"}, icd_10_cm="M81.0")
    topic("knee", {"en": "Knee"})
    oid = OIDS[CodeSystem.ICD_10_CM]
    assert titles(client, asking("M81.0", oid, "Knee")) == ["Bones"]
    assert titles(client, asking("Z99.9", oid, "Knee")) == ["Knee"]
    assert titles(client, asking("Z99.9", oid, "Knee", "Bones")) == [
        "Knee"
    ]  # what the system shows, then what was typed


def test_several_things_asked_are_answered_in_their_order_and_once(client):
    topic("bones", {"en": "Bones"}, icd_10_cm="M81.0")
    topic("knee", {"en": "Knee"}, loinc="24690-0")
    asked = asking(name="knee") | asking("M81.0", number="1") | asking("24690-0", number="2")
    assert titles(client, asked) == ["Knee", "Bones"]


def test_ten_articles_are_enough(client):
    for number in range(12):
        topic(f"bones-{number}", {"en": f"Bones {number}"}, icd_10_cm="M81.0")
    assert titles(client, asking("M81.0")) == [f"Bones {number}" for number in range(10)]


LANGUAGES = {
    "": "en", "en": "en", "es": "es", "ES": "es", "es-MX": "es", "es_US": "es", "en-US": "en", "fr": "en", "\0": "en",
}  # fmt: skip
TOLD_BY = ("informationRecipient.languageCode.c", "patientPerson.languageCode.c", "performer.languageCode.c")


def test_answer_is_in_the_language_asked_for(client, subtests):
    topic("bones", {"en": "Bones", "es": "Huesos"}, icd_10_cm="M81.0")
    for (language, expected), key in product(LANGUAGES.items(), TOLD_BY):
        with subtests.test(language=language, key=key):
            asked = asking("M81.0") | {key: language}
            response = client.get("/infobutton", asked | {"knowledgeResponseType": "application/json"})
            assert titles(client, asked) == [{"en": "Bones", "es": "Huesos"}[expected]]
            told = (response.headers["Content-Language"], json.loads(response.text)["feed"]["lang"])
            assert told == (expected, expected)


def test_language_of_the_reader_comes_before_that_of_the_physician(client):
    topic("bones", {"en": "Bones", "es": "Huesos"}, icd_10_cm="M81.0")
    spanish, english = ({"informationRecipient.languageCode.c": "es"}, {"performer.languageCode.c": "en"})
    assert titles(client, asking("M81.0") | english | spanish) == ["Huesos"]


def test_words_in_spanish_are_understood_as_spanish(client):
    topic("bones", {"en": "Bones", "es": "Densitometría ósea"})
    assert titles(client, asking(name="densitometria osea", language="es")) == ["Densitometría ósea"]


def test_article_only_in_the_other_language_is_not_given(client):
    topic("bones", {"en": "Bones"}, icd_10_cm="M81.0")
    assert titles(client, asking("M81.0", language="es")) == []


@pytest.mark.parametrize("status", sorted(set(ArticleStatus.values) - {"published"}))
def test_what_is_not_published_is_not_given(client, status):
    hidden = ArticleFactory(title="Secret bones", topic=TopicFactory(codes=["77080"]), status=status)
    for system in CodeSystem:
        hidden.topic.reference_codes.create(system=system, code="77080")
    asked = [asking("77080", oid) for oid in ["", *OIDS.values()]] + [asking(name="secret bones")]
    assert [titles(client, one) for one in asked] == [[]] * len(asked)


def test_article_is_given_as_it_stands_on_the_site(client):
    made = topic("bones", {"en": "Bones"}, icd_10_cm="M81.0")
    article = made.articles.get()
    article.title = "Secret plans"
    article.save()
    publishing.keep_edition(article)
    assert titles(client, asking("M81.0")) == ["Bones"]
    publish(article)
    assert titles(client, asking("M81.0")) == ["Secret plans"]
    publishing.take_off(article)
    assert titles(client, asking("M81.0")) == []


# ---- The answers ----------------------------------------------------------------------------------------------------


@pytest.fixture
def bones(time_machine):
    time_machine.move_to("2026-11-26T12:00:00Z", tick=False)
    made = TopicFactory(slug="bones")
    made.reference_codes.create(system=CodeSystem.ICD_10_CM, code="M81.0")
    ArticleFactory(topic=made, title="Bones & joints", summary="How <dense> they are.")
    ArticleFactory(topic=made, language="es", title="Huesos", summary="Qué tan densos son.")
    return made


def test_answer_in_json_is_the_atom_feed_in_json(client, bones):
    asked = asking("M81.0", OIDS[CodeSystem.ICD_10_CM], language="es") | {
        "knowledgeResponseType": "application/json",
        "taskContext.c.c": "PROBLISTREV",
        "patientPerson.administrativeGenderCode.c": "F",
    }
    response = client.get("/infobutton", asked)
    address = "https://practice.example/es/patient-information/bones/"
    assert response.headers["Content-Type"] == "application/json; charset=utf-8"
    assert json.loads(response.text) == {
        "feed": {
            "lang": "es",
            "title": {"type": "text", "_value": "Información para pacientes de Test Radiology"},
            "id": {"_value": "https://practice.example/infobutton"},
            "updated": {"_value": "2026-11-26T12:00:00+00:00"},
            "author": {"name": {"_value": "Test Radiology"}},
            "category": [
                {"scheme": "informationRecipient.languageCode.c", "term": "es"},
                {"scheme": "mainSearchCriteria.v.c", "term": "M81.0"},
                {"scheme": "mainSearchCriteria.v.cs", "term": OIDS[CodeSystem.ICD_10_CM]},
                {"scheme": "taskContext.c.c", "term": "PROBLISTREV"},
            ],
            "entry": [
                {
                    "lang": "es",
                    "title": {"type": "text", "_value": "Huesos"},
                    "link": [{"rel": "alternate", "type": "text/html", "hreflang": "es", "href": address}],
                    "id": {"_value": address},
                    "updated": {"_value": "2026-11-26T12:00:00+00:00"},
                    "summary": {"type": "text", "_value": "Qué tan densos son."},
                }
            ],
        }
    }


@pytest.mark.parametrize("wanted", ["application/atom+xml", "text/xml", "application/xml", "ATOM"])
def test_answer_in_atom_is_a_feed(client, bones, wanted):
    response = client.get("/infobutton", asking("M81.0") | {"knowledgeResponseType": wanted})
    assert response.headers["Content-Type"] == "application/atom+xml; charset=utf-8"
    feed = etree.fromstring(response.content)
    address = "https://practice.example/patient-information/bones/"

    def facts(element):
        lines = [(child.tag.removeprefix(ATOM), child.text, dict(child.attrib)) for child in element]
        return [line for line in lines if line[0] != "entry"]

    assert (feed.tag, feed.get("{http://www.w3.org/XML/1998/namespace}lang")) == (f"{ATOM}feed", "en")
    assert facts(feed) == [
        ("title", "Patient Information of Test Radiology", {"type": "text"}),
        ("id", "https://practice.example/infobutton", {}),
        ("updated", "2026-11-26T12:00:00+00:00", {}),
        ("author", None, {}),
        ("category", None, {"scheme": "mainSearchCriteria.v.c", "term": "M81.0"}),
    ]
    assert facts(feed.find(f"{ATOM}entry")) == [
        ("title", "Bones & joints", {"type": "text"}),
        ("link", None, {"rel": "alternate", "type": "text/html", "hreflang": "en", "href": address}),
        ("id", address, {}),
        ("updated", "2026-11-26T12:00:00+00:00", {}),
        ("summary", "How <dense> they are.", {"type": "text"}),
    ]


@pytest.mark.parametrize("title", ["RM\u00a03T de rodilla", "Family 👩\u200d⚕️ exam"])
def test_title_is_in_atom_as_it_is(client, title):
    topic("knee", {"en": title}, icd_10_cm="M81.0")
    assert titles(client, asking("M81.0")) == [title]


@pytest.mark.parametrize("wanted", ["", "text/html", "nonsense"])
@pytest.mark.parametrize(
    ("language", "address"), [("en", "/patient-information/bones/"), ("es", "/es/patient-information/bones/")]
)
def test_one_article_is_shown_at_once(client, bones, wanted, language, address):
    response = client.get("/infobutton", asking("M81.0", language=language) | {"knowledgeResponseType": wanted})
    assert (response.status_code, response.headers["Location"]) == (302, address)
    assert response.headers["Content-Language"] == language


@pytest.mark.parametrize(
    ("language", "address", "nothing"),
    [
        ("en", "/patient-information/", "We have no page about this. Everything we have is here:"),
        ("es", "/es/patient-information/", "No tenemos una página sobre esto. Todo lo que tenemos está aquí:"),
    ],
)
def test_several_articles_are_a_list_and_none_leads_to_all(client, bones, language, address, nothing):
    for code in ("M81.0", "C50"):
        topic(f"more-{code}".replace(".", "-"), {"en": f"More {code}", "es": f"Más {code}"}, icd_10_cm=code)
    several = client.get("/infobutton", asking("M81.0", language=language))
    assert [edition.language for edition in several.context["editions"]] == [language] * 2
    assert nothing not in several.text
    none = client.get("/infobutton", asking("Z99.9", language=language))
    assert nothing in none.text
    assert f'<a href="{address}">' in none.text
    assert f'<html lang="{language}">' in none.text


@pytest.mark.parametrize("response_type", ["application/json", "application/atom+xml", "text/html"])
def test_question_about_nothing_is_answered_with_nothing(client, bones, response_type):
    response = client.get("/infobutton", {"knowledgeResponseType": response_type})
    assert (response.status_code, "Bones" in response.text) == (200, False)


def test_nothing_about_a_patient_is_echoed_or_kept(client, bones):
    asked = asking("M81.0") | {
        "patientPerson.administrativeGenderCode.c": "F",
        "age.v.v": "71",
        "patientPerson.name": "Testa Patientson",
        "encounter.c.c": "AMB",
        "knowledgeResponseType": "application/json",
    }
    response = client.get("/infobutton", asked)
    feed = json.loads(response.text)["feed"]
    assert [category["scheme"] for category in feed["category"]] == ["mainSearchCriteria.v.c"]
    assert ("Testa" in response.text, response.cookies) == (False, {})


def test_answer_takes_three_queries(client, django_assert_num_queries):
    for number in range(3):
        topic(f"bones-{number}", {"en": f"Bones {number}"}, icd_10_cm="M81.0")
    with django_assert_num_queries(3):  # codes; editions; who the practice is
        client.get("/infobutton", asking("M81.0") | {"knowledgeResponseType": "application/json"})


def test_answer_is_for_reading_only(client, bones):
    statuses = [getattr(client, method)("/infobutton").status_code for method in ("get", "head", "post", "put")]
    assert statuses == [200, 200, 405, 405]


# ---- Malformed and hostile questions --------------------------------------------------------------------------------


NASTY = [
    "",
    " ",
    "\0",
    "M81.0\0",
    "'",
    '"',
    "';--",
    "\\",
    "%",
    "<script>alert(1)</script>",
    "]]>",
    "<!--",
    "<!DOCTYPE x [<!ENTITY a 'b'>]>&a;",
    "&amp;&#0;&bad;",
    "\x01\x08\x0b\x1f\x7f",
    "\ufffe\uffff",
    "\u202e\u200b\ufeff",
    "X",
    "XXXX",
    "...",
    "-",
    "👩‍⚕️",
    "年月日",
    "a & b | !c <-> (d",
    "{{ 7 }}{% now %}",
    "../../etc/passwd",
    "\r\nSet-Cookie: a=b",
    "M" * 10_000,
    "M81.0 " * 1000,
    "²½",
]
KEYS = [
    "mainSearchCriteria.v.c",
    "mainSearchCriteria.v.cs",
    "mainSearchCriteria.v.dn1",
    "informationRecipient.languageCode.c",
]


def test_anything_may_be_asked_and_atom_is_always_xml_and_json_always_json(client, bones, subtests):
    for text, key in product(NASTY, KEYS):
        with subtests.test(text=text[:80], key=key):
            asked = asking("M81.0", OIDS[CodeSystem.ICD_10_CM]) | {key: text}
            atom = client.get("/infobutton", asked | {"knowledgeResponseType": "application/atom+xml"})
            found = client.get("/infobutton", asked | {"knowledgeResponseType": "application/json"})
            page = client.get("/infobutton", asked)
            assert [atom.status_code, found.status_code, page.status_code in (200, 302)] == [200, 200, True]
            entries = etree.fromstring(atom.content).findall(f"{ATOM}entry")
            assert len(entries) == len(json.loads(found.text)["feed"]["entry"])
            assert "<script>" not in atom.text
            assert ["Set-Cookie" in response.headers for response in (atom, found, page)] == [False] * 3


def test_names_of_parameters_may_be_anything_too(client, bones, subtests):
    for text in NASTY:
        for key in (text, f"mainSearchCriteria{text}", f"taskContext.{text}"):
            with subtests.test(key=key[:80]):
                asked = asking("M81.0") | {key: "1"}
                atom = client.get("/infobutton", asked | {"knowledgeResponseType": "application/atom+xml"})
                assert len(etree.fromstring(atom.content).findall(f"{ATOM}entry")) == 1
                page = client.get("/infobutton", asked | {"knowledgeResponseType": text or "x"})
                assert page.status_code in (200, 302)


def test_thousand_parameters_are_answered_with_forty(client, bones):
    asked = {f"mainSearchCriteria.v.x{number:04}": str(number) for number in range(900)}
    response = client.get("/infobutton", asked | {"knowledgeResponseType": "application/json"})
    assert len(json.loads(response.text)["feed"]["category"]) == 40


def test_parameter_given_twice_counts_once(client, bones):
    key = "mainSearchCriteria.v.c"
    response = client.get(f"/infobutton?{key}=Z99&{key}=M81.0&knowledgeResponseType=application/json")
    assert len(json.loads(response.text)["feed"]["entry"]) == 1


@pytest.mark.parametrize(
    "path", ["/infobutton?%", "/infobutton?=&==&&;", "/infobutton?%FF=%FE", "/infobutton?a[b]=%ZZ"]
)
def test_broken_query_is_answered(client, bones, path):
    response = client.get(path)
    assert (response.status_code, list(response.context["editions"])) == (200, [])
