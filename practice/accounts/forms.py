"""What people type about their own account, beyond allauth's forms: the names they give to their keys."""

from allauth.mfa.webauthn.forms import AddWebAuthnForm, EditWebAuthnForm
from django import forms
from django.utils.translation import gettext_lazy as _

from practice.free_text import refuse_private_numbers


class AddPasskeyForm(AddWebAuthnForm):
    name = forms.CharField(label=_("name"), required=False, max_length=100, validators=[refuse_private_numbers])


class EditPasskeyForm(EditWebAuthnForm):
    name = forms.CharField(label=_("name"), max_length=100, validators=[refuse_private_numbers])
