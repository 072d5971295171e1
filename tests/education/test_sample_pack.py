"""The pack that ships: whole, in two languages that say the same, and easy to read."""

import re

import pytest

from education.demo import SAMPLE_PACK
from education.models import Article, ArticleStatus, Edition, Entry, Topic
from education.packs.format import HEADINGS
from education.packs.loading import LoadReport, import_pack
from education.packs.reading import read_pack
from education.packs.writing import export_pack
from education.reading_grade import AIM_GRADE, grade_of
from tests.practice.test_one_flight import ONE_FLIGHT, flight_of

AS_NEEDED = ("week before", "day before")  # not every exam asks for something so early
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


def test_sample_pack_fills_the_library_and_comes_back_byte_for_byte(db, client, tmp_path, pack):
    """Read once for all that is asked of it: reading it takes seconds."""
    report = import_pack(SAMPLE_PACK)
    export_pack(tmp_path)
    shipped = {file.relative_to(SAMPLE_PACK): file.read_bytes() for file in SAMPLE_PACK.rglob("*") if file.is_file()}
    returned = {file.relative_to(tmp_path): file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    assert returned == shipped
    assert report == LoadReport(loaded=len(shipped) - 1)
    assert import_pack(SAMPLE_PACK) == LoadReport(unchanged=len(shipped) - 1)
    check_it_is_marked_as_sample(pack)
    check_it_explains_the_demo_bills()
    check_it_fits_one_flight(client)


def check_it_fits_one_flight(client):
    """The longest articles, and the pages that list all there is."""
    longest = sorted(Edition.objects.live(), key=lambda edition: len(str(edition.shown)))[-8:]
    pages = [edition.get_absolute_url() for edition in longest]
    for page in [
        *pages,
        "/patient-information/",
        "/es/patient-information/",
        "/glossary/",
        "/es/glossary/",
        "/prep-sheets/",
    ]:
        for encoding in ("br", "gzip"):
            assert (page, flight_of(client, page, encoding)) <= (page, ONE_FLIGHT)


def check_it_is_marked_as_sample(pack):
    assert set(Article.objects.values_list("is_sample", "status", "reviewer")) == {
        (True, ArticleStatus.PUBLISHED, None)
    }
    assert set(Article.objects.values_list("copyright", "licence")) == {(pack.facts.copyright, pack.facts.licence)}
    assert (Topic.objects.count(), Article.objects.count()) == (len(TOPICS), 2 * len(TOPICS))
    assert Entry.objects.count() == 2 * len(pack.terms)
    live = Edition.objects.live()
    assert (live.in_language("en").count(), live.in_language("es").count()) == (len(TOPICS), len(TOPICS))
    assert Article.objects.filter(stale_blocks__gt=0).count() == 0


def check_it_explains_the_demo_bills():
    codes = ["22510", "72148", "74177", "77067", "71046"]
    found = {language: Edition.objects.for_procedures(codes, language) for language in ("en", "es")}
    expected = {
        "22510": "vertebroplasty",
        "72148": "spine-mri",
        "74177": "abdomen-pelvis-ct",
        "77067": "screening-mammogram",
        "71046": "chest-x-ray",
    }
    assert {
        language: {code: edition.topic.slug for code, edition in editions.items()}
        for language, editions in found.items()
    } == {"en": expected, "es": expected}


def test_sample_pack_has_enough_of_both(pack):
    assert len(pack.topics) >= 30
    assert set(pack.articles) == {(slug, language) for slug in pack.topics for language in ("en", "es")}
    assert len(pack.terms) >= 400
    assert len(pack.illustrations) >= 8
    assert [slug for slug, term in pack.terms.items() if set(term.entries) != {"en", "es"}] == []


def test_sample_pack_has_exams_and_treatments_of_many_kinds(pack):
    assert {topic.kind for topic in pack.topics.values()} == {"exam", "treatment"}
    assert len({topic.modality for topic in pack.topics.values()}) >= 6
    assert len({topic.body_region for topic in pack.topics.values()}) >= 6


def test_sample_pack_has_a_sample_bill_line_for_every_topic(pack):
    lines = {slug: (topic.procedure_codes, topic.sample_charge_cents) for slug, topic in pack.topics.items()}
    assert [slug for slug, (codes, cents) in lines.items() if not (codes and cents)] == []
    # Round numbers: the three parts of each are whole dollars.
    assert [slug for slug, (_codes, cents) in lines.items() if cents % 1000] == []


def test_sample_pack_has_codes_of_health_records_for_every_topic(pack):
    systems = {slug: {system for system, _code in topic.reference_codes} for slug, topic in pack.topics.items()}
    assert [slug for slug, found in systems.items() if not found] == []
    assert set().union(*systems.values()) >= {"icd-10-cm", "loinc", "radlex"}


def test_sample_pack_shows_all_its_pictures(pack):
    assert {topic.illustration for topic in pack.topics.values()} - {""} == set(pack.illustrations)


@pytest.mark.parametrize("slug", TOPICS)
def test_both_languages_say_the_same(pack, slug):
    english, spanish = pack.articles[slug, "en"], pack.articles[slug, "es"]
    assert {kind: blocks(text) for kind, text in english.sections.items()} == {
        kind: blocks(text) for kind, text in spanish.sections.items()
    }
    every_section = [kind for kind in HEADINGS["en"] if kind != "sources"]
    assert list(english.sections) == list(spanish.sections)
    assert [kind for kind in every_section if kind not in english.sections and kind not in AS_NEEDED] == []
    assert english.title != spanish.title


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("slug", TOPICS)
def test_article_is_read_in_eighth_grade_or_before(pack, slug, language):
    article = pack.articles[slug, language]
    assert len(prose(article).split()) >= 400
    assert grade_of([article.summary, *article.sections.values()], language) <= AIM_GRADE


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
            ["allergies, above all to contrast dye, numbing medicine, or bone cement", "are or might be pregnant"],
        ),
        ("en", "week before", ["Ask about blood thinners early", "Never stop it on your own"]),
        ("en", "day before", ["You cannot drive yourself home", "stay with you that night"]),
        ("en", "day of", ["with a sip of water", "Bring your list of medicines"]),
        ("en", "what happens", ["You lie flat on your stomach", "numbing medicine", "The cement goes in slowly"]),
        ("en", "after", ["You lie flat for an hour or more", "Rest in bed for 24 hours"]),
        ("en", "when to call", ["Fever or chills", "**Call 911**", "lose control of your bladder or bowels"]),
        ("en", "risks", ["A cement leak out of the bone", "Another break in a nearby bone", "radiation (X-rays)"]),
        ("en", "results", ["A report goes to the doctor who sent you to us"]),
        ("en", "cost", ["one bill from us", "The hospital or center sends another", "prior authorization"]),
        ("es", "basic facts", ["fractura por compresión", "Por la aguja entra el cemento óseo", "de 1 a 2 horas"]),
        ("es", "why", ["huesos débiles (osteoporosis)", "No endereza la columna", "No todas las personas mejoran"]),
        ("es", "prepare", ["al medio de contraste, a la anestesia o al cemento", "está o podría estar embarazada"]),
        ("es", "week before", ["Pregunte pronto por los anticoagulantes", "Nunca los deje por su cuenta"]),
        ("es", "day before", ["Usted no podrá manejar a casa", "le acompañe esa noche"]),
        ("es", "day of", ["con un sorbo de agua", "Traiga su lista de medicinas"]),
        ("es", "what happens", ["Usted se acuesta boca abajo", "adormecer la zona", "El cemento entra despacio"]),
        ("es", "after", ["una hora o más mientras le cuidamos", "Guarde cama 24 horas"]),
        ("es", "when to call", ["Fiebre o escalofríos", "**Llame al 911**", "el control de la orina o del intestino"]),
        ("es", "risks", ["Una fuga de cemento fuera del hueso", "Otra fractura en un hueso cercano", "(rayos X)"]),
        ("es", "results", ["El informe llega al médico que le envió con nosotros"]),
        ("es", "cost", ["Nuestra factura", "La del hospital o centro", "autorización previa"]),
    ],
)
def test_vertebroplasty_says_its_key_facts(pack, language, section, facts):
    text = pack.articles["vertebroplasty", language].sections[section]
    assert [fact for fact in facts if fact not in text] == []


def test_vertebroplasty_is_a_treatment_of_the_spine(pack):
    topic = pack.topics["vertebroplasty"]
    assert (topic.kind, topic.body_region, topic.modality) == ("treatment", "spine", "interventional")
