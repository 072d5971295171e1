"""Gives the ordering guide the page and the sheets of each exam."""

from django.conf import settings
from django.urls import reverse
from django.utils import translation

from education.models import Edition, ProcedureCode
from practice.resources.exam_pages import ExamPage, register


def pages_of(codes) -> dict[str, ExamPage]:
    """{procedure code: page}; the page in the reader's language, sheets in every language there is."""
    topics = dict(ProcedureCode.objects.filter(code__in=codes).values_list("code", "topic"))
    editions: dict[int, dict[str, Edition]] = {}
    live = Edition.objects.live().filter(article__topic__in=topics.values()).select_related("article__topic")
    for edition in live.defer("shown").order_by("language"):
        editions.setdefault(edition.article.topic_id, {})[edition.language] = edition
    return {code: _page(editions[topic]) for code, topic in topics.items() if topic in editions}


def _page(by_language: dict[str, Edition]) -> ExamPage:
    own = by_language.get(translation.get_language() or "en") or next(iter(by_language.values()))
    names = dict(settings.LANGUAGES)
    return ExamPage(
        own.title,
        own.get_absolute_url(),
        tuple((str(names[language]), _sheet(edition)) for language, edition in by_language.items()),
    )


def _sheet(edition: Edition) -> str:
    with translation.override(edition.language):
        return reverse("education:handout", args=[edition.article.topic.slug]) + "?part=preparation"


register(pages_of)
