import re

import pytest

from education import publishing
from education.models import SectionKind
from tests.education.test_publishing import publish, translate, write
from tests.factories import ArticleFactory, live, make_term

pytestmark = pytest.mark.usefixtures("identity")

FACTS, RISKS = SectionKind.BASIC_FACTS, SectionKind.RISKS
BEHIND = "The English text has changed here; the translation has not been brought up to date."
BEHIND_ES = "El texto en inglés cambió aquí; la traducción todavía no está al día."
NOTES = {
    "changed": "El texto en inglés cambió aquí; esta traducción todavía no está al día.",
    "new": "Esta parte es nueva en inglés y todavía no está traducida.",
    "gone": "Esta parte ya no está en el texto en inglés.",
}


@pytest.fixture
def knee(db):
    return ArticleFactory(topic__slug="knee", title="Knee", summary="About knees.", sections={FACTS: "One.\n\nTwo."})


@pytest.fixture
def rodilla(knee):
    return translate(knee, {FACTS: "Uno.\n\nDos."}, title="Rodilla", summary="De rodillas.")


def stripped(html):
    return re.sub(r"\s+", " ", re.sub(r"</?p>", "", html)).strip()


def pairs_of(response):
    """[(own, other, note)] of the paragraphs; a pair is marked where it has a note."""
    found = re.findall(
        r'<div class="pair( stale)?"><div class="own side" lang="[^"]*">(.*?)</div>'
        r'<div class="other side" lang="[^"]*">(.*?)</div>(?:<p class="small whole"><strong>(.*?)</strong></p>)?</div>',
        response.text,
        re.DOTALL,
    )
    assert [bool(stale) for stale, *_rest in found] == [bool(note) for *_rest, note in found]
    return [(stripped(own), stripped(other), note) for _stale, own, other, note in found]


def stale_parts_of(response):
    """[(what stands there, what the note says, the English)] of what is marked on an article's page."""
    found = re.findall(
        r'<div class="stale">(.*?)<p class="small"><strong>(.*?)</strong></p>'
        r'(?:<details><summary>Leerla en inglés</summary><div lang="en">(.*?)</div></details>)?</div>',
        response.text,
        re.DOTALL,
    )
    return [(stripped(html), note, stripped(english)) for html, note, english in found]


def notice_of(response):
    """What the article's page says at its top about its being behind."""
    return re.findall(r'<p class="note note-warm text">(El texto en inglés .*?|The English .*?)</p>', response.text)


# ---- Side by side ---------------------------------------------------------------------------------------------------


CHANGES = {
    "nothing": ({}, [("Uno.", "One.", False), ("Dos.", "Two.", False)]),
    "changed": ({"basic_facts": "One.\n\nOther."}, [("Uno.", "One.", False), ("Dos.", "Other.", True)]),
    "new": (
        {"basic_facts": "One.\n\nNew.\n\nTwo."},
        [("Uno.", "One.", False), ("", "New.", True), ("Dos.", "Two.", False)],
    ),
    "gone": ({"basic_facts": "Two."}, [("Uno.", "", True), ("Dos.", "Two.", False)]),
    "new section": (
        {"risks": "Few.\n\nVery few."},
        [("Uno.", "One.", False), ("Dos.", "Two.", False), ("", "Few.", True), ("", "Very few.", True)],
    ),
    "section gone": (
        {"basic_facts": "", "risks": "Few."},
        [("Uno.", "", True), ("Dos.", "", True), ("", "Few.", True)],
    ),
}


@pytest.mark.parametrize(("changes", "rows"), CHANGES.values(), ids=CHANGES)
def test_paragraphs_stand_side_by_side_and_say_which_are_behind(client, knee, rodilla, changes, rows):
    publish(knee, **changes)
    english = client.get("/patient-information/knee/both-languages/")
    spanish = client.get("/es/patient-information/knee/both-languages/")
    assert pairs_of(english) == [(there, here, BEHIND if is_stale else "") for here, there, is_stale in rows]
    assert pairs_of(spanish) == [(here, there, BEHIND_ES if is_stale else "") for here, there, is_stale in rows]


