import re

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django_tasks_db.models import DBTaskResult

from education import publishing
from education.annotation import Explainer
from education.glossary import save_entry
from education.models import Article, ArticleStatus, Edition, SectionKind, Term, TopicKind
from education.paragraphs import digest_of, digests_of
from education.restoring import restore
from education.review import change_status
from practice import markdown
from practice.search.models import Word
from tests.factories import ArticleFactory, LocationFactory, PhysicianFactory, UserFactory, live, make_term

pytestmark = pytest.mark.usefixtures("identity")

FACTS = SectionKind.BASIC_FACTS
HARD = "Percutaneous radiofrequency ablation necessitates multidisciplinary preprocedural evaluation."


def write(article, **sections):
    """Save these texts, by section kind; an empty one is taken out. The site does not change."""
    for kind, body in sections.items():
        article.sections.filter(kind=kind.replace("_", " ")).delete()
        if body:
            article.sections.create(kind=kind.replace("_", " "), body=body)


def publish(article, **sections):
    """Put the article on the site with these texts; returns its new edition."""
    write(article, **sections)
    publishing.put_live(publishing.keep_edition(article))
    return live(article)


def translate(article, sections, **facts):
    """A Spanish article on the site, made from the English one as it stands on the site."""
    translation = ArticleFactory(topic=article.topic, language="es", sections=sections, **facts)
    publishing.confirm_translation(translation, sections)
    return translation


def article_of(response):
    return re.search(r"<article .*?</article>", response.text, re.DOTALL).group(0)


# ---- Editions -------------------------------------------------------------------------------------------------------


def test_text_that_has_not_changed_is_no_new_edition(db):
    article, member = ArticleFactory(), UserFactory()
    before = live(article)
    assert publishing.keep_edition(article, member, "Again") == before
    assert [(edition.number, edition.made_by, edition.note) for edition in Edition.objects.all()] == [
        (1, None, "Imported")
    ]


def test_changed_text_is_a_new_edition_and_the_site_stays(client):
    article, member = ArticleFactory(topic__slug="knee"), UserFactory()
    write(article, basic_facts="Newer facts.")
    edition = publishing.keep_edition(article, member, "Better")
    article.refresh_from_db()
    assert (edition.number, edition.made_by, edition.note, edition.is_live) == (2, member, "Better", False)
    assert article.digest == edition.digest != live(article).digest
    assert live(article).number == 1
    assert re.findall("<p>([^<]+ facts.)</p>", client.get("/patient-information/knee/").text) == ["The facts."]


def test_two_editions_have_codes_of_their_own(db):
    article = ArticleFactory()
    first, second = live(article), publish(article, basic_facts="Newer.")
    assert first.code != second.code
    assert {len(first.code), len(second.code)} == {8}


def test_edition_that_was_taken_off_is_not_put_back_but_followed_by_another(db):
    article = ArticleFactory()
    publishing.take_off(article)
    edition = publishing.keep_edition(article)
    assert (edition.number, edition.digest) == (2, article.editions.get(number=1).digest)


def test_preview_is_not_kept(db):
    article = ArticleFactory(status=ArticleStatus.DRAFT, sections={FACTS: "A scan."})
    make_term("scan", en="scan")
    shown = publishing.shown(publishing.preview(article))
    assert [word["slug"] for word in shown["words"]] == ["scan"]
    assert Edition.objects.count() == 1


@pytest.mark.parametrize(("language", "low", "high"), [("en", 12, 99), ("es", 12, 20)])
def test_edition_knows_how_hard_it_reads(db, language, low, high):
    easy = ArticleFactory(language=language, sections={FACTS: "It is so. We do it."}, summary="It is so.")
    hard = ArticleFactory(language=language, sections={FACTS: HARD}, summary=HARD)
    assert live(easy).grade < 8
    assert low < live(hard).grade <= high
    assert [live(easy).grade_reason, live(hard).grade_reason] == ["", "Imported"]


# ---- On the site ----------------------------------------------------------------------------------------------------


def test_new_edition_takes_the_place_of_the_one_before(client, time_machine):
    time_machine.move_to("2026-11-01T12:00:00Z", tick=False)
    article = ArticleFactory(topic__slug="knee")
    time_machine.move_to("2026-11-02T12:00:00Z", tick=False)
    publish(article, basic_facts="Newer facts.")

    before, now = article.editions.order_by("number")
    assert (before.is_live, before.replaced_at.day, before.published_at.day) == (False, 2, 1)
    assert (before.shown, before.search_vector, before.names_vector) == (None, None, None)
    assert (now.is_live, now.replaced_at, now.published_at.day) == (True, None, 2)
    assert [now.shown is None, now.search_vector is None, now.names_vector is None] == [False, False, False]
    assert re.findall("<p>([^<]+ facts.)</p>", client.get("/patient-information/knee/").text) == ["Newer facts."]


