from datetime import datetime

import pytest
from lxml import etree

from education import publishing
from education.models import Article, ArticleStatus
from practice.models import Identity
from tests.education.test_publishing import publish, write
from tests.factories import ArticleFactory

pytestmark = pytest.mark.usefixtures("identity")

ATOM = "{http://www.w3.org/2005/Atom}"


def feed(client, prefix=""):
    response = client.get(f"{prefix}/patient-information/feed/")
    assert response.headers["Content-Type"] == "application/atom+xml; charset=utf-8"
    return etree.fromstring(response.content)


def titles(client, prefix=""):
    return [title.text for title in feed(client, prefix).findall(f"{ATOM}entry/{ATOM}title")]


def published(day, time_machine, **facts):
    time_machine.move_to(f"2026-11-{day:02}T12:00:00Z", tick=False)
    return ArticleFactory(**facts)


def test_newest_comes_first(client, time_machine):
    for day, title in ((2, "Second"), (1, "First"), (3, "Third")):
        published(day, time_machine, title=title)
    assert titles(client) == ["Third", "Second", "First"]


def test_new_edition_is_new(client, time_machine):
    first, _second = (published(day, time_machine, title=f"Day {day}") for day in (1, 2))
    time_machine.move_to("2026-11-03T12:00:00Z", tick=False)
    publish(first, risks="Few.")
    assert titles(client) == ["Day 1", "Day 2"]


@pytest.mark.parametrize(
    ("prefix", "language", "title", "address"),
    [
        ("", "en", "Patient Information of Test Radiology", "/patient-information/"),
        ("/es", "es", "Información para pacientes de Test Radiology", "/es/patient-information/"),
    ],
)
def test_feed_is_in_the_language_of_its_address(client, time_machine, prefix, language, title, address):
    english = published(1, time_machine, topic__slug="knee", title="Knee & leg", summary="About <knees>.")
    published(1, time_machine, topic=english.topic, language="es", title="Rodilla & pierna", summary="De <rodillas>.")
    found = feed(client, prefix)
    links = {link.get("rel"): link.get("href") for link in found.findall(f"{ATOM}link")}
    assert (found.get("{http://www.w3.org/XML/1998/namespace}lang"), found.findtext(f"{ATOM}title")) == (
        language,
        title,
    )
    assert links == {"alternate": f"http://testserver{address}", "self": f"http://testserver{address}feed/"}
    (entry,) = found.findall(f"{ATOM}entry")
    assert {name: entry.findtext(f"{ATOM}{name}") for name in ("title", "summary", "id", "published", "updated")} == {
        "title": "Knee & leg" if language == "en" else "Rodilla & pierna",
        "summary": "About <knees>." if language == "en" else "De <rodillas>.",
        "id": f"http://testserver{address}knee/",
        "published": entry.findtext(f"{ATOM}updated"),
        "updated": entry.findtext(f"{ATOM}published"),
    }
    assert datetime.fromisoformat(entry.findtext(f"{ATOM}updated")) == datetime.fromisoformat("2026-11-01T12:00:00Z")
    assert [link.get("href") for link in entry.findall(f"{ATOM}link")] == [f"http://testserver{address}knee/"]


@pytest.mark.parametrize("status", sorted(set(ArticleStatus.values) - {"published"}))
def test_what_is_not_published_is_not_in_the_feed(client, status):
    ArticleFactory(title="Secret plans", status=status)
    ArticleFactory(title="Shown")
    assert titles(client) == ["Shown"]


def test_feed_tells_what_stands_on_the_site(client):
    article = ArticleFactory(title="Knee")
    Article.objects.update(title="Secret plans", summary="Secret.")
    write(article, risks="Secret.")
    publishing.keep_edition(article)
    assert titles(client) == ["Knee"]
    publishing.take_off(article)
    assert titles(client) == []


def test_feed_has_the_thirty_newest(client, time_machine):
    for day in range(1, 31):
        published(day, time_machine, title=f"Day {day}")
    time_machine.move_to("2026-12-01T12:00:00Z", tick=False)
    ArticleFactory(title="Newest")
    assert titles(client) == ["Newest", *(f"Day {day}" for day in range(30, 1, -1))]


def test_feed_leaves_out_what_xml_cannot_hold(client):
    Identity.objects.update(name="Test\x0b Radiology")
    ArticleFactory(title="Knee\x0b of\u00a0all", summary="What\x1b a knee is.")

    entry = feed(client).find(f"{ATOM}entry")
    assert feed(client).findtext(f"{ATOM}title") == "Patient Information of Test Radiology"
    assert entry.findtext(f"{ATOM}title") == "Knee of\u00a0all"
    assert entry.findtext(f"{ATOM}summary") == "What a knee is."


def test_empty_feed_is_a_feed(client):
    assert (titles(client), feed(client).findtext(f"{ATOM}title")) == ([], "Patient Information of Test Radiology")
