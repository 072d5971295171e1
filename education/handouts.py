"""Hand-outs: an article on paper, as a tagged PDF (PDF/UA-1) with a code that tells later whether it is still current.

Standard print is 12 points, large print 18, without serifs, set ragged right with wide lines: what the American
Council of the Blind asks of large print. The PDF holds nothing about a patient.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import segno
import typst
from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from education.models import PREPARATION, Edition, Entry, SectionKind
from education.paragraphs import paragraphs
from education.publishing import shown
from practice import markdown
from practice.context import get_identity
from practice.models import Location
from practice.typesetting import FONT, FONTS

PDF_TEMPLATE = Path(__file__).parent / "handout.typ"


class Size(models.TextChoices):
    STANDARD = "standard", gettext_lazy("Standard print")
    LARGE = "large", gettext_lazy("Large print")


POINTS = {Size.STANDARD: 12, Size.LARGE: 18}


class Extent(models.TextChoices):
    """How much of the article the sheet holds."""

    WHOLE = "whole", gettext_lazy("Everything")
    PREPARATION = "preparation", gettext_lazy("How to prepare")


@dataclass(frozen=True)
class Sheet:
    """What was asked for: an edition, and how it is printed."""

    edition: Edition
    size: Size = Size.STANDARD
    extent: Extent = Extent.WHOLE
    location: Location | None = None

    @property
    def file_name(self) -> str:
        parts = [self.edition.topic.slug, self.edition.language]
        parts += [self.size.value] if self.size != Size.STANDARD else []
        parts += [self.extent.value] if self.extent != Extent.WHOLE else []
        parts += [self.location.slug] if self.location else []
        return "-".join(parts) + ".pdf"


def handout_pdf(sheet: Sheet) -> bytes:
    """The sheet as PDF/UA-1, in the language of its edition."""
    with translation.override(sheet.edition.language):
        facts = _facts(sheet)
    return typst.compile(
        str(PDF_TEMPLATE),
        format="pdf",
        pdf_standards=["ua-1"],
        font_paths=[FONTS],
        sys_inputs={"facts": json.dumps(facts)},
    )


def _facts(sheet: Sheet) -> dict:
    edition, identity = sheet.edition, get_identity()
    topic = edition.topic
    with_preparation_only = sheet.extent == Extent.PREPARATION
    wanted = {*PREPARATION, SectionKind.WHEN_TO_CALL} if with_preparation_only else set(SectionKind.values)
    sections = [section for section in edition.sections if section["kind"] in wanted]
    address = settings.PUBLIC_ORIGIN + reverse("education:sheet", args=[edition.code])
    places = [sheet.location] if sheet.location else list(topic.locations.all())
    notes = {place["location"]: place["body"] for place in edition.places}
    name = _("How to prepare") if with_preparation_only else ""
    facts = {
        "language": edition.language,
        "font": FONT,
        "points": POINTS[sheet.size],
        "practice": printable(identity.name),
        "title": printable(f"{edition.title}: {name}" if name else edition.title),
        "summary": printable(edition.summary),
        "notices": _notices(edition, identity),
        "sections": _sections(sections),
        "places_title": _("Where we do it"),
        "places": [
            {
                "name": printable(place.name),
                "lines": [
                    printable(f"{place.street}, {place.city}, {place.state} {place.postal_code}"),
                    place.phone,
                ],
                "note": as_blocks(notes.get(place.slug, "")),
            }
            for place in places
        ],
        "call": _("Questions? Call us: %(phone)s") % {"phone": identity.main_phone},
        "words_title": _("Words used on this page"),
        "words": [] if with_preparation_only else _words(edition),
        "review": _review(edition),
        "rights": printable(f"{edition.copyright} · {edition.licence}"),
        "page": [_("Page"), _("of")],
        "code": edition.code_in_groups,
        "check": _("Is this sheet still current? Scan the code, or type it in at %(address)s")
        % {"address": address.split("://")[-1].removesuffix(f"{edition.code}/")},
        "qr": segno.make(address, error="m").svg_inline(border=2, scale=1),
        "qr_alt": _("QR code that leads to the page that tells whether this sheet is still current"),
        "picture": None,
    }
    if topic.illustration and not with_preparation_only:
        facts["picture"] = {"svg": topic.illustration.drawing, "alt": topic.illustration.local("alt")}
    return facts


def _notices(edition: Edition, identity) -> list[str]:
    notices = []
    if edition.is_live and edition.article.stale_blocks:
        notices.append(
            _(
                "The English text has changed since this was translated, and parts of this sheet are not up to date. "
                "Please call us before you go by it."
            )
        )
    if edition.is_sample:
        notices.append(
            _(
                "Sample text for this demonstration. It awaits review by the practice’s physicians; do not rely on it "
                "for your own care."
            )
        )
    if identity.is_fictional:
        notices.append(_("A demonstration site. The practice and everybody on it are made up."))
    return notices


def _sections(sections: list[dict]) -> list[dict]:
    """The sections. Times of preparation stand below a heading of the preparation, even where it has no text."""
    found: list[dict] = []
    for section in sections:
        is_time = section["kind"] in PREPARATION[1:]
        if is_time and (not found or (found[-1]["level"] == 1 and not found[-1]["is_preparation"])):
            found.append(_section({"kind": SectionKind.PREPARE, "body": ""}))
        found.append(_section(section))
    return found


def _section(section: dict) -> dict:
    kind = SectionKind(section["kind"])
    return {
        "title": str(kind.label),
        "level": 2 if kind in PREPARATION[1:] else 1,
        "is_preparation": kind == SectionKind.PREPARE,
        "is_warning": kind == SectionKind.WHEN_TO_CALL,
        "blocks": [block for text in paragraphs(section["body"]) for block in as_blocks(text)],
    }


def _words(edition: Edition) -> list[dict]:
    slugs = [word["slug"] for word in shown(edition)["words"]]
    entries = Entry.objects.filter(language=edition.language, term__slug__in=slugs).select_related("term")
    return [
        {
            "name": printable(entry.name),
            "say": printable(entry.pronunciation),
            "blocks": as_blocks(entry.definition),
        }
        for entry in sorted(entries, key=lambda entry: entry.name.casefold())
    ]


def _review(edition: Edition) -> str:
    printed = date_format(timezone.localdate(), "DATE_FORMAT")
    if edition.reviewer and edition.reviewed_on and edition.next_review_on:
        return _("Reviewed by %(name)s on %(day)s. Next review due %(due)s. Printed %(printed)s.") % {
            "name": edition.reviewer,
            "day": date_format(edition.reviewed_on, "DATE_FORMAT"),
            "due": date_format(edition.next_review_on, "DATE_FORMAT"),
            "printed": printed,
        }
    return _("Not yet reviewed by a physician of the practice. Printed %(printed)s.") % {"printed": printed}


# ---- Markdown for typst ---------------------------------------------------------------------------------------------


def as_blocks(text: str) -> list[dict]:
    """The Markdown as data, so that nothing in it is read as markup of the page.

    Blocks are {"is": "text" | "heading", "runs"}, {"is": "list" | "steps", "items": [blocks], "start"} or
    {"is": "table", "rows": [[runs]]}; runs are [{"text", "bold", "italic", "struck"}].
    """
    blocks, _end = _blocks(markdown.PARSER.parse(text), 0, None)
    return blocks


def _blocks(tokens, at: int, until: str | None) -> tuple[list[dict], int]:
    found: list[dict] = []
    while at < len(tokens) and tokens[at].type != until:
        token = tokens[at]
        if token.type in ("bullet_list_open", "ordered_list_open"):
            items = []
            at += 1
            while tokens[at].type == "list_item_open":
                inner, at = _blocks(tokens, at + 1, "list_item_close")
                items.append(inner)
                at += 1
            kind = "list" if token.type.startswith("bullet") else "steps"
            found.append({"is": kind, "items": items, "start": int(token.attrGet("start") or 1)})
        elif token.type == "table_open":
            rows: list[list] = []
            while tokens[at].type != "table_close":
                if tokens[at].type == "tr_open":
                    rows.append([])
                elif tokens[at].type == "inline":
                    rows[-1].append(_runs(tokens[at]))
                at += 1
            found.append({"is": "table", "rows": rows})
        elif token.type == "inline":
            is_heading = tokens[at - 1].type == "heading_open"
            if runs := _runs(token):
                found.append({"is": "heading" if is_heading else "text", "runs": runs})
        elif token.type in ("fence", "code_block"):
            text = {"text": printable(token.content.strip()), "bold": False, "italic": False, "struck": False}
            found.append({"is": "text", "runs": [text]})
        at += 1
    return found, at


def _runs(token) -> list[dict]:
    runs = []
    inside = {"strong": 0, "em": 0, "s": 0}
    for child in token.children or []:
        name, _underscore, end = child.type.rpartition("_")
        if name in inside:
            inside[name] += 1 if end == "open" else -1
        text = " " if child.type in ("softbreak", "hardbreak") else printable(child.content)
        if text and child.type != "image":
            runs.append(
                {"text": text, "bold": inside["strong"] > 0, "italic": inside["em"] > 0, "struck": inside["s"] > 0}
            )
    return runs


# What our fonts have signs for: a PDF/UA may not hold a sign that no font shows.
PRINTABLE = [
    range(0x20, 0x250), range(0x370, 0x400), range(0x2010, 0x2028), range(0x2030, 0x203B), range(0x20AC, 0x20AD),
    range(0x2122, 0x2123), range(0x2190, 0x2194), range(0x2212, 0x2213), range(0x2260, 0x2266),
]  # fmt: skip


def printable(text: str) -> str:
    """The text without what the fonts have no sign for (pictures, other scripts)."""
    return "".join(sign for sign in text if any(ord(sign) in signs for signs in PRINTABLE))
