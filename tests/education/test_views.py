import re
from datetime import date
from itertools import product

import pytest
from django.utils.html import escape
from django.utils.translation import gettext, override

from education.models import PREPARATION, ArticleStatus, BodyRegion, Modality, SectionKind
from education.review import change_status
from tests.factories import ArticleFactory, LocationFactory, PhysicianFactory, TopicFactory, make_term

pytestmark = pytest.mark.usefixtures("identity")

HIDDEN = sorted(set(ArticleStatus.values) - {"published"})
SAMPLE_NOTE = (
    "Sample text for this demonstration. It awaits review by the practice’s physicians; do not rely on it for your own "
    "care."
)


def main_of(response):
    """The part of the page that is its own."""
    return re.search(r'<main id="main">(.*)</main>', response.text, re.DOTALL).group(1)


def titles(response):
    return re.findall(r'<li><a href="[^"]+">([^<]+)</a><p>', response.text)


def words(response):
    return re.findall(r"<dt><a [^>]+><strong>([^<]+)</strong>", response.text)


def sitemap_of(client):
    return re.findall(
        r"<loc>https?://testserver(/(?:es/)?patient-information/[^<]+)</loc>", client.get("/sitemap.xml").text
    )


# ---- The list -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 3])
def test_list_takes_four_queries_however_many_articles(client, django_assert_num_queries, count):
    for _number in range(count):
        ArticleFactory()
    with django_assert_num_queries(4):  # filters in use; count; editions with topics; who the practice is
        response = client.get("/patient-information/")
    assert len(titles(response)) == count


def test_list_is_sorted_as_people_read_and_in_their_language_only(client):
    for title in ("Zebra", "abdomen", "Épaule", "Ear"):
        ArticleFactory(title=title)
    ArticleFactory(title="Rodilla", language="es")
    assert titles(client.get("/patient-information/")) == ["abdomen", "Ear", "Épaule", "Zebra"]
    assert titles(client.get("/es/patient-information/")) == ["Rodilla"]


@pytest.mark.parametrize(
    ("query", "shown", "heading"),
    [
        ("", ["Chest CT", "Chest X-ray", "Knee CT"], "All exams and treatments, A to Z"),
        ("?region=chest", ["Chest CT", "Chest X-ray"], "Chest and lungs"),
        ("?exam=ct", ["Chest CT", "Knee CT"], "CT scan"),
        ("?region=chest&exam=xray", ["Chest X-ray"], "Chest and lungs"),
        ("?region=breast", [], "Breast"),
        ("?region=tail", ["Chest CT", "Chest X-ray", "Knee CT"], "All exams and treatments, A to Z"),
        ("?exam=%00", ["Chest CT", "Chest X-ray", "Knee CT"], "All exams and treatments, A to Z"),
    ],
)
def test_list_is_filtered_by_region_and_exam(client, query, shown, heading):
    for title, region, modality in (
        ("Knee CT", BodyRegion.ARMS_LEGS, Modality.CT),
        ("Chest X-ray", BodyRegion.CHEST, Modality.XRAY),
        ("Chest CT", BodyRegion.CHEST, Modality.CT),
    ):
        ArticleFactory(title=title, topic=TopicFactory(body_region=region, modality=modality))
    response = client.get(f"/patient-information/{query}")
    assert response.status_code == 200
    assert titles(response) == shown
    assert re.search(r'<h2 id="list-title">([^<]*)</h2>', response.text).group(1) == heading


def test_list_offers_only_filters_that_find_something(client):
    ArticleFactory(topic=TopicFactory(body_region="spine", modality="mri"))
    ArticleFactory(topic=TopicFactory(body_region="chest", modality="ct"), status=ArticleStatus.DRAFT)
    ArticleFactory(topic=TopicFactory(body_region="head-neck", modality="dexa"), language="es")
    assert re.findall(r'href="\?([a-z]+=[a-z-]+)"', client.get("/patient-information/").text) == [
        "region=spine",
        "exam=mri",
    ]