@pytest.mark.parametrize(
    ("prefix", "titles", "headings"),
    [
        (
            "",
            [("en", "Knee"), ("es", "Rodilla"), ("en", "About knees."), ("es", "De rodillas.")],
            [("basic-facts", "en", "Basic facts", "es", "Datos básicos")],
        ),
        (
            "/es",
            [("es", "Rodilla"), ("en", "Knee"), ("es", "De rodillas."), ("en", "About knees.")],
            [("basic-facts", "es", "Datos básicos", "en", "Basic facts")],
        ),
    ],
)
def test_titles_and_headings_are_in_both_languages(client, knee, rodilla, prefix, titles, headings):
    text = client.get(f"{prefix}/patient-information/knee/both-languages/").text
    assert re.findall(r'<p class="(?:own|other) side (?:title|lead)" lang="(..)">(.*?)</p>', text) == titles
    heading = (
        r'<h2 class="own side" id="([a-z-]+)-title" lang="(..)">(.*?)</h2>'
        r'<p class="other side heading" lang="(..)">(.*?)</p>'
    )
    assert re.findall(heading, text) == headings


@pytest.mark.parametrize(("prefix", "languages"), [("", ["en", "es"]), ("/es", ["es", "en"])])
def test_each_side_says_its_language(client, knee, rodilla, prefix, languages):
    text = client.get(f"{prefix}/patient-information/knee/both-languages/").text
    sides = re.findall(r'<div class="(own|other) side" lang="(.*?)">', text)
    assert sides == [*zip(["own", "other"], languages, strict=True)] * 2


@pytest.mark.parametrize(("prefix", "names"), [("", ["English", "Spanish"]), ("/es", ["español", "inglés"])])
def test_reader_chooses_a_language_by_its_name(client, knee, rodilla, prefix, names):
    text = client.get(f"{prefix}/patient-information/knee/both-languages/").text
    labels = re.findall(r'<label><input type="radio" name="show" value="(\w+)"[^>]*>(.*?)</label>', text)
    assert [(value, name.strip().casefold()) for value, name in labels] == [
        *zip(["own", "other"], map(str.casefold, names), strict=True)
    ]


def test_section_of_which_nobody_knows_what_belongs_together_stands_as_a_whole(client, knee):
    ArticleFactory(topic=knee.topic, language="es", sections={FACTS: "Uno, dos."})
    assert pairs_of(client.get("/es/patient-information/knee/both-languages/")) == [("Uno, dos.", "One. Two.", "")]


def test_what_the_translation_says_of_its_own_is_not_behind(client, knee):
    spanish = translate(knee, {FACTS: "Uno.\n\nDos.\n\nAquí hablamos español."})
    digests = publishing.english_digests(spanish)[FACTS]
    spanish.sections.update(translated_from=[*digests, ""])
    publish(spanish.topic.articles.get(language="es"))
    assert pairs_of(client.get("/es/patient-information/knee/both-languages/"))[2:] == [
        ("Aquí hablamos español.", "", "")
    ]
    assert notice_of(client.get("/es/patient-information/knee/")) == []


def test_words_are_not_explained_twice(client, knee):
    make_term("scan", en="scan", es="escaneo")
    publish(knee, basic_facts="A *scan*.\n\nTwo.")
    translate(knee, {FACTS: "Un *escaneo*.\n\nDos."})
    for prefix in ("", "/es"):
        response = client.get(f"{prefix}/patient-information/knee/both-languages/")
        assert {"A <em>scan</em>.", "Un <em>escaneo</em>."} == set(pairs_of(response)[0][:2])
        assert "popover" not in response.text


def test_draft_is_not_shown_beside_what_is_on_the_site(client, knee, rodilla):
    for article in (knee, rodilla):
        write(article, basic_facts="Secret.\n\nPlans.")
        publishing.keep_edition(article)
    assert [row[:2] for row in pairs_of(client.get("/patient-information/knee/both-languages/"))] == [
        ("One.", "Uno."),
        ("Two.", "Dos."),
    ]


@pytest.mark.parametrize("prefix", ["", "/es"])
@pytest.mark.parametrize("off", ["en", "es"])
def test_article_in_one_language_has_no_such_page(client, knee, rodilla, prefix, off):
    publishing.take_off({"en": knee, "es": rodilla}[off])
    assert client.get(f"{prefix}/patient-information/knee/both-languages/").status_code == 404
    assert "both-languages" not in client.get(f"{prefix}/patient-information/knee/").text


