from datetime import date
from itertools import product

import pytest

from education.models import NEXT_STATUSES, Article, ArticleStatus, Edition, SectionKind
from education.review import ReviewError, change_status, record_review
from tests.factories import ArticleFactory, PhysicianFactory, UserFactory, live

DAYS = (date(2026, 1, 1), date(2027, 1, 1))
HARD = "Percutaneous radiofrequency ablation necessitates multidisciplinary preprocedural evaluation."
ALLOWED = {
    ("draft", "in review"),
    ("draft", "retired"),
    ("in review", "retired"),
    ("in review", "draft"),
    ("in review", "published"),
    ("published", "in review"),
    ("published", "retired"),
    ("retired", "draft"),
}


def test_table_of_steps_is_the_documented_one():
    assert {(status.value, after.value) for status, steps in NEXT_STATUSES.items() for after in steps} == ALLOWED


@pytest.fixture
def physician(db):
    return PhysicianFactory(slug="ann-lee")


@pytest.mark.parametrize(("before", "after"), list(product(ArticleStatus.values, repeat=2)))
def test_article_goes_only_where_the_table_lets_it(physician, before, after):
    article = ArticleFactory(title="Knee", status=before)
    if before == "in review":
        record_review(article, physician, *DAYS)
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


def reviewed(**facts):
    """An article in review whose text, as it stands, a physician has read."""
    article = ArticleFactory(title="Knee", status="in review", is_sample=False, **facts)
    return record_review(article, PhysicianFactory(), *DAYS)


def refused(article):
    with pytest.raises(ReviewError) as refusal:
        change_status(article, ArticleStatus.PUBLISHED)
    article.refresh_from_db()
    assert (article.status, live(article)) == (ArticleStatus.IN_REVIEW, None)
    return str(refusal.value)


@pytest.mark.parametrize("missing", ["reviewer", "reviewed_on", "next_review_on"])
def test_article_without_a_whole_review_is_not_published(db, missing):
    article = reviewed()
    Article.objects.update(**{missing: None})
    assert refused(article).startswith("Knee (en) needs a physician's review before it is published.")


@pytest.mark.parametrize("is_sample", [True, False])
def test_article_that_nobody_has_reviewed_is_not_published(physician, is_sample):
    """Whatever stands in the columns: a review is of one text."""
    facts = {"reviewer": physician, "reviewed_on": DAYS[0], "next_review_on": DAYS[1]}
    article = ArticleFactory(title="Knee", status="in review", is_sample=is_sample, **facts)
    assert refused(article) == "Knee (en) needs a physician's review before it is published."


def test_reviewed_article_is_published(db):
    article = reviewed()
    change_status(article, ArticleStatus.PUBLISHED)
    article.refresh_from_db()
    assert article.status == ArticleStatus.PUBLISHED
    edition = live(article)
    assert (edition.title, edition.reviewer, edition.reviewed_on, edition.next_review_on, edition.is_sample) == (
        "Knee",
        article.reviewer,
        *DAYS,
        False,
    )


EDITS = {
    "title": lambda article: Article.objects.update(title="Ours"),
    "summary": lambda article: Article.objects.update(summary="Ours."),
    "other names": lambda article: Article.objects.update(also_called="ours"),
    "sources": lambda article: Article.objects.update(sources="Ours."),
    "section": lambda article: article.sections.update(body="Ours."),
    "new section": lambda article: article.sections.create(kind=SectionKind.RISKS, body="Ours."),
    "no section": lambda article: article.sections.all().delete(),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_text_changed_after_its_review_is_reviewed_again_before_it_is_published(db, edit):
    article = reviewed()
    edit(article)
    article.refresh_from_db()
    assert refused(article) == (
        f"{article} needs a physician's review before it is published. The text was changed after the last review."
    )
    record_review(article, article.reviewer, *DAYS)
    change_status(article, ArticleStatus.PUBLISHED)
    assert live(article).number == 2


def test_line_ends_of_a_browser_are_no_change_of_the_text(db):
    article = reviewed(sections={SectionKind.BASIC_FACTS: "One.\n\nTwo."})
    article.sections.update(body="One.\r\n\r\nTwo.\r\n")
    change_status(article, ArticleStatus.PUBLISHED)
    assert live(article).sections == [{"kind": "basic facts", "body": "One.\n\nTwo."}]


def test_text_above_grade_12_is_published_only_with_a_reason(db):
    article = reviewed(sections={SectionKind.BASIC_FACTS: HARD})
    grade = article.editions.get().grade
    assert refused(article) == (
        f"Knee (en) reads at grade {grade:g}. Above 12 it is published only with a reason: make it easier, or write "
        "the reason in the article."
    )
    Article.objects.update(grade_reason="It names the drugs.")
    change_status(article, ArticleStatus.PUBLISHED)
    assert live(article).grade_reason == "It names the drugs."


def test_published_article_stays_on_the_site_until_a_newer_edition_or_its_end(physician):
    article, editor = ArticleFactory(title="Knee"), UserFactory()
    first = live(article)
    for status in (ArticleStatus.IN_REVIEW, ArticleStatus.DRAFT, ArticleStatus.IN_REVIEW):
        change_status(article, status)
        assert live(article) == first
    article.sections.update(body="Newer facts.")
    record_review(article, physician, *DAYS, by=editor)
    assert live(article) == first
    assert (live(article).reviewer, live(article).is_sample) == (None, True)
    change_status(article, ArticleStatus.PUBLISHED)
    second = live(article)
    assert (second.number, second.sections, second.reviewer, second.made_by) == (
        2,
        [{"kind": "basic facts", "body": "Newer facts."}],
        physician,
        editor,
    )
    change_status(article, ArticleStatus.RETIRED)
    editions = Edition.objects.order_by("number")
    assert [(edition.is_live, edition.replaced_at is None) for edition in editions] == [(False, False)] * 2


def test_review_of_the_text_on_the_site_shows_there_at_once(physician):
    article = ArticleFactory()
    change_status(article, ArticleStatus.IN_REVIEW)
    record_review(article, physician, *DAYS)
    edition = live(article)
    assert (edition.number, edition.reviewer, edition.reviewed_on, edition.next_review_on, edition.is_sample) == (
        1,
        physician,
        *DAYS,
        False,
    )


@pytest.mark.parametrize("status", [ArticleStatus.DRAFT, ArticleStatus.RETIRED])
def test_what_is_not_sent_to_review_is_not_reviewed(physician, status):
    article = ArticleFactory(title="Knee", status=status)
    with pytest.raises(ReviewError, match=rf"^Knee \(en\) is {status}: send it to review first\.$"):
        record_review(article, physician, *DAYS)
    article.refresh_from_db()
    assert (article.reviewer, article.reviewed_digest) == (None, "")


@pytest.mark.parametrize("due", [date(2026, 1, 1), date(2025, 12, 31)])
def test_review_is_due_again_only_later(physician, due):
    article = ArticleFactory(status=ArticleStatus.IN_REVIEW)
    with pytest.raises(ReviewError, match=r"^The next review must be after the last one\.$"):
        record_review(article, physician, date(2026, 1, 1), due)


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