def test_list_marks_the_filter_in_use(client):
    ArticleFactory(topic=TopicFactory(body_region="spine", modality="mri"))
    response = client.get("/patient-information/?exam=mri")
    assert re.findall(r'<a class="tag" href="([^"]*)" aria-current="true">', response.text) == ["?exam=mri"]


def test_list_has_pages_of_a_hundred(client, subtests):
    for number in range(101):
        ArticleFactory(title=f"Article {number:03}", topic__body_region="spine")
    first, last = ("Article 000", 100, "Page 1 of 2"), ("Article 100", 1, "Page 2 of 2")
    for page, shown in {"1": first, "2": last, "99": last, "x": first}.items():
        with subtests.test(page=page):
            response = client.get("/patient-information/", {"region": "spine", "page": page})
            found = titles(response)
            (says,) = re.findall(r"<span>(Page [^<]+)</span>", response.text)
            assert (found[0], len(found), says) == shown


def test_empty_list_says_so(client):
    assert "<li>There is nothing here yet.</li>" in main_of(client.get("/patient-information/"))


@pytest.mark.parametrize("status", HIDDEN)
def test_what_is_not_published_is_nowhere(client, status):
    hidden = ArticleFactory(topic=TopicFactory(slug="hidden"), title="Secret plans", status=status)
    ArticleFactory(topic=TopicFactory(slug="shown"), title="Shown")
    article = client.get("/patient-information/hidden/")
    assert article.status_code == 404
    listing = client.get("/patient-information/")
    assert titles(listing) == ["Shown"]
    assert sitemap_of(client) == ["/patient-information/shown/"]
    assert [hidden.title in response.text for response in (article, listing)] == [False, False]


@pytest.mark.parametrize("status", HIDDEN)
def test_translation_that_is_not_published_is_nowhere(client, status):
    shown = ArticleFactory(topic=TopicFactory(slug="knee"), title="Knee")
    ArticleFactory(topic=shown.topic, language="es", title="Rodilla secreta", status=status)
    spanish = client.get("/es/patient-information/knee/")
    assert "Rodilla secreta" not in spanish.text
    assert "Knee (English)" in main_of(spanish)
    assert sitemap_of(client) == ["/patient-information/knee/"]


@pytest.mark.parametrize("steps", [["in review"], ["in review", "draft"], ["in review", "draft", "in review"]])
def test_published_article_that_is_worked_on_stays_as_it_was(client, steps):
    article = ArticleFactory(topic=TopicFactory(slug="knee"), title="Knee")
    for status in steps:
        change_status(article, status)
    type(article).objects.update(title="Unfinished plans", sort_key="unfinished plans")
    article.sections.update(body="Not yet true.")
    page, listing = client.get("/patient-information/knee/"), client.get("/patient-information/")
    assert "<h1>Knee</h1>" in page.text
    assert "The facts." in main_of(page)
    assert titles(listing) == ["Knee"]
    assert sitemap_of(client) == ["/patient-information/knee/"]
    assert [text in page.text + listing.text for text in ("Unfinished", "Not yet true")] == [False, False]


def test_retired_article_leaves_the_site(client):
    article = ArticleFactory(topic=TopicFactory(slug="knee"), title="Knee")
    change_status(article, ArticleStatus.RETIRED)
    assert client.get("/patient-information/knee/").status_code == 404
    assert titles(client.get("/patient-information/")) == []
    assert sitemap_of(client) == []


def test_sitemap_lists_each_topic_in_its_languages(client):
    both = ArticleFactory(topic=TopicFactory(slug="both"))
    ArticleFactory(topic=both.topic, language="es")
    ArticleFactory(topic=TopicFactory(slug="spanish"), language="es")
    ArticleFactory(topic=TopicFactory(slug="english"))
    assert sitemap_of(client) == [
        "/patient-information/both/",
        "/es/patient-information/both/",
        "/patient-information/english/",
        "/es/patient-information/spanish/",
    ]


# ---- An article -----------------------------------------------------------------------------------------------------


PARTS = [kind for kind in SectionKind.values if kind not in PREPARATION[1:]]


