"""Hand-outs, as a reader of PDF finds them: what they say, how large, in which order, and what software is told."""

import re
from datetime import date

import pikepdf
import pytest
import segno

from education import publishing
from education.handouts import as_blocks
from education.models import ArticleStatus, Illustration, SectionKind
from tests.billing.test_receipts import characters, opened, tags, text_of
from tests.education.test_publishing import publish, translate, write
from tests.factories import ArticleFactory, LocationFactory, PhysicianFactory, live, make_term

pytestmark = pytest.mark.usefixtures("identity")

DRAWING = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 5 5"><path d="M0 0h5" stroke="currentColor"/></svg>'
ADDRESS = "/patient-information/knee/handout.pdf"
QR = "QR code that leads to the page that tells whether this sheet is still current"


@pytest.fixture
def knee(db, time_machine, settings):
    time_machine.move_to("2026-11-26T12:00:00Z", tick=False)
    settings.PUBLIC_ORIGIN = "https://practice.example"
    make_term("scan", en="Scan", es="Escaneo")
    drawing = Illustration.objects.create(slug="knee", drawing=DRAWING, alt="A knee", alt_es="Una rodilla")
    article = ArticleFactory(
        topic__slug="knee",
        topic__illustration=drawing,
        title="Knee exam",
        summary="About your knee.",
        status=ArticleStatus.DRAFT,
        sections={
            SectionKind.BASIC_FACTS: "A **scan** of *it*.\n\n## Inside\n\n- one\n- two\n\n| When | What |\n|---|---|\n| 8 | eat |",
            SectionKind.PREPARE: "Bring a list.",
            SectionKind.DAY_OF: "1. Walk\n2. Rest",
            SectionKind.WHEN_TO_CALL: "If it hurts.",
            SectionKind.RISKS: "Few.",
        },
    )
    north, south = LocationFactory(name="North", slug="north"), LocationFactory(name="South", slug="south")
    article.topic.locations.set([north, south])
    article.local_notes.create(location=north, body="Use the *red* door.")
    article.local_notes.create(location=south, body="Use the blue door.")
    publish(article)
    return article


@pytest.fixture
def rodilla(knee):
    sections = {SectionKind.BASIC_FACTS: "Un escaneo.", SectionKind.PREPARE: "Traiga una lista."}
    return translate(knee, sections, title="Examen de rodilla", summary="Sobre su rodilla.")


def paper(client, prefix="", **asked):
    return opened(client.get(f"{prefix}{ADDRESS}", asked).content)


def paper_of(client, **sections):
    """The paper of an article that has just these sections."""
    kinds = {kind.replace("_", " "): body for kind, body in sections.items()}
    ArticleFactory(topic__slug="knee", title="Knee", sections=kinds)
    return paper(client)


def sized(pdf):
    """[(text, its size in points)] of each run of text."""
    found = []
    for page in pdf.pages:
        fonts = {name: characters(font) for name, font in page.Resources.Font.items()}
        known, size = {}, 0.0
        for operands, operator in pikepdf.parse_content_stream(page):
            if str(operator) == "Tf":
                known, size = fonts[str(operands[0])], float(operands[1])
            elif str(operator) in ("Tj", "TJ"):
                strings = operands[0] if str(operator) == "TJ" else operands
                raw = b"".join(bytes(part) for part in strings if isinstance(part, pikepdf.String))
                text = "".join(known[int.from_bytes(raw[at : at + 2])] for at in range(0, len(raw), 2))
                found.append((text.strip(), size))
    return found


def headings(pdf):
    """The titles of the outline, with their depth."""
    found = []

    def walk(item, depth):
        found.append((depth, str(item.Title)))
        if "/First" in item:
            walk(item.First, depth + 1)
        if "/Next" in item:
            walk(item.Next, depth)

    walk(pdf.Root.Outlines.First, 1)
    return found


def alternatives(element):
    """The alternative texts of all structure elements, in order."""
    found = [str(element.Alt)] if "/Alt" in element else []
    below = element.get("/K", [])
    for kid in below if isinstance(below, pikepdf.Array) else [below]:
        if isinstance(kid, pikepdf.Dictionary) and "/S" in kid:
            found += alternatives(kid)
    return found


