"""Loads a content pack into the database, whole or not at all."""

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from django.db import transaction
from django.utils import timezone

from education import glossary
from education.annotation import Explainer
from education.models import (
    Article,
    ArticleStatus,
    Edition,
    Illustration,
    Name,
    PackFile,
    ProcedureCode,
    ReferenceCode,
    Section,
    Term,
    Topic,
    sort_key_of,
)
from education.packs.format import (
    LANGUAGES,
    ArticleFile,
    IllustrationFile,
    PackFacts,
    PackProblem,
    PackRefused,
    SynonymsFile,
    TermFile,
    TopicFile,
    write_article,
    write_illustration,
    write_synonyms,
    write_term,
    write_topic,
)
from education.packs.reading import PACK_FACTS, Pack, canonical, read_pack
from education.packs.writing import current_files
from education.paragraphs import carried_over, digests_of
from education.publishing import BATCH, explain_again, publish_imported
from education.search_index import remember_names
from practice.models import Physician
from practice.search.models import SynonymGroup, same_words
from practice.search.words import remember_words, words_of


@dataclass
class LoadReport:
    """How many files changed something, changed nothing, or were left alone because staff edited the row since."""

    loaded: int = 0
    unchanged: int = 0
    kept: list[str] = field(default_factory=list)


@transaction.atomic
def import_pack(folder: Path, *, overwrite: bool = False) -> LoadReport:
    """Load the pack. A row that staff edited after it was imported is kept, unless `overwrite`.

    What the pack says is published goes on the site at once: reviewed as its files say, or marked as sample text.
    Raises PackRefused with nothing loaded.
    """
    pack = read_pack(folder)
    if problems := _check_reviews(pack) + _check_illustrations(pack):
        raise PackRefused(problems)
    report = LoadReport()
    imported = dict(PackFile.objects.values_list("path", "text"))
    present = current_files()

    def wanted(path: str, text: str) -> bool:
        """Whether the row behind this file is to be written; counts it."""
        now = present.get(path)
        if now == text:
            report.unchanged += 1
        elif now is not None and not overwrite and now != canonical(path, imported.get(path)):
            report.kept.append(path)
        else:
            report.loaded += 1
            return True
        return False

    _write_illustrations(
        [
            illustration
            for slug, illustration in pack.illustrations.items()
            if wanted(f"illustrations/{slug}.svg", write_illustration(illustration))
        ]
    )
    _write_topics(
        [topic for slug, topic in pack.topics.items() if wanted(f"topics/{slug}/topic.md", write_topic(topic))]
    )
    for language, synonyms in pack.synonyms.items():
        if wanted(f"synonyms/{language}.md", write_synonyms(synonyms)):
            _write_synonyms(synonyms)
    # The words come before the articles that use them.
    terms = [term for slug, term in pack.terms.items() if wanted(f"glossary/{slug}.md", write_term(term))]
    for term in terms:
        _write_term(term)
    for language in LANGUAGES:
        remember_names(
            Name.objects.filter(entry__language=language, entry__term__slug__in=[term.slug for term in terms]), language
        )
    articles = [
        article
        for (slug, language), article in pack.articles.items()
        if wanted(f"topics/{slug}/{language}.md", write_article(article))
    ]
    explainers = {language: Explainer(language) for language in LANGUAGES}
    for start in range(0, len(articles), BATCH):
        _write_articles(articles[start : start + BATCH], pack.facts, explainers)
    if pack.texts[PACK_FACTS] != imported.get(PACK_FACTS):
        _write_rights(pack, report.kept)
    if terms:
        for language in LANGUAGES:
            explain_again.enqueue(language)
    _remember(pack, imported, skip=set(report.kept))
    return report


def _check_reviews(pack: Pack) -> list[PackProblem]:
    """What the database would refuse, told by file: published needs a review, a reviewer must be a physician here."""
    problems = []
    known = set(Physician.objects.values_list("slug", flat=True))
    for (slug, language), article in pack.articles.items():
        path = f"topics/{slug}/{language}.md"
        if article.reviewer and article.reviewer not in known:
            problems.append(PackProblem(path, 2, f"{article.reviewer} is not the address of a physician of this site"))
        if article.status == ArticleStatus.PUBLISHED and not (pack.facts.sample or article.reviewer):
            problems.append(PackProblem(path, 2, "a published article needs reviewer, reviewed_on and next_review_on"))
    return problems


def _check_illustrations(pack: Pack) -> list[PackProblem]:
    known = {*pack.illustrations, *Illustration.objects.values_list("slug", flat=True)}
    return [
        PackProblem(f"topics/{slug}/topic.md", 2, f"illustrations/{topic.illustration}.svg is missing")
        for slug, topic in pack.topics.items()
        if topic.illustration and topic.illustration not in known
    ]


def _write_illustrations(sources: list[IllustrationFile]) -> None:
    for source in sources:
        Illustration.objects.update_or_create(
            slug=source.slug, defaults={"drawing": source.drawing, "alt": source.alt["en"], "alt_es": source.alt["es"]}
        )


def _write_synonyms(source: SynonymsFile) -> None:
    SynonymGroup.objects.filter(language=source.language).delete()
    groups = [SynonymGroup(language=source.language, text=text, keys=same_words(text)) for text in source.groups]
    SynonymGroup.objects.bulk_create(groups)
    remember_words(source.language, words_of(key for group in groups for key in group.keys), set())