@pytest.mark.parametrize("count", [1, 3])
def test_article_takes_four_queries_however_much_there_is(client, django_assert_num_queries, count):
    sections = dict.fromkeys(PARTS[:count], "Text.")
    topic = TopicFactory(slug="knee", codes=[f"7372{number}" for number in range(count)], sample_charge_cents=64_000)
    topic.locations.set(LocationFactory.create_batch(count))
    for number in range(count):
        topic.reference_codes.create(system="loinc", code=f"3074{number}-4")
    ArticleFactory(topic=topic, sections=sections, reviewer=PhysicianFactory())
    ArticleFactory(topic=topic, sections=sections, language="es")
    with django_assert_num_queries(4):  # editions, topic with code and reviewer; places; codes; who the practice is
        response = client.get("/patient-information/knee/")
    assert len(re.findall('<section class="section text', response.text)) == count + 1  # the sample bill line
    assert response.text.count('"codingSystem": "LOINC"') == count


def test_article_shows_its_sections_in_the_order_patients_read_them(client):
    kinds = SectionKind.values
    ArticleFactory(topic=TopicFactory(slug="knee"), sections={kind: f"About {kind}." for kind in reversed(kinds)})
    text = client.get("/patient-information/knee/").text
    assert re.findall(r"<(h2 id|h3)[^>]*>([^<]+)</h[23]>\s*<p>(About [^<]+)</p>", text) == [
        ("h2 id", "Basic facts", "About basic facts."),
        ("h2 id", "How to prepare", "About prepare."),
        ("h3", "The week before", "About week before."),
        ("h3", "The day before", "About day before."),
        ("h3", "The day of", "About day of."),
        ("h2 id", "What happens", "About what happens."),
        ("h2 id", "Afterward", "About after."),
        ("h2 id", "When to call us", "About when to call."),
        ("h2 id", "Why it is done", "About why."),
        ("h2 id", "Risks", "About risks."),
        ("h2 id", "Your results", "About results."),
        ("h2 id", "What it costs, and why two bills", "About cost."),
    ]
    anchors = [kind.replace(" ", "-") for kind in PARTS]
    assert re.findall(r'<section class="section text [a-z-]+" id="([a-z-]+)"', text) == anchors
    # The list of sections stands above the text for phones and beside it on wide screens.
    assert re.findall(r'<li><a href="#([a-z-]+)">', text) == anchors * 2
    assert text.count('href="tel:+15745550100">Call (574) 555-0100</a>') == 1


def sample_line_of(response):
    """(heading, description, code, rows, sentence, link) of the sample bill line."""
    (section,) = re.findall(r'<section class="section text" id="bill".*?</section>', response.text, re.DOTALL)
    return (
        re.search(r'<h2 id="bill-title">(.*?)</h2>', section).group(1),
        re.search(r"<h3>(.*?)</h3>", section).group(1),
        re.findall(r'<p class="muted small">(.*?)</p>', section),
        re.findall(r'<tr[^>]*><th scope="row">([^<]+).*?</th><td class="sum">(.*?)</td></tr>', section),
        re.findall(r"<p>(.*?)</p>", section),
        re.findall(r'<a href="(.*?)">(.*?)</a>', section),
    )


def test_article_shows_what_it_looks_like_on_a_bill(client):
    topic = TopicFactory(slug="knee", codes=["73721", "73722"], sample_charge_cents=124_055)
    ArticleFactory(topic=topic, title="Knee MRI", sources="A book")
    response = client.get("/patient-information/knee/")
    assert sample_line_of(response) == (
        "What it looks like on your bill",
        "Knee MRI",
        ["code 73721"],
        [
            ("Our charge", "$1,240.55"),
            ("Insurance paid", "− $868.38"),
            ("Adjustment", "− $248.11"),
            ("Your share", "$124.06"),
        ],
        ["An example with round numbers, not a price. The hospital or center sends its own bill."],
        [("/pay/", "Pay Your Bill")],
    )
    # After the article's own sections, before the sources, and in both lists of sections.
    own = main_of(response).split("</article>")[0]
    assert re.findall(r'<h2 id="([a-z-]+)-title">', own) == ["basic-facts", "bill", "sources", "reviewed"]
    assert (
        re.findall(r'<li><a href="#([a-z-]+)">(.*?)</a></li>', response.text)
        == [
            ("basic-facts", "Basic facts"),
            ("bill", "What it looks like on your bill"),
        ]
        * 2
    )


