"""Writes topics, articles and glossary out as a content pack."""

from pathlib import Path

from django.conf import settings

from education.models import Article, Illustration, Name, PackFile, Term, Topic
from education.packs.format import (
    ArticleFile,
    GlossaryName,
    IllustrationFile,
    PackFacts,
    SynonymsFile,
    TermFile,
    TopicFile,
    write_article,
    write_illustration,
    write_pack_facts,
    write_synonyms,
    write_term,
    write_topic,
)
from education.packs.reading import PACK_FACTS, canonical
from practice.search.models import SynonymGroup

LANGUAGE_ORDER = [code for code, _name in settings.LANGUAGES]


def current_files() -> dict[str, str]:
    """The whole library as canonical pack files: {path: text}."""
    files = {}
    topics = Topic.objects.select_related("illustration").prefetch_related("procedure_codes", "reference_codes")
    for topic in topics:
        files[f"topics/{topic.slug}/topic.md"] = write_topic(_topic_file(topic))
    for article in Article.objects.select_related("topic", "reviewer").prefetch_related("sections"):
        files[f"topics/{article.topic.slug}/{article.language}.md"] = write_article(_article_file(article))
    for term in Term.objects.filter(entries__isnull=False).distinct().prefetch_related("entries__names"):
        files[f"glossary/{term.slug}.md"] = write_term(_term_file(term))
    for illustration in Illustration.objects.all():
        alt = {"en": illustration.alt, "es": illustration.alt_es}
        written = write_illustration(IllustrationFile(illustration.slug, illustration.drawing, alt))
        files[f"illustrations/{illustration.slug}.svg"] = written
    synonyms: dict[str, list[str]] = {}
    for group in SynonymGroup.objects.order_by("pk"):
        synonyms.setdefault(group.language, []).append(group.text)
    for language, groups in synonyms.items():
        files[f"synonyms/{language}.md"] = write_synonyms(SynonymsFile(language, groups))
    return files


def _topic_file(topic: Topic) -> TopicFile:
    return TopicFile(
        topic.slug,
        topic.kind,
        topic.body_region,
        topic.modality,
        [row.code for row in topic.procedure_codes.all()],
        topic.sample_charge_cents,
        topic.illustration.slug if topic.illustration else "",
        [(row.system, row.code) for row in topic.reference_codes.all()],
    )


def _article_file(article: Article) -> ArticleFile:
    return ArticleFile(
        slug=article.topic.slug,
        language=article.language,
        title=article.title,
        summary=article.summary,
        also_called=article.other_names,
        status=article.status,
        reviewer=article.reviewer.slug if article.reviewer else "",
        reviewed_on=article.reviewed_on,
        next_review_on=article.next_review_on,
        sections={section.kind: _plain(section.body) for section in article.sections.all()},
        sources=_plain(article.sources),
    )


def _term_file(term: Term) -> TermFile:
    entries = sorted(term.entries.all(), key=lambda entry: LANGUAGE_ORDER.index(entry.language))
    return TermFile(
        term.slug,
        {
            entry.language: GlossaryName(
                entry.name,
                entry.pronunciation,
                [name.text for name in sorted(entry.names.all(), key=_creation) if name.is_synonym],
                _plain(entry.definition),
            )
            for entry in entries
        },
        term.is_explained_in_text,
    )


def _plain(text: str) -> str:
    """The text with the line ends of a file; browsers send others."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def _creation(name: Name) -> int:
    return name.pk


def export_pack(folder: Path) -> int:
    """Write the library into the folder; returns how many files were written.

    A file whose row is as it was imported comes back byte for byte, whatever its style; an edited one comes in the
    canonical form.
    """
    imported = dict(PackFile.objects.values_list("path", "text"))
    files = current_files()
    files[PACK_FACTS] = imported.get(PACK_FACTS) or write_pack_facts(_pack_facts())
    for path, current in files.items():
        as_imported = imported.get(path)
        text = current if as_imported is None or canonical(path, as_imported) != current else as_imported
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode())
    return len(files)


def _pack_facts() -> PackFacts:
    article = Article.objects.order_by("pk").first()
    if article is None:
        return PackFacts("(copyright)", "(licence)", sample=False)
    return PackFacts(article.copyright, article.licence, article.is_sample)
