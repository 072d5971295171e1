"""Puts an article's page together from what was made when it was published: nothing is parsed while somebody reads."""

import re
from dataclasses import dataclass, field

from django.utils import translation

from education.models import PREPARATION, Edition, SectionKind
from education.publishing import shown
from education.two_languages import Row, section_rows
from practice.models import Location


@dataclass
class Block:
    """A paragraph. `english` is there where the translation has fallen behind: what it says in English now."""

    html: str
    is_stale: bool = False
    english: str = ""


@dataclass
class Part:
    """A section of the page with its heading; `times` are the parts of the preparation by when."""

    kind: str
    blocks: list[Block] = field(default_factory=list)
    times: list["Part"] = field(default_factory=list)

    @property
    def anchor(self) -> str:
        return self.kind.replace(" ", "-")

    @property
    def title(self) -> str:
        return str(SectionKind(self.kind).label)


@dataclass
class Place:
    """A location where the exam is done, with what is different there."""

    location: Location
    note: str = ""


@dataclass
class Page:
    edition: Edition
    parts: list[Part]
    places: list[Place]
    words: list[dict]
    sources: str
    stale: int  # paragraphs that have fallen behind the English


def page_of(edition: Edition, english: Edition | None = None) -> Page:
    """The page of an edition; `english` is the live English edition beside a translation.

    Prefetch the topic's locations.
    """
    made = shown(edition)
    beside = {part["kind"]: part["blocks"] for part in shown(english)["sections"]} if english else {}
    own = {section["kind"]: section for section in made["sections"]}
    new = {kind: {"kind": kind, "blocks": []} for kind in beside if kind not in own}
    parts: list[Part] = []
    for section in [(own | new)[kind] for kind in SectionKind.values if kind in own or kind in new]:
        blocks = _blocks(section, edition.translated_from, beside.get(section["kind"], []) if english else None)
        if not blocks:
            continue  # the translation does without this section
        part = Part(section["kind"], blocks)
        if part.kind in PREPARATION[1:]:
            if not parts or parts[-1].kind != SectionKind.PREPARE:
                parts.append(Part(SectionKind.PREPARE.value))
            parts[-1].times.append(part)
        else:
            parts.append(part)
    notes = {place["location"]: place["html"] for place in made["places"]}
    places = [Place(location, notes.get(location.slug, "")) for location in edition.topic.locations.all()]
    stale = sum(block.is_stale for part in parts for one in (part, *part.times) for block in one.blocks)
    return Page(edition, parts, places, made["words"], made["sources"], stale)


def _blocks(section: dict, translated_from: dict, english: list[dict] | None) -> list[Block]:
    own = section["blocks"]
    if english is None:
        return [Block(block["html"]) for block in own]
    found = section_rows(len(own), translated_from.get(section["kind"], []), [block["digest"] for block in english])
    if found is None:  # it is not known which paragraphs belong together
        return [Block(block["html"]) for block in own]
    return [_block(row, own, english) for row in found]


def _block(row: Row, own: list[dict], english: list[dict]) -> Block:
    html = own[row.translated]["html"] if row.translated is not None else ""
    there = _plain(english[row.english]["html"]) if row.english is not None else ""
    return Block(html, row.is_stale, there if row.is_stale else "")


EXPLAINED = re.compile(r'<button class="word"[^>]*>([^<]*)</button>')


def _plain(html: str) -> str:
    """Without the buttons of explained words: two languages beside each other would explain each word twice."""
    return EXPLAINED.sub(r"\1", html)


@dataclass
class Pair:
    """A section in two languages: rows of HTML of the one and the other."""

    title: str
    other_title: str
    anchor: str
    rows: list[tuple[str, str, bool]]


def side_by_side(edition: Edition, other: Edition) -> list[Pair]:
    """The sections of two editions of a topic, paragraph beside paragraph; `edition` is in the page's language."""
    translated, english = (edition, other) if other.language == "en" else (other, edition)
    theirs = {part["kind"]: part["blocks"] for part in shown(english)["sections"]}
    ours = {part["kind"]: part["blocks"] for part in shown(translated)["sections"]}
    pairs = []
    for kind in [kind for kind in SectionKind.values if kind in theirs or kind in ours]:
        own, beside = ours.get(kind, []), theirs.get(kind, [])
        rows = [
            (
                own[row.translated]["html"] if row.translated is not None else "",
                beside[row.english]["html"] if row.english is not None else "",
                row.is_stale,
            )
            for row in section_rows(
                len(own), translated.translated_from.get(kind, []), [block["digest"] for block in beside]
            )
            or []
        ] or [("".join(block["html"] for block in own), "".join(block["html"] for block in beside), False)]
        if edition is english:
            rows = [(there, here, is_stale) for here, there, is_stale in rows]
        rows = [(_plain(own), _plain(beside), is_stale) for own, beside, is_stale in rows]
        with translation.override(other.language):
            other_title = str(SectionKind(kind).label)
        pairs.append(Pair(str(SectionKind(kind).label), other_title, kind.replace(" ", "-"), rows))
    return pairs