def test_sample_bill_line_without_a_code_names_none(client):
    TopicFactory(codes=["71046"])
    ArticleFactory(topic=TopicFactory(slug="knee", sample_charge_cents=0))
    response = client.get("/patient-information/knee/")
    assert sample_line_of(response)[2:4] == (
        [],
        [("Our charge", "$0.00"), ("Insurance paid", "− $0.00"), ("Adjustment", "− $0.00"), ("Your share", "$0.00")],
    )


def test_sample_bill_line_leads_spanish_readers_to_the_spanish_page(client):
    topic = TopicFactory(slug="knee", codes=["73721"], sample_charge_cents=64_000)
    ArticleFactory(topic=topic, language="es", title="RM de rodilla")
    _heading, title, code, _rows, _sentence, links = sample_line_of(client.get("/es/patient-information/knee/"))
    assert (title, code, links) == ("RM de rodilla", ["código 73721"], [("/es/pay/", "Pague su factura")])


def test_article_without_a_sample_charge_shows_no_bill(client):
    ArticleFactory(topic=TopicFactory(slug="knee", codes=["73721"]))
    text = main_of(client.get("/patient-information/knee/"))
    assert [word in text for word in ("bill", "73721", "charge")] == [False, False, False]


def test_article_shows_whose_text_it_is_and_under_which_licence(client):
    ArticleFactory(
        topic=TopicFactory(slug="knee"),
        copyright="© 2026 Somebody",
        licence="Free to copy",
        also_called="joint scan\nleg scan",
        sources="- A *book*",
    )
    footer = re.search(
        r'<footer class="text small muted">(.*?)</footer>', client.get("/patient-information/knee/").text, re.DOTALL
    )
    assert "<p>© 2026 Somebody · Free to copy</p>" in footer.group(1)
    assert "<p>Also called: joint scan, leg scan.</p>" in footer.group(1)
    assert "<li>A <em>book</em></li>" in client.get("/patient-information/knee/").text


@pytest.mark.parametrize(
    ("prefix", "language", "note", "not_reviewed"),
    [
        ("", "en", SAMPLE_NOTE, "Not yet reviewed by a physician of the practice."),
        (
            "/es",
            "es",
            "Texto de muestra para esta demostración. Los médicos del consultorio todavía no lo han revisado; no se "
            "guíe por él para cuidar su salud.",
            "Ningún médico del consultorio lo ha revisado todavía.",
        ),
    ],
)
def test_sample_article_says_that_it_is_one(client, prefix, language, note, not_reviewed):
    ArticleFactory(topic=TopicFactory(slug="knee"), language=language)
    text = main_of(client.get(f"{prefix}/patient-information/knee/"))
    assert f'<p class="note note-warm text">{note}</p>' in text
    assert f"<p>{not_reviewed}</p>" in text


@pytest.mark.parametrize(
    ("prefix", "language", "days"),
    [
        ("", "en", [("2026-03-31", "March 31, 2026"), ("2027-03-31", "March 31, 2027")]),
        ("/es", "es", [("2026-03-31", "31 de marzo de 2026"), ("2027-03-31", "31 de marzo de 2027")]),
    ],
)
def test_reviewed_article_says_who_and_when(client, prefix, language, days):
    ArticleFactory(
        topic=TopicFactory(slug="knee"),
        language=language,
        is_sample=False,
        reviewer=PhysicianFactory(name="Ann Lee", is_practising=False),
        reviewed_on=date(2026, 3, 31),
        next_review_on=date(2027, 3, 31),
    )
    text = main_of(client.get(f"{prefix}/patient-information/knee/"))
    with override(language):
        sentence = gettext("Reviewed by %(name)s.") % {"name": "Ann Lee, MD"}
        terms = [gettext("Last reviewed"), gettext("Next review due")]
    assert f"<p>{sentence}</p>" in text
    assert re.findall(r'<dt>([^<]+)</dt><dd><time datetime="([^"]+)">([^<]+)</time></dd>', text) == [
        (term, *day) for term, day in zip(terms, days, strict=True)
    ]
    assert "note-warm" not in text


