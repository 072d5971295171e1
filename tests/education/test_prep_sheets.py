import re
from itertools import product

import pytest
from django.utils import timezone

from education import publishing
from education.models import Article, ArticleStatus, Edition, SectionKind, Topic
from tests.billing.test_receipts import opened, text_of
from tests.education.test_publishing import translate
from tests.factories import ArticleFactory, LocationFactory, TopicFactory

pytestmark = pytest.mark.usefixtures("identity")

PREPARE = SectionKind.PREPARE


def exam(slug, english, spanish="", codes=(), **facts):
    """A live exam in English, and in Spanish where it has a title there."""
    article = ArticleFactory(
        topic=TopicFactory(slug=slug, codes=codes), title=english, sections={PREPARE: f"Fast: {english}."}, **facts
    )
    if spanish:
        translate(article, {PREPARE: f"Ayune: {spanish}."}, title=spanish)
    return article


def exams(response):
    """[(title, codes, [(language, label, address)])] as the page lists them."""
    found = []
    for is_open, sheet in re.findall(r'<details class="sheet"( open)?>(.*?)</details>', response.text, re.DOTALL):
        title, codes = re.search(r"<summary><h2>(.*?)</h2>(.*?)</summary>", sheet, re.DOTALL).groups()
        links = [
            (language, label.removesuffix(" (PDF)"), address.replace("&amp;", "&"))
            for language, line in re.findall(r'<p(?: class="small")? lang="(..)">(.*?)</p>', sheet, re.DOTALL)
            for address, label in re.findall(r'<a href="([^"]+)">(.*?)</a>', line)
        ]
        found.append((title, re.sub(r"<[^>]+>| ", "", codes), links, bool(is_open)))
    return found


def titles(response):
    return [title for title, *_rest in exams(response)]


@pytest.mark.parametrize("prefix", ["", "/es"])
def test_every_exam_has_its_sheets_in_both_languages(client, prefix):
    exam("knee", "Knee", "Rodilla", codes=["73721", "73722"])
    exam("elbow", "Elbow")
    exam("ankle", "Ankle", "Tobillo")

    def links(slug, language):
        address = f"{'/es' if language == 'es' else ''}/patient-information/{slug}/handout.pdf"
        labels = {
            "en": ["Preparation", "Preparation, large print", "Everything"],
            "es": ["Preparación", "Preparación, letra grande", "Todo"],
        }[language]
        queries = ["?part=preparation", "?part=preparation&size=large", ""]
        return [(language, label, address + query) for label, query in zip(labels, queries, strict=True)]

    def both(slug):
        return [link for language in (("en", "es"), ("es", "en"))[bool(prefix)] for link in links(slug, language)]

    ankle, knee = [("Ankle", "Knee"), ("Tobillo", "Rodilla")][bool(prefix)]
    assert exams(client.get(f"{prefix}/prep-sheets/")) == [
        (ankle, "", both("ankle"), False),
        ("Elbow", "", links("elbow", "en"), False),
        (knee, "73721,73722", both("knee"), False),
    ]


def test_first_click_opens_the_exam_and_the_second_its_spanish_pdf(client):
    exam("knee", "Knee", "Rodilla")
    exam("elbow", "Elbow", "Codo")
    spanish = [
        address
        for _title, _codes, links, _is_open in exams(client.get("/prep-sheets/"))
        for language, label, address in links
        if (language, label) == ("es", "Preparación")
    ]
    papers = [client.get(address) for address in spanish]
    assert [paper.headers["Content-Type"] for paper in papers] == ["application/pdf"] * 2
    assert [re.findall(r"Ayune: \w+", text_of(opened(paper.content))) for paper in papers] == [
        ["Ayune: Codo"],
        ["Ayune: Rodilla"],
    ]


def test_sheets_for_one_location_are_there_too(client):
    article = exam("knee", "Knee", "Rodilla")
    article.topic.locations.set(
        [LocationFactory(name="North", slug="north"), LocationFactory(name="South", slug="south")]
    )
    ((_title, _codes, links, _is_open),) = exams(client.get("/prep-sheets/"))
    own = [link for link in links if "location" in link[2]]
    assert own == [
        (language, name, f"{prefix}/patient-information/knee/handout.pdf?part=preparation&location={name.lower()}")
        for language, prefix in (("en", ""), ("es", "/es"))
        for name in ("North", "South")
    ]
    assert {client.get(address).status_code for _language, _label, address in own} == {200}


