import re
from uuid import UUID, uuid4

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from careers.models import MOST_OTHER_FILES, Ethnicity, FileKind, InterviewSlot, Sex
from practice.free_text import refuse_birth_dates, refuse_private_numbers
from practice.uploads import check_document

DO_NOT_SEND = _("Do not send %(file)s")
NOT_WANTED = [refuse_private_numbers, refuse_birth_dates]
WORD_OR_PDF = {"accept": ".pdf,.docx,application/pdf"}


def refuse_addresses(name: str) -> None:
    """A validator of names: the mail we send begins with it, and is no place for somebody's advertisement."""
    if re.search(r"https?:|www\.|[/\\@<>]", name, re.IGNORECASE):
        raise forms.ValidationError(_("Enter your name without a web or e-mail address."), code="address")


def check_file(upload) -> None:
    """A validator of an applicant's file: what is inside, and what its name gives away."""
    refuse_private_numbers(upload.name)
    refuse_birth_dates(upload.name)
    check_document(upload)


class SeveralFilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


def too_many_files(count: int) -> str:
    """What to say where there are so many other files too many."""
    return ngettext(
        "Besides your CV we can take 3 files; this is %(count)s too many. Please choose them again.",
        "Besides your CV we can take 3 files; these are %(count)s too many. Please choose them again.",
        count,
    ) % {"count": count}


class SeveralFilesField(forms.FileField):
    """A field for several files; cleaned it is a list. `usable` are those in order, whatever the others are."""

    widget = SeveralFilesInput

    def clean(self, data, initial=None):
        self.usable, problems = [], []
        if len(data or []) > MOST_OTHER_FILES:  # none of them is looked into
            raise forms.ValidationError(too_many_files(len(data) - MOST_OTHER_FILES), code="too many")
        for upload in data or []:
            try:
                self.usable.append(super().clean(upload, initial))
            except forms.ValidationError as error:
                problems += [f"{upload.name}: {message}" for message in error.messages]
        if problems:
            raise forms.ValidationError(problems)
        return self.usable