@pytest.mark.parametrize("path", ["/patient-information/knee/", "/patient-information/"])
@pytest.mark.parametrize(
    ("prefix", "hint"),
    [("", "The result opens in a new window."), ("/es", "El resultado se abre en una ventana nueva.")],
)
def test_glossary_box_opens_a_new_window_and_says_so(client, path, prefix, hint):
    english = ArticleFactory(topic=TopicFactory(slug="knee"))
    ArticleFactory(topic=english.topic, language="es")
    text = client.get(f"{prefix}{path}").text
    assert f'<form action="{prefix}/glossary/" method="get" target="_blank" rel="noopener">' in text
    assert re.search(r'<input [^>]*name="q"[^>]*aria-describedby="look-up-hint">', text)
    assert f'<p class="form-text" id="look-up-hint">{hint}</p>' in text


def test_article_escapes_what_editors_write(client):
    script = "<script>alert(1)</script>"
    ArticleFactory(
        topic=TopicFactory(slug="knee"),
        title=f"T{script}",
        summary=f"S{script}",
        also_called=f"A{script}",
        sources=f"Q{script}",
        copyright=f"C{script}",
        licence=f"L{script}",
        sections={"basic facts": f"B{script} [x](javascript:alert(1))"},
    )
    text = client.get("/patient-information/knee/").text
    assert "<script>" not in text
    assert 'href="javascript' not in text
    assert [letter for letter in "TSAQCLB" if f"{letter}{escape(script)}" not in text] == []


@pytest.mark.parametrize(
    ("path", "language", "link"),
    [
        (
            "/es/patient-information/knee/",
            "en",
            '<a class="button" lang="en" hreflang="en" href="/patient-information/knee/">Knee (English)</a>',
        ),
        (
            "/patient-information/knee/",
            "es",
            '<a class="button" lang="es" hreflang="es" href="/es/patient-information/knee/">Knee (Español)</a>',
        ),
    ],
)
def test_untranslated_page_offers_the_other_language(client, path, language, link):
    ArticleFactory(topic=TopicFactory(slug="knee"), title="Knee", language=language)
    response = client.get(path)
    assert response.status_code == 200
    assert link in main_of(response)
    assert "The facts." not in response.text
    assert '<meta name="robots" content="noindex">' in response.text


def test_unknown_article_is_not_found(client):
    TopicFactory(slug="empty")
    assert [client.get(f"/patient-information/{slug}/").status_code for slug in ("empty", "absent")] == [404, 404]


# ---- The glossary ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "queries"),
    [("", 4), ("?q=word", 5)],  # the count of pages, entries with terms, names, the practice; whether anything fits
)
@pytest.mark.parametrize("count", [1, 3])
def test_glossary_queries_do_not_grow(client, django_assert_num_queries, query, queries, count):
    for number in range(count):
        make_term(f"word-{number}", en=f"Word {number}", synonyms=["first", "second"])
    with django_assert_num_queries(queries):
        response = client.get(f"/glossary/{query}")
    assert len(words(response)) == count


def test_glossary_lists_every_word_once_sorted_in_the_readers_language(client):
    make_term("z", en="zygoma", es="cigoma", synonyms=["Aa", "Bb"])
    make_term("e", en="Échogram", synonyms=["Cc"])
    make_term("b", en="Bone")
    make_term("o", es="Ojo")
    assert words(client.get("/glossary/")) == ["Bone", "Échogram", "zygoma"]
    assert words(client.get("/es/glossary/")) == ["cigoma", "Ojo"]


