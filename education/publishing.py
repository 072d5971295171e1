"""Makes editions of articles and puts them on the site.

An edition is the whole text at one moment; making one never changes what visitors read. Publishing makes the page once:
its HTML, with the glossary's words explained, is kept with the edition and only read afterwards.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable

from django.db import transaction
from django.db.models import Max, prefetch_related_objects
from django.utils import timezone
from django_tasks import task

from education import search_index
from education.annotation import Explainer, Meaning
from education.models import PREPARATION, Article, ArticleStatus, Edition, Section, SectionKind
from education.paragraphs import digest_of, digests_of, paragraphs, plain_text
from education.reading_grade import HIGHEST_GRADE, grade_of, hard_words
from education.two_languages import stale_count
from practice import markdown

BATCH = 500


def text_of(article: Article) -> dict:
    """The article's text as it stands, by the names of an edition's columns. Prefetch sections and local_notes."""
    order = SectionKind.values
    return {
        "title": article.title,
        "summary": article.summary,
        "also_called": "\n".join(article.other_names),
        "sections": [
            {"kind": section.kind, "body": _plain(section.body)}
            for section in sorted(article.sections.all(), key=lambda section: order.index(section.kind))
        ],
        "places": [
            {"location": note.location.slug, "body": _plain(note.body)}
            for note in sorted(article.local_notes.all(), key=lambda note: note.location.slug)
        ],
        "sources": _plain(article.sources),
    }


def _plain(text: str) -> str:
    """The text with one kind of line end; browsers send another."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def digest_of_text(text: dict) -> str:
    """64 hex digits that name a text: the same words, the same digest."""
    return hashlib.sha256(json.dumps(text, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def grade(text: dict, language: str) -> float:
    return grade_of([text["summary"], *(section["body"] for section in text["sections"])], language)


def _new_edition(article: Article, text: dict, number: int, by=None, note: str = "") -> Edition:
    return Edition(
        article=article,
        number=number,
        made_by=by,
        note=note,
        language=article.language,
        sort_key=article.sort_key,
        copyright=article.copyright,
        licence=article.licence,
        digest=digest_of_text(text),
        grade=grade(text, article.language),
        translated_from={section.kind: section.translated_from for section in article.sections.all()},
        is_sample=article.is_sample,
        **text,
    )


@transaction.atomic
def keep_edition(article: Article, by=None, note: str = "") -> Edition:
    """The edition of the text as it stands: the latest one, or a new one where the text has changed since."""
    article = Article.objects.select_for_update().get(pk=article.pk)
    latest = article.editions.first()
    edition = _new_edition(article, text_of(article), latest.number + 1 if latest else 1, by, note)
    if latest and latest.digest == edition.digest and latest.replaced_at is None:
        if not latest.is_live:
            latest.translated_from = edition.translated_from  # may be newer than the text
            latest.save(update_fields=["translated_from"])
        edition = latest
    else:
        edition.save()
    Article.objects.filter(pk=article.pk).update(digest=edition.digest)
    return edition


def preview(article: Article) -> Edition:
    """An unsaved edition of the text as it stands, for the office's preview. Its page is made when it is shown."""
    edition = _new_edition(article, text_of(article), 0)
    code = article.topic.procedure_codes.first()
    edition.procedure_code = code.code if code else None  # type: ignore[attr-defined]
    edition.reviewer, edition.reviewed_on = article.reviewer, article.reviewed_on
    edition.next_review_on = article.next_review_on
    return edition


def put_live(edition: Edition, explainer: Explainer | None = None) -> None:
    """Show this edition on the site instead of the one before. The caller has seen to the review."""
    put_all_live([edition], {edition.language: explainer or Explainer(edition.language)})


@transaction.atomic
def put_all_live(editions: list[Edition], explainers: dict[str, Explainer]) -> None:
    """Show these editions, of an article each, on the site."""
    now = timezone.now()
    articles = [edition.article_id for edition in editions]
    for start in range(0, len(editions), BATCH):
        batch = editions[start : start + BATCH]
        Edition.objects.live().filter(article__in=[edition.article_id for edition in batch]).exclude(
            pk__in=[edition.pk for edition in batch]
        ).update(is_live=False, replaced_at=now, search_vector=None, names_vector=None, shown=None)
        prefetch_related_objects([edition.article for edition in batch], "sections")
        for edition in batch:
            article = edition.article
            edition.is_live, edition.published_at, edition.replaced_at = True, edition.published_at or now, None
            edition.is_sample = article.is_sample
            edition.copyright, edition.licence = article.copyright, article.licence
            edition.translated_from = edition.translated_from | {
                section.kind: section.translated_from for section in article.sections.all()
            }
            edition.reviewer_id, edition.reviewed_on = article.reviewer_id, article.reviewed_on
            edition.next_review_on, edition.grade_reason = article.next_review_on, article.grade_reason
            edition.shown = page_of(edition, explainers[edition.language])
        Edition.objects.bulk_update(
            batch,
            [
                "is_live", "published_at", "replaced_at", "is_sample", "reviewer", "reviewed_on", "next_review_on",
                "grade_reason", "shown", "translated_from", "copyright", "licence",
            ],
        )  # fmt: skip
        search_index.index_editions(batch)
    count_stale(Article.objects.filter(pk__in=articles).values_list("topic_id", flat=True))


@transaction.atomic
def publish_imported(articles: list[Article], explainers: dict[str, Explainer]) -> None:
    """Make the editions of articles that were just imported, and show or take off each as its status says.

    The import vouches for the review: by a physician, or as sample text that says so.
    """
    latest = {
        edition.article_id: edition
        for edition in Edition.objects.filter(article__in=articles)
        .order_by("article_id", "-number")
        .distinct("article_id")
        .defer("shown", "search_vector", "names_vector")
    }
    texts = Article.objects.prefetch_related("sections", "local_notes__location").in_bulk(
        [article.pk for article in articles]
    )
    new, live = [], []
    for article in texts.values():
        text, last = text_of(article), latest.get(article.pk)
        edition = _new_edition(article, text, last.number + 1 if last else 1, note="Imported")
        if last and last.digest == edition.digest and last.replaced_at is None:
            edition = last
            edition.article = article
        else:
            new.append(edition)
        article.digest = edition.digest
        if article.is_sample or article.reviewer_id:
            article.reviewed_digest = edition.digest
        if edition.grade > HIGHEST_GRADE and not article.grade_reason:
            article.grade_reason = "Imported"
        if article.status == ArticleStatus.PUBLISHED:
            live.append(edition)
    Edition.objects.bulk_create(new)
    Article.objects.bulk_update(texts.values(), ["digest", "reviewed_digest", "grade_reason"], batch_size=BATCH)
    put_all_live(live, explainers)
    for article in texts.values():
        if article.status != ArticleStatus.PUBLISHED and article.pk in latest:
            take_off(article)


@transaction.atomic
def take_off(article: Article) -> None:
    """Leave the article without a page. Its hand-outs will be told withdrawn."""
    article.editions.filter(is_live=True).update(
        is_live=False, replaced_at=timezone.now(), search_vector=None, names_vector=None, shown=None
    )
    count_stale([article.topic_id])


def page_of(edition: Edition, explainer: Explainer) -> dict:
    """What a page of the edition shows, as JSON.

    {"sections": [{"kind", "blocks": [{"html", "digest"}]}], "places": [{"location", "html"}], "sources": html,
    "words": [{"slug", "name", "say", "html"}], "hard": [long words that the glossary does not have],
    "plain": {section: its text without marks, of those that machines are told}}
    """
    used: dict[int, Meaning] = {}
    sections = []
    for section in edition.sections:
        # The times of preparation stand below a heading of their own level.
        top = 2 if section["kind"] in PREPARATION[1:] else 1
        links = markdown.references(section["body"])
        blocks = [
            {
                "html": explainer.explain(markdown.render(block, top_heading=top, within=links), used),
                "digest": digest_of(block),
            }
            for block in paragraphs(section["body"])
        ]
        sections.append({"kind": section["kind"], "blocks": blocks})
    return {
        "sections": sections,
        "places": [
            {"location": place["location"], "html": markdown.render(place["body"], top_heading=2)}
            for place in edition.places
        ],
        "sources": markdown.render(edition.sources, top_heading=1) if edition.sources else "",
        "words": [meaning.as_json() for meaning in sorted(used.values(), key=lambda meaning: meaning.name.casefold())],
        "plain": {
            section["kind"]: plain_text(section["body"])
            for section in edition.sections
            if section["kind"] in (SectionKind.PREPARE, SectionKind.WHAT_HAPPENS, SectionKind.AFTER)
        },
        "hard": [
            word
            for word in hard_words([section["body"] for section in edition.sections], edition.language)
            if not explainer.knows(word)
        ],
    }


def shown(edition: Edition) -> dict:
    """What the page shows, as it was made when published, or made now for an edition that never was."""
    return edition.shown or page_of(edition, Explainer(edition.language))


def count_stale(topic_ids: Iterable[int]) -> None:
    """Note at each translation of the topics how many of its paragraphs have fallen behind the English ones."""
    topic_ids = set(topic_ids)
    live: dict[int, dict[str, Edition]] = defaultdict(dict)
    for edition in (
        Edition.objects.live()
        .filter(article__topic__in=topic_ids)
        .select_related("article")
        .only("language", "sections", "translated_from", "article__topic_id", "article__stale_blocks")
        .iterator(BATCH)
    ):
        live[edition.article.topic_id][edition.language] = edition
    changed = []
    for editions in live.values():
        english = editions.pop("en", None)
        for translation in editions.values():
            count = 0 if english is None else stale_paragraphs(translation, english)
            if translation.article.stale_blocks != count:
                translation.article.stale_blocks = count
                changed.append(translation.article)
    Article.objects.bulk_update(changed, ["stale_blocks"], batch_size=BATCH)
    # What is not on the site is behind nothing.
    Article.objects.filter(topic__in=topic_ids, stale_blocks__gt=0).exclude(editions__is_live=True).update(
        stale_blocks=0
    )


def stale_paragraphs(translation: Edition, english: Edition) -> int:
    return stale_count(
        {section["kind"]: len(paragraphs(section["body"])) for section in translation.sections},
        translation.translated_from,
        {section["kind"]: digests_of(section["body"]) for section in english.sections},
    )


@transaction.atomic
def confirm_translation(article: Article, kinds: Iterable[str]) -> None:
    """Note that these sections say what the English ones say now, on the site too where it shows this text."""
    source = english_digests(article)
    kinds = list(kinds)
    sections = list(article.sections.filter(kind__in=kinds))
    for section in sections:
        section.translated_from = source.get(section.kind, [])
    Section.objects.bulk_update(sections, ["translated_from"])
    for edition in article.editions.filter(is_live=True, digest=article.digest):
        edition.translated_from |= {kind: source.get(kind, []) for kind in kinds}  # also of sections it does without
        edition.save(update_fields=["translated_from"])
    count_stale([article.topic_id])


def english_digests(article: Article) -> dict[str, list[str]]:
    """{section: digests} of the English that a translator works from: what is on the site, or else the draft."""
    english = Article.objects.filter(topic=article.topic_id, language="en").first()
    if english is None:
        return {}
    live = english.editions.filter(is_live=True).first()
    sections = live.sections if live else text_of(english)["sections"]
    return {section["kind"]: digests_of(section["body"]) for section in sections}


# ---- When the glossary changes ---------------------------------------------------------------------------------------


@task()
def explain_again(language: str) -> None:
    """Make the live pages of a language anew, with the glossary as it is now."""
    rebuild(language)


def rebuild(language: str) -> int:
    """Make page, vector and words of every live edition anew; returns how many there are."""
    explainer, count = Explainer(language), 0
    last = Edition.objects.aggregate(last=Max("pk"))["last"] or 0
    start = 0
    while start < last:
        batch = list(
            Edition.objects.live().in_language(language).filter(pk__gt=start, pk__lte=last).order_by("pk")[:BATCH]
        )
        if not batch:
            break
        for edition in batch:
            edition.shown = page_of(edition, explainer)
        with transaction.atomic():
            Edition.objects.bulk_update(batch, ["shown"])
            search_index.index_editions(batch)
        start, count = batch[-1].pk, count + len(batch)
    return count
