"""What the commands read from the command line. argparse makes a sentence with the function's name of a ValueError."""

from datetime import date

from practice.money import parse_signed_cents


def day(text: str) -> date:
    return date.fromisoformat(text)


def signed_cents(text: str) -> int:
    return parse_signed_cents(text)
