"""What a guest types to see a bill and to pay it."""

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from patients.birth_dates import BirthDateField
from practice.free_text import refuse_private_numbers
from practice.instants import validate_year
from practice.money import CentsField, dollars


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


class LinkLookUpForm(forms.Form):
    """For somebody who came with the QR code of the paper: it stands for the code, not for the date of birth."""

    born_on = BirthDateField(
        label=_("Patient’s date of birth"),
        help_text=_("Month, day, year. For example 3/27/1948."),
        error_messages={"required": _("Enter the patient’s date of birth.")},
    )


def email_field(**options) -> forms.EmailField:
    return forms.EmailField(
        max_length=254,
        validators=[refuse_private_numbers],
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        error_messages={
            "required": _("Enter your e-mail address."),
            "invalid": _("Enter an e-mail address like name@example.com."),
        },
        **options,
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
    email = email_field(
        label=_("E-mail for the receipt (optional)"),
        help_text=_("The e-mail says what was paid and when, nothing about the exam."),
        required=False,
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
        if "amount" in self.errors:
            return cleaned
        choice, amount = cleaned.get("choice"), cleaned.get("amount")
        if choice == AmountChoice.PART and not amount:
            self.add_error("amount", _("Enter the amount you would like to pay, like 25.00."))
        elif choice == AmountChoice.FULL and amount is not None and amount != self.balance_cents:
            # Charging all of it to somebody who typed a part would be the worst answer.
            self.add_error(
                "choice",
                _("You wrote an amount, but chose to pay all of it. Choose “Part of it”, or clear the amount."),
            )
        return cleaned

    @property
    def amount_cents(self) -> int:
        """What is to be paid, in cents; only after validation."""
        if self.cleaned_data["choice"] == AmountChoice.FULL:
            return self.balance_cents
        return self.cleaned_data["amount"]


class PlanForm(forms.Form):
    """Agreeing to a payment plan. The text that is agreed to stands above it, and is kept word for word."""

    email = email_field(
        label=_("Your e-mail address"),
        help_text=_("For an e-mail three days before each payment, with the link to cancel."),
    )
    agreed = forms.BooleanField(
        label=_("I agree"),
        error_messages={"required": _("Tick “I agree” to pay in parts, or go back to pay at once.")},
    )


class QuestionForm(forms.Form):
    """What somebody asks the billing office."""

    message = forms.CharField(
        label=_("Your message"),
        help_text=_("Please leave out card numbers and social security numbers."),
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 6}),
        validators=[refuse_private_numbers],
        error_messages={"required": _("Write your message.")},
    )
    email = email_field(
        label=_("Your e-mail address (optional)"),
        help_text=_("We write to it when the answer is here. The answer itself stays on this site."),
        required=False,
    )


class ReplyForm(forms.Form):
    message = forms.CharField(
        label=_("Write again"),
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 4}),
        validators=[refuse_private_numbers],
        error_messages={"required": _("Write your message.")},
    )


class VerifyForm(forms.Form):
    """Is this receipt ours?"""

    number = forms.CharField(
        label=_("Receipt number"),
        help_text=_("You find it at the top of the receipt, like R-2026-000123."),
        max_length=30,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "class": "short"}),
        error_messages={"required": _("Enter the receipt number.")},
    )


class EstimateForm(forms.Form):
    """Asking for a good-faith estimate."""

    exam = forms.CharField(
        label=_("Which exam?"),
        help_text=_("As it stands on the order, or in your own words."),
        max_length=200,
        validators=[refuse_private_numbers],
        error_messages={"required": _("Tell us which exam it is.")},
    )
    scheduled_on = forms.DateField(
        validators=[validate_year],
        label=_("Day of the exam, if you have one (optional)"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date", "class": "short"}),
        error_messages={"invalid": _("Choose a date, or write it as 2026-03-31.")},
    )
    name = forms.CharField(
        label=_("Your name"),
        max_length=100,
        validators=[refuse_private_numbers],
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        error_messages={"required": _("Enter your name.")},
    )
    contact = forms.CharField(
        label=_("E-mail address or phone number"),
        help_text=_("Where we send the estimate."),
        max_length=254,
        validators=[refuse_private_numbers],
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": _("Tell us where to send the estimate.")},
    )
    website = forms.CharField(required=False, widget=forms.HiddenInput)  # people leave it empty; machines do not

    def clean_contact(self):
        contact = self.cleaned_data["contact"]
        try:
            validate_email(contact)
        except ValidationError:
            if sum(character.isdigit() for character in contact) < 10:
                raise ValidationError(
                    _("Enter an e-mail address like name@example.com, or a phone number with its area code.")
                ) from None
        return contact

    def clean_scheduled_on(self):
        day = self.cleaned_data["scheduled_on"]
        if day is not None and day < timezone.localdate():
            raise ValidationError(_("This day has passed. Choose a later one, or leave it empty."))
        return day