@pytest.mark.parametrize(
    ("query", "heading", "shown"),
    [
        ("breast", "Words found for “breast”: 1", ["Mammogram"]),
        ("MAMMO", "Words found for “MAMMO”: 1", ["Mammogram"]),
        ("mamogram", "“mamogram” is not in our glossary. Did you mean one of these?", ["Mammogram"]),
        ("quantum", "“quantum” is not in our glossary.", []),
        ("<zq>", "“&lt;zq&gt;” is not in our glossary.", []),
    ],
)
def test_glossary_answers_a_query(client, query, heading, shown):
    make_term("mammogram", en="Mammogram", es="Mamografía", synonyms=["breast picture"])
    make_term("vein", en="Vein")
    response = client.get("/glossary/", {"q": query})
    assert re.findall(r"<h2>([^<]+)</h2>", main_of(response)) == [heading]
    assert words(response) == shown
    assert '<meta name="robots" content="noindex">' in response.text


@pytest.mark.parametrize("query", [{}, {"q": ""}, {"q": "a\0b"}, {"q": "x" * 101}])
def test_glossary_without_a_usable_query_lists_all(client, query):
    make_term("vein", en="Vein")
    response = client.get("/glossary/", query)
    assert (words(response), re.findall("<h2>", main_of(response))) == (["Vein"], [])


def test_glossary_shows_ten_that_are_alike(client):
    for number in range(12):
        make_term(f"angio-{number}", en=f"Angiogram{chr(97 + number)}")
    response = client.get("/glossary/?q=angiograms")
    assert len(words(response)) == 10
    assert "Next page" not in response.text


def test_glossary_has_pages(client, subtests):
    for number in range(61):
        make_term(f"word-{number}", en=f"Word {number:03}")
    first, last = ("Word 000", 60, "Page 1 of 2"), ("Word 060", 1, "Page 2 of 2")
    for (page, shown), query in product({"1": first, "2": last, "99": last, "x": first}.items(), ("", "word")):
        with subtests.test(page=page, query=query):
            response = client.get("/glossary/", {"q": query, "page": page})
            found = words(response)
            (says,) = re.findall(r"<span>(Page [^<]+)</span>", response.text)
            assert (found[0], len(found), says) == shown


@pytest.mark.parametrize("count", [1, 3])
def test_term_takes_four_queries_however_many_names(client, django_assert_num_queries, count):
    make_term("port", en="Port", es="Puerto", synonyms=[f"name {number}" for number in range(count)])
    with django_assert_num_queries(4):  # term, entries, names; who the practice is
        response = client.get("/glossary/port/")
    assert len(re.findall('<span class="tag">', response.text)) == count


def test_term_shows_both_languages_the_readers_first(client):
    make_term("port", en="Port", es="Puerto", synonyms=["device"])
    english, spanish = client.get("/glossary/port/"), client.get("/es/glossary/port/")
    assert re.search('<div lang="(..)">\\s*<h1>(.+)</h1>', english.text).groups() == ("en", "Port")
    assert re.search('<div lang="(..)">\\s*<h1>(.+)</h1>', spanish.text).groups() == ("es", "Puerto")
    assert '<p class="note text" lang="es"><strong>Spanish: Puerto.</strong> What Puerto means.</p>' in english.text
    assert '<p class="note text" lang="en"><strong>Inglés: Port.</strong> What Port means.</p>' in spanish.text


def test_term_in_one_language_is_shown_in_it(client):
    make_term("port", en="Port")
    response = client.get("/es/glossary/port/")
    assert re.search('<div lang="(..)">\\s*<h1>(.+)</h1>', response.text).groups() == ("en", "Port")


def test_term_without_a_word_and_unknown_term_are_not_found(client):
    make_term("empty")
    assert [client.get(f"/glossary/{slug}/").status_code for slug in ("empty", "absent")] == [404, 404]


@pytest.mark.parametrize(
    "path", ["/patient-information/", "/patient-information/knee/", "/glossary/", "/glossary/port/"]
)
def test_pages_are_for_reading_only(client, path):
    ArticleFactory(topic=TopicFactory(slug="knee"))
    make_term("port", en="Port")
    assert [client.get(path).status_code, client.head(path).status_code, client.post(path).status_code] == [
        200,
        200,
        405,
    ]