# ---- What software is told ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", ["standard", "large"])
@pytest.mark.parametrize(
    ("prefix", "part", "language", "title"),
    [
        ("", "whole", "en", "Knee exam, Test Radiology"),
        ("", "preparation", "en", "Knee exam: How to prepare, Test Radiology"),
        ("/es", "whole", "es", "Examen de rodilla, Test Radiology"),
        ("/es", "preparation", "es", "Examen de rodilla: Cómo prepararse, Test Radiology"),
    ],
)
def test_paper_is_tagged_and_says_its_language_and_title(client, rodilla, prefix, part, size, language, title):
    pdf = paper(client, prefix, size=size, part=part)
    assert (bool(pdf.Root.MarkInfo.Marked), str(pdf.Root.Lang)) == (True, language)
    assert (bool(pdf.Root.ViewerPreferences.DisplayDocTitle), str(pdf.docinfo.Title)) == (True, title)
    with pdf.open_metadata() as metadata:
        assert (metadata["pdfuaid:part"], metadata["dc:title"], metadata["dc:language"]) == ("1", title, {language})
        assert metadata["dc:creator"] == ["Test Radiology"]
    assert tags(pdf.Root.StructTreeRoot)[0] == "Document"
    assert len(pdf.pages) > 0


def test_paper_has_headings_lists_and_tables_with_headers(client, knee):
    pdf = paper(client)
    kinds = tags(pdf.Root.StructTreeRoot)
    assert headings(pdf) == [
        (1, "Knee exam"),
        (2, "Basic facts"),
        (3, "Inside"),
        (2, "How to prepare"),
        (3, "The day of"),
        (2, "When to call us"),
        (2, "Risks"),
        (2, "Where we do it"),
        (2, "Words used on this page"),
    ]
    assert [kind for kind in kinds if re.fullmatch(r"H\d", kind)] == ["H1", "H2", "H3", "H2", "H3", *["H2"] * 4]
    assert [kinds.count(kind) for kind in ("L", "LI", "Table", "TH", "TD", "Figure")] == [2, 4, 1, 2, 2, 2]


@pytest.mark.parametrize(
    ("prefix", "part", "texts"),
    [
        ("", "whole", [QR, "A knee"]),
        ("", "preparation", [QR]),
        (
            "/es",
            "whole",
            ["Código QR que lleva a la página que dice si esta hoja sigue vigente", "Una rodilla"],
        ),
    ],
)
def test_each_figure_has_an_alternative_text(client, rodilla, prefix, part, texts):
    pdf = paper(client, prefix, part=part)
    assert alternatives(pdf.Root.StructTreeRoot) == texts
    assert tags(pdf.Root.StructTreeRoot).count("Figure") == len(texts)


def test_paper_without_an_illustration_has_the_code_for_a_figure_only(client, db):
    pdf = paper_of(client, basic_facts="Text.")
    assert alternatives(pdf.Root.StructTreeRoot) == [QR]


# ---- How large it is ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["whole", "preparation"])
@pytest.mark.parametrize(("size", "points"), [("standard", 12), ("large", 18)])
def test_text_has_its_size(client, knee, part, size, points):
    pdf = paper(client, size=size, part=part)
    sizes = dict(sized(pdf))
    texts = ["About your knee.", "Bring a list.", "Rest", "If it hurts.", "Use the blue door."]
    assert {text: sizes[text] for text in texts} == dict.fromkeys(texts, points)
    assert min(sizes[text] for text in ("How to prepare", "When to call us", "Where we do it")) > points


def test_large_print_has_nothing_below_18_points(client, knee):
    assert [(text, size) for text, size in sized(paper(client, size="large")) if size < 18] == []


def test_standard_print_has_nothing_below_10_points(client, knee):
    assert min(size for _text, size in sized(paper(client))) == 10


