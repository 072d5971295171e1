"""The pack that ships: whole, in two languages that say the same, and easy to read."""

import re

import pytest
import textstat

from education.demo import SAMPLE_PACK
from education.models import Article, ArticleStatus, Entry, Topic
from education.packs.format import HEADINGS
from education.packs.loading import LoadReport, import_pack
from education.packs.reading import read_pack
from education.packs.writing import export_pack

TOPICS = sorted(folder.name for folder in (SAMPLE_PACK / "topics").iterdir())


@pytest.fixture(scope="module")
def pack():
    return read_pack(SAMPLE_PACK)


def blocks(text):
    """What the text is made of: paragraphs, headings, and lists with their lengths."""
    found = []
    for block in re.split(r"\n{2,}", text):
        lines = block.split("\n")
        if block.startswith("### "):
            found.append("heading")
        elif lines[0].startswith("- "):
            found.append(("list", len(lines)))
        elif re.match(r"1\. ", block):
            found.append(("steps", len(lines)))
        else:
            found.append("paragraph")
    return found


def prose(article):
    """The article's sentences, without headings and list marks; each list item is a sentence."""
    sentences = []
    for line in "\n".join(article.sections.values()).splitlines():
        if line.startswith("#"):
            continue
        sentence = re.sub(r"^\s*([-*]|\d+\.)\s+", "", line).replace("**", "").strip()
        if sentence and sentence[-1] not in ".?!:":
            sentence += "."
        sentences.append(sentence)
    return re.sub(r"\s+", " ", " ".join(sentences)).replace(":", ".").strip()


