"""What people type about their own account, beyond allauth's forms: the names they give to their keys, and codes."""

import re

from allauth.mfa import app_settings as mfa
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm, BaseAuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.forms import AddWebAuthnForm, EditWebAuthnForm
from django import forms
from django.core.cache import cache
from django.utils.translation import gettext_lazy as _

from practice.free_text import refuse_private_numbers


class AddPasskeyForm(AddWebAuthnForm):
    name = forms.CharField(label=_("name"), required=False, max_length=100, validators=[refuse_private_numbers])


class EditPasskeyForm(EditWebAuthnForm):
    name = forms.CharField(label=_("name"), max_length=100, validators=[refuse_private_numbers])


class CodeOnceMixin(BaseAuthenticateForm):
    """Takes each code of an authenticator app once for as long as it is right: its own half minute and those beside it.

    allauth remembers a code for half a minute, which is enough where no code of another half minute is taken.
    """

    def clean_code(self):
        code = super().clean_code()
        if self.authenticator.type == Authenticator.Type.TOTP:
            right_for = (2 * mfa.TOTP_TOLERANCE + 1) * mfa.TOTP_PERIOD
            digits = re.sub("[^0-9]", "", code)
            if not cache.add(f"code-used-{self.user.pk}-{digits}", "used", timeout=right_for):
                self._emit_authentication_failed(self.authenticator)
                raise get_adapter().validation_error("incorrect_code")
        return code


class CodeForm(CodeOnceMixin, AuthenticateForm):
    pass


class CodeAgainForm(CodeOnceMixin, ReauthenticateForm):
    pass
