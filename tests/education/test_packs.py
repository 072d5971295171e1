import re
from datetime import date

import pytest
from django.db import connection

from education.models import (
    Article,
    ArticleStatus,
    CodeSystem,
    Edition,
    Entry,
    Illustration,
    LocalNote,
    Name,
    PackFile,
    ProcedureCode,
    ReferenceCode,
    Section,
    SectionKind,
    Term,
    Topic,
)
from education.packs.format import PackRefused
from education.packs.loading import LoadReport, import_pack
from education.packs.reading import read_pack
from education.packs.writing import current_files, export_pack
from education.review import change_status, record_review
from practice.search.models import SynonymGroup
from tests.factories import ArticleFactory, LocationFactory, PhysicianFactory, TopicFactory, live, make_term

FACTS = "---\ncopyright: © Test\nlicence: Test licence\nsample: true\n---\n"
TOPIC = "---\nkind: exam\nbody_region: chest\nmodality: ct\n---\n"
BILLED = """\
---
kind: exam
body_region: chest
modality: ct
procedure_codes:
- '71250'
- G0297
- 71260-TC
sample_charge: '1240.50'
---
"""
ARTICLE = "---\ntitle: Chest CT\nsummary: Pictures of the chest.\n---\n## Basic facts\n\nThe facts.\n"
SPANISH = "---\ntitle: TC de tórax\nsummary: Imágenes del pecho.\n---\n## Datos básicos\n\nLo básico.\n"
NAMED = """\
---
kind: exam
body_region: chest
modality: ct
illustration: scanner
reference_codes:
- loinc 30745-4
- icd-10-cm R91.1
---
"""
DRAWING = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10">
<title xml:lang="en">A scanner &amp; a table</title>
<title xml:lang="es">Un aparato</title>
<g fill="none" stroke="currentColor"><path d="M1 1 L9 9"/></g></svg>
"""
SYNONYMS = """\
---
groups:
- cat scan = ct scan
- broken = fracture
---
"""
TERM = """\
---
en:
  name: Port
  pronunciation: port
  synonyms:
  - mediport
  - chest port
es:
  name: Puerto
---
## en

A small device.

## es

Un aparato pequeño.
"""
PLAIN = {
    "pack.md": FACTS,
    "topics/chest-ct/topic.md": TOPIC,
    "topics/chest-ct/en.md": ARTICLE,
    "topics/chest-ct/es.md": SPANISH,
    "glossary/port.md": TERM,
}
PLAIN_BILLED = PLAIN | {"topics/chest-ct/topic.md": BILLED}
EVERYDAY = TERM.replace("---\nen:", "---\nexplained_in_text: false\nen:")
WHOLE = PLAIN | {
    "topics/chest-ct/topic.md": NAMED,
    "glossary/port.md": EVERYDAY,
    "illustrations/scanner.svg": DRAWING,
    "synonyms/en.md": SYNONYMS,
    "synonyms/es.md": "---\ngroups:\n- rota = fractura\n---\n",
}
# Right, but not as the export would write it.
HAND_STYLED = {
    "pack.md": """\
---
# what holds for all
licence:   'Test licence'
sample: yes
copyright: "\\u00a9 Test"
---

""",
    "topics/chest-ct/topic.md": """\
---
{modality: ct,
 kind: exam, body_region: 'chest', sample_charge: "$1,240.5",
 procedure_codes: [ ' 71250', g0297, 71260-tc ]}
---


""",
    "topics/chest-ct/en.md": """\
---
summary: >-
  Pictures of
  the chest.
title:   "Chest CT"
also_called: [lung scan, "CAT: scan", 'ct']
status: 'published'
reviewer:
---


##  Basic facts\x20\x20
Right below the heading.



- one\x20\x20
-   two

## Risks


### Small ones

Few.


## Sources

A book.


""",
    "topics/chest-ct/es.md": """\
---
title: 'TC de tórax'
summary: |
  Imágenes del pecho.
---
## Datos básicos
Lo básico.""",
    "glossary/port.md": """\
---
es: {name: Puerto}
en: {name: 'Port', synonyms: [mediport, chest port], pronunciation: port}
---

## en
A small device.
## es


Un aparato pequeño.

""",
    "illustrations/scanner.svg": """\
<!-- ours -->
<svg viewBox='0 0 10 10'
     xmlns="http://www.w3.org/2000/svg">
  <circle fill="currentColor" r="1"   cx='5' cy="5"></circle>
  <title xml:lang="en">A
    scanner</title><title xml:lang="es">Un aparato</title>
</svg>
""",
    "synonyms/en.md": "---\ngroups: ['Broken = fracture',  cat scan = ct scan]\n---\n\n",
    "glossary/MRI_scan.md": """\
---
explained_in_text: yes
en:
    name:    "MRI \\u2013 scan"
---
## en

##\tA heading with a tab