FOUND = {
    "73721": ["Knee"],
    " 73721 ": ["Knee"],
    "g0202": ["Mammogram"],
    "knee": ["Knee"],
    "KNEES": ["Knee"],
    "rodilla": ["Knee"],  # asked in Spanish
    "mamografia": ["Mammogram"],
    "mamogram": ["Mammogram"],  # misspelled
    "mri": ["Knee", "Shoulder"],
    "99999": [],
    "zebra": [],
    "7372": [],
    "": ["Knee", "Mammogram", "Shoulder"],
    "  ": ["Knee", "Mammogram", "Shoulder"],
}


def test_exam_is_found_by_code_and_by_word(client, subtests):
    exam("knee", "Knee", "Rodilla", codes=["73721"], also_called="joint MRI")
    exam("shoulder", "Shoulder", "Hombro", also_called="arm MRI")
    exam("mammogram", "Mammogram", "Mamografía", codes=["G0202"])
    spanish = {"Knee": "Rodilla", "Shoulder": "Hombro", "Mammogram": "Mamografía"}
    for (asked, found), prefix in product(FOUND.items(), ("", "/es")):
        with subtests.test(asked=asked, prefix=prefix):
            response = client.get(f"{prefix}/prep-sheets/", {"q": asked})
            assert titles(response) == ([spanish[title] for title in found] if prefix else found)
            are_open = [is_open for *_rest, is_open in exams(response)]
            assert are_open == ([True] if len(found) == 1 else [False] * len(found))
            nothing = ("No exam fits. Try a shorter word, or show all exams.", "Ningún examen coincide.")[bool(prefix)]
            assert (nothing in response.text) is not bool(found)


def test_exam_found_by_one_language_has_its_sheets_in_both(client):
    exam("knee", "Knee", "Rodilla")
    exam("elbow", "Elbow", "Codo")
    ((title, _codes, links, _is_open),) = exams(client.get("/prep-sheets/", {"q": "rodilla"}))
    assert (title, {language for language, *_rest in links}) == ("Knee", {"en", "es"})


def test_exam_only_in_spanish_is_listed_by_its_spanish_title(client):
    ArticleFactory(topic__slug="knee", language="es", title="Rodilla")
    assert titles(client.get("/prep-sheets/")) == ["Rodilla"]


@pytest.mark.parametrize("status", sorted(set(ArticleStatus.values) - {"published"}))
def test_what_is_not_published_has_no_sheets(client, status):
    exam("secret", "Secret plans", codes=["73721"], status=status)
    exam("knee", "Knee")
    assert [titles(client.get("/prep-sheets/", {"q": asked})) for asked in ("", "73721", "secret")] == [
        ["Knee"],
        [],
        [],
    ]


def test_article_taken_off_has_no_sheets(client):
    publishing.take_off(exam("knee", "Knee", "Rodilla", codes=["73721"]))
    ((title, _codes, links, _is_open),) = exams(client.get("/prep-sheets/", {"q": "73721"}))
    assert (title, {language for language, *_rest in links}) == ("Rodilla", {"es"})


def test_page_escapes_titles_and_what_was_asked(client):
    exam("knee", "<script>alert(1)</script>")
    for query in ({}, {"q": '"><script>alert(1)</script>'}):
        assert "<script>alert" not in client.get("/prep-sheets/", query).text


def test_page_asks_for_nothing_about_a_patient_and_sets_no_cookie(client):
    exam("knee", "Knee")
    response = client.get("/prep-sheets/", {"q": "knee"})
    main = re.search(r'<main id="main">(.*)</main>', response.text, re.DOTALL).group(1)
    assert re.findall(r'<(?:input|select|textarea) [^>]*name="(\w+)"', main) == ["q"]
    assert response.cookies == {}


def test_large_library_has_all_its_spanish_sheets(client):
    topics = Topic.objects.bulk_create(
        Topic(slug=f"topic-{number}", kind="exam", body_region="chest", modality="ct") for number in range(210)
    )
    facts = {"summary": "S", "copyright": "C", "licence": "L", "is_sample": True}
    articles = Article.objects.bulk_create(
        Article(topic=topic, language=language, title=topic.slug, sort_key=topic.slug, status="published", **facts)
        for topic in topics
        for language in ("en", "es")
    )
    Edition.objects.bulk_create(
        Edition(
            article=article,
            number=1,
            language=article.language,
            title=article.title,
            sort_key=article.title,
            digest="0",
            grade=1,
            is_live=True,
            published_at=timezone.now(),
            **facts,
        )
        for article in articles
    )
    found = [exam for page in (1, 2, 3) for exam in exams(client.get("/prep-sheets/", {"page": page}))]
    without = [title for title, _codes, links, _is_open in found if {link[0] for link in links} != {"en", "es"}]
    assert (len(found), without) == (210, [])
