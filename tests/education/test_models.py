from datetime import UTC, date, datetime

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from education.annotation import Explainer
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
    plain_code,
)
from education.publishing import publish_imported
from education.review import change_status
from tests.factories import ArticleFactory, LocationFactory, PhysicianFactory, TopicFactory, live, make_term

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
REVIEW_WITHOUT = {
    "reviewer": {"reviewed_on": date(2026, 1, 1), "next_review_on": date(2027, 1, 1)},
    "reviewed_on": {"next_review_on": date(2027, 1, 1)},
    "next_review_on": {"reviewed_on": date(2026, 1, 1)},
}


def row_of(model):
    """A valid row to break."""
    if model is Topic:
        return TopicFactory()
    if model is ProcedureCode:
        ProcedureCode.objects.create(topic=TopicFactory(), code="71045")
        return ProcedureCode.objects.create(topic=TopicFactory(), code="71046")
    if model is ReferenceCode:
        topic = TopicFactory()
        ReferenceCode.objects.create(topic=topic, system=CodeSystem.LOINC, code="36643-5")
        return ReferenceCode.objects.create(topic=topic, system=CodeSystem.LOINC, code="30745-4")
    article = ArticleFactory()
    term = make_term("port", en="Port", es="Puerto", synonyms=["chest port"])
    return {
        Article: article,
        Edition: live(article),
        Section: article.sections.get(),
        Entry: term.entries.get(language="en"),
        Name: Name.objects.get(entry__language="en", is_synonym=True),
    }[model]


@pytest.mark.parametrize(
    ("model", "facts", "constraint"),
    [
        (Topic, {"kind": "visit"}, "education_topic_kind_known"),
        (Topic, {"body_region": "tail"}, "education_topic_body_region_known"),
        (Topic, {"modality": "x-ray"}, "education_topic_modality_known"),
        (Topic, {"sample_charge_cents": -1}, "education_topic_sample_charge_not_negative"),
        (ProcedureCode, {"code": "71045"}, "education_procedurecode_one_topic"),
        (ProcedureCode, {"code": ""}, "education_procedurecode_plain"),
        (ProcedureCode, {"code": " 71046"}, "education_procedurecode_plain"),
        (ProcedureCode, {"code": "71046 "}, "education_procedurecode_plain"),
        (ProcedureCode, {"code": "71046\n"}, "education_procedurecode_plain"),
        (ProcedureCode, {"code": "g0279"}, "education_procedurecode_plain"),
        (ProcedureCode, {"code": "71046  26"}, "education_procedurecode_plain"),
        (ProcedureCode, {"code": "71046-"}, "education_procedurecode_plain"),
        (ProcedureCode, {"code": "７１０４６"}, "education_procedurecode_plain"),
        (Article, {"language": "fr"}, "education_article_language_known"),
        (Article, {"status": "ready"}, "education_article_status_known"),
        (Article, {"is_sample": False}, "education_article_published_is_reviewed"),
        (
            Article,
            {"reviewed_on": date(2026, 5, 1), "next_review_on": date(2026, 5, 1)},
            "education_article_next_review_after_last",
        ),
        (ReferenceCode, {"system": "icd-9"}, "education_referencecode_system_known"),
        (ReferenceCode, {"code": "36643-5"}, "education_referencecode_once_a_topic"),
        (ReferenceCode, {"code": "z12.31"}, "education_referencecode_plain"),
        (ReferenceCode, {"code": ""}, "education_referencecode_plain"),
        (Edition, {"is_sample": False}, "education_edition_live_is_reviewed"),
        (Edition, {"published_at": None}, "education_edition_live_is_published"),
        (Edition, {"replaced_at": NOON}, "education_edition_live_is_published"),
        (
            Edition,
            {"reviewed_on": date(2026, 5, 1), "next_review_on": date(2026, 5, 1)},
            "education_edition_next_review_after_last",
        ),
        (Edition, {"title": "Ours"}, "education_edition_stays"),
        (Edition, {"sections": []}, "education_edition_stays"),
        (Edition, {"code": "23456789"}, "education_edition_stays"),
        (Edition, {"grade": 5}, "education_edition_stays"),
        (Section, {"kind": "prices"}, "education_section_kind_known"),
        (Entry, {"language": "fr"}, "education_entry_language_known"),
        (Entry, {"language": "es"}, "education_entry_one_per_language"),
        (Name, {"text": "Port"}, "education_name_unique_text"),
        (Name, {"is_synonym": False}, "education_name_one_own_name"),
    ],
)
def test_database_refuses(db, model, facts, constraint):
    row = row_of(model)
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        model.objects.filter(pk=row.pk).update(**facts)