def test_large_print_takes_more_pages(client, db):
    text = "\n\n".join(["Lie still on the table while the pictures are taken."] * 40)
    ArticleFactory(topic__slug="knee", sections={SectionKind.BASIC_FACTS: text})
    standard, large = (paper(client, size=size) for size in ("standard", "large"))
    assert 1 < len(standard.pages) < len(large.pages)
    assert [text_of(pdf).count("Lie still") for pdf in (standard, large)] == [40, 40]
    assert f"Page {len(large.pages)} of {len(large.pages)}" in text_of(large)


def test_letters_are_without_serifs_and_in_the_file(client, knee):
    pdf = paper(client)
    fonts = [font for page in pdf.pages for font in page.Resources.Font.values()]
    assert {re.sub(r"^/[A-Z]{6}\+", "", str(font.BaseFont)).split("-")[0] for font in fonts} == {"Lato"}
    descriptors = [font.DescendantFonts[0].FontDescriptor for font in fonts]
    assert [bool({"/FontFile2", "/FontFile3"} & set(one.keys())) for one in descriptors] == [True] * len(fonts)


# ---- What it says ---------------------------------------------------------------------------------------------------


def test_paper_says_what_the_page_says(client, knee):
    code = live(knee).code_in_groups
    text = text_of(paper(client))
    parts = [
        "Test Radiology",
        "Knee exam",
        "About your knee.",
        code,
        "Is this sheet still current? Scan the code, or type it in at practice.example/sheet/",
        "Sample text for this demonstration.",
        "Basic facts",
        "scan of it .",
        "• one • two",
        "When What 8 eat",
        "How to prepare",
        "Bring a list.",
        "The day of",
        "1. Walk 2. Rest",
        "When to call us",
        "If it hurts.",
        "Risks",
        "Few.",
        "Where we do it",
        "North 2 Test Street, Testville, IN 46500 (574) 555-0101 Use the red door.",
        "South 2 Test Street, Testville, IN 46500 (574) 555-0101 Use the blue door.",
        "Questions? Call us: (574) 555-0100",
        "Words used on this page",
        "Scan What Scan means.",
        "Not yet reviewed by a physician of the practice. Printed Nov. 26, 2026.",
        "© Test · Test licence",
    ]
    body = text.replace(f"Knee exam · {code}", "")  # the foot of each page
    assert [part for part in parts if part not in body] == []
    places = [body.index(part) for part in parts[5:]]
    assert places == sorted(places)


def test_paper_in_spanish_says_the_same_in_spanish(client, rodilla):
    text = text_of(paper(client, "/es"))
    parts = [
        "Examen de rodilla",
        "Sobre su rodilla.",
        "practice.example/es/sheet/",
        "Datos básicos",
        "Un escaneo.",
        "Cómo prepararse",
        "Traiga una lista.",
        "Dónde lo hacemos",
        "¿Preguntas? Llámenos: (574) 555-0100",
        "Escaneo What Escaneo means.",
        "Ningún médico del consultorio lo ha revisado todavía. Impreso el 26 de noviembre de 2026.",
    ]
    assert [part for part in parts if part not in text] == []
    assert [word for word in ("Basic facts", "Risks", "Printed", "Questions?", "door") if word in text] == []


@pytest.mark.parametrize(("prefix", "path"), [("", "/sheet/"), ("/es", "/es/sheet/")])
def test_code_to_scan_leads_to_the_page_of_the_sheet(client, knee, rodilla, prefix, path):
    edition = live(rodilla if prefix else knee)
    pdf = paper(client, prefix)
    lines, start = set(), None
    for operands, operator in pikepdf.parse_content_stream(pdf.pages[0]):
        point = tuple(float(number) for number in operands[:2]) if str(operator) in ("m", "l") else None
        if str(operator) == "l" and start and point[1] == start[1] and point[1] % 1 == 0.5:
            lines |= {(int(point[1]), column) for column in range(int(start[0]), int(point[0]))}
        start = point
    expected = segno.make(f"https://practice.example{path}{edition.code}/", error="m")
    dark = {
        (row + 2, column + 2)
        for row, modules in enumerate(expected.matrix)
        for column, module in enumerate(modules)
        if module
    }
    assert lines == dark


