"""Moves an article through its life: draft, in review, published, retired; and records physicians' reviews."""

from datetime import date

from django.db import transaction

from education import publishing
from education.models import NEXT_STATUSES, Article, ArticleStatus
from education.reading_grade import HIGHEST_GRADE
from practice.models import Physician


class ReviewError(Exception):
    """The article may not go there; the message is for the person who tried."""


@transaction.atomic
def change_status(article: Article, status: ArticleStatus, by=None) -> Article:
    """Move an article on. Raises ReviewError where that step does not exist, or what it needs is missing.

    A published article that goes back to review or to draft stays on the site in the edition it has there, until a
    newer one is published or the article is retired.
    """
    article = Article.objects.select_for_update().get(pk=article.pk)
    if status not in NEXT_STATUSES[ArticleStatus(article.status)]:
        raise ReviewError(
            f"{article} is {article.get_status_display().lower()} "
            f"and cannot become {ArticleStatus(status).label.lower()}."
        )
    edition = publishing.keep_edition(article, by)
    article.digest = edition.digest
    if status == ArticleStatus.PUBLISHED:
        _check_publishable(article, edition.grade)
        publishing.put_live(edition)
    elif status == ArticleStatus.RETIRED:
        publishing.take_off(article)
    article.status = status
    article.save(update_fields=["status", "updated_at"])
    return article


def _check_publishable(article: Article, grade: float) -> None:
    dates = article.reviewed_on and article.next_review_on
    if not article.is_reviewed_as_it_stands or not (article.is_sample or (article.reviewer_id and dates)):
        changed = " The text was changed after the last review." if article.reviewed_digest else ""
        raise ReviewError(f"{article} needs a physician's review before it is published.{changed}")
    if grade > HIGHEST_GRADE and not article.grade_reason.strip():
        raise ReviewError(
            f"{article} reads at grade {grade:g}. Above {HIGHEST_GRADE} it is published only with a reason: make it "
            "easier, or write the reason in the article."
        )


@transaction.atomic
def record_review(article: Article, reviewer: Physician, reviewed_on: date, next_review_on: date, by=None) -> Article:
    """Note that a physician has read the whole text as it stands. Raises ReviewError for dates that cannot be.

    Where the site shows this very text, its page gives the new pair of dates; otherwise the page keeps the pair of the
    text it shows. Text that was sample text is no longer.
    """
    if next_review_on <= reviewed_on:
        raise ReviewError("The next review must be after the last one.")
    article = Article.objects.select_for_update().get(pk=article.pk)
    if article.status in (ArticleStatus.DRAFT, ArticleStatus.RETIRED):
        raise ReviewError(f"{article} is {article.get_status_display().lower()}: send it to review first.")
    edition = publishing.keep_edition(article, by)
    article.reviewer, article.reviewed_on, article.next_review_on = reviewer, reviewed_on, next_review_on
    article.digest = article.reviewed_digest = edition.digest
    article.is_sample = False
    article.save()
    article.editions.filter(is_live=True, digest=article.digest).update(
        reviewer=reviewer, reviewed_on=reviewed_on, next_review_on=next_review_on, is_sample=False
    )
    return article