def test_sample_pack_comes_back_byte_for_byte(db, tmp_path):
    report = import_pack(SAMPLE_PACK)
    export_pack(tmp_path)
    shipped = {file.relative_to(SAMPLE_PACK): file.read_bytes() for file in SAMPLE_PACK.rglob("*.md")}
    returned = {file.relative_to(tmp_path): file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    assert returned == shipped
    assert report == LoadReport(loaded=len(shipped) - 1)
    assert import_pack(SAMPLE_PACK) == LoadReport(unchanged=len(shipped) - 1)


def test_sample_pack_fills_the_library_with_what_is_marked_as_sample(db, pack):
    import_pack(SAMPLE_PACK)
    assert set(Article.objects.values_list("is_sample", "status", "reviewer")) == {
        (True, ArticleStatus.PUBLISHED, None)
    }
    assert set(Article.objects.values_list("copyright", "licence")) == {(pack.facts.copyright, pack.facts.licence)}
    assert (Topic.objects.count(), Article.objects.count()) == (len(TOPICS), 2 * len(TOPICS))
    assert Entry.objects.count() == 2 * len(pack.terms)


def test_sample_pack_has_enough_of_both(pack):
    assert len(pack.topics) >= 12
    assert set(pack.articles) == {(slug, language) for slug in pack.topics for language in ("en", "es")}
    assert len(pack.terms) >= 150
    assert [slug for slug, term in pack.terms.items() if set(term.entries) != {"en", "es"}] == []


def test_sample_pack_has_exams_and_treatments_of_many_kinds(pack):
    assert {topic.kind for topic in pack.topics.values()} == {"exam", "treatment"}
    assert len({topic.modality for topic in pack.topics.values()}) >= 6
    assert len({topic.body_region for topic in pack.topics.values()}) >= 6


def test_sample_pack_explains_the_lines_of_the_demo_bills(db):
    import_pack(SAMPLE_PACK)
    codes = ["22510", "72148", "74177", "77067", "71046"]
    found = {language: Article.objects.for_procedures(codes, language) for language in ("en", "es")}
    expected = {
        "22510": "vertebroplasty",
        "72148": "spine-mri",
        "74177": "abdomen-pelvis-ct",
        "77067": "screening-mammogram",
        "71046": "chest-x-ray",
    }
    assert {
        language: {code: article.topic.slug for code, article in articles.items()}
        for language, articles in found.items()
    } == {"en": expected, "es": expected}


def test_sample_pack_has_a_sample_bill_line_for_every_topic(pack):
    lines = {slug: (topic.procedure_codes, topic.sample_charge_cents) for slug, topic in pack.topics.items()}
    assert [slug for slug, (codes, cents) in lines.items() if not (codes and cents)] == []
    # Round numbers: the three parts of each are whole dollars.
    assert [slug for slug, (_codes, cents) in lines.items() if cents % 1000] == []


@pytest.mark.parametrize("slug", TOPICS)
def test_both_languages_say_the_same(pack, slug):
    english, spanish = pack.articles[slug, "en"], pack.articles[slug, "es"]
    assert {kind: blocks(text) for kind, text in english.sections.items()} == {
        kind: blocks(text) for kind, text in spanish.sections.items()
    }
    every_section = [kind for kind in HEADINGS["en"] if kind != "sources"]
    assert list(english.sections) == list(spanish.sections) == every_section
    assert english.title != spanish.title


@pytest.mark.parametrize("slug", TOPICS)
def test_english_is_read_in_eighth_grade_or_before(pack, slug):
    text = prose(pack.articles[slug, "en"])
    textstat.set_lang("en")
    assert len(text.split()) >= 400
    assert textstat.flesch_kincaid_grade(text) <= 8


@pytest.mark.parametrize("slug", TOPICS)
def test_spanish_is_plain(pack, slug):
    text = prose(pack.articles[slug, "es"])
    textstat.set_lang("es")
    assert len(text.split()) >= 400
    assert textstat.fernandez_huerta(text) >= 60


def test_terms_say_what_they_mean_in_a_sentence_or_more(pack):
    entries = [(slug, entry) for slug, term in pack.terms.items() for entry in term.entries.values()]
    assert [slug for slug, entry in entries if len(entry.definition) < 30 or entry.definition[-1] not in '."”)'] == []


@pytest.mark.parametrize(
    ("language", "section", "facts"),
    [
        ("en", "basic facts", ["compression fracture", "Bone cement goes in through the needle", "1 to 2 hours"]),
        ("en", "why", ["thin bones (osteoporosis)", "It does not straighten the spine", "Not everyone feels better"]),
        (
            "en",
            "prepare",
            ["Ask about blood thinners early", "You cannot drive yourself home", "are or might be pregnant"],
        ),
        ("en", "what happens", ["You lie flat on your stomach", "numbing medicine", "The cement goes in slowly"]),
        ("en", "after", ["You lie flat for an hour or more", "Rest in bed for 24 hours"]),
        ("en", "when to call", ["Fever or chills", "**Call 911**", "lose control of your bladder or bowels"]),
        ("en", "risks", ["A cement leak out of the bone", "Another break in a nearby bone", "radiation (X-rays)"]),
        ("en", "results", ["A report goes to the doctor who sent you to us"]),
        ("es", "basic facts", ["fractura por compresión", "Por la aguja entra el cemento óseo", "de 1 a 2 horas"]),
        ("es", "why", ["huesos débiles (osteoporosis)", "No endereza la columna", "No todas las personas mejoran"]),
        ("es", "prepare", ["anticoagulantes", "Usted no podrá manejar a casa", "está o podría estar embarazada"]),
        ("es", "what happens", ["Usted se acuesta boca abajo", "adormecer la zona", "El cemento entra despacio"]),
        ("es", "after", ["una hora o más mientras le cuidamos", "Guarde cama 24 horas"]),
        ("es", "when to call", ["Fiebre o escalofríos", "**Llame al 911**", "el control de la orina o del intestino"]),
        ("es", "risks", ["Una fuga de cemento fuera del hueso", "Otra fractura en un hueso cercano", "(rayos X)"]),
        ("es", "results", ["El informe llega al médico que le envió con nosotros"]),
    ],
)
def test_vertebroplasty_says_its_key_facts(pack, language, section, facts):
    text = pack.articles["vertebroplasty", language].sections[section]
    assert [fact for fact in facts if fact not in text] == []


def test_vertebroplasty_is_a_treatment_of_the_spine(pack):
    topic = pack.topics["vertebroplasty"]
    assert (topic.kind, topic.body_region, topic.modality) == ("treatment", "spine", "interventional")