def test_database_refuses_a_code_twice_in_one_topic(db):
    topic = TopicFactory()
    with pytest.raises(IntegrityError, match="education_procedurecode_one_topic"), transaction.atomic():
        ProcedureCode.objects.bulk_create([ProcedureCode(topic=topic, code="71046") for _number in range(2)])


def test_database_refuses_to_delete_an_edition(db):
    article = ArticleFactory(status=ArticleStatus.DRAFT)
    with pytest.raises(IntegrityError, match="education_edition_stays"), transaction.atomic():
        article.editions.all().delete()


def test_database_refuses_a_second_live_edition(db):
    article = ArticleFactory()
    article.sections.update(body="Newer facts.")
    publish_imported([article], {"en": Explainer("en")})
    with pytest.raises(IntegrityError, match="education_edition_one_live"), transaction.atomic():
        article.editions.filter(is_live=False).update(is_live=True, replaced_at=None)


def test_database_refuses_hard_text_on_the_site_without_a_reason(db):
    hard = "Percutaneous radiofrequency ablation necessitates multidisciplinary preprocedural evaluation."
    article = ArticleFactory(sections={SectionKind.BASIC_FACTS: hard})
    assert (live(article).grade > 12, live(article).grade_reason) == (True, "Imported")
    with pytest.raises(IntegrityError, match="education_edition_above_grade_12_has_a_reason"), transaction.atomic():
        article.editions.update(grade_reason="")


def test_database_refuses_a_second_note_for_a_location(db):
    article, location = ArticleFactory(), LocationFactory()
    with pytest.raises(IntegrityError, match="education_localnote_one_a_location"), transaction.atomic():
        LocalNote.objects.bulk_create([LocalNote(article=article, location=location, body="Ring.") for _n in range(2)])


@pytest.mark.parametrize("cents", [None, 0, 64_000, 2**62])
def test_database_takes_a_sample_charge(db, cents):
    topic = TopicFactory(sample_charge_cents=cents)
    topic.refresh_from_db()
    assert topic.sample_charge_cents == cents


def test_database_refuses_second_article_in_a_language(db):
    article = ArticleFactory()
    ArticleFactory(topic=article.topic, language="es")
    with pytest.raises(IntegrityError, match="education_article_one_per_language"), transaction.atomic():
        ArticleFactory(topic=article.topic, language="en")


def test_database_refuses_second_section_of_a_kind(db):
    article = ArticleFactory()
    with pytest.raises(IntegrityError, match="education_section_one_of_a_kind"), transaction.atomic():
        Section.objects.create(article=article, kind=SectionKind.BASIC_FACTS, body="Once more.")


@pytest.mark.parametrize("missing", ["reviewer", "reviewed_on", "next_review_on"])
def test_database_refuses_published_article_with_part_of_a_review(db, missing):
    facts = {"reviewer": PhysicianFactory()} | REVIEW_WITHOUT[missing]
    if missing == "reviewer":
        facts["reviewer"] = None
    article = ArticleFactory()
    with pytest.raises(IntegrityError, match="education_article_published_is_reviewed"), transaction.atomic():
        Article.objects.filter(pk=article.pk).update(is_sample=False, **facts)


def test_database_takes_published_article_with_a_review(db):
    article = ArticleFactory(
        is_sample=False,
        reviewer=PhysicianFactory(),
        reviewed_on=date(2026, 1, 1),
        next_review_on=date(2026, 1, 2),
    )
    assert Article.objects.on_the_site().get() == article


@pytest.mark.parametrize("status", sorted(set(ArticleStatus.values) - {"published"}))
def test_database_takes_other_statuses_without_review(db, status):
    assert ArticleFactory(status=status, is_sample=False).pk is not None


