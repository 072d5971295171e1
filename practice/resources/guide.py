"""Finds advice in the ordering guide, and what the patient can read about each exam."""

from dataclasses import dataclass

from django.utils import translation

from practice.folding import fold
from practice.resources.exam_pages import ExamPage, exam_pages
from practice.resources.models import AdviceRegion, OrderingAdvice
from practice.search.query import understand


@dataclass(frozen=True)
class Entry:
    """One piece of advice, and the patients' pages about its exams."""

    advice: OrderingAdvice
    pages: list[ExamPage]


def advice_for(asked: str) -> list[tuple[str, list[Entry]]]:
    """[(region, its advice)], of all or of what was asked for: a question, an exam, or a CPT code."""
    rows = list(OrderingAdvice.objects.select_related("reviewed_by"))
    if asked.strip():
        texts = {row.pk: f"{row.question} {row.also} {row.exam} {row.codes} {row.get_region_display()}" for row in rows}
        words = {word for text in texts.values() for word in fold(text).split()}
        query = understand(asked, translation.get_language() or "en", words)
        rows = [row for row in rows if query.fits(texts[row.pk])]
    pages = exam_pages({code for row in rows for code in row.code_list})
    regions = [
        (str(label), [_entry(row, pages) for row in rows if row.region == region])
        for region, label in AdviceRegion.choices
    ]
    return [(label, found) for label, found in regions if found]


def _entry(advice: OrderingAdvice, pages: dict[str, ExamPage]) -> Entry:
    return Entry(advice, list(dict.fromkeys(pages[code] for code in advice.code_list if code in pages)))
