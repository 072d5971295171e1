"""Tells of a hand-out whether it is still current, and if not, what has changed since it was printed."""

import re
from dataclasses import dataclass
from difflib import SequenceMatcher

from django.utils.translation import gettext as _

from education.models import CODE_ALPHABET, Edition, SectionKind
from education.paragraphs import paragraphs
from practice import markdown
from practice.models import Location

CODE = re.compile(f"[{CODE_ALPHABET}]{{8}}")


@dataclass(frozen=True)
class Change:
    """A paragraph that went, one that came, or one in the place of another; both are HTML."""

    was: str
    now: str


@dataclass(frozen=True)
class SectionChange:
    title: str
    changes: list[Change]


def plain_sheet_code(text: str) -> str:
    """The code as it is kept, however it was typed; "" where it is none."""
    code = re.sub(r"[\s–—-]", "", text).upper()
    return code if CODE.fullmatch(code) else ""


def differences(before: Edition, after: Edition, *, whole: bool = False) -> list[SectionChange]:
    """What a reader of one edition must know of the other, section by section; only what differs.

    `whole` looks also at what does not stand on paper: other names and sources.
    """
    found = []
    old, new = (_texts(edition, whole) for edition in (before, after))
    for key, title in {**_titles(old), **_titles(new)}.items():
        was, now = paragraphs(old.get(key, ("", ""))[1]), paragraphs(new.get(key, ("", ""))[1])
        changes = [
            Change(_html(was[from_start:from_end]), _html(now[to_start:to_end]))
            for what, from_start, from_end, to_start, to_end in SequenceMatcher(
                None, was, now, autojunk=False
            ).get_opcodes()
            if what != "equal"
        ]
        if changes:
            found.append(SectionChange(title, changes))
    return found


def _texts(edition: Edition, whole: bool) -> dict[str, tuple[str, str]]:
    """{part: (its title, its Markdown)} of what stands on paper, or of the whole."""
    sections = {section["kind"]: section["body"] for section in edition.sections}
    texts = {"title": ("", f"{edition.title}\n\n{edition.summary}")}
    texts |= {kind: (str(SectionKind(kind).label), sections[kind]) for kind in SectionKind.values if kind in sections}
    names = dict(
        Location.objects.filter(slug__in=[place["location"] for place in edition.places]).values_list("slug", "name")
    )
    if whole:
        texts["also called"] = (_("Also called"), edition.also_called.replace("\n", "\n\n"))
        texts["sources"] = (_("Sources"), edition.sources)
    return texts | {
        place["location"]: (names.get(place["location"], place["location"]), place["body"]) for place in edition.places
    }


def _titles(texts: dict[str, tuple[str, str]]) -> dict[str, str]:
    return {key: title for key, (title, _text) in texts.items()}


def _html(blocks: list[str]) -> str:
    return str(markdown.render("\n\n".join(blocks), top_heading=2)) if blocks else ""