@pytest.mark.parametrize(
    ("model", "make"),
    [
        (Topic, lambda: TopicFactory(slug="same")),
        (Term, lambda: make_term("same")),
        (Illustration, lambda: Illustration.objects.create(slug="same", drawing="x", alt="x", alt_es="x")),
        (PackFile, lambda: PackFile.objects.create(path="same", text="x")),
    ],
)
def test_addresses_are_unique(db, model, make):
    make()
    with pytest.raises(IntegrityError, match=f"{model._meta.db_table}_(slug|path)"), transaction.atomic():
        make()


@pytest.mark.parametrize("which", ["topic", "reviewer"])
def test_article_keeps_its_topic_and_reviewer(db, which):
    article = ArticleFactory(reviewer=PhysicianFactory())
    with pytest.raises(ProtectedError):
        getattr(article, which).delete()


def test_article_sort_key_follows_the_title(db):
    article = ArticleFactory(title="Épaule: l'IRM")
    assert article.sort_key == "epaule lirm"
    article.title = "Knee"
    article.save()
    article.refresh_from_db()
    assert article.sort_key == "knee"


def test_article_with_a_title_that_grows_when_folded_is_saved(db):
    assert ArticleFactory(title="ß" * 120).sort_key == "s" * 120


def test_article_other_names_are_the_lines():
    assert Article(also_called=" one \r\n\n two\n").other_names == ["one", "two"]


@pytest.mark.parametrize(
    ("facts", "is_due"),
    [
        ({"next_review_on": date(2026, 5, 1)}, True),
        ({"next_review_on": date(2026, 4, 30)}, True),
        ({"next_review_on": date(2026, 5, 2)}, False),
        ({"next_review_on": None}, False),
        ({"next_review_on": date(2026, 4, 1), "status": ArticleStatus.RETIRED}, False),
        ({"next_review_on": date(2026, 4, 1), "status": ArticleStatus.DRAFT}, False),
    ],
)
def test_due_for_review_counts_the_day_itself(db, facts, is_due):
    article = ArticleFactory(**facts)
    expected = [article] if is_due else []
    assert list(Article.objects.due_for_review(on=date(2026, 5, 1))) == expected


def test_due_for_review_is_what_visitors_read(db):
    """Whatever became of the working text: the page is as old as its edition."""
    article = ArticleFactory(next_review_on=date(2026, 5, 1))
    change_status(article, ArticleStatus.IN_REVIEW)
    Article.objects.update(next_review_on=date(2027, 5, 1))
    assert list(Article.objects.due_for_review(on=date(2026, 5, 1))) == [article]


def test_in_language_and_on_the_site_leave_out_the_others(db):
    article = ArticleFactory(language="es")
    ArticleFactory(language="en")
    ArticleFactory(language="es", status=ArticleStatus.DRAFT)
    assert list(Article.objects.on_the_site().in_language("es")) == [article]
    assert list(Edition.objects.live().in_language("es")) == [live(article)]


@pytest.mark.parametrize(
    ("kind", "position", "anchor"),
    [(SectionKind.BASIC_FACTS, 0, "basic-facts"), (SectionKind.WHEN_TO_CALL, 7, "when-to-call")],
)
def test_section_position_and_anchor(kind, position, anchor):
    section = Section(kind=kind)
    assert (section.position, section.anchor) == (position, anchor)


@pytest.mark.parametrize(
    ("text", "key"), [("Tomografía (TC)", "tomografia tc"), ("ß" * 200, "s" * 250), ("X-Ray’s", "x-rays")]
)
def test_name_key_is_the_folded_text(db, text, key):
    entry = make_term("a", en="A").entries.get()
    assert Name.objects.create(entry=entry, text=text).key == key


def test_name_without_a_letter_is_refused(db):
    entry = make_term("a", en="A").entries.get()
    with pytest.raises(ValidationError) as refusal:
        Name(entry=entry, text="?!").full_clean()
    assert refusal.value.message_dict == {"text": ["Write a word."]}


def test_deleting_a_term_takes_its_entries_and_names_along(db):
    make_term("stays", en="Stays")
    make_term("goes", en="Goes", es="Va", synonyms=["leaves"]).delete()
    assert list(Name.objects.values_list("text", flat=True)) == ["Stays"]


