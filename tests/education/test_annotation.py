import re

import pytest
from lxml import html as html_reader

from education.annotation import Explainer
from education.models import Entry, Term
from practice import markdown
from tests.factories import make_term

pytestmark = pytest.mark.django_db

BUTTON = re.compile(r'<button class="word" type="button" popovertarget="w-([a-z0-9_-]+)">([^<]*)</button>')


def explained(text, language="en", used=None):
    """The HTML of the Markdown with its words explained, and [(term, words of the text)] in order."""
    html = Explainer(language).explain(markdown.render(text), {} if used is None else used)
    return html, BUTTON.findall(html)


def words(text, language="en"):
    return explained(text, language)[1]


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("scan", "A scan.", ["scan"]),
        ("scan", "Scans help.", ["Scans"]),
        ("scan", "SCAN", ["SCAN"]),
        ("scan", "(scan)", ["scan"]),
        ("scan", "The scan's end.", ["scan's"]),
        ("scan", "scanner scanning rescan", []),
        ("biopsy", "Two biopsies.", ["biopsies"]),
        ("mass", "Masses and a mass.", ["Masses"]),
        ("X-ray", "An x-ray.", ["x-ray"]),
        ("X-rays", "An X-ray.", ["X-ray"]),
        ("X-ray", "An X ray.", []),
        ("Échogram", "An echogram.", ["echogram"]),
        ("echogram", "An ÉCHOGRAM.", ["ÉCHOGRAM"]),
        ("bone scan", "A bone scan.", ["bone scan"]),
        ("bone scan", "A bone\nscan.", ["bone\nscan"]),
        ("bone scan", "A bone-scan.", []),
        ("bone scan", "A bone. Scan it.", []),
        ("bone scan", "A bone, scan it.", []),
        ("bone scan", "A *bone* scan.", []),
        ("bone scan", "Bones scans", ["Bones scans"]),
        ("pelvis", "The pelvis.", ["pelvis"]),
        ("virus", "A virus.", ["virus"]),
        ("dose 2", "Dose 2 is next.", ["Dose 2"]),
        ("7T", "A 7T scanner.", ["7T"]),
        ("T", "T waves.", []),  # one letter is no word to explain
        ("one two three four five six", "One two three four five six.", ["One two three four five six"]),
        ("one two three four five six seven", "One two three four five six seven.", []),
        ("disease", "Diseases.", ["Diseases"]),
        ("dose", "Small doses.", ["doses"]),
        ("lens", "The lenses.", ["lenses"]),
    ],
)
def test_english_word_is_found_as_it_is_written(name, text, found):
    make_term("term", en=name)
    assert words(text) == [("term", word) for word in found]


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("radiografía", "Una radiografia.", ["radiografia"]),
        ("radiografia", "Dos RADIOGRAFÍAS.", ["RADIOGRAFÍAS"]),
        ("tumor", "Los tumores.", ["tumores"]),
        ("luz", "Las luces.", ["luces"]),
        ("lesión", "Dos lesiones.", ["lesiones"]),
        ("canal", "Dos canales.", ["canales"]),
        ("médula ósea", "La médula ósea.", ["médula ósea"]),
        ("riñón", "El riñón.", ["riñón"]),
        ("gas", "El gas.", ["gas"]),
        ("imagen", "Las imágenes.", ["imágenes"]),
        ("catéter", "Los catéteres.", ["catéteres"]),
    ],
)
def test_spanish_word_is_found_as_it_is_written(name, text, found):
    make_term("term", es=name)
    assert words(text, "es") == [("term", word) for word in found]


def test_word_is_explained_in_the_language_of_the_text_only(db):
    make_term("vein", en="vein", es="vena")
    assert (words("Vein, vena.", "en"), words("Vein, vena.", "es")) == ([("vein", "Vein")], [("vein", "vena")])


def test_word_is_explained_where_it_is_first_used(db):
    make_term("scan", en="scan")
    make_term("vein", en="vein")
    used = {}
    first, _found = explained("A scan, a scan.\n\n- Scans of a vein", used=used)
    again, found = explained("A vein and a scan.", used=used)
    assert BUTTON.findall(first) == [("scan", "scan"), ("vein", "vein")]
    assert (again, found) == ("<p>A vein and a scan.</p>\n", [])
    assert [meaning.slug for meaning in used.values()] == ["scan", "vein"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A CT scan of the chest.", [("chest-ct", "CT scan of the chest")]),
        ("A CT scan of the knee.", [("ct", "CT scan")]),
        ("CT, then a scan.", [("ct-alone", "CT"), ("scan", "scan")]),
        ("A scan by CT.", [("scan", "scan"), ("ct-alone", "CT")]),
        ("CT scan of the", [("ct", "CT scan")]),
        ("A CT scan, then a scan.", [("ct", "CT scan"), ("scan", "scan")]),
        ("A CT scan, then a CT scan.", [("ct", "CT scan")]),  # no shorter word inside the second one
    ],
)
def test_longest_name_wins(text, found):
    for slug, name in (("scan", "scan"), ("ct-alone", "CT"), ("ct", "CT scan"), ("chest-ct", "CT scan of the chest")):
        make_term(slug, en=name)
    assert words(text) == found