@pytest.mark.parametrize("slug", ["absent", "feed"])
def test_unknown_topic_has_no_such_page(client, knee, slug):
    assert client.get(f"/patient-information/{slug}/both-languages/").status_code == 404


@pytest.mark.parametrize("prefix", ["", "/es"])
def test_article_in_both_languages_leads_there(client, knee, rodilla, prefix):
    response = client.get(f"{prefix}/patient-information/knee/")
    assert re.findall(r'<a href="([^"]+both-languages/)">', response.text) == [
        f"{prefix}/patient-information/knee/both-languages/"
    ]


# ---- The Spanish page alone -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({}, []),
        ({"basic_facts": "One.\n\nOther."}, [("Dos.", "changed", "Other.")]),
        ({"basic_facts": "One.\n\nNew.\n\nTwo."}, [("", "new", "New.")]),
        ({"basic_facts": "Two."}, [("Uno.", "gone", "")]),
        ({"basic_facts": "Other.\n\nAnother."}, [("Uno.", "changed", "Other."), ("Dos.", "changed", "Another.")]),
        ({"risks": "Few."}, [("", "new", "Few.")]),
    ],
)
def test_spanish_page_marks_what_is_behind_and_gives_the_english(client, knee, rodilla, changes, parts, time_machine):
    time_machine.move_to("2026-11-26T12:00:00Z", tick=False)
    publish(knee, **changes)
    response = client.get("/es/patient-information/knee/")
    assert stale_parts_of(response) == [(own, NOTES[note], english) for own, note, english in parts]
    assert (
        notice_of(response)
        == {
            0: [],
            1: [
                "El texto en inglés cambió el 26 de noviembre de 2026. Una parte de esta página todavía no se ha vuelto a "
                "traducir; está marcada, y ahí puede leerla en inglés."
            ],
            2: [
                "El texto en inglés cambió el 26 de noviembre de 2026. 2 partes de esta página todavía no se han vuelto a "
                "traducir; están marcadas, y ahí puede leerlas en inglés."
            ],
        }[len(parts)]
    )
    assert response.context["page"].stale == len(parts)


def test_parts_of_the_preparation_are_marked_too(client, knee):
    publish(knee, prepare="Fast.", day_of="Walk.")
    translate(knee, {FACTS: "Uno.\n\nDos.", SectionKind.PREPARE: "Ayune.", SectionKind.DAY_OF: "Camine."})
    publish(knee, prepare="Eat.", day_of="Run.")
    assert stale_parts_of(client.get("/es/patient-information/knee/")) == [
        ("Ayune.", NOTES["changed"], "Eat."),
        ("Camine.", NOTES["changed"], "Run."),
    ]


def test_english_page_is_never_behind(client, knee, rodilla):
    publish(rodilla, basic_facts="Otro.")
    response = client.get("/patient-information/knee/")
    assert (notice_of(response), response.context["page"].stale) == ([], 0)
    assert 'class="stale"' not in response.text


def test_translation_without_english_on_the_site_is_not_behind(client, knee, rodilla):
    publish(knee, basic_facts="Other.")
    publishing.take_off(knee)
    response = client.get("/es/patient-information/knee/")
    assert (notice_of(response), stale_parts_of(response)) == ([], [])


def test_translation_that_was_brought_up_to_date_is_not_behind(client, knee, rodilla):
    publish(knee, basic_facts="One.\n\nOther.")
    publishing.confirm_translation(rodilla, [FACTS])
    response = client.get("/es/patient-information/knee/")
    assert (notice_of(response), stale_parts_of(response)) == ([], [])
    assert live(rodilla).article.stale_blocks == 0


def test_every_word_that_can_be_opened_has_its_meaning_on_the_page(client, knee, rodilla):
    make_term("scan", en="scan")
    publish(knee, basic_facts="One.\n\nA scan.")
    response = client.get("/es/patient-information/knee/")
    assert [english for _own, _note, english in stale_parts_of(response)] != []
    opened = set(re.findall(r'popovertarget="(w-[^"]+)"', response.text))
    assert opened - set(re.findall(r'id="(w-[^"]+)"', response.text)) == set()