@pytest.mark.parametrize(
    ("row", "text", "address"),
    [
        (Topic(slug="knee-mri"), "knee-mri", "/patient-information/knee-mri/"),
        (
            Article(title="Knee", language="en", topic=Topic(slug="knee-mri")),
            "Knee (en)",
            "/patient-information/knee-mri/",
        ),
        (
            Article(title="Rodilla", language="es", topic=Topic(slug="knee-mri")),
            "Rodilla (es)",
            "/es/patient-information/knee-mri/",
        ),
        (
            Edition(title="Rodilla", language="es", number=2, article=Article(topic=Topic(slug="knee-mri"))),
            "Rodilla (es), 2",
            "/es/patient-information/knee-mri/",
        ),
        (Term(slug="port"), "port", "/glossary/port/"),
        (Entry(name="Port", term=Term(slug="port")), "Port", "/glossary/port/"),
    ],
)
def test_rows_tell_their_name_and_address(row, text, address):
    assert (str(row), row.get_absolute_url()) == (text, address)


# ---- Procedure codes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "kept"),
    [("71046", "71046"), (" g0279\n", "G0279"), ("71046-tc", "71046-TC"), ("71046 26", "71046 26"), (" ", "")],
)
def test_plain_code(given, kept):
    assert plain_code(given) == kept


def test_code_is_kept_plain_and_in_the_order_given(db):
    topic = TopicFactory()
    for code in (" 77067 ", "77063", "g0279"):
        topic.procedure_codes.create(code=code)
    assert list(map(str, topic.procedure_codes.all())) == ["77067", "77063", "G0279"]


def test_codes_go_with_their_topic(db):
    kept, gone = TopicFactory(codes=["71046"]), TopicFactory(codes=["77067", "77063"])
    gone.delete()
    assert list(ProcedureCode.objects.values_list("topic", "code")) == [(kept.pk, "71046")]


def test_editions_are_found_for_the_codes_of_a_bill(db, django_assert_num_queries):
    mammogram = ArticleFactory(topic=TopicFactory(codes=["77067", "G0279"]))
    chest = ArticleFactory(topic=TopicFactory(codes=["71046"]))
    ArticleFactory(topic=mammogram.topic, language="es")
    ArticleFactory(topic=TopicFactory(codes=["70450"]), language="es")
    for status in set(ArticleStatus.values) - {"published"}:
        ArticleFactory(topic=TopicFactory(codes=[f"HIDDEN-{status.upper()}"]), status=status)
    TopicFactory(codes=["74177"])  # nobody has written about it
    ArticleFactory()  # no bill names it
    codes = ["77067", " g0279", "71046", "71046 ", "70450", "74177", "99999", "", *hidden_codes()]
    with django_assert_num_queries(1):
        found = Edition.objects.for_procedures(codes, "en")
        addresses = {code: edition.get_absolute_url() for code, edition in found.items()}
    shown = {code: live(article) for code, article in {"77067": mammogram, "71046": chest}.items()}
    assert found == {
        "77067": shown["77067"],
        " g0279": shown["77067"],
        "71046": shown["71046"],
        "71046 ": shown["71046"],
    }
    assert addresses == {code: f"/patient-information/{edition.topic.slug}/" for code, edition in found.items()}


def hidden_codes():
    return list(ProcedureCode.objects.filter(code__startswith="HIDDEN").values_list("code", flat=True))


def test_editions_for_codes_are_in_the_readers_language(db):
    english = ArticleFactory(topic=TopicFactory(codes=["77067"]))
    spanish = ArticleFactory(topic=english.topic, language="es")
    assert [Edition.objects.for_procedures(["77067"], language) for language in ("en", "es", "fr")] == [
        {"77067": live(english)},
        {"77067": live(spanish)},
        {},
    ]


@pytest.mark.parametrize("codes", [[], [""], iter(())])
def test_no_codes_find_no_editions(db, codes):
    ArticleFactory(topic=TopicFactory(codes=["77067"]))
    assert Edition.objects.for_procedures(codes, "en") == {}


@pytest.mark.parametrize(("codes", "shown"), [([], None), (["77067", "77063"], "77067"), (["Z9", "A1"], "Z9")])
def test_edition_with_procedure_code_has_the_first_of_its_topic(db, codes, shown):
    TopicFactory(codes=["00000"])
    ArticleFactory(topic=TopicFactory(codes=codes))
    assert Edition.objects.live().with_procedure_code().get().procedure_code == shown