Text.
""",
}


@pytest.fixture
def folder(tmp_path):
    """A function that writes files below a new folder and gives the folder."""
    count = 0

    def write(files):
        nonlocal count
        count += 1
        root = tmp_path / f"pack{count}"
        root.mkdir()
        for path, content in files.items():
            file = root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return root

    return write


def files_of(root):
    return {file.relative_to(root).as_posix(): file.read_bytes().decode() for file in root.rglob("*") if file.is_file()}


def exported(tmp_path):
    root = tmp_path / "export"
    assert export_pack(root) == len(files_of(root))
    return files_of(root)


def nothing_is_loaded():
    models = (
        Topic, ProcedureCode, ReferenceCode, Illustration, Article, Section, Edition, Term, Entry, Name, SynonymGroup,
        PackFile,
    )  # fmt: skip
    return not any(model.objects.exists() for model in models)


def on_the_site():
    """What visitors read: {language: (title, the basic facts)}."""
    return {
        edition.language: (edition.title, edition.sections[0]["body"])
        for edition in Edition.objects.live().filter(article__topic__slug="chest-ct")
    }


def empty_the_library():
    """Editions cannot be deleted, so the tables are emptied."""
    tables = "education_topic, education_term, education_illustration, search_synonymgroup"
    with connection.cursor() as cursor:
        cursor.execute(f"SET CONSTRAINTS ALL IMMEDIATE; TRUNCATE {tables} CASCADE")


# ---- There and back -------------------------------------------------------------------------------------------------


def test_import_fills_the_library(db, folder):
    physician = PhysicianFactory(slug="ann-lee")
    report = import_pack(
        folder(
            PLAIN
            | {
                "topics/chest-ct/en.md": (
                    "---\ntitle: Chest CT\nsummary: Pictures of the chest.\nalso_called:\n- lung scan\n- CAT scan\n"
                    "status: retired\nreviewer: ann-lee\nreviewed_on: 2026-03-31\nnext_review_on: 2027-03-31\n---\n"
                    "## Basic facts\n\nThe facts.\n\nMore facts.\n\n## Your results\n\nSoon.\n\n"
                    "## Sources\n\n- A book\n"
                )
            }
        )
    )
    assert report == LoadReport(loaded=4, unchanged=0, kept=[])
    assert list(Topic.objects.values_list("slug", "kind", "body_region", "modality")) == [
        ("chest-ct", "exam", "chest", "ct")
    ]
    english, spanish = Article.objects.order_by("language")
    assert (english.title, english.summary, english.other_names, english.sources) == (
        "Chest CT",
        "Pictures of the chest.",
        ["lung scan", "CAT scan"],
        "- A book",
    )
    assert (english.status, english.reviewer, english.reviewed_on, english.next_review_on) == (
        ArticleStatus.RETIRED,
        physician,
        date(2026, 3, 31),
        date(2027, 3, 31),
    )
    assert {section.kind: section.body for section in english.sections.all()} == {
        SectionKind.BASIC_FACTS: "The facts.\n\nMore facts.",
        SectionKind.RESULTS: "Soon.",
    }
    assert (spanish.title, spanish.status, spanish.reviewer, spanish.sources) == ("TC de tórax", "published", None, "")
    assert {(a.copyright, a.licence, a.is_sample) for a in (english, spanish)} == {("© Test", "Test licence", True)}
    assert list(Name.objects.order_by("pk").values_list("entry__language", "text", "is_synonym")) == [
        ("en", "Port", False),
        ("en", "mediport", True),
        ("en", "chest port", True),
        ("es", "Puerto", False),
    ]
    assert on_the_site() == {"es": ("TC de tórax", "Lo básico.")}
    assert live(spanish).is_sample is True
    assert [(edition.note, edition.digest == english.digest) for edition in english.editions.all()] == [
        ("Imported", True)
    ]


def test_import_fills_what_search_records_and_pictures_need(db, folder):
    import_pack(folder(WHOLE))
    topic = Topic.objects.get()
    assert list(topic.reference_codes.values_list("system", "code")) == [
        (CodeSystem.LOINC, "30745-4"),
        (CodeSystem.ICD_10_CM, "R91.1"),
    ]
    assert (topic.illustration.slug, topic.illustration.alt, topic.illustration.alt_es) == (
        "scanner",
        "A scanner & a table",
        "Un aparato",
    )
    assert topic.illustration.drawing == (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10">'
        '<g fill="none" stroke="currentColor"><path d="M1 1 L9 9"/></g></svg>'
    )
    assert list(SynonymGroup.objects.order_by("pk").values_list("language", "text", "keys")) == [
        ("en", "cat scan = ct scan", ["cat scan", "ct scan"]),
        ("en", "broken = fracture", ["broken", "fracture"]),
        ("es", "rota = fractura", ["rota", "fractura"]),
    ]
    assert Term.objects.get().is_explained_in_text is False


def codes_and_charge():
    codes = list(ProcedureCode.objects.values_list("topic__slug", "code"))
    return codes, list(Topic.objects.values_list("slug", "sample_charge_cents"))


@pytest.mark.parametrize("topic", [BILLED, HAND_STYLED["topics/chest-ct/topic.md"]], ids=["canonical", "hand-styled"])
def test_import_fills_codes_and_sample_charge(db, folder, topic):
    import_pack(folder(PLAIN | {"topics/chest-ct/topic.md": topic}))
    assert codes_and_charge() == (
        [("chest-ct", "71250"), ("chest-ct", "G0297"), ("chest-ct", "71260-TC")],
        [("chest-ct", 124_050)],
    )


@pytest.mark.parametrize(
    "files",
    [PLAIN, PLAIN_BILLED, WHOLE, HAND_STYLED],
    ids=["canonical", "canonical with codes", "canonical and whole", "hand-styled"],
)
def test_pack_comes_back_byte_for_byte(db, folder, tmp_path, files):
    root = folder(files)
    import_pack(root)
    assert exported(tmp_path) == files
    assert import_pack(root) == LoadReport(loaded=0, unchanged=len(files) - 1, kept=[])


@pytest.mark.parametrize("files", [PLAIN, PLAIN_BILLED, WHOLE], ids=["without codes", "with codes", "whole"])
def test_canonical_files_are_what_the_export_writes_by_itself(db, folder, tmp_path, files):
    import_pack(folder(files))
    PackFile.objects.all().delete()
    assert exported(tmp_path) == files


def test_picture_comes_back_and_is_nobodys_edit_however_its_titles_stand(db, folder, tmp_path):
    titles = '<title xml:lang="es">Un aparato</title><title xml:lang="en">A scanner</title>'
    drawing = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1">{titles}<circle r="1"/></svg>'
    files = PLAIN | {"illustrations/scanner.svg": drawing}
    root = folder(files)
    import_pack(root)
    assert exported(tmp_path) == files
    assert import_pack(root) == LoadReport(unchanged=len(files) - 1)


@pytest.mark.parametrize("cents", [0, 1, 64_000, 99_999_999_999])
def test_export_writes_the_sample_charge_as_it_is_read(db, tmp_path, cents):
    TopicFactory(slug="knee", sample_charge_cents=cents)
    exported(tmp_path)
    assert import_pack(tmp_path / "export", overwrite=True) == LoadReport(unchanged=1)


def test_hand_styled_file_comes_back_canonical_once_its_row_was_edited(db, folder, tmp_path):
    import_pack(folder(HAND_STYLED))
    Section.objects.filter(kind=SectionKind.RISKS).update(body="None.")
    assert exported(tmp_path) == HAND_STYLED | {
        "topics/chest-ct/en.md": """\
