"""Who has shown a second factor in this session, who must, and how long a session may last.

Staff, and everybody who could see something about a patient, do nothing behind the sign-in without one. The rule stands
in two places on purpose: here for every view, and in the admin site for the admin.
"""

import time

from allauth.account.authentication import get_authentication_records
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME, logout
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode

# Where somebody without a second factor may go: those who have none yet enrol one, those who have one show it.
TO_ENROL = {
    "mfa_index", "mfa_activate_totp", "mfa_list_webauthn", "mfa_add_webauthn", "mfa_view_recovery_codes",
    "mfa_generate_recovery_codes", "mfa_download_recovery_codes", "account_reauthenticate",
}  # fmt: skip
TO_SHOW = {"mfa_reauthenticate", "mfa_reauthenticate_webauthn", "account_logout"}


def must_have_second_factor(user) -> bool:
    return user.is_authenticated and (user.is_staff or user.is_superuser)


def has_second_factor(request: HttpRequest) -> bool:
    """Whether a second factor was shown in this session, by this person."""
    records = get_authentication_records(request, request.user)
    return any(record["method"] == "mfa" for record in records)


def is_enrolled(user) -> bool:
    return Authenticator.objects.filter(user=user).exclude(type=Authenticator.Type.RECOVERY_CODES).exists()


def signed_in_for(request: HttpRequest) -> float:
    """Seconds since the session began; 0 for one that does not tell."""
    begun = [record["at"] for record in get_authentication_records(request, request.user)]
    return time.time() - min(begun) if begun else 0.0


def proved_lately(request: HttpRequest) -> bool:
    """Whether this person has signed in, or shown who they are again, within the last minutes."""
    shown = [record["at"] for record in get_authentication_records(request, request.user)]
    return bool(shown) and time.time() - max(shown) < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT


def ask_again(request: HttpRequest, back: str = "") -> HttpResponseRedirect:
    """To the page where this person shows again who they are, and back."""
    name = "mfa_reauthenticate" if is_enrolled(request.user) else "account_reauthenticate"
    target = back or request.get_full_path()
    return HttpResponseRedirect(f"{reverse(name)}?{urlencode({REDIRECT_FIELD_NAME: target})}")


def to_second_factor(request: HttpRequest, back: str) -> HttpResponseRedirect:
    """To where the second factor is shown, or set up by somebody who has none yet."""
    return ask_again(request, back) if is_enrolled(request.user) else HttpResponseRedirect(reverse("mfa_activate_totp"))


class SecondFactorMiddleware:
    """Holds every private view to the rule. Public views do not look at the session at all."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_view(self, request, view_func, view_args, view_kwargs):
        name = request.resolver_match.view_name
        is_public = not getattr(view_func, "login_required", True)
        if is_public and not name.startswith("mfa_"):
            return None
        if not request.user.is_authenticated:
            return None
        if signed_in_for(request) > settings.SESSION_LONGEST_SECONDS:
            logout(request)
            return HttpResponseRedirect(
                f"{reverse('account_login')}?{urlencode({REDIRECT_FIELD_NAME: request.get_full_path()})}"
            )
        if not must_have_second_factor(request.user) or has_second_factor(request):
            return None
        allowed = TO_SHOW if is_enrolled(request.user) else TO_ENROL | TO_SHOW
        return None if name in allowed else to_second_factor(request, self._back(request))

    def _back(self, request) -> str:
        """Only a page that was asked for can be gone back to; a form that was sent cannot."""
        return request.get_full_path() if request.method == "GET" else reverse("admin:index")
