from datetime import date
from itertools import product

import pytest

from education.models import NEXT_STATUSES, ArticleStatus
from education.review import ReviewError, change_status
from tests.factories import ArticleFactory, PhysicianFactory

ALLOWED = {
    ("draft", "in review"),
    ("in review", "draft"),
    ("in review", "published"),
    ("published", "in review"),
    ("published", "retired"),
    ("retired", "draft"),
}


def test_table_of_steps_is_the_documented_one():
    assert {(status.value, after.value) for status, steps in NEXT_STATUSES.items() for after in steps} == ALLOWED


@pytest.mark.parametrize(("before", "after"), list(product(ArticleStatus.values, repeat=2)))
def test_article_goes_only_where_the_table_lets_it(db, before, after):
    article = ArticleFactory(title="Knee", status=before)
    if (before, after) in ALLOWED:
        moved = change_status(article, after)
        article.refresh_from_db()
        assert moved.status == article.status == after
        assert moved.updated_at == article.updated_at
    else:
        with pytest.raises(ReviewError) as refusal:
            change_status(article, after)
        article.refresh_from_db()
        assert article.status == before
        assert str(refusal.value) == f"Knee (en) is {before} and cannot become {after}."


REVIEW = {"reviewed_on": date(2026, 1, 1), "next_review_on": date(2027, 1, 1)}


@pytest.mark.parametrize("missing", ["reviewer", "reviewed_on", "next_review_on"])
def test_article_without_a_whole_review_is_not_published(db, missing):
    facts = REVIEW | {"reviewer": PhysicianFactory()} | {missing: None}
    article = ArticleFactory(title="Knee", status="in review", is_sample=False, **facts)
    with pytest.raises(ReviewError) as refusal:
        change_status(article, ArticleStatus.PUBLISHED)
    article.refresh_from_db()
    assert article.status == ArticleStatus.IN_REVIEW
    assert str(refusal.value) == "Knee (en) needs a physician's review before it is published."


def test_reviewed_article_is_published(db):
    article = ArticleFactory(status="in review", is_sample=False, reviewer=PhysicianFactory(), **REVIEW)
    change_status(article, ArticleStatus.PUBLISHED)
    article.refresh_from_db()
    assert article.status == ArticleStatus.PUBLISHED


def test_change_status_looks_at_the_row_and_not_at_what_the_caller_holds(db):
    article = ArticleFactory(title="Knee", status="draft")
    change_status(article, ArticleStatus.IN_REVIEW)
    assert article.status == ArticleStatus.DRAFT  # stale
    with pytest.raises(ReviewError, match="is in review and cannot become in review"):
        change_status(article, ArticleStatus.IN_REVIEW)


def test_change_status_keeps_what_else_was_edited_meanwhile(db):
    article = ArticleFactory(title="Knee", status="draft")
    type(article).objects.filter(pk=article.pk).update(title="Edited")
    change_status(article, ArticleStatus.IN_REVIEW)
    article.refresh_from_db()
    assert (article.title, article.status) == ("Edited", ArticleStatus.IN_REVIEW)