---
title: Chest CT
summary: Pictures of the chest.
also_called:
- lung scan
- 'CAT: scan'
- ct
---
## Basic facts

Right below the heading.



- one\x20\x20
-   two

## Risks

None.

## Sources

A book.
"""
    }


def test_library_nobody_imported_can_be_exported_and_read_again(db, tmp_path):
    """Whatever staff may write in the admin: line ends of browsers, headings, words that YAML takes for something."""
    article = ArticleFactory(
        topic=TopicFactory(slug="Chest_CT", codes=["00400", "1E5", "A.1 B-2", "NO"], sample_charge_cents=5),
        title="yes",
        summary="- #1: “2026-01-01” \U0001fa7b",
        also_called="null\r\n0x1F\r\n~",
        sources="# Books\r\n\r\n## Old\r\nOne",
        reviewer=PhysicianFactory(slug="ann-lee"),
        reviewed_on=date(2026, 1, 1),
        next_review_on=date(2027, 1, 1),
        sections={
            SectionKind.BASIC_FACTS: "## Risks\r\n\r\nText\r\n# Title\r\n#hashtag\n---\n",
            SectionKind.WHY: "Because.",
        },
    )
    ArticleFactory(topic=article.topic, language="es", status=ArticleStatus.DRAFT, sections={SectionKind.WHY: "¿?"})
    article.topic.reference_codes.create(system="cpt", code="00400")
    SynonymGroup.objects.create(language="es", text="no = off: 'on'")
    term = make_term("no_1", en="No", es="3.14", synonyms=["off", "a: b", "'"])
    term.entries.filter(language="en").update(definition="One\r\n\r\n## es\r\nTwo\rThree")
    make_term("empty-so-far")
    before = exported(tmp_path)
    empty_the_library()
    assert current_files() == {}
    report = import_pack(tmp_path / "export")
    assert report == LoadReport(loaded=5, unchanged=0, kept=[])
    assert {"pack.md": before["pack.md"]} | current_files() == before
    assert before["topics/Chest_CT/topic.md"].endswith(
        "procedure_codes:\n- '00400'\n- 1E5\n- A.1 B-2\n- 'NO'\nsample_charge: '0.05'\n"
        "reference_codes:\n- cpt 00400\n---\n"
    )
    assert before["topics/Chest_CT/en.md"].endswith(
        "## Basic facts\n\n ## Risks\n\nText\n # Title\n#hashtag\n---\n\n## Why it is done\n\nBecause.\n\n"
        "## Sources\n\n # Books\n\n ## Old\nOne\n"
    )
    assert before["glossary/no_1.md"] == (
        "---\nen:\n  name: 'No'\n  synonyms:\n  - 'off'\n  - 'a: b'\n  - ''''\n"
        "es:\n  name: '3.14'\n  synonyms:\n  - 'off'\n  - 'a: b'\n  - ''''\n---\n"
        "## en\n\nOne\n\n ## es\nTwo\nThree\n\n## es\n\nWhat 3.14 means.\n"
    )


def test_export_of_an_empty_library_says_what_to_fill_in(db, tmp_path):
    assert exported(tmp_path) == {"pack.md": "---\ncopyright: (copyright)\nlicence: (licence)\nsample: false\n---\n"}


def test_hidden_files_and_the_read_me_are_no_part_of_a_pack(db, folder):
    extra = {"README.md": "Hello", ".git/config": "x", "topics/.DS_Store": b"\xff", "topics/chest-ct/.#en.md": "x"}
    assert set(read_pack(folder(PLAIN | extra)).texts) == set(PLAIN)


def test_last_line_needs_no_line_feed(db, folder):
    root = folder(PLAIN | {"topics/chest-ct/topic.md": TOPIC.removesuffix("\n")})
    assert import_pack(root) == LoadReport(loaded=4)


# ---- Refusals -------------------------------------------------------------------------------------------------------


KINDS = "kind must be one of: exam, treatment"
MODALITIES = (
    "modality must be one of: xray, ct, mri, ultrasound, mammography, nuclear, pet-ct, fluoroscopy, dexa, "
    "interventional"
)
NO_FRONT = "the file must start with front matter between two lines of ---"
NO_LIST = "the front matter must be a list of `key: value` lines"
FRONT_ONLY = "topic.md has front matter only; the text belongs in en.md and es.md"
LINE_ENDS = "lines must end with a line feed only, and there may be no NUL characters"
NOT_OURS = "does not belong in a pack: see docs/content-packs.md for the folders and names"
HEADINGS_EN = (
    "Basic facts, Why it is done, How to prepare, The week before, The day before, The day of, What happens, "
    "Afterward, When to call us, Risks, Your results, What it costs, and why two bills, Sources"
)
HEADINGS_ES = (
    "Datos básicos, Por qué se hace, Cómo prepararse, La semana anterior, El día anterior, El mismo día, Qué sucede, "
    "Después, Cuándo llamarnos, Riesgos, Sus resultados, Cuánto cuesta y por qué hay dos facturas, Fuentes"
)
SYSTEMS = "write a vocabulary (icd-10-cm, loinc, snomed-ct, radlex, cpt) and a code"


CODE_RULE = "letters and digits, with single spaces, dots or hyphens between"
NOT_DOLLARS = "5: sample_charge must be dollars and cents like 640.00"


def billed(line):
    """The topic with one more line in its front matter, line 5."""
    return TOPIC.replace("ct\n", f"ct\n{line}\n")


def titled(title):
    return ARTICLE.replace("Chest CT", title)


def fronted(*lines, text=ARTICLE):
    """The article with more lines in its front matter, from line 4 on."""
    return text.replace("---\n##", "\n".join([*lines, "---\n##"]))


@pytest.mark.parametrize(
    ("path", "content", "problems"),
    [
        ("pack.md", "---\ncopyright: A\n---\n", ["2: licence is missing"]),
        ("pack.md", FACTS.replace("true", "'true'"), ["4: sample must be true or false"]),
        ("pack.md", FACTS.replace("sample", "samples"), ["4: samples is not a key of this kind of file"]),
        ("topic.md", "kind: exam\n", [f"1: {NO_FRONT}"]),
        ("topic.md", "---\n---\n", [f"2: {NO_LIST}"]),
        ("topic.md", "---\n- kind\n---\n", [f"2: {NO_LIST}"]),
        ("topic.md", TOPIC.replace("exam", "visit"), [f"2: {KINDS}"]),
        ("topic.md", TOPIC.replace("exam", "[exam]"), [f"2: {KINDS}"]),
        ("topic.md", TOPIC.replace("kind: exam\n", ""), [f"2: {KINDS}"]),
        ("topic.md", TOPIC.replace("modality", "kind"), ["4: kind stands twice", f"2: {MODALITIES}", f"4: {KINDS}"]),
        ("topic.md", TOPIC + "\nText\n", [f"6: {FRONT_ONLY}"]),
        ("topic.md", billed("procedure_codes: '71250'"), ["5: procedure_codes must be a list of texts"]),
        ("topic.md", billed("procedure_codes: {a: '71250'}"), ["5: procedure_codes must be a list of texts"]),
        ("topic.md", billed("procedure_codes: ['71250', '']"), ["5: procedure_codes must be a list of texts"]),
        ("topic.md", billed("procedure_codes: ['71250', ~]"), ["5: procedure_codes must be a list of texts"]),
        (
            "topic.md",
            billed("procedure_codes: ['71250', 71260]"),
            ["5: procedure_codes must be a list of texts; put each in quotes"],
        ),
        (
            "topic.md",
            billed("procedure_codes: [2026-01-01]"),
            ["5: procedure_codes must be a list of texts; put each in quotes"],
        ),
        (
            "topic.md",
            billed(f"procedure_codes: ['{'7' * 21}']"),
            ["5: procedure_codes has an item longer than 20 characters"],
        ),
        (
            "topic.md",
            billed('procedure_codes: ["a\\nb"]'),
            ["5: procedure_codes has an item of several lines, or with what is no text"],
        ),
        (
            "topic.md",
            billed('procedure_codes: ["a\\ud800b"]'),
            ["5: procedure_codes has an item of several lines, or with what is no text"],
        ),
        (
            "topic.md",
            billed("procedure_codes: ['71250', '71250/26', 'ß', '７']"),
            [
                f"5: procedure_codes has 71250/26, but a code has {CODE_RULE}",
                f"5: procedure_codes has ß, but a code has {CODE_RULE}",
                f"5: procedure_codes has ７, but a code has {CODE_RULE}",
            ],
        ),
        ("topic.md", billed("procedure_codes: [g0297, A1, ' G0297']"), ["5: procedure_codes has G0297 twice"]),
        ("topic.md", billed("sample_charge: 640.00"), ["5: sample_charge must be text; put it in quotes"]),
        ("topic.md", billed("sample_charge: 640"), ["5: sample_charge must be text; put it in quotes"]),
        ("topic.md", billed("sample_charge: about 640"), [NOT_DOLLARS]),
        ("topic.md", billed("sample_charge: '-1.00'"), [NOT_DOLLARS]),
        ("topic.md", billed("sample_charge: '640.005'"), [NOT_DOLLARS]),
        ("topic.md", billed("sample_charge: '1e2'"), [NOT_DOLLARS]),
        ("topic.md", billed("charge: '640.00'"), ["5: charge is not a key of this kind of file"]),
        (
            "topics/knee/topic.md",
            billed("sample_charge: '1.00'\nprocedure_codes: ['73721', g0297]"),
            ["6: procedure_codes has G0297, which stands in topics/chest-ct/topic.md already"],
        ),
        ("topic.md", billed("reference_codes: loinc 1"), ["5: reference_codes must be a list of texts"]),
        ("topic.md", billed("reference_codes: [icd-9 V76]"), [f"5: reference_codes has “icd-9 V76”; {SYSTEMS}"]),
        ("topic.md", billed("reference_codes: [loinc]"), [f"5: reference_codes has “loinc”; {SYSTEMS}"]),
        ("topic.md", billed("reference_codes: [loinc 1/2]"), [f"5: reference_codes has “loinc 1/2”; {SYSTEMS}"]),
        ("topic.md", billed("reference_codes: [cpt g1, cpt G1]"), ["5: reference_codes has cpt G1 twice"]),
        ("topic.md", billed("illustration: [scanner]"), ["5: illustration must be text; put it in quotes"]),
        ("topic.md", billed("illustration: scanner"), ["2: illustrations/scanner.svg is missing"]),
        ("topic.md", TOPIC + "kind: exam\n---\n", [f"6: {FRONT_ONLY}"]),
        ("en.md", ARTICLE.replace("\n", "\r\n"), [f"1: {LINE_ENDS}"]),
        ("en.md", ARTICLE + "\0", [f"1: {LINE_ENDS}"]),
        ("en.md", ARTICLE.encode("utf-16"), ["1: is not UTF-8 text (byte 0)"]),
        ("en.md", titled("'a"), ["4: the front matter is not YAML: found unexpected end of stream"]),
        (
            "en.md",
            titled("!!int ''"),
            ["2: the front matter has a value that does not exist: string index out of range"],
        ),
        (
            "en.md",
            ARTICLE.replace("title", "Title"),
            ["2: Title is not a key of this kind of file", "2: title is missing"],
        ),
        ("en.md", titled("' '"), ["2: title is missing"]),
        ("en.md", titled("2026"), ["2: title must be text; put it in quotes"]),
        ("en.md", titled("x" * 121), ["2: title is longer than 120 characters"]),
        ("en.md", titled('"a\\0b"'), ["2: title has a character that is no text"]),
        ("en.md", titled('"a\\ud800b"'), ["2: title has a character that is no text"]),
        ("en.md", fronted("status: ready"), ["4: status must be one of: draft, in review, published, retired"]),
        ("en.md", fronted("also_called: CAT scan"), ["4: also_called must be a list of texts"]),
        ("en.md", fronted("also_called: [' ']"), ["4: also_called must be a list of texts"]),
        (
            "en.md",
            fronted("also_called:", f"- {'x' * 201}"),
            ["4: also_called has an item longer than 200 characters"],
        ),
        (
            "en.md",
            fronted('also_called: ["a\\nb"]'),
            ["4: also_called has an item of several lines, or with what is no text"],
        ),
        ("en.md", fronted("reviewed_on: '2026-03-31'"), ["4: reviewed_on must be a date like 2026-03-31"]),
        ("en.md", fronted("reviewed_on: 2026-03-31 09:30:00"), ["4: reviewed_on must be a date like 2026-03-31"]),
        (
            "en.md",
            fronted("reviewed_on: 2026-13-31"),
            ["2: the front matter has a value that does not exist: month must be in 1..12"],
        ),
        (
            "en.md",
            fronted("reviewed_on: 2026-03-31"),
            ["2: reviewer, reviewed_on and next_review_on are given together or not at all"],
        ),
        (
            "en.md",
            fronted("reviewer: ann-lee", "reviewed_on: 2026-03-31", "next_review_on: 2026-03-31"),
            ["6: next_review_on must be after reviewed_on"],
        ),
        (
            "en.md",
            fronted("reviewer: bob", "reviewed_on: 2026-03-31", "next_review_on: 2027-03-31"),
            ["2: bob is not the address of a physician of this site"],
        ),
        ("en.md", ARTICLE + "\n## Cost\n\nNone.\n", [f"9: “Cost” is not a section; known: {HEADINGS_EN}"]),
        ("en.md", ARTICLE + "\n## Basic facts\n\nMore.\n", ["9: “Basic facts” stands twice"]),
        ("en.md", ARTICLE + "\n## Risks\n\nA\n\n## Afterward\n\nB\n", ["13: “Afterward” is out of order"]),
        ("en.md", ARTICLE + "\n# Risks\n", ["9: a section starts with ##; # is the page's own title"]),
        ("en.md", ARTICLE.replace("## Basic facts\n\n", ""), ["5: there is text before the first ## heading"]),
        ("en.md", ARTICLE.replace("Basic facts", "Risks"), ["5: the section “Basic facts” is missing"]),
        ("en.md", ARTICLE + "\n## Risks\n", ["5: the section “Risks” is empty"]),
        (
            "es.md",
            SPANISH.replace("Datos básicos", "Basic facts"),
            [f"5: “Basic facts” is not a section; known: {HEADINGS_ES}"],
        ),
        ("fr.md", ARTICLE, [f"1: {NOT_OURS}"]),
        ("en.txt", ARTICLE, [f"1: {NOT_OURS}"]),
        ("topics/chest ct/en.md", ARTICLE, [f"1: {NOT_OURS}"]),
        (f"topics/{'x' * 81}/en.md", ARTICLE, [f"1: {NOT_OURS}"]),
        ("topics/en.md", ARTICLE, [f"1: {NOT_OURS}"]),
        ("topics/knee/en.md", ARTICLE, ["1: topics/knee/topic.md is missing"]),
        ("illustrations/deep/scanner.svg", DRAWING, [f"1: {NOT_OURS}"]),
        ("illustrations/scanner.png", DRAWING, [f"1: {NOT_OURS}"]),
        (
            "illustrations/scanner.svg",
            DRAWING.replace("currentColor", "red"),
            ["4: stroke is currentColor or none, not red"],
        ),
        (
            "illustrations/scanner.svg",
            DRAWING.replace('"es"', '"fr"'),
            ['3: a title has xml:lang="en" or xml:lang="es", and there is one of each'],
        ),
        ("synonyms/fr.md", SYNONYMS, [f"1: {NOT_OURS}"]),
        ("synonyms/en.md", SYNONYMS + "Text\n", ["6: synonyms have front matter only"]),
        ("synonyms/en.md", SYNONYMS.replace("groups", "words"), ["2: words is not a key of this kind of file"]),
        (
            "synonyms/en.md",
            SYNONYMS.replace("broken = fracture", "Broken = broken"),
            ["2: “Broken = broken” needs two words or more with = between"],
        ),
        (
            "synonyms/en.md",
            SYNONYMS.replace("broken = fracture", "cat scan = ct scan"),
            ["2: “cat scan = ct scan” stands twice"] * 2,
        ),
        (
            "glossary/a.md",
            TERM.replace("en:", "explained_in_text: 'no'\nen:", 1),
            ["2: explained_in_text must be true or false"],
        ),
        ("glossary/deep/port.md", TERM, [f"1: {NOT_OURS}"]),
        (f"glossary/{'x' * 121}.md", TERM, [f"1: {NOT_OURS}"]),
        ("glossary/a.md", "---\n{}\n---\n", ["2: a term needs en, es or both in its front matter"]),
        ("glossary/a.md", "---\nen: Port\n---\n## en\n\nA.\n", ["2: en must have a name below it"]),
        (
            "glossary/a.md",
            "---\nen: {nam: Port}\n---\n## en\n\nA.\n",
            ["2: nam is not a key of this kind of file", "2: name is missing"],
        ),
        (
            "glossary/a.md",
            "---\nfr: {name: Port}\nen: {name: Port}\n---\n## en\n\nA.\n",
            ["2: fr is not a key of this kind of file"],
        ),
        (
            "glossary/a.md",
            "---\nen: {name: Port, synonyms: [port, port]}\n---\n## en\n\nA.\n",
            ["2: a synonym in en repeats the name or another synonym"],
        ),
        (
            "glossary/a.md",
            "---\nen: {name: Port, synonyms: [Port]}\n---\n## en\n\nA.\n",
            ["2: a synonym in en repeats the name or another synonym"],
        ),
        (
            "glossary/a.md",
            "---\nen: {name: Port}\n---\n",
            ["4: the meaning for en is missing: a line “## en”, then the text"],
        ),
        (
            "glossary/a.md",
            "---\nen: {name: Port}\n---\n## en\n\nA.\n\n## es\n\nB.\n",
            ["2: there is a meaning for es but no es in the front matter"],
        ),
        (
            "glossary/a.md",
            "---\nen: {name: Port}\n---\n## English\n\nA.\n",
            [
                "4: “English” is not a section; known: en, es",
                "4: the meaning for en is missing: a line “## en”, then the text",
            ],
        ),
    ],
)
def test_pack_is_refused_with_file_and_line(db, folder, path, content, problems):
    PhysicianFactory(slug="ann-lee")
    path = path if "/" in path or path == "pack.md" else f"topics/chest-ct/{path}"
    with pytest.raises(PackRefused) as refusal:
        import_pack(folder(PLAIN_BILLED | {path: content}))
    assert sorted(map(str, refusal.value.problems)) == sorted(f"{path}:{problem}" for problem in problems)
    assert nothing_is_loaded()


def test_all_problems_of_all_files_are_told_in_order(db, folder):
    files = {
        "glossary/port.md": TERM.replace("## es", "## en"),
        "topics/knee/es.md": SPANISH.replace("summary", "sumary").replace("Lo básico.", ""),
        "topics/chest-ct/topic.md": TOPIC.replace("chest", "torso").replace("ct", "cat"),
        "topics/chest-ct/en.md": ARTICLE + "\n## Cost\n",
        "notes.txt": "x",
    }
    with pytest.raises(PackRefused, match=r"^12 problems$") as refusal:
        import_pack(folder(files))
    assert [(problem.path, problem.line) for problem in refusal.value.problems] == [
        ("glossary/port.md", 11),
        ("glossary/port.md", 15),
        ("notes.txt", 1),
        ("pack.md", 1),
        ("topics/chest-ct/en.md", 5),
        ("topics/chest-ct/en.md", 9),
        ("topics/chest-ct/topic.md", 3),
        ("topics/chest-ct/topic.md", 4),
        ("topics/knee/es.md", 1),
        ("topics/knee/es.md", 2),
        ("topics/knee/es.md", 3),
        ("topics/knee/es.md", 5),
    ]
    assert nothing_is_loaded()


def test_lists_without_end_are_refused(db, folder):
    root = folder(PLAIN | {"topics/chest-ct/en.md": ARTICLE.replace("Chest CT", "[" * 5000)})
    with pytest.raises(PackRefused) as refusal:
        import_pack(root)
    assert [(problem.path, problem.line) for problem in refusal.value.problems] == [("topics/chest-ct/en.md", 2)]


def test_pack_without_its_facts_is_refused(db, folder):
    with pytest.raises(PackRefused) as refusal:
        import_pack(folder({}))
    assert list(map(str, refusal.value.problems)) == ["pack.md:1: is missing: it gives copyright and licence"]


def test_what_is_no_folder_is_refused(db, tmp_path):
    with pytest.raises(PackRefused) as refusal:
        import_pack(tmp_path / "absent")
    assert list(map(str, refusal.value.problems)) == [f"{tmp_path / 'absent'}:1: is not a folder"]


def test_file_that_cannot_be_read_is_named(db, folder, tmp_path):
    root = folder(PLAIN)
    (root / "glossary" / "vein.md").symlink_to(tmp_path / "gone.md")
    with pytest.raises(PackRefused) as refusal:
        import_pack(root)
    assert list(map(str, refusal.value.problems)) == ["glossary/vein.md:1: cannot be read: No such file or directory"]
    assert nothing_is_loaded()


def unsampled(status):
    return {
        "pack.md": FACTS.replace("true", "false"),
        "topics/chest-ct/topic.md": TOPIC,
        "topics/chest-ct/en.md": fronted(f"status: {status}"),
    }


def test_pack_that_is_no_sample_publishes_only_what_is_reviewed(db, folder):
    with pytest.raises(PackRefused) as refusal:
        import_pack(folder(unsampled("published")))
    assert list(map(str, refusal.value.problems)) == [
        "topics/chest-ct/en.md:2: a published article needs reviewer, reviewed_on and next_review_on"
    ]
    assert nothing_is_loaded()


@pytest.mark.parametrize("status", ["draft", "in review", "retired"])
def test_pack_that_is_no_sample_may_hold_what_is_not_reviewed(db, folder, status):
    import_pack(folder(unsampled(status)))
    assert list(Article.objects.values_list("status", "is_sample")) == [(status, False)]
    assert on_the_site() == {}


def test_failure_half_way_leaves_nothing(db, folder, monkeypatch):
    monkeypatch.setattr("education.packs.loading._write_term", lambda term: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        import_pack(folder(PLAIN))
    assert nothing_is_loaded()


# ---- A newer pack, and what staff did meanwhile ----------------------------------------------------------------------

NEWER = PLAIN | {
    "topics/chest-ct/topic.md": BILLED.replace("exam", "treatment"),
    "topics/chest-ct/en.md": ARTICLE.replace("The facts.", "Newer facts."),
    "glossary/port.md": TERM.replace("A small device.", "A newer device."),
}


def test_newer_pack_replaces_what_nobody_edited(db, folder, tmp_path):
    import_pack(folder(PLAIN))
    assert import_pack(folder(NEWER)) == LoadReport(loaded=3, unchanged=1, kept=[])
    assert exported(tmp_path) == NEWER
    assert Article.objects.count() == 2
    assert on_the_site() == {"en": ("Chest CT", "Newer facts."), "es": ("TC de tórax", "Lo básico.")}
    assert list(Edition.objects.order_by("language", "number").values_list("language", "number", "is_live")) == [
        ("en", 1, False),
        ("en", 2, True),
        ("es", 1, True),
    ]


def test_newer_pack_takes_sections_entries_and_synonyms_away(db, folder):
    import_pack(folder(PLAIN | {"topics/chest-ct/en.md": ARTICLE + "\n## Risks\n\nFew.\n"}))
    newer = {"glossary/port.md": "---\nen:\n  name: Port\n---\n## en\n\nA small device.\n"}
    import_pack(folder(PLAIN | newer))
    assert list(Section.objects.filter(article__language="en").values_list("kind", flat=True)) == ["basic facts"]
    assert live(Article.objects.get(language="en")).sections == [{"kind": "basic facts", "body": "The facts."}]
    assert list(Name.objects.values_list("text", flat=True)) == ["Port"]


def test_newer_pack_takes_codes_and_sample_charge_away(db, folder):
    import_pack(folder(PLAIN_BILLED))
    import_pack(folder(PLAIN))
    assert codes_and_charge() == ([], [("chest-ct", None)])


def test_newer_pack_takes_reference_codes_picture_and_synonyms_away(db, folder, tmp_path):
    import_pack(folder(WHOLE))
    newer = WHOLE | {"topics/chest-ct/topic.md": TOPIC, "synonyms/en.md": SYNONYMS.replace("- broken = fracture\n", "")}
    assert import_pack(folder(newer)) == LoadReport(loaded=2, unchanged=5)
    assert exported(tmp_path) == newer
    assert (Topic.objects.get().illustration, ReferenceCode.objects.count()) == (None, 0)
    assert list(SynonymGroup.objects.values_list("text", flat=True)) == ["cat scan = ct scan", "rota = fractura"]


def test_newer_pack_takes_an_article_off_the_site(db, folder):
    import_pack(folder(PLAIN))
    import_pack(folder(PLAIN | {"topics/chest-ct/en.md": fronted("status: retired")}))
    assert on_the_site() == {"es": ("TC de tórax", "Lo básico.")}


def coded(*codes):
    return billed(f"procedure_codes: {list(codes)}")


def test_newer_pack_moves_codes_between_its_topics(db, folder):
    import_pack(folder({"pack.md": FACTS, "topics/a/topic.md": coded("1", "2"), "topics/b/topic.md": coded("3")}))
    import_pack(folder({"pack.md": FACTS, "topics/a/topic.md": coded("3", "1"), "topics/b/topic.md": coded("2")}))
    assert codes_and_charge()[0] == [("a", "3"), ("a", "1"), ("b", "2")]


def test_code_of_a_topic_that_stays_is_not_taken_from_it(db, folder):
    """Whether the pack does not name that topic, or staff gave it the code."""
    import_pack(folder({"pack.md": FACTS, "topics/a/topic.md": TOPIC, "topics/b/topic.md": coded("1")}))
    Topic.objects.get(slug="a").procedure_codes.create(code="2")
    TopicFactory(slug="other", codes=["3"])
    newer = folder({"pack.md": FACTS, "topics/a/topic.md": TOPIC, "topics/b/topic.md": coded("1", "2", "3")})
    with pytest.raises(PackRefused) as refusal:
        import_pack(newer)
    assert list(map(str, refusal.value.problems)) == [
        "topics/b/topic.md:5: procedure_codes has 2, which belongs to the topic a on this site",
        "topics/b/topic.md:5: procedure_codes has 3, which belongs to the topic other on this site",
    ]
    assert codes_and_charge()[0] == [("b", "1"), ("a", "2"), ("other", "3")]
    ProcedureCode.objects.get(code="3").delete()
    assert import_pack(newer, overwrite=True) == LoadReport(loaded=2)
    assert codes_and_charge()[0] == [("b", "1"), ("b", "2"), ("b", "3")]


def test_pack_leaves_alone_what_it_does_not_name(db, folder):
    ArticleFactory(topic=TopicFactory(slug="knee"), title="Knee", copyright="© Other")
    make_term("vein", en="Vein")
    import_pack(folder(PLAIN))
    assert Article.objects.get(title="Knee").copyright == "© Other"
    assert list(Term.objects.values_list("slug", flat=True)) == ["port", "vein"]


def edit_topic():
    Topic.objects.update(body_region="breast")


def add_code():
    Topic.objects.get().procedure_codes.create(code="71270")


def edit_sample_charge():
    Topic.objects.update(sample_charge_cents=1)


def edit_title():
    Article.objects.filter(language="en").update(title="Ours")


def edit_section():
    Section.objects.filter(article__language="en").update(body="Ours.")


def add_section():
    Section.objects.create(article=Article.objects.get(language="en"), kind=SectionKind.RISKS, body="Ours.")


def retire():
    change_status(Article.objects.get(language="en"), ArticleStatus.RETIRED)


def send_to_review():
    change_status(Article.objects.get(language="en"), ArticleStatus.IN_REVIEW)


def review():
    physician = PhysicianFactory(slug="ann-lee")
    record_review(Article.objects.get(language="en"), physician, date(2026, 1, 1), date(2027, 1, 1))


def edit_synonyms():
    Name.objects.filter(text="mediport").delete()


def edit_meaning():
    Entry.objects.filter(language="es").update(definition="Nuestro.")


EDITS = [
    (edit_topic, "topics/chest-ct/topic.md"),
    (add_code, "topics/chest-ct/topic.md"),
    (edit_sample_charge, "topics/chest-ct/topic.md"),
    (edit_title, "topics/chest-ct/en.md"),
    (edit_section, "topics/chest-ct/en.md"),
    (add_section, "topics/chest-ct/en.md"),
    (retire, "topics/chest-ct/en.md"),
    (send_to_review, "topics/chest-ct/en.md"),
    (review, "topics/chest-ct/en.md"),
    (edit_synonyms, "glossary/port.md"),
    (edit_meaning, "glossary/port.md"),
]


@pytest.mark.parametrize(("edit", "path"), EDITS)
def test_import_keeps_what_staff_edited(db, folder, tmp_path, edit, path):
    import_pack(folder(PLAIN))
    edit()
    ours = current_files()[path]
    assert import_pack(folder(NEWER)) == LoadReport(loaded=2, unchanged=1, kept=[path])
    assert exported(tmp_path) == NEWER | {path: ours}
    # and again: what was kept once is not taken for imported
    assert import_pack(folder(NEWER)) == LoadReport(loaded=0, unchanged=3, kept=[path])
    # Visitors go on reading what they read.
    shown = {"en": ("Chest CT", "Newer facts." if path != "topics/chest-ct/en.md" else "The facts.")}
    assert on_the_site() == {"es": ("TC de tórax", "Lo básico.")} | (shown if edit is not retire else {})


@pytest.mark.parametrize(("edit", "path"), EDITS)
def test_import_with_overwrite_replaces_what_staff_edited(db, folder, tmp_path, edit, path):
    import_pack(folder(PLAIN))
    edit()
    assert import_pack(folder(NEWER), overwrite=True) == LoadReport(loaded=3, unchanged=1, kept=[])
    assert exported(tmp_path) == NEWER
    assert Article.objects.get(language="en").is_sample is True
    assert on_the_site() == {"en": ("Chest CT", "Newer facts."), "es": ("TC de tórax", "Lo básico.")}
    assert live(Article.objects.get(language="en")).is_sample is True


def test_import_keeps_what_staff_wrote_before_there_was_a_pack(db, folder):
    TopicFactory(slug="chest-ct", kind="treatment")
    assert import_pack(folder(PLAIN)) == LoadReport(loaded=3, unchanged=0, kept=["topics/chest-ct/topic.md"])
    assert Topic.objects.get().kind == "treatment"


def test_import_brings_back_what_staff_deleted(db, folder):
    import_pack(folder(PLAIN))
    Term.objects.get().delete()
    assert import_pack(folder(PLAIN)) == LoadReport(loaded=1, unchanged=3)
    assert Term.objects.get().slug == "port"


def test_new_copyright_of_the_pack_reaches_its_articles(db, folder):
    import_pack(folder(PLAIN))
    ArticleFactory(title="Other", copyright="© Other")
    assert import_pack(folder(PLAIN | {"pack.md": FACTS.replace("© Test", "© Newer")})) == LoadReport(unchanged=4)
    rights = {("Chest CT", "© Newer"), ("TC de tórax", "© Newer"), ("Other", "© Other")}
    assert set(Article.objects.values_list("title", "copyright")) == rights
    assert set(Edition.objects.live().values_list("title", "copyright")) == rights


def test_new_copyright_of_the_pack_does_not_call_reviewed_text_a_sample(db, folder):
    """What a physician has reviewed since stays reviewed text, whatever the pack says of its own."""
    import_pack(folder(PLAIN))
    review()
    report = import_pack(folder(PLAIN | {"pack.md": FACTS.replace("© Test", "© Newer")}))
    assert report.kept == ["topics/chest-ct/en.md"]
    rights = {("en", False, "© Test"), ("es", True, "© Newer")}
    assert set(Article.objects.values_list("language", "is_sample", "copyright")) == rights
    assert set(Edition.objects.live().values_list("language", "is_sample", "copyright")) == rights


def test_pack_that_is_a_sample_no_more_leaves_unreviewed_edits_samples(db, folder):
    import_pack(folder(PLAIN))
    edit_title()
    PhysicianFactory(slug="ann-lee")
    reviewed = ["reviewer: ann-lee", "reviewed_on: 2026-03-31", "next_review_on: 2027-03-31"]
    newer = {
        "pack.md": FACTS.replace("true", "false"),
        "topics/chest-ct/en.md": fronted(*reviewed),
        "topics/chest-ct/es.md": fronted(*reviewed, text=SPANISH),
    }
    assert import_pack(folder(PLAIN | newer)).kept == ["topics/chest-ct/en.md"]
    assert set(Article.objects.values_list("title", "is_sample")) == {("Ours", True), ("TC de tórax", False)}
    assert set(Edition.objects.live().values_list("title", "is_sample")) == {("Chest CT", True), ("TC de tórax", False)}


def test_import_leaves_notes_for_locations_alone(db, folder):
    """A pack knows of no locations; what is different there stays with the article, and on its page."""
    import_pack(folder(PLAIN))
    article, location = Article.objects.get(language="en"), LocationFactory(slug="north")
    LocalNote.objects.create(article=article, location=location, body="Ring the bell.")
    assert import_pack(folder(NEWER)).kept == []
    assert live(article).places == [{"location": "north", "body": "Ring the bell."}]


def test_synonyms_keep_their_order_in_the_admin(db, folder, staff):
    """Else saving a term unchanged would count as an edit."""
    import_pack(folder(PLAIN))
    page = staff(is_superuser=True).get(f"/admin/education/term/{Term.objects.get().pk}/change/").text
    assert re.findall(r'<textarea name="entries-0-synonyms"[^>]*>\s*([^<]*)</textarea>', page) == [
        "mediport\nchest port"
    ]
