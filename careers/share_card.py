"""The picture that other sites and messengers show beside a link to an opening."""

import json
from pathlib import Path

import typst
from django.utils.translation import get_language

from careers.models import Opening
from practice.models import Identity
from practice.money import whole_dollars
from practice.typesetting import FONTS

TEMPLATE = Path(__file__).parent / "card.typ"
WIDTH, HEIGHT = 1200, 630


def share_card(opening: Opening, identity: Identity) -> bytes:
    """A PNG of 1200 by 630 pixels, in the reader's language."""
    pay = [whole_dollars(cents or 0) for cents in (opening.pay_from_cents, opening.pay_to_cents)]
    facts = {
        "practice": identity.name,
        "title": opening.local("title"),
        "pay": f"{pay[0]} – {pay[1]} {opening.get_pay_period_display()}",
        "place": f"{opening.location.city}, {opening.location.state}  ·  {opening.get_employment_display()}",
        "accent": identity.accent_colour,
        "language": (get_language() or "en")[:2],
    }
    return typst.compile(
        str(TEMPLATE), format="png", ppi=72, font_paths=[FONTS], sys_inputs={"facts": json.dumps(facts)}
    )