def _write_rights(pack: Pack, kept: list[str]) -> None:
    """Copyright, licence and sample mark of the whole pack, at the articles and at what the site shows of them."""
    slugs = defaultdict(list)
    for slug, language in pack.articles:
        if f"topics/{slug}/{language}.md" not in kept:
            slugs[language].append(slug)
    rights = {"copyright": pack.facts.copyright, "licence": pack.facts.licence, "is_sample": pack.facts.sample}
    for language, found in slugs.items():
        Article.objects.filter(language=language, topic__slug__in=found).update(**rights)
        Edition.objects.live().filter(language=language, article__topic__slug__in=found).update(**rights)


def _write_topics(sources: list[TopicFile]) -> None:
    """All at once, for a newer pack may move a code from one topic to another."""
    topics = {}
    illustrations = {illustration.slug: illustration for illustration in Illustration.objects.all()}
    for source in sources:
        facts = {
            "kind": source.kind,
            "body_region": source.body_region,
            "modality": source.modality,
            "sample_charge_cents": source.sample_charge_cents,
            "illustration": illustrations.get(source.illustration),
        }
        topics[source.slug], _is_new = Topic.objects.update_or_create(slug=source.slug, defaults=facts)
    ProcedureCode.objects.filter(topic__in=topics.values()).delete()
    codes = [
        ProcedureCode(topic=topics[source.slug], code=code) for source in sources for code in source.procedure_codes
    ]
    taken = ProcedureCode.objects.filter(code__in=[row.code for row in codes])
    if owners := dict(taken.values_list("code", "topic__slug")):
        raise PackRefused(
            [
                PackProblem(
                    f"topics/{source.slug}/topic.md",
                    source.codes_line,
                    f"procedure_codes has {code}, which belongs to the topic {owners[code]} on this site",
                )
                for source in sources
                for code in source.procedure_codes
                if code in owners
            ]
        )
    ProcedureCode.objects.bulk_create(codes)
    ReferenceCode.objects.filter(topic__in=topics.values()).delete()
    ReferenceCode.objects.bulk_create(
        [
            ReferenceCode(topic=topics[source.slug], system=system, code=code)
            for source in sources
            for system, code in source.reference_codes
        ]
    )


def _write_articles(sources: list[ArticleFile], facts: PackFacts, explainers: dict[str, Explainer]) -> None:
    """The working texts of a batch of articles, their editions, and for those that are published their pages."""
    topics = Topic.objects.in_bulk([source.slug for source in sources], field_name="slug")
    physicians = {physician.slug: physician for physician in Physician.objects.all()}
    rows = {
        (article.topic_id, article.language): article
        for article in Article.objects.filter(topic__in=topics.values()).prefetch_related("sections")
    }
    english = _english_digests(sources, topics, rows)
    new: list[Article] = []
    old: list[Article] = []
    sections = []
    for source in sources:
        topic = topics[source.slug]
        article = rows.get((topic.pk, source.language)) or Article(topic=topic, language=source.language)
        (old if article.pk else new).append(article)
        before = {section.kind: section for section in article.sections.all()} if article.pk else {}
        _set_facts(article, source, facts, physicians.get(source.reviewer))
        for kind, body in source.sections.items():
            was = before.get(kind) or Section(body="", translated_from=[])
            translated_from = (
                carried_over(was.body, body, was.translated_from, english.get(source.slug, {}).get(kind, []))
                if source.language != "en"
                else []
            )
            sections.append(Section(article=article, kind=kind, body=body, translated_from=translated_from))
    Article.objects.bulk_create(new)
    Article.objects.bulk_update(old, FACTS_OF_AN_ARTICLE)
    Section.objects.filter(article__in=old).delete()
    Section.objects.bulk_create(sections, batch_size=5000)
    publish_imported([*new, *old], explainers)


FACTS_OF_AN_ARTICLE = [
    "title", "sort_key", "summary", "sources", "also_called", "copyright", "licence", "is_sample", "status", "reviewer",
    "reviewed_on", "next_review_on", "updated_at",
]  # fmt: skip


def _set_facts(article: Article, source: ArticleFile, facts: PackFacts, reviewer: Physician | None) -> None:
    article.title, article.summary, article.sources = source.title, source.summary, source.sources
    article.sort_key = sort_key_of(source.title)
    article.also_called = "\n".join(source.also_called)
    article.copyright, article.licence, article.is_sample = facts.copyright, facts.licence, facts.sample
    article.status, article.reviewer = source.status, reviewer
    article.reviewed_on, article.next_review_on = source.reviewed_on, source.next_review_on
    article.updated_at = timezone.now()


def _english_digests(sources, topics, rows) -> dict[str, dict[str, list[str]]]:
    """{topic: {section: digests}} of the English that the translations among the sources were made from."""
    found = {
        source.slug: {kind: digests_of(body) for kind, body in source.sections.items()}
        for source in sources
        if source.language == "en"
    }
    for source in sources:
        article = rows.get((topics[source.slug].pk, "en"))
        if source.language != "en" and source.slug not in found and article is not None:
            found[source.slug] = {section.kind: digests_of(section.body) for section in article.sections.all()}
    return found


def _write_term(source: TermFile) -> None:
    term, _is_new = Term.objects.update_or_create(
        slug=source.slug, defaults={"is_explained_in_text": source.is_explained_in_text}
    )
    term.entries.exclude(language__in=source.entries).delete()
    for language, entry in source.entries.items():
        glossary.save_entry(term, language, entry.name, entry.definition, entry.pronunciation, entry.synonyms)


def _remember(pack: Pack, imported: dict[str, str], skip: set[str]) -> None:
    changed = [
        PackFile(path=path, text=text)
        for path, text in pack.texts.items()
        if path not in skip and imported.get(path) != text
    ]
    PackFile.objects.bulk_create(
        changed, update_conflicts=True, unique_fields=["path"], update_fields=["text"], batch_size=500
    )
