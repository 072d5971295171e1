"""What an editor is told while writing: how hard the text reads, which words to explain, which links lead nowhere."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.urls import Resolver404, resolve
from django.utils import translation
from django.utils.translation import gettext as _

from education.annotation import normal
from education.models import Edition, Name, Term
from education.paragraphs import plain_text
from education.reading_grade import AIM_GRADE, HIGHEST_GRADE, grade_of, hard_words
from practice import markdown
from practice.announcements.models import Announcement
from practice.folding import stem
from practice.models import Physician

# Addresses that name a row: {url name: does the row have a page?}
ROWS = {
    "education:article": lambda slug: Edition.objects.live().of_topic(slug).exists(),
    "education:term": lambda slug: Term.objects.filter(slug=slug).exists(),
    "practice:physician": lambda slug: Physician.objects.practising().filter(slug=slug).exists(),
    "announcements:announcement": lambda slug: Announcement.objects.published().filter(slug=slug).exists(),
}


@dataclass
class Findings:
    """What was found in a text."""

    grade: float
    words: int
    hard: list[str]
    unexplained: list[str]  # hard words that the glossary does not have
    links: list[str]  # sentences about links and pictures

    @property
    def verdict(self) -> str:
        if not self.words:
            return _("Nothing is written yet.")
        if self.grade > HIGHEST_GRADE:
            return _("Too hard: above grade %(grade)s it is published only with a reason.") % {"grade": HIGHEST_GRADE}
        if self.grade > AIM_GRADE:
            return _("Hard: aim at grade %(grade)s or below.") % {"grade": AIM_GRADE}
        return _("Good.")

    @property
    def level(self) -> str:
        return "bad" if self.grade > HIGHEST_GRADE else "warm" if self.grade > AIM_GRADE else "good"


def check(texts: list[str], language: str) -> Findings:
    """Look through Markdown texts that belong together."""
    hard = hard_words(texts, language)
    return Findings(
        grade=grade_of(texts, language),
        words=sum(len(plain_text(text).split()) for text in texts),
        hard=hard,
        unexplained=without_explanation(hard, language),
        links=[problem for text in texts for problem in link_problems(text)],
    )


def without_explanation(words: list[str], language: str) -> list[str]:
    """Those of the words that stand in no name of the glossary."""
    known = {
        stem(part, language)
        for key in Name.objects.filter(entry__language=language).values_list("key", flat=True).iterator()
        for part in key.replace("-", " ").split()
    }
    return [word for word in words if not known.issuperset(normal(word, language))]


def links_of(text: str) -> list[str]:
    """The addresses that the Markdown's links lead to."""
    return [
        str(child.attrGet("href"))
        for token in markdown.PARSER.parse(text)
        for child in token.children or []
        if child.type == "link_open"
    ]


def link_problems(text: str) -> list[str]:
    """Sentences about links that lead nowhere, and about pictures, which articles do not show from their text."""
    problems = [f"{address}: {problem}" for address in links_of(text) if (problem := _problem(address))]
    pictures = sum(child.type == "image" for token in markdown.PARSER.parse(text) for child in token.children or [])
    if pictures:
        problems.append(_("A picture in the text is not shown. Choose an illustration at the topic instead."))
    return problems


def _problem(address: str) -> str:
    parts = urlsplit(address)
    if parts.scheme in ("mailto", "tel") or (not parts.scheme and not parts.netloc and not parts.path):
        return ""
    if parts.scheme == "http":
        return _("is not encrypted; use https.")
    if parts.scheme not in ("", "https"):
        return _("is no address a page may lead to.")
    if parts.netloc and not address.startswith(settings.PUBLIC_ORIGIN + "/"):
        return ""
    try:
        with translation.override(translation.get_language_from_path(parts.path) or settings.LANGUAGE_CODE):
            match = resolve(parts.path)
    except Resolver404:
        return _("there is no such page on this site.")
    exists = ROWS.get(match.view_name)
    if exists and not exists(match.kwargs["slug"]):
        return _("this page is not on the site.")
    return ""
