"""Keeps card numbers and social security numbers out of everything a visitor types into a text box.

They must never reach the database: a card number there would end the practice's simple PCI position, and nobody who
writes to a website should send a social security number.
"""

import re
import unicodedata

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from practice.folding import fold, plain_signs

DIGIT_GROUPS = re.compile(r"[0-9]+(?:[ .\-]{1,3}[0-9]+)*", re.ASCII)
CARD_LENGTHS = range(13, 20)
LONGEST = 20_000  # characters; no text box takes as much, and looking through more takes time
BETWEEN = r"[\s./_·-]{1,3}"
SOCIAL_SECURITY = re.compile(
    rf"(?<![0-9])(?<![0-9]-)(?!000|666|9[0-9]{{2}})[0-9]{{3}}(?P<between>{BETWEEN})(?!00)[0-9]{{2}}(?P=between)(?!0000)[0-9]{{4}}"
    r"(?!-?[0-9])", re.ASCII
)  # fmt: skip
SAID = r"(?:\bssn?\b|\bs\. ?s\. ?n\b|\bss ?#|\bsocial\b|seguro social|seguridad social)"
NINE_DIGITS = r"(?<![0-9])(?:[0-9][\s./_·-]{0,3}){8}[0-9](?![0-9])"
SAID_SOCIAL_SECURITY = re.compile(
    rf"{SAID}[^0-9]{{0,30}}{NINE_DIGITS}|{NINE_DIGITS}[^0-9]{{0,15}}{SAID}", re.ASCII | re.IGNORECASE
)


def passes_luhn(digits: str) -> bool:
    """Whether the last digit is the check digit that every payment card number carries."""
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if position % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def holds_card_number(text: str) -> bool:
    """Whether neighbouring groups of digits make up a card number, whatever digits stand before and after them."""
    for found in DIGIT_GROUPS.finditer(text):
        groups = re.findall("[0-9]+", found.group())
        for first in range(len(groups)):
            digits = ""
            for place in range(first, len(groups)):
                digits += groups[place]
                if len(digits) >= CARD_LENGTHS.stop:
                    break
                if len(digits) in CARD_LENGTHS and digits.strip("0") and passes_luhn(digits):
                    return True
    return False


def holds_social_security_number(text: str) -> bool:
    return bool(SOCIAL_SECURITY.search(text) or SAID_SOCIAL_SECURITY.search(text))


def plain_digits(text: str) -> str:
    """The text with digits of every script as ASCII, every dash as `-`, every space as ` `, and nothing invisible."""
    plain = plain_signs(text, "NFKC").replace("−", "-")
    return "".join(str(unicodedata.decimal(c)) if unicodedata.category(c) == "Nd" else c for c in plain)


def refuse_private_numbers(text: str) -> None:
    """A form validator. Raises ValidationError where the text holds a card or social security number, or is endless."""
    if len(text) > LONGEST:
        raise ValidationError(_("This text is too long. Please shorten it."), code="length")
    plain = plain_digits(text)
    if holds_card_number(plain):
        raise ValidationError(
            _("This looks like it holds a card number. Please take it out: we never need it here."), code="card"
        )
    if holds_social_security_number(plain):
        raise ValidationError(
            _("This looks like it holds a social security number. Please take it out: we never need it here."),
            code="ssn",
        )


BIRTH = (
    r"(?:date of birth|birth ?date|birth ?day|\bbirth\b|\bd ?o ?b\b|nacimiento|\bf(?:echa)? (?:de )?nac\b|\bf n\b"
    r"|cumpleanos)"
)
BORN = r"(?:\bborn\b|\bnaci(?:do|da)?\b)"
MONTH = r"\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|ene|abr|ago|dic|set)[a-z]{0,8}"  # English and Spanish
DATE = (
    "(?:[0-9]{1,4}[ -]{1,2}[0-9]{1,2}[ -]{1,2}[0-9]{2,4}|[0-9]{8}|"
    f"[0-9]{{1,2}}(?:st|nd|rd|th)?(?: of| de)? ?{MONTH}(?: of| de| del)? ?[0-9]{{2,4}}|"
    f"[0-9]{{4}} ?{MONTH} ?[0-9]{{1,2}}|"
    f"{MONTH} ?(?:the )?[0-9]{{1,2}}(?:st|nd|rd|th)?(?: de| del)? ?[0-9]{{2,4}})"
)
# In folded text, where punctuation is gone.
BIRTH_DATE = re.compile(
    rf"(?:{BIRTH}[^0-9]{{0,60}}?|{BORN}[^0-9]{{0,16}}?|{BORN} (?:in|en) [^0-9]{{1,60}}? (?:on|el) (?:the )?)"
    rf"(?<![0-9]){DATE}(?![0-9])|(?<![0-9]){DATE}[ -]{{0,3}}(?:{BIRTH}|{BORN})",
    re.ASCII,
)


def holds_birth_date(text: str) -> bool:
    """Whether a date stands beside words that make it somebody's date of birth, in English or Spanish."""
    return bool(BIRTH_DATE.search(fold(plain_digits(text))))


def refuse_birth_dates(text: str) -> None:
    """A form validator for applicants: their age must not matter, so nobody is to know it."""
    if len(text) <= LONGEST and holds_birth_date(text):
        raise ValidationError(
            _("This looks like it holds a date of birth. Please take it out: we do not want to know it."),
            code="birth date",
        )