def test_what_was_once_published_keeps_its_day(db, time_machine):
    time_machine.move_to("2026-11-01T12:00:00Z", tick=False)
    article = ArticleFactory()
    time_machine.move_to("2026-11-02T12:00:00Z", tick=False)
    publish(article)
    assert [edition.published_at.day for edition in article.editions.all()] == [1]


def test_edition_that_cannot_be_made_findable_does_not_go_on_the_site(db, monkeypatch):
    article = ArticleFactory()
    write(article, basic_facts="Newer facts.")
    edition = publishing.keep_edition(article)

    def fail(_editions):
        raise RuntimeError

    monkeypatch.setattr("education.search_index.index_editions", fail)
    with pytest.raises(RuntimeError):
        publishing.put_live(edition)
    assert (live(article).number, live(article).replaced_at) == (1, None)


@pytest.mark.parametrize("count", [1, 3])
def test_editions_go_on_the_site_in_eleven_queries_however_many(db, django_assert_num_queries, count):
    articles = [ArticleFactory(status=ArticleStatus.IN_REVIEW) for _number in range(count)]
    explainers = {"en": Explainer("en")}
    editions = list(Edition.objects.select_related("article"))
    # The transaction's two; off; on; vectors; words of names, of texts; topics, their editions, what is not behind.
    with django_assert_num_queries(11):
        publishing.put_all_live(editions, explainers)
    assert [live(article).number for article in articles] == [1] * count


def test_article_is_taken_off(client):
    article = ArticleFactory(topic__slug="knee")
    publishing.take_off(article)
    (edition,) = article.editions.all()
    assert (edition.is_live, edition.replaced_at is None, edition.shown, edition.search_vector) == (
        False,
        False,
        None,
        None,
    )
    assert client.get("/patient-information/knee/").status_code == 404


# ---- The page is made once ------------------------------------------------------------------------------------------


def test_page_is_kept_with_the_edition(db):
    make_term("scan", en="scan")
    make_term("vein", en="Vein")
    place = LocationFactory(slug="here")
    article = ArticleFactory(
        status=ArticleStatus.DRAFT,
        sources="- A *book*",
        sections={
            FACTS: "A *scan* of a vein.\n\n# Embolization",
            SectionKind.PREPARE: "# Eat",
            SectionKind.DAY_OF: "# Drink\n\nMammography, embolization.",
        },
    )
    article.local_notes.create(location=place, body="Use *our* scan door.")
    publishing.put_live(publishing.keep_edition(article))

    def button(slug, text):
        return f'<button class="word" type="button" popovertarget="w-{slug}">{text}</button>'

    assert live(article).shown == {
        "sections": [
            {
                "kind": "basic facts",
                "blocks": [
                    {
                        "html": f"<p>A <em>{button('scan', 'scan')}</em> of a {button('vein', 'vein')}.</p>\n",
                        "digest": digest_of("A *scan* of a vein."),
                    },
                    {"html": "<h2>Embolization</h2>\n", "digest": digest_of("# Embolization")},
                ],
            },
            {"kind": "prepare", "blocks": [{"html": "<h2>Eat</h2>\n", "digest": digest_of("# Eat")}]},
            {
                "kind": "day of",
                "blocks": [
                    {"html": "<h2>Drink</h2>\n", "digest": digest_of("# Drink")},
                    {
                        "html": "<p>Mammography, embolization.</p>\n",
                        "digest": digest_of("Mammography, embolization."),
                    },
                ],
            },
        ],
        "places": [{"location": "here", "html": "<p>Use <em>our</em> scan door.</p>\n"}],
        "sources": "<ul>\n<li>A <em>book</em></li>\n</ul>\n",
        "words": [
            {"slug": "scan", "name": "scan", "say": "", "html": "<p>What scan means.</p>\n"},
            {"slug": "vein", "name": "Vein", "say": "", "html": "<p>What Vein means.</p>\n"},
        ],
        "hard": ["mammography", "embolization"],
        "plain": {"prepare": "Eat"},
    }


