"""What a guest types to see a bill and to pay it."""

import re
from datetime import date

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from practice.money import CentsField, dollars

DATE_PARTS = re.compile(r"([0-9]{1,4})[\s/.\-]+([0-9]{1,2})[\s/.\-]+([0-9]{1,4})", re.ASCII)


class BirthDateField(forms.Field):
    """A date as Americans write it: 3/27/1948. Takes 03-27-1948 and 1948-03-27 too."""

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
        match = DATE_PARTS.fullmatch(text)
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


class LookUpForm(forms.Form):
    code = forms.CharField(
        label=_("Statement code"),
        help_text=_("It is printed at the top of your bill, like K7QW-9D2M-HX4T-3."),
        max_length=40,
        error_messages={"required": _("Enter the statement code from your bill.")},
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}),
    )
    born_on = BirthDateField(
        label=_("Patient’s date of birth"),
        help_text=_("Month, day, year. For example 3/27/1948."),
        error_messages={"required": _("Enter the patient’s date of birth.")},
    )


class AmountChoice:
    FULL = "full"
    PART = "part"


class PayForm(forms.Form):
    """How much to pay. The server decides what is allowed; this is only the wish."""

    choice = forms.ChoiceField(
        label=_("How much would you like to pay?"),
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose how much you would like to pay.")},
    )
    amount = CentsField(
        label=_("If part of it, how much?"),
        required=False,
        help_text=_("In dollars and cents, like 25.00."),
    )

    def __init__(self, *args, balance_cents: int, **options):
        super().__init__(*args, **options)
        self.balance_cents = balance_cents
        self.fields["choice"].choices = [  # type: ignore[attr-defined]
            (AmountChoice.FULL, _("All of it: %(balance)s") % {"balance": dollars(balance_cents)}),
            (AmountChoice.PART, _("Part of it")),
        ]

    def clean(self):
        super().clean()
        cleaned = self.cleaned_data
        if cleaned.get("choice") == AmountChoice.PART and "amount" not in self.errors and not cleaned.get("amount"):
            self.add_error("amount", _("Enter the amount you would like to pay, like 25.00."))
        return cleaned

    @property
    def amount_cents(self) -> int:
        """What is to be paid, in cents; only after validation."""
        if self.cleaned_data["choice"] == AmountChoice.FULL:
            return self.balance_cents
        return self.cleaned_data["amount"]
