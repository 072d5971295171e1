"""Dates of birth as Americans write them."""

import re
from datetime import date

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

EIGHT_DIGITS = re.compile(r"([0-9]{2})([0-9]{2})([0-9]{4})", re.ASCII)
DATE_PARTS = re.compile(r"([0-9]{1,4})[\s/.\-]+([0-9]{1,2})[\s/.\-]+([0-9]{1,4})", re.ASCII)


class BirthDateField(forms.Field):
    """A date as Americans write it: 3/27/1948. Takes 03-27-1948, 03271948 and 1948-03-27 too."""

    widget = forms.TextInput
    default_error_messages = {
        "invalid": _("Enter the date of birth as month, day and four-digit year, like 3/27/1948."),
        "future": _("The date of birth must be in the past."),
    }

    def widget_attrs(self, widget):
        return {"autocomplete": "bday", "class": "short", "maxlength": 20}

    def to_python(self, value):
        text = str(value or "").strip()
        if not text:
            return None
        match = EIGHT_DIGITS.fullmatch(text) or DATE_PARTS.fullmatch(text)
        if match is None:
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        first, second, third = match.groups()
        year, month, day = (first, second, third) if len(first) == 4 else (third, first, second)
        try:
            if len(year) != 4:
                raise ValueError
            born_on = date(int(year), int(month), int(day))
        except ValueError:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from None
        if born_on > timezone.localdate():
            raise ValidationError(self.error_messages["future"], code="future")
        return born_on