def test_long_word_of_the_glossary_is_not_among_the_hard_ones(db):
    make_term("embolization", en="Uterine embolization")
    Term.objects.update(is_explained_in_text=False)
    article = ArticleFactory(sections={FACTS: "Embolization or mammography."})
    assert live(article).shown["hard"] == ["mammography"]


@pytest.mark.parametrize(
    "kind",
    [
        TopicKind.EXAM,
        TopicKind.TREATMENT,
    ],
)
@pytest.mark.parametrize("path", ["/patient-information/knee/", "/es/patient-information/knee/"])
def test_nothing_is_parsed_or_looked_up_while_somebody_reads(client, monkeypatch, kind, path):
    make_term("scan", en="scan", es="escaneo")
    sections = {FACTS: "A *scan*.", SectionKind.PREPARE: "Eat *well*."}
    article = ArticleFactory(topic__slug="knee", topic__kind=kind, sections=sections, sources="A book")
    translate(article, {FACTS: "Un *escaneo*.", SectionKind.PREPARE: "Coma *bien*."}, sources="Un libro")
    publish(article, basic_facts="A newer *scan*.")

    def parse(*_arguments, **_options):
        raise AssertionError("Markdown was parsed")

    monkeypatch.setattr(markdown.PARSER, "parse", parse)
    with CaptureQueriesContext(connection) as queries:
        pages = [client.get(path), client.get(f"{path}both-languages/")]
    asked = {table for query in queries for table in re.findall(r'"education_(\w+)"', query["sql"])}
    assert asked & {"name", "entry", "term", "section", "localnote"} == set()
    assert [len(re.findall("newer <em>", page.text)) for page in pages] == [1, 1]


# ---- When the glossary changes --------------------------------------------------------------------------------------


def explained(article):
    return re.findall(r'popovertarget="w-([a-z]+)">([^<]+)<', str(live(article).shown["sections"]))


def test_queued_job_explains_a_new_word_on_pages_that_are_already_there(db, run_jobs):
    english = ArticleFactory(sections={FACTS: "A scan of a vein."})
    spanish = ArticleFactory(topic=english.topic, language="es", sections={FACTS: "Un escaneo."})
    draft = ArticleFactory(status=ArticleStatus.DRAFT, sections={FACTS: "A scan."})
    made = live(english)
    make_term("scan", en="scan", es="escaneo")
    publishing.explain_again.enqueue("en")
    assert explained(english) == []
    run_jobs()

    assert (explained(english), explained(spanish)) == ([("scan", "scan")], [])
    now = live(english)
    assert (now.pk, now.published_at, now.digest) == (made.pk, made.published_at, made.digest)
    assert [edition.shown for edition in draft.editions.all()] == [None]


def test_queued_job_brings_a_changed_meaning_and_takes_a_word_away(db, run_jobs):
    scan, vein = make_term("scan", en="scan"), make_term("vein", en="vein")
    article = ArticleFactory(sections={FACTS: "A scan of a vein."})
    save_entry(scan, "en", "scan", "Many *pictures*.")
    vein.delete()
    publishing.explain_again.enqueue("en")
    run_jobs()

    assert explained(article) == [("scan", "scan")]
    assert [word["html"] for word in live(article).shown["words"]] == ["<p>Many <em>pictures</em>.</p>\n"]


def test_import_of_a_word_queues_the_pages_of_its_language(db, run_jobs, tmp_path):
    article = ArticleFactory(sections={FACTS: "A scan."})
    (tmp_path / "glossary").mkdir()
    (tmp_path / "pack.md").write_text("---\ncopyright: A\nlicence: B\nsample: true\n---\n")
    (tmp_path / "glossary/scan.md").write_text("---\nen: {name: scan}\n---\n## en\n\nPictures.\n")
    call_command("import_content", tmp_path, verbosity=0)
    run_jobs()
    assert explained(article) == [("scan", "scan")]


def test_import_of_a_word_list_queues_the_pages(db, run_jobs, tmp_path):
    article = ArticleFactory(sections={FACTS: "A scan."})
    (tmp_path / "list.jsonl").write_text('{"en": {"term": "scan", "definition_text": "Pictures."}}\n')
    call_command("import_glossary", tmp_path / "list.jsonl")
    run_jobs()
    assert explained(article) == [("scan", "scan")]


