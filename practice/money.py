"""US dollars as integer cents: the one way in, the one way out. No float ever holds money."""

import re

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

AMOUNT = re.compile(r"([0-9]{1,9})(?:\.([0-9]{1,2}))?", re.ASCII)
THOUSANDS = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]{1,2})?", re.ASCII)


def parse_cents(text: str) -> int:
    """Cents from dollars written in ASCII: `12`, `12.3`, `12.34`, `$1,234.50`.

    Raises ValueError for everything else: signs, exponents, digits of other scripts, a third decimal.
    """
    match = AMOUNT.fullmatch(text) or AMOUNT.fullmatch(_bare(text))
    if match is None:
        raise ValueError("not an amount in dollars and cents")
    dollars, cents = match.groups()
    return int(dollars) * 100 + int((cents or "0").ljust(2, "0"))


def _bare(text: str) -> str:
    """Without what people put around and into an amount."""
    text = text.strip(" ").removeprefix("$").strip(" ")
    return text.replace(",", "") if THOUSANDS.fullmatch(text) else text


def parse_signed_cents(text: str) -> int:
    """Cents as `parse_cents` reads them, negative after a minus sign. Raises ValueError."""
    text = text.strip(" ")
    return -parse_cents(text[1:]) if text.startswith(("-", "−")) else parse_cents(text)


def dollars(cents: int) -> str:
    """`123456` becomes `$1,234.56`; a negative amount starts with a minus sign."""
    sign = "−" if cents < 0 else ""
    whole, part = divmod(abs(cents), 100)
    return f"{sign}${whole:,}.{part:02d}"


def whole_dollars(cents: int) -> str:
    """`41000000` becomes `$410,000`, for pay ranges; with cents where there are any."""
    return dollars(cents).removesuffix(".00")


def plain_dollars(cents: int) -> str:
    """`123456` becomes `1234.56`, for fields and files."""
    return dollars(cents).replace("$", "").replace(",", "")


class CentsField(forms.Field):
    """A form field that takes dollars as people write them and gives integer cents."""

    parse = staticmethod(parse_cents)
    widget = forms.TextInput
    default_error_messages = {
        "invalid": _("Enter an amount in dollars and cents, like 25.00."),
    }

    def widget_attrs(self, widget):
        return {"inputmode": "decimal", "autocomplete": "off", "class": "money", "maxlength": 20}

    def to_python(self, value):
        if value is None or not str(value).strip():
            return None
        try:
            return self.parse(str(value))
        except ValueError:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from None

    def prepare_value(self, value):
        return plain_dollars(value) if isinstance(value, int) else value

    def has_changed(self, initial, data):
        try:
            return initial != self.to_python(data)
        except ValidationError:
            return True
