"""Keeps card numbers and social security numbers out of everything that people type, visitors and staff alike.

They must never reach the database: a card number there would end the practice's simple PCI position, and nobody needs
to write a social security number to a website. Public forms name `refuse_private_numbers` field by field; the office
gets it on all of its forms through `guard`; imported files are asked with `private_number`.
"""

import re
import unicodedata
from collections.abc import Container, Mapping

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from practice.folding import fold, plain_signs

DIGIT_GROUPS = re.compile(r"[0-9]+(?:[\s./_·\-]{1,3}[0-9]+)*", re.ASCII)
CARD_LENGTHS = range(13, 20)
# As cards print it: four by four, whatever sign is between them. With blanks too it could be a list.
FOUR_BY_FOUR = re.compile(
    r"(?<![0-9])[3-6][0-9]{3}(?P<between>[^\w\s]{1,3})[0-9]{4}(?P=between)[0-9]{4}(?P=between)[0-9]{4}(?![0-9])",
    re.ASCII,
)
# Phone numbers, days and codes of exams one after another, and names of vocabularies: one in ten would pass for a card.
NO_CARD = re.compile(
    r"(?<![0-9.\-])(?:1[ .\-])?[2-9][0-9]{2}([.\-])[2-9][0-9]{2}\1[0-9]{4}(?![0-9])(?!\1[0-9])"
    r"|(?<![0-9.\-])(?:19|20)[0-9]{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])(?![0-9])(?!-[0-9])"
    r"|(?<![0-9/])[0-3]?[0-9]/[0-3]?[0-9]/(?:19|20)?[0-9]{2}(?![0-9/])"
    r"|(?<![0-9.])[0-2](?:\.[0-9]{1,8}){5,}(?![0-9])"
    r"|(?<![0-9])7[0-9]{4}(?:[ /]7[0-9]{4})+(?![0-9])", re.ASCII
)  # fmt: skip
NINE_OR_MORE = re.compile(r"(?:[0-9][^0-9]*+){8}[0-9]", re.ASCII)  # neither number has fewer digits
BLANK = re.compile(r"[\x00-\x20\x7f]+")  # also lines left empty, and what is sent but not seen
# Signs that look like those between digits, and letters that look like a space.
LOOKALIKES = str.maketrans(
    dict.fromkeys("−⁃˗", "-") | dict.fromkeys("⁄∕", "/") | dict.fromkeys("•∙⋅‧・", "·")
    | dict.fromkeys("\x85\u2028\u2029\u2800\u115f\u1160", " ")
)  # fmt: skip
NO_NUMBER = 9  # a text with fewer characters holds neither
LONGEST = 20_000  # characters; no text box takes as much, and looking through more takes time
BETWEEN = r"[\s./_·-]{1,3}"
SOCIAL_SECURITY = re.compile(
    rf"(?<![0-9])(?<![0-9]-)(?!000|666|9[0-9]{{2}})[0-9]{{3}}(?P<between>{BETWEEN})(?!00)[0-9]{{2}}(?P=between)(?!0000)[0-9]{{4}}"
    r"(?!-?[0-9])", re.ASCII
)  # fmt: skip
SPACED = re.compile(r" ?([./_·-]) ?")  # `123- 45-6789`
SAID = r"(?:\bss\b|(?<![a-z])ssn(?![a-z])|\bs\. ?s\. ?n\b|\bss ?#|\bsocial\b|seguro social|seguridad social)"
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
    for found in DIGIT_GROUPS.finditer(NO_CARD.sub("x", text)):
        groups = re.findall("[0-9]+", found.group())
        for first in range(len(groups)):
            digits = ""
            for place in range(first, len(groups)):
                digits += groups[place]
                if len(digits) >= CARD_LENGTHS.stop:
                    break
                if len(digits) in CARD_LENGTHS and digits.strip("0") and passes_luhn(digits):
                    return True
    return any(passes_luhn(re.sub("[^0-9]", "", found.group())) for found in FOUR_BY_FOUR.finditer(text))


def holds_social_security_number(text: str) -> bool:
    return bool(SOCIAL_SECURITY.search(SPACED.sub(r"\1", text)) or SAID_SOCIAL_SECURITY.search(text))


def plain_digits(text: str) -> str:
    """The text with digits of every script as ASCII, every dash as `-`, every space as ` `, and nothing invisible."""
    if text.isascii():
        return text
    plain = []
    for character in plain_signs(text, "NFKC").translate(LOOKALIKES):
        category = unicodedata.category(character)
        if category == "Nd":
            plain.append(str(unicodedata.decimal(character)))
        elif category not in ("Mn", "Me"):  # accents and frames that belong to no letter
            plain.append(character)
    return "".join(plain)


def private_number(text: str) -> str:
    """ "card" or "ssn" where the text holds such a number, however it is written; else nothing. For any length."""
    if len(text) < NO_NUMBER and text.isascii():  # a sign of another script can stand for several digits
        return ""
    plain = plain_digits(text)
    if not NINE_OR_MORE.search(plain):
        return ""
    plain = BLANK.sub(" ", plain)
    if holds_card_number(plain):
        return "card"
    return "ssn" if holds_social_security_number(plain) else ""


REFUSALS = {
    "card": _("This looks like it holds a card number. Please take it out: we never need it here."),
    "ssn": _("This looks like it holds a social security number. Please take it out: we never need it here."),
}


def refuse_private_numbers(text: str) -> None:
    """A form validator. Raises ValidationError where the text holds a card or social security number, or is endless."""
    if len(text) > LONGEST:
        raise ValidationError(_("This text is too long. Please shorten it."), code="length")
    refuse_numbers_in_long_text(text)


def refuse_numbers_in_long_text(text) -> None:
    """The same for the office, whose articles may be longer."""
    found = private_number(str(text))
    if found:
        raise ValidationError(REFUSALS[found], code=found)


def refuse_numbers_in_file_name(upload) -> None:
    """The same for an uploaded file, whose name is kept or shown."""
    refuse_numbers_in_long_text(getattr(upload, "name", None) or "")


def guard(fields: Mapping[str, forms.Field], without: Container[str] = ()) -> None:
    """Let these fields of a form refuse such numbers, but those in `without`, in which a long number may stand.

    For the office, whose forms are many and made by Django: so that no text box can be forgotten.
    """
    for name, field in fields.items():
        if name in without or isinstance(field.widget, forms.PasswordInput):  # only a digest of it is kept
            continue
        if isinstance(field, forms.FileField):
            _add(field, refuse_numbers_in_file_name)
        elif isinstance(field, forms.CharField) and not isinstance(field, forms.UUIDField):
            _add(field, refuse_numbers_in_long_text)


def _add(field, validator) -> None:
    if validator not in field.validators:
        field.validators = [*field.validators, validator]


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