@pytest.mark.parametrize(
    "left_alone",
    ["[a scan](/scan/)", "[a *scan*](/scan/)", "# A scan", "### A **scan**", "`scan`", "```\nscan\n```"],
)
def test_word_in_a_link_a_heading_or_code_is_left_alone(left_alone):
    make_term("scan", en="scan")
    html, found = explained(f"{left_alone}\n\nThe scan, here.")
    assert found == [("scan", "scan")]
    assert html.endswith('<p>The <button class="word" type="button" popovertarget="w-scan">scan</button>, here.</p>\n')


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1 < 2 & 3 > 2", []),
        ("&amp; &lt; &gt; &quot; &nbsp; &#65; &copy;", []),
        ("amp & lt", ["amp", "lt"]),
        ("amp&amp", ["amp"]),
    ],
)
def test_sign_that_is_written_with_letters_is_no_word(text, found):
    for name in ("amp", "lt", "gt", "quot", "nbsp"):
        make_term(name, en=name)
    assert words(text) == [(word, word) for word in found]


TEXTS = [
    "A scan of *a vein*, **the scan** & more.",
    '[x](/a/ "a > scan & \\"vein\\"") scan',
    "<b>scan</b> \"vein\" 'scan' 1 < 2 > 1",
    "- scan\n  - vein\n\n    # scan\n\n> vein",
    "| scan | vein |\n|---|---|\n| scan \\| | `vein` |",
    "scan\\\nvein  \nscan\n\n---\n\n![scan](vein.png)",
    "~~scan~~***vein***",
    "<button>scan</button> </p> <!-- vein -->",
    "scan-vein vein’s scan/vein vein_scan",
    "😀scan年vein\u200bscan",
]


@pytest.mark.parametrize("text", TEXTS)
def test_nothing_but_buttons_is_added(text):
    make_term("scan", en="scan")
    make_term("vein", en="vein")
    html, found = explained(text)
    assert BUTTON.sub(r"\2", html) == markdown.render(text)
    assert html.count("<button") == len(found)
    buttons = html_reader.fragment_fromstring(html, create_parent="div").xpath("//button[@popovertarget]")
    assert [button.text for button in buttons] == [word for _slug, word in found]
    assert all(not len(button) and button.getparent().tag != "button" for button in buttons)


@pytest.mark.parametrize(
    ("name", "synonym", "text", "found"),
    [
        ("abdomen", "belly", "The belly.", []),
        ("abdomen", "abdominal area", "The abdominal area.", ["abdominal area"]),
        ("computed tomography", "CT", "By CT.", ["CT"]),
        ("ultrasound", "US", "Call us.", []),
        ("ultrasound", "US", "By US.", ["US"]),
        ("ultrasound", "US", "Call us, or US.", ["US"]),
        ("computed tomography", "cat scan", "A cat scan.", []),
        ("bone density scan", "DEXA", "A DEXA.", ["DEXA"]),
        ("mammogram", "mammography", "Mammography.", ["Mammography"]),
        ("port", "small device", "A small device.", []),
    ],
)
def test_everyday_synonym_is_left_alone_and_a_technical_one_is_not(name, synonym, text, found):
    make_term("term", en=name, synonyms=[synonym])
    assert words(text) == [("term", word) for word in found]


def test_everyday_word_is_left_alone(db):
    make_term("doctor", en="doctor")
    make_term("vein", en="vein")
    Term.objects.filter(slug="doctor").update(is_explained_in_text=False)
    assert words("The doctor finds a vein.") == [("vein", "vein")]


def test_own_name_of_a_word_comes_before_the_synonym_of_another(db):
    make_term("first", en="MRI scan", synonyms=["MRI"])
    make_term("second", en="MRI")
    assert words("An MRI.") == [("second", "MRI")]


def test_meaning_comes_with_the_word(db):
    make_term("port", en="Port")
    Entry.objects.update(pronunciation="port", definition="A *small* device <b>\n\n# Under the skin")
    used = {}
    explained("A port.", used=used)
    assert [meaning.as_json() for meaning in used.values()] == [
        {
            "slug": "port",
            "name": "Port",
            "say": "port",
            "html": "<p>A <em>small</em> device &lt;b&gt;</p>\n<h4>Under the skin</h4>\n",
        }
    ]


def test_word_inside_a_meaning_is_not_explained(db):
    make_term("port", en="port")
    make_term("vein", en="vein")
    Entry.objects.filter(name="port").update(definition="A way into a vein.")
    used = {}
    explained("A port.", used=used)
    assert [meaning.html for meaning in used.values()] == ["<p>A way into a vein.</p>\n"]


@pytest.mark.parametrize(
    ("word", "is_known"),
    [
        ("tomography", True),
        ("tomographies", True),
        ("computed", True),
        ("computed tomography", True),
        ("CT", True),
        ("belly", True),
        ("radiology", False),
        ("computed radiology", False),
    ],
)
def test_explainer_knows_every_word_that_stands_in_a_name(word, is_known):
    term = make_term("ct", en="computed tomography", synonyms=["CT", "belly picture"])
    Term.objects.filter(pk=term.pk).update(is_explained_in_text=False)
    assert Explainer("en").knows(word) is is_known


@pytest.mark.parametrize("count", [1, 3])
def test_explainer_asks_the_database_once(django_assert_num_queries, count):
    for number in range(count):
        make_term(f"word-{number}", en=f"word{number}")
    with django_assert_num_queries(1):
        explainer, used = Explainer("en"), {}
        for number in range(count):
            explainer.explain(f"<p>word{number}</p>", used)
    assert len(used) == count
