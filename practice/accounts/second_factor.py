"""Who has shown a second factor in this session, who must, and how long a session may last.

Staff, and everybody who could see something about a patient, do nothing behind the sign-in without one. The rule stands
in two places on purpose: here for every view, and in the admin site for the admin.
"""

import math
import time

from allauth.account.authentication import get_authentication_records
from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.account.internal.stagekit import unstash_login
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME, logout
from django.http import Http404, HttpRequest, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode

from practice.client_address import client_address
from practice.throttles import SECOND_FACTOR_AT_A_PLACE, count_try, forget, subnet

# Where somebody without a second factor may go: those who have none yet enrol one, those who have one show it.
TO_ENROL = {
    "mfa_index", "mfa_activate_totp", "mfa_list_webauthn", "mfa_add_webauthn", "mfa_view_recovery_codes",
    "mfa_generate_recovery_codes", "mfa_download_recovery_codes", "account_reauthenticate",
}  # fmt: skip
# Pages of allauth that this site does without: an address is an administrator's to change, and nobody signs up.
CLOSED = {"account_email", "account_confirm_email", "account_email_verification_sent"}
# What could take a second factor away: never by a password alone where there is one.
GUARDED = {
    "mfa_activate_totp", "mfa_deactivate_totp", "mfa_add_webauthn", "mfa_edit_webauthn", "mfa_remove_webauthn",
    "mfa_view_recovery_codes", "mfa_generate_recovery_codes", "mfa_download_recovery_codes", "account_change_password",
}  # fmt: skip
# Where codes are typed: wrong ones are counted for a person at a place, like passwords.
WITH_A_CODE = {"mfa_authenticate", "mfa_reauthenticate"}
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
    """Seconds since the session began; endless for one that does not tell."""
    begun = [record["at"] for record in get_authentication_records(request, request.user)]
    return time.time() - min(begun) if begun else math.inf


def proved_lately(request: HttpRequest) -> bool:
    """Whether this person has signed in, or shown who they are again, within the last minutes.

    Of staff, and of everybody with a second factor, only that counts: a password alone must neither move money nor take
    the factor away.
    """
    return _shown_lately(request, must_have_second_factor(request.user) or is_enrolled(request.user))


def may_enrol(request: HttpRequest) -> bool:
    """Whether this person need not be asked again before setting up a second factor: the first, or one more."""
    return _shown_lately(request, is_enrolled(request.user))


def _shown_lately(request: HttpRequest, only_second: bool) -> bool:
    records = get_authentication_records(request, request.user)
    shown = [record["at"] for record in records if record["method"] == "mfa" or not only_second]
    return bool(shown) and time.time() - max(shown) < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT


def ask_again(request: HttpRequest, back: str = "") -> HttpResponseRedirect:
    """To the page where this person shows again who they are, and back."""
    name = "mfa_reauthenticate" if is_enrolled(request.user) else "account_reauthenticate"
    target = back or request.get_full_path()
    return HttpResponseRedirect(f"{reverse(name)}?{urlencode({REDIRECT_FIELD_NAME: target})}")


def to_second_factor(request: HttpRequest, back: str) -> HttpResponseRedirect:
    """To where the second factor is shown, or set up by somebody who has none yet."""
    return ask_again(request, back) if is_enrolled(request.user) else HttpResponseRedirect(reverse("mfa_activate_totp"))


def forget_second_factor(sender, request, user, **facts) -> None:
    """Whoever took away their last factor has shown none: here they set up another, elsewhere they are signed out."""
    if is_enrolled(user):
        return
    records = request.session.get(AUTHENTICATION_METHODS_SESSION_KEY, [])
    request.session[AUTHENTICATION_METHODS_SESSION_KEY] = [one for one in records if one["method"] != "mfa"]
    end_sessions(user, but=request.session.session_key)


def end_sessions(user, *, but: str = "") -> None:
    """Sign this person out everywhere, or everywhere but in the session of this key."""
    for session in UserSession.objects.filter(user=user).exclude(session_key=but):
        session.end()


class SecondFactorMiddleware:
    """Holds every private view to the rule. Public views do not look at the session at all."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        if getattr(request, "is_stepping_up", False) and has_second_factor(request):
            request.session.cycle_key()  # a cookie that was known before must not gain by it
        counted = getattr(request, "code_counted", None)
        if counted and response.status_code == 302:
            forget(SECOND_FACTOR_AT_A_PLACE, counted)
        return response

    def process_view(self, request, view_func, view_args, view_kwargs):
        name = request.resolver_match.view_name
        if name in CLOSED:
            raise Http404
        if name in WITH_A_CODE and request.method == "POST" and not self._may_try_a_code(request):
            return render(request, "429.html", status=429)
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
        if name in GUARDED and is_enrolled(request.user) and not proved_lately(request):
            return ask_again(request, self._back(request))
        if not must_have_second_factor(request.user) or has_second_factor(request):
            return None
        request.is_stepping_up = True
        allowed = TO_SHOW if is_enrolled(request.user) else TO_ENROL | TO_SHOW
        return None if name in allowed else to_second_factor(request, self._back(request))

    def _may_try_a_code(self, request) -> bool:
        login = unstash_login(request, peek=True)
        person = login.user if login else request.user
        request.code_counted = f"{person.pk} {subnet(client_address(request))}"
        return count_try(SECOND_FACTOR_AT_A_PLACE, request.code_counted)

    def _back(self, request) -> str:
        """Only a page that was asked for can be gone back to; a form that was sent cannot."""
        return request.get_full_path() if request.method == "GET" else reverse("admin:index")
