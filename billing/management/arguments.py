"""What the commands read from the command line. argparse makes a sentence with the function's name of a ValueError."""

import re
from datetime import date

from practice.money import parse_signed_cents


def day(text: str) -> date:
    """A day like 2026-03-31, of a century in which there are payments."""
    if not re.fullmatch(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}", text, re.ASCII):
        raise ValueError("not a day like 2026-03-31")
    return date.fromisoformat(text)


def signed_cents(text: str) -> int:
    return parse_signed_cents(text)