class ApplicationForm(forms.Form):
    """One page, no account. It never asks for a date of birth, a photo or a social security number.

    `kept` are the files of the draft, which need not be chosen again. With `later` it is only saved, and needs nothing
    but the address to which the link goes. `usable_files()` are the files in order, also where the rest is not.
    """

    name = forms.CharField(
        label=_("Your name"),
        max_length=100,
        validators=[*NOT_WANTED, refuse_addresses],
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        error_messages={"required": _("Enter your name.")},
    )
    email = forms.EmailField(
        label=_("Your e-mail address"),
        help_text=_("We answer every application."),
        max_length=254,
        validators=NOT_WANTED,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        error_messages={
            "required": _("Enter your e-mail address."),
            "invalid": _("Enter an e-mail address like name@example.com."),
        },
    )
    phone = forms.CharField(
        label=_("Your phone number (optional)"),
        max_length=40,
        required=False,
        validators=NOT_WANTED,
        widget=forms.TextInput(attrs={"autocomplete": "tel", "inputmode": "tel", "class": "short"}),
    )
    cv = forms.FileField(
        label=_("Your CV"),
        help_text=_("A PDF or Word (.docx) file of at most 10 MB."),
        max_length=200,
        validators=[check_file],
        widget=forms.ClearableFileInput(attrs=WORD_OR_PDF),
        error_messages={
            "required": _("Choose your CV file."),
            "empty": _("This file is empty. Please choose it again."),
            "max_length": _("The name of this file is too long. Please rename it and try again."),
        },
    )
    others = SeveralFilesField(
        label=_("Other files (optional)"),
        help_text=_("At most 3, like a letter or certificates: PDF or Word, 10 MB each."),
        required=False,
        max_length=200,
        validators=[check_file],
        widget=SeveralFilesInput(attrs=WORD_OR_PDF),
        error_messages=cv.error_messages,
    )
    message = forms.CharField(
        label=_("Anything you would like to say (optional)"),
        max_length=4000,
        required=False,
        validators=NOT_WANTED,
        widget=forms.Textarea(attrs={"rows": 5}),
    )
    drop = forms.MultipleChoiceField(
        label=_("Files we have, and will send"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    once = forms.CharField(required=False, widget=forms.HiddenInput)  # the same for one page, however often it is sent
    website = forms.CharField(required=False, widget=forms.HiddenInput)  # people leave it empty; machines do not

    field_order = ["name", "email", "phone", "drop", "cv", "others", "message"]

    def __init__(self, *args, kept=(), later=False, **options):
        options["initial"] = {"once": uuid4()} | (options.get("initial") or {})
        super().__init__(*args, **options)
        self.show_kept(kept)
        self.is_for_later = later
        if later:
            for name, field in self.fields.items():
                field.required = name == "email"  # to which the link goes

    def show_kept(self, kept) -> None:
        """Name the files that are kept for the applicant; the CV among them need not be chosen again."""
        self.kept = list(kept)
        self.fields["drop"].choices = [(file.pk, DO_NOT_SEND % {"file": file.name}) for file in self.kept]  # type: ignore[attr-defined]
        if any(file.kind == FileKind.CV for file in self.kept):
            self.fields["cv"].required = False
            self.fields["cv"].label = _("Another CV instead (optional)")
            vars(self)["_bound_fields_cache"].pop("cv", None)  # which would keep the label from before

    def replaced(self) -> list[int]:
        """The kept CV, where there is a new one."""
        return [f.pk for f in self.kept if f.kind == FileKind.CV] if self.cleaned_data.get("cv") else []

    def clean_email(self):
        """An address that no mail server could be asked about would never hear from us."""
        email = self.cleaned_data["email"]
        try:
            email.rpartition("@")[2].encode("idna")
        except UnicodeError:
            raise forms.ValidationError(self.fields["email"].error_messages["invalid"]) from None
        return email

    def clean_once(self):
        try:
            return UUID(self.cleaned_data["once"])
        except ValueError:  # not from our page
            return uuid4()

    def clean(self):
        """What is kept and what is new together make one CV and few enough other files."""
        facts = super().clean() or {}
        dropped = {int(number) for number in facts.get("drop") or ()} | set(self.replaced())
        left = [file for file in self.kept if file.pk not in dropped]
        has_cv = bool(facts.get("cv")) or any(file.kind == FileKind.CV for file in left)
        if not has_cv and "cv" not in self.errors and not self.is_for_later:
            self.add_error("cv", self.fields["cv"].error_messages["required"])
        others = len([file for file in left if file.kind == FileKind.OTHER]) + len(self.fields["others"].usable)  # type: ignore[attr-defined]
        if others > MOST_OTHER_FILES and "others" not in self.errors:
            self.add_error("others", too_many_files(others - MOST_OTHER_FILES))
        facts["dropped"] = sorted(dropped)
        return facts

    def usable_files(self):
        """[(kind, file)] of the new files that are in order."""
        others = self.fields["others"].usable if "others" not in self.errors else []  # type: ignore[attr-defined]
        cv = self.cleaned_data.get("cv")
        return ([(FileKind.CV, cv)] if cv else []) + [(FileKind.OTHER, upload) for upload in others]


class SurveyForm(forms.Form):
    """The voluntary questions. Saying nothing is an answer too, and the page can be left."""

    sex = forms.ChoiceField(
        label=_("Sex"),
        choices=Sex,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose one of these, or go back without answering.")},
    )
    ethnicity = forms.ChoiceField(
        label=_("Race and ethnicity"),
        choices=Ethnicity,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose one of these, or go back without answering.")},
    )


class SlotForm(forms.Form):
    """The times offered for an interview, in the applicant's words."""

    slot = forms.TypedChoiceField(
        label=_("Times for your interview"),
        coerce=int,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose one of the times."), "invalid_choice": _("Choose one of the times.")},
    )

    def __init__(self, *args, slots: list[tuple[InterviewSlot, str]], **options):
        super().__init__(*args, **options)
        self.fields["slot"].choices = [(slot.pk, words) for slot, words in slots]  # type: ignore[attr-defined]
