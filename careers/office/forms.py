"""What the hiring office fills in."""

from django import forms
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from careers import letters
from careers.models import DeclineReason, Recommendation
from careers.models.review import HIGHEST, LOWEST

LOCAL_TIME = "%Y-%m-%dT%H:%M"


def time_field(label, *, required=False, help_text="") -> forms.DateTimeField:
    """An instant, typed as the office's clock shows it."""
    return forms.DateTimeField(
        label=label,
        required=required,
        help_text=help_text,
        input_formats=[LOCAL_TIME, "%Y-%m-%d %H:%M"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=LOCAL_TIME),
        error_messages={"invalid": _("Choose a day and a time.")},
    )


class LetterForm(forms.Form):
    """The mail that goes with an act, to be changed before it goes."""

    subject = forms.CharField(label=_("Subject"), max_length=200)
    body = forms.CharField(
        label=_("Mail to the applicant"),
        max_length=8000,
        widget=forms.Textarea(attrs={"rows": 14}),
        validators=[letters.check_only_link],
        help_text=_("{link} becomes their private link when it is sent."),
    )


class DeclineForm(forms.Form):
    reason = forms.ChoiceField(
        label=_("Reason"),
        choices=[("", "---------"), *DeclineReason.choices],
        help_text=_("For our record; the applicant does not see it."),
        error_messages={"required": _("Choose the reason.")},
    )
    note = forms.CharField(label=_("Note to the reason"), max_length=500, required=False)
    at = time_field(_("Send it at"), help_text=_("Empty: at once. Until then the applicant sees nothing of it."))

    def clean(self):
        facts = super().clean() or {}
        if facts.get("reason") == DeclineReason.OTHER and not facts.get("note"):
            self.add_error("note", _("Say in a few words which other reason it is."))
        return facts


class DeclineWithLetterForm(DeclineForm, LetterForm):
    field_order = ["reason", "note", "at", "subject", "body"]


class InviteForm(forms.Form):
    """Up to four times; without any, the applicant is told that we will call or write."""

    first = time_field(_("First time"))
    second = time_field(_("Second time"))
    third = time_field(_("Third time"))
    fourth = time_field(_("Fourth time"))
    minutes = forms.IntegerField(label=_("Minutes"), initial=45, min_value=10, max_value=480)
    place = forms.CharField(
        label=_("Place, or how to call"), max_length=200, help_text=_("An address, a room, a number or a link.")
    )
    interviewer = forms.CharField(label=_("With whom"), max_length=100, required=False)

    def clean(self):
        facts = super().clean() or {}
        times = [facts[name] for name in ("first", "second", "third", "fourth") if facts.get(name)]
        if len(set(times)) < len(times):
            raise forms.ValidationError(_("Two of the times are the same."))
        facts["times"] = sorted(times)
        return facts


class CommentForm(forms.Form):
    text = forms.CharField(label=_("Comment"), max_length=2000, widget=forms.Textarea(attrs={"rows": 5}))


class ReasonForm(forms.Form):
    reason = forms.CharField(label=_("Reason"), max_length=200)


POINTS = [
    (LOWEST, _("1 – not shown")), (2, _("2 – partly")), (3, _("3 – well")), (HIGHEST, _("4 – more than we ask")),
]  # fmt: skip


def score_form_for(application) -> type[forms.Form]:
    """A scorecard: points for each criterion of the opening, and what to do."""
    fields: dict = {
        f"criterion_{criterion.pk}": forms.TypedChoiceField(
            label=criterion.text,
            choices=POINTS,
            coerce=int,
            widget=forms.RadioSelect,
            error_messages={"required": _("Give points for this.")},
        )
        for criterion in application.opening.criteria.all()
    }
    fields["recommendation"] = forms.ChoiceField(
        label=_("Would you go on with this application?"),
        choices=Recommendation,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose one.")},
    )
    fields["note"] = forms.CharField(
        label=_("Why"), max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 4})
    )
    return type("ScoreForm", (forms.Form,), fields)


class DuplicateField(forms.ModelChoiceField):
    def label_from_instance(self, obj):
        day = date_format(timezone.localdate(obj.received_at))
        files = ngettext("%(count)s file", "%(count)s files", obj.files.count()) % {"count": obj.files.count()}
        return f"{obj}, {day}, {files}"


def merge_form_for(duplicates) -> type[forms.Form]:
    field = DuplicateField(
        label=_("Merge which one into this?"),
        queryset=duplicates,
        empty_label=None,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose one.")},
    )
    return type("MergeForm", (forms.Form,), {"other": field})
