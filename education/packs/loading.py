"""Loads a content pack into the database, whole or not at all."""

from dataclasses import dataclass, field
from pathlib import Path

from django.db import transaction

from education import glossary
from education.models import Article, ArticleStatus, PackFile, ProcedureCode, Section, Term, Topic
from education.packs.format import (
    ArticleFile,
    PackFacts,
    PackProblem,
    PackRefused,
    TermFile,
    TopicFile,
    write_article,
    write_term,
    write_topic,
)
from education.packs.reading import PACK_FACTS, Pack, canonical, read_pack
from education.packs.writing import current_files
from practice.models import Physician


@dataclass
class LoadReport:
    """How many files changed something, changed nothing, or were left alone because staff edited the row since."""

    loaded: int = 0
    unchanged: int = 0
    kept: list[str] = field(default_factory=list)


@transaction.atomic
def import_pack(folder: Path, *, overwrite: bool = False) -> LoadReport:
    """Load the pack. A row that staff edited after it was imported is kept, unless `overwrite`.

    Raises PackRefused with nothing loaded.
    """
    pack = read_pack(folder)
    if problems := _check_reviews(pack):
        raise PackRefused(problems)
    report = LoadReport()
    imported = dict(PackFile.objects.values_list("path", "text"))
    present = current_files()
    physicians = {physician.slug: physician for physician in Physician.objects.all()}

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

    _write_topics(
        [topic for slug, topic in pack.topics.items() if wanted(f"topics/{slug}/topic.md", write_topic(topic))]
    )
    topics = {topic.slug: topic for topic in Topic.objects.filter(slug__in=pack.topics)}
    for (slug, language), article in pack.articles.items():
        if wanted(f"topics/{slug}/{language}.md", write_article(article)):
            _write_article(topics[slug], article, pack.facts, physicians.get(article.reviewer))
    for slug, term in pack.terms.items():
        if wanted(f"glossary/{slug}.md", write_term(term)):
            _write_term(term)
    if pack.texts[PACK_FACTS] != imported.get(PACK_FACTS):
        for slug, language in pack.articles:
            if f"topics/{slug}/{language}.md" not in report.kept:
                Article.objects.filter(topic__slug=slug, language=language).update(
                    copyright=pack.facts.copyright, licence=pack.facts.licence, is_sample=pack.facts.sample
                )
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


def _write_topics(sources: list[TopicFile]) -> None:
    """All at once, for a newer pack may move a code from one topic to another."""
    topics = {}
    for source in sources:
        facts = {
            "kind": source.kind,
            "body_region": source.body_region,
            "modality": source.modality,
            "sample_charge_cents": source.sample_charge_cents,
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


def _write_article(topic: Topic, source: ArticleFile, facts: PackFacts, reviewer: Physician | None) -> None:
    article = Article.objects.filter(topic=topic, language=source.language).first()
    article = article or Article(topic=topic, language=source.language)
    article.title, article.summary, article.sources = source.title, source.summary, source.sources
    article.also_called = "\n".join(source.also_called)
    article.copyright, article.licence, article.is_sample = facts.copyright, facts.licence, facts.sample
    article.status, article.reviewer = source.status, reviewer
    article.reviewed_on, article.next_review_on = source.reviewed_on, source.next_review_on
    article.save()
    article.sections.exclude(kind__in=source.sections).delete()
    for kind, body in source.sections.items():
        Section.objects.update_or_create(article=article, kind=kind, defaults={"body": body})


def _write_term(source: TermFile) -> None:
    term, _is_new = Term.objects.get_or_create(slug=source.slug)
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