@pytest.mark.parametrize("count", [0, 1, 4, 5])
def test_all_pages_are_made_anew_however_many(db, monkeypatch, count):
    monkeypatch.setattr(publishing, "BATCH", 2)
    articles = [ArticleFactory(sections={FACTS: "A scan."}) for _number in range(count)]
    make_term("scan", en="scan")
    assert publishing.rebuild("en") == count
    assert [explained(article) for article in articles] == [[("scan", "scan")]] * count


def test_command_makes_pages_vectors_and_words_anew(db, capsys):
    article = ArticleFactory(title="Elbow exam", sections={FACTS: "A scan."})
    ArticleFactory(topic=article.topic, language="es", title="Codo")
    make_term("scan", en="scan", es="escaneo")
    Edition.objects.update(search_vector=None, names_vector=None)
    Word.objects.all().delete()
    call_command("rebuild_library")

    assert capsys.readouterr().out == "en: 1 pages made anew.\nes: 1 pages made anew.\n"
    assert explained(article) == [("scan", "scan")]
    assert Edition.objects.filter(search_vector=None).count() == 0
    names = Word.objects.filter(is_name=True).values_list("language", "word")
    assert {*names} >= {("en", "elbow"), ("en", "scan"), ("es", "codo"), ("es", "escaneo")}


# ---- Translations that fall behind ----------------------------------------------------------------------------------


def stale(article):
    return Article.objects.get(pk=article.pk).stale_blocks


@pytest.mark.parametrize(
    ("english", "count"),
    [
        ({}, 0),
        ({"basic_facts": "One.\n\nTwo is other."}, 1),
        ({"basic_facts": "One.\n\nNew.\n\nTwo."}, 1),
        ({"basic_facts": "One."}, 1),
        ({"basic_facts": "Other.\n\nAnother."}, 2),
        ({"risks": "Few.\n\nVery few."}, 2),
        ({"basic_facts": "", "risks": "Few."}, 3),
    ],
)
def test_translation_is_behind_by_as_many_paragraphs_as_differ(db, english, count):
    article = ArticleFactory(sections={FACTS: "One.\n\nTwo."})
    spanish = translate(article, {FACTS: "Uno.\n\nDos."})
    publish(article, **english)
    assert (stale(spanish), stale(article)) == (count, 0)


def test_english_that_is_not_on_the_site_puts_nothing_behind(db):
    article = ArticleFactory(sections={FACTS: "One."})
    spanish = translate(article, {FACTS: "Uno."})
    write(article, basic_facts="Other.")
    publishing.keep_edition(article)
    publishing.count_stale([article.topic_id])
    assert stale(spanish) == 0


@pytest.mark.parametrize("off", ["en", "es"])
def test_article_taken_off_leaves_nothing_behind(db, off):
    article = ArticleFactory(sections={FACTS: "One."})
    spanish = translate(article, {FACTS: "Uno."})
    publish(article, basic_facts="Other.")
    before = stale(spanish)
    publishing.take_off({"en": article, "es": spanish}[off])
    assert (before, stale(spanish)) == (1, 0)


def test_translations_of_other_topics_are_left_alone(db):
    article, other = ArticleFactory(sections={FACTS: "One."}), ArticleFactory(sections={FACTS: "One."})
    spanish, untouched = translate(article, {FACTS: "Uno."}), translate(other, {FACTS: "Uno."})
    Article.objects.filter(pk=untouched.pk).update(stale_blocks=7)
    publish(article, basic_facts="Other.")
    assert (stale(spanish), stale(untouched)) == (1, 7)


def test_confirmed_section_is_behind_no_longer_on_the_site_too(db):
    article = ArticleFactory(sections={FACTS: "One.", SectionKind.RISKS: "Few."})
    spanish = translate(article, {FACTS: "Uno.", SectionKind.RISKS: "Pocos."})
    publish(article, basic_facts="Other.", risks="Fewer.")
    publishing.confirm_translation(spanish, [FACTS])

    assert stale(spanish) == 1
    expected = {"basic facts": digests_of("Other."), "risks": digests_of("Few.")}
    assert {section.kind: section.translated_from for section in spanish.sections.all()} == expected
    assert live(spanish).translated_from == expected


def test_confirmation_of_newer_text_leaves_what_is_on_the_site_as_it_was(db):
    article = ArticleFactory(sections={FACTS: "One."})
    spanish = translate(article, {FACTS: "Uno."})
    publish(article, basic_facts="Other.")
    write(spanish, basic_facts="Otro.")
    publishing.keep_edition(spanish)
    spanish.refresh_from_db()
    publishing.confirm_translation(spanish, [FACTS])
    assert (stale(spanish), live(spanish).translated_from) == (1, {"basic facts": digests_of("One.")})

    publish(spanish)
    assert (stale(spanish), live(spanish).translated_from) == (0, {"basic facts": digests_of("Other.")})


