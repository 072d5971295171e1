from django import forms
from django.core.validators import URLValidator
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from practice.instants import validate_year
from practice.resources.models import CallTier, Document
from practice.uploads import check_document


class HttpsField(forms.URLField):
    default_validators = [URLValidator(schemes=["https"])]


class VersionForm(forms.Form):
    """What a version is made of: a file, or a link, and from when to when it holds."""

    file = forms.FileField(
        label=_("File"),
        required=False,
        help_text=_("PDF or Word (.docx), up to 10 MB."),
        widget=forms.FileInput(attrs={"accept": ".pdf,.docx"}),
        validators=[check_document],
    )
    url = HttpsField(
        label=_("or link"),
        required=False,
        max_length=500,
        assume_scheme="https",
        help_text=_("An address that starts with https://, where the document is somebody else’s."),
    )
    note = forms.CharField(
        label=_("What is new"), required=False, max_length=300, help_text=_("Readers see it beside the title.")
    )
    effective_on = forms.DateField(
        validators=[validate_year],
        label=_("In force from"),
        initial=timezone.localdate,
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    expires_on = forms.DateField(
        validators=[validate_year],
        label=_("Last day"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("Empty: until another version takes its place. After the last day nobody sees it."),
    )

    def clean_effective_on(self):
        if self.cleaned_data["effective_on"] < timezone.localdate():
            raise forms.ValidationError(_("A version takes effect today or later, never in the past."))
        return self.cleaned_data["effective_on"]

    def clean(self):
        facts = super().clean() or {}
        if {"file", "url"} & set(self.errors):
            return facts
        if bool(facts.get("file")) == bool(facts.get("url")):
            self.add_error("file", _("Give a file or a link, one of the two."))
        first, last = facts.get("effective_on"), facts.get("expires_on")
        if first and last and last < first:
            self.add_error("expires_on", _("The last day must not be before the first."))
        return facts


class NewDocumentForm(VersionForm, forms.ModelForm):
    """A document together with its first version."""

    field_order = ["title", "slug", "collection", "kind", "summary", "is_must_read", "is_current"]

    class Meta:
        model = Document
        fields = ["title", "slug", "collection", "kind", "summary", "is_must_read", "is_current"]

    def version_facts(self) -> dict:
        return {name: self.cleaned_data[name] for name in VersionForm.base_fields}


class LastDayForm(forms.Form):
    expires_on = forms.DateField(
        validators=[validate_year],
        label=_("Last day"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("Empty: until another version takes its place."),
    )


class RotationForm(forms.Form):
    """People who take turns."""

    people = forms.CharField(
        label=_("Who takes turns"),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text=_("One name in each line, in the order of their turns."),
    )
    tier = forms.ChoiceField(label=_("First or backup"), choices=CallTier)
    first_on = forms.DateField(
        label=_("First day"), widget=forms.DateInput(attrs={"type": "date"}), validators=[validate_year]
    )
    last_on = forms.DateField(
        label=_("Last day"), widget=forms.DateInput(attrs={"type": "date"}), validators=[validate_year]
    )
    hand_over_at = forms.TimeField(
        label=_("Hand over at"), initial="07:00", widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    days_each = forms.IntegerField(label=_("Days each"), initial=7, min_value=1, max_value=31)

    def clean_people(self):
        people = [" ".join(line.split()) for line in self.cleaned_data["people"].splitlines()]
        long = [name for name in people if len(name) > 100]
        if long:
            raise forms.ValidationError(_("Write one name in each line, of at most 100 characters."))
        return [name for name in people if name]

    def clean(self):
        facts = super().clean() or {}
        first, last = facts.get("first_on"), facts.get("last_on")
        if first and last and last < first:
            self.add_error("last_on", _("The last day must not be before the first."))
        return facts