def test_reviewed_text_says_who_and_when(client, db, time_machine):
    time_machine.move_to("2026-11-26T12:00:00Z", tick=False)
    ArticleFactory(
        topic__slug="knee",
        is_sample=False,
        reviewer=PhysicianFactory(name="Ann Lee"),
        reviewed_on=date(2026, 3, 31),
        next_review_on=date(2027, 3, 31),
    )
    text = text_of(paper(client))
    assert "Reviewed by Ann Lee, MD on March 31, 2026. Next review due March 31, 2027. Printed Nov. 26, 2026." in text
    assert "Sample text" not in text


def test_demonstration_says_that_it_is_one(client, identity, knee):
    identity.is_fictional = True
    identity.save()
    assert "A demonstration site. The practice and everybody on it are made up." in text_of(paper(client))


def test_paper_is_of_what_is_on_the_site(client, knee):
    write(knee, risks="Secret plans.")
    publishing.keep_edition(knee)
    assert [word in text_of(paper(client)) for word in ("Few.", "Secret")] == [True, False]


def test_preparation_sheet_has_the_preparation_and_when_to_call_only(client, knee):
    pdf = paper(client, part="preparation")
    assert headings(pdf) == [
        (1, "Knee exam: How to prepare"),
        (2, "How to prepare"),
        (3, "The day of"),
        (2, "When to call us"),
        (2, "Where we do it"),
    ]
    assert [word in text_of(pdf) for word in ("Few.", "What Scan means", "Inside")] == [False] * 3


@pytest.mark.parametrize("part", ["whole", "preparation"])
@pytest.mark.parametrize(
    ("location", "shown"),
    [("", ["North", "South", "red", "blue"]), ("north", ["North", "red"]), ("south", ["South", "blue"])],
)
def test_paper_for_one_location_names_no_other(client, knee, part, location, shown):
    text = text_of(paper(client, part=part, location=location))
    assert [word for word in ("North", "South", "red", "blue") if word in text] == shown


def test_signs_in_the_text_are_no_markup(client, db):
    text = r"\#let x = 1 and \$x\$ @label <b> \*star\* `code #x` a_b \\\\ // /* ~ -- ---"
    pdf = paper_of(client, basic_facts=text, risks="= Heading\n\n\\- item #pagebreak()")
    expected = r"#let x = 1 and $x$ @label <b> *star* code #x a_b \\ // /* ~ -- ---"
    assert expected in text_of(pdf)
    assert "= Heading - item #pagebreak()" in text_of(pdf)
    assert [title for _depth, title in headings(pdf)] == ["Knee", "Basic facts", "Risks"]


@pytest.mark.parametrize(
    "text",
    [
        "Below 5 ≤ 6 → 7 ½ °C ñ “q” – — … • ²",
        "- \n- empty item",
        "- # heading in a list",
        "> - quoted\n> - list",
        "- a\n  1. b\n     - c",
        "| one column |\n|---|",
        "| a | b |\n|---|---|\n|  | x |",
        "### Deep heading first",
        "```\ncode\n```",
        "![alt](x.png)",
        "***",
        "word " * 3000,
        "long" * 300,
        "Heading\n\n#",
        "Go 👍",
        "年",
    ],
)
def test_whatever_editors_write_is_printed(client, db, text):
    assert len(paper_of(client, basic_facts=text).pages) > 0


@pytest.mark.parametrize("part", ["whole", "preparation"])
@pytest.mark.parametrize(
    ("kind", "title"),
    [("week before", "The week before"), ("day before", "The day before"), ("day of", "The day of")],
)
def test_times_of_preparation_are_printed_without_a_general_part_too(client, db, kind, title, part):
    ArticleFactory(topic__slug="knee", sections={kind: "Walk."})
    assert title in [heading for _depth, heading in headings(paper(client, part=part))]


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("", []),
        ("a **b** *c* ***d***", [("text", "a ", "b", " ", "c", " ", "d")]),
        ("# h\n\nt", [("heading", "h"), ("text", "t")]),
        ("a\\\nb\nc", [("text", "a", " ", "b", " ", "c")]),
        ("[l](https://a.example) `c`", [("text", "l", " ", "c")]),
        ("> q", [("text", "q")]),
        ("```\nc\n```", [("text", "c")]),
        ("![alt](x.png)", []),
    ],
)
def test_markdown_is_printed_as_runs_of_text(text, blocks):
    assert [(block["is"], *(run["text"] for run in block["runs"])) for block in as_blocks(text)] == blocks


