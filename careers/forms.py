from django import forms
from django.utils.translation import gettext_lazy as _

from practice.free_text import refuse_private_numbers
from practice.uploads import check_document


class ApplicationForm(forms.Form):
    """One page, no account. It never asks for a date of birth, a photo or a social security number."""

    name = forms.CharField(
        label=_("Your name"),
        max_length=100,
        validators=[refuse_private_numbers],
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        error_messages={"required": _("Enter your name.")},
    )
    email = forms.EmailField(
        label=_("Your e-mail address"),
        help_text=_("We answer every application."),
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
        validators=[refuse_private_numbers],
        widget=forms.TextInput(attrs={"autocomplete": "tel", "inputmode": "tel", "class": "short"}),
    )
    cv = forms.FileField(
        label=_("Your CV"),
        help_text=_("A PDF or Word (.docx) file of at most 10 MB."),
        max_length=200,
        validators=[check_document],
        widget=forms.ClearableFileInput(attrs={"accept": ".pdf,.docx"}),
        error_messages={
            "required": _("Choose your CV file."),
            "empty": _("This file is empty. Please choose it again."),
            "max_length": _("The name of this file is too long. Please rename it and try again."),
        },
    )
    message = forms.CharField(
        label=_("Anything you would like to say (optional)"),
        max_length=4000,
        required=False,
        validators=[refuse_private_numbers],
        widget=forms.Textarea(attrs={"rows": 5}),
    )
    website = forms.CharField(required=False, widget=forms.HiddenInput)  # people leave it empty; machines do not