@pytest.mark.parametrize(("status", "source"), [("published", "One."), ("draft", "Two.")])
def test_translator_works_from_what_is_on_the_site_or_else_from_the_draft(db, status, source):
    english = ArticleFactory(status=status, sections={FACTS: "One."})
    write(english, basic_facts="Two.")
    spanish = ArticleFactory(topic=english.topic, language="es")
    assert publishing.english_digests(spanish) == {"basic facts": digests_of(source)}


def test_translation_without_english_has_nothing_to_be_made_from(db):
    spanish = ArticleFactory(language="es")
    publishing.confirm_translation(spanish, [FACTS])
    assert (publishing.english_digests(spanish), stale(spanish)) == ({}, 0)


# ---- Imports --------------------------------------------------------------------------------------------------------


def imported(*articles):
    publishing.publish_imported(list(articles), {"en": Explainer("en"), "es": Explainer("es")})


def test_import_of_the_same_text_makes_no_edition(db):
    article = ArticleFactory()
    imported(article)
    assert [(edition.number, edition.is_live) for edition in article.editions.all()] == [(1, True)]


def test_import_of_changed_text_replaces_what_is_on_the_site(db):
    article = ArticleFactory()
    write(article, basic_facts="Newer.")
    imported(article)
    assert [(edition.number, edition.is_live) for edition in article.editions.all()] == [(2, True), (1, False)]


@pytest.mark.parametrize("status", ["draft", "in review", "retired"])
def test_import_of_what_is_not_published_takes_it_off(db, status):
    article = ArticleFactory()
    Article.objects.update(status=status)
    imported(Article.objects.get())
    assert live(article) is None


@pytest.mark.parametrize("is_sample", [True, False])
def test_import_vouches_for_the_review_of_this_text(db, is_sample):
    facts = {"reviewer": PhysicianFactory(), "reviewed_on": "2026-01-01", "next_review_on": "2027-01-01"}
    article = ArticleFactory(is_sample=is_sample, **({} if is_sample else facts))
    assert Article.objects.get().is_reviewed_as_it_stands
    change_status(article, ArticleStatus.IN_REVIEW)
    assert change_status(article, ArticleStatus.PUBLISHED).status == ArticleStatus.PUBLISHED


# ---- Back to an earlier edition -------------------------------------------------------------------------------------


def test_restored_edition_is_the_text_editors_work_on_and_the_site_stays(db):
    place, member = LocationFactory(), UserFactory()
    article = ArticleFactory(title="Knee", also_called="joint\nleg", sources="A book", sections={FACTS: "One."})
    article.local_notes.create(location=place, body="Left door.")
    first = publish(article)
    article.local_notes.all().delete()
    Article.objects.update(title="Elbow", summary="Other.", also_called="", sources="")
    second = publish(Article.objects.get(), basic_facts="", risks="Few.")
    third = restore(first, member)

    assert (third.number, third.made_by, third.note, third.digest) == (4, member, "Restored edition 2", first.digest)
    assert publishing.text_of(Article.objects.get()) == publishing.text_of(third.article)
    assert (third.title, third.sections, third.places) == (first.title, first.sections, first.places)
    assert live(article) == second


def test_restored_translation_knows_from_what_it_was_made(db):
    article = ArticleFactory(sections={FACTS: "One."})
    spanish = translate(article, {FACTS: "Uno."})
    first = live(spanish)
    publish(article, basic_facts="Other.")
    write(spanish, basic_facts="Otro.")
    publishing.confirm_translation(spanish, [FACTS])
    publish(spanish)
    publishing.put_live(restore(first))
    assert (live(spanish).translated_from, stale(spanish)) == ({"basic facts": digests_of("One.")}, 1)


def test_note_for_a_location_that_is_gone_is_not_restored(db):
    article = ArticleFactory(status=ArticleStatus.DRAFT)
    article.local_notes.create(location=LocationFactory(), body="Left door.")
    first = publish(article)
    article.local_notes.all().delete()
    LocationFactory._meta.model.objects.all().delete()
    assert restore(first).places == []


def test_job_is_queued_with_the_language_alone(db):
    publishing.explain_again.enqueue("es")
    assert list(DBTaskResult.objects.values_list("args_kwargs", flat=True)) == [{"args": ["es"], "kwargs": {}}]
