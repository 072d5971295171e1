"""Forms of the public pages. Each one's texts refuse card and social security numbers before they are stored."""

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from practice.free_text import refuse_private_numbers
from practice.models import FeedbackTopic


class FeedbackForm(forms.Form):
    topic = forms.ChoiceField(
        label=_("What is it about?"),
        choices=FeedbackTopic,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose what it is about.")},
    )
    message = forms.CharField(
        label=_("Your message"),
        help_text=_("Please leave out medical details, card numbers and social security numbers."),
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 6}),
        validators=[refuse_private_numbers],
        error_messages={"required": _("Write your message.")},
    )
    name = forms.CharField(
        label=_("Your name (optional)"),
        max_length=100,
        required=False,
        validators=[refuse_private_numbers],
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    email = forms.EmailField(
        label=_("Your e-mail address (optional)"),
        help_text=_("Only if you would like an answer."),
        required=False,
        validators=[refuse_private_numbers],
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        error_messages={"invalid": _("Enter an e-mail address like name@example.com.")},
    )
    website = forms.CharField(required=False, widget=forms.HiddenInput)  # people leave it empty; machines do not


class OnForm(forms.Form):
    """The day of "what was in force on"."""

    on = forms.DateField(
        label=_("What was in force on"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        error_messages={"invalid": _("Choose a date, or write it as 2026-03-31.")},
    )

    def clean_on(self):
        """What will be in force is the office's to read until its day."""
        on = self.cleaned_data["on"]
        if on and on > timezone.localdate():
            raise forms.ValidationError(_("Choose today or an earlier day."))
        return on


class QueryForm(forms.Form):
    """A word to look up. Anything may be typed; what cannot be text finds nothing."""

    q = forms.CharField(required=False, max_length=100)

    @classmethod
    def read(cls, request) -> str:
        """The query of this request; empty when there is none or it cannot be text."""
        form = cls(request.GET)
        return form.cleaned_data["q"] if form.is_valid() else ""