def test_lists_and_tables_are_printed_as_such():
    def run(text):
        return {"text": text, "bold": False, "italic": False, "struck": False}

    assert as_blocks("- a\n- b\n  1. c\n\n| x |\n|---|\n| **y** |") == [
        {
            "is": "list",
            "items": [
                [{"is": "text", "runs": [run("a")]}],
                [
                    {"is": "text", "runs": [run("b")]},
                    {"is": "steps", "items": [[{"is": "text", "runs": [run("c")]}]], "start": 1},
                ],
            ],
            "start": 1,
        },
        {"is": "table", "rows": [[[run("x")]], [[run("y") | {"bold": True}]]]},
    ]


def test_steps_go_on_counting(client, db):
    text = text_of(paper_of(client, basic_facts="1. Walk\n2. Rest\n\nThen:\n\n3. Eat"))
    assert "Then: 3. Eat" in text


def test_what_is_struck_out_is_not_printed_as_if_it_held(client, db):
    assert as_blocks("~~Eat~~") != as_blocks("Eat")


# ---- The answer -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prefix", "asked", "name"),
    [
        ("", {}, "knee-en.pdf"),
        ("", {"size": "standard", "part": "whole"}, "knee-en.pdf"),
        ("", {"size": "large"}, "knee-en-large.pdf"),
        ("", {"part": "preparation"}, "knee-en-preparation.pdf"),
        ("", {"location": "north"}, "knee-en-north.pdf"),
        ("/es", {"size": "large", "part": "preparation", "location": "south"}, "knee-es-large-preparation-south.pdf"),
        # What is unknown is left aside.
        ("", {"size": "huge", "part": "some", "patient": "x"}, "knee-en.pdf"),
        ("", {"size": "LARGE", "part": "", "location": ""}, "knee-en.pdf"),
        ("", {"size": "\0", "location": "\0"}, "knee-en.pdf"),
        ("", {"location": "a b"}, "knee-en.pdf"),
        ("", {"size": "huge", "part": "preparation"}, "knee-en-preparation.pdf"),
    ],
)
def test_answer_is_a_pdf_with_a_plain_name_and_no_cookie(client, rodilla, prefix, asked, name):
    response = client.get(f"{prefix}{ADDRESS}", asked)
    assert (response.status_code, response.headers["Content-Type"]) == (200, "application/pdf")
    assert response.headers["Content-Disposition"] == f'inline; filename="{name}"'
    assert response.content.startswith(b"%PDF-1.7")
    assert (response.cookies, response.headers.get("Vary")) == ({}, None)


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/patient-information/absent/handout.pdf", {}),
        ("/es" + ADDRESS, {}),  # only in English
        (ADDRESS, {"location": "absent"}),
        (ADDRESS, {"location": "elsewhere"}),
    ],
)
def test_paper_that_there_is_not_is_not_found(client, knee, path, asked):
    LocationFactory(slug="elsewhere")
    assert client.get(path, asked).status_code == 404


@pytest.mark.parametrize("status", sorted(set(ArticleStatus.values) - {"published"}))
def test_what_is_not_published_is_not_printed(client, status):
    ArticleFactory(topic__slug="knee", status=status)
    assert client.get(ADDRESS).status_code == 404


def test_article_taken_off_is_not_printed(client, knee):
    publishing.take_off(knee)
    assert client.get(ADDRESS).status_code == 404


def test_paper_is_for_reading_only(client, knee):
    assert [client.head(ADDRESS).status_code, client.post(ADDRESS).status_code] == [200, 405]


BEHIND = "no están al día"


def test_spanish_paper_says_that_it_is_behind_the_english(client, knee, rodilla):
    publishing.confirm_translation(rodilla, SectionKind.values)
    before = text_of(paper(client, "/es"))
    publish(knee, prepare="Bring two lists.")
    assert [BEHIND in before, BEHIND in text_of(paper(client, "/es")), BEHIND in text_of(paper(client))] == [
        False,
        True,
        False,
    ]
