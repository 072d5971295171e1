"""Moves an article through its life: draft, in review, published, retired."""

from django.db import transaction

from education.models import NEXT_STATUSES, Article, ArticleStatus


class ReviewError(Exception):
    """The article may not go there; the message is for the person who tried."""


@transaction.atomic
def change_status(article: Article, status: ArticleStatus) -> Article:
    """Move an article on. Raises ReviewError where that step does not exist, or a review is missing."""
    article = Article.objects.select_for_update().get(pk=article.pk)
    if status not in NEXT_STATUSES[ArticleStatus(article.status)]:
        raise ReviewError(
            f"{article} is {article.get_status_display().lower()} "
            f"and cannot become {ArticleStatus(status).label.lower()}."
        )
    reviewed = article.reviewer_id and article.reviewed_on and article.next_review_on
    if status == ArticleStatus.PUBLISHED and not (article.is_sample or reviewed):
        raise ReviewError(f"{article} needs a physician's review before it is published.")
    article.status = status
    article.save(update_fields=["status", "updated_at"])
    return article
