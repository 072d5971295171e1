"""What we ask of allauth: nobody signs themselves up, and authenticator secrets are unreadable in the database."""

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.urls import reverse
from django.utils import translation

from practice.accounts.invitations import notify, send_reset
from practice.accounts.second_factor import may_enrol
from practice.client_address import client_address
from practice.encryption import decrypt, encrypt
from practice.free_text import private_number
from practice.throttles import SIGN_IN_AT_A_PLACE, SIGN_INS_PER_PLACE, count_try, forget, subnet, uncount_try

MFA_CONTEXT = "mfa_authenticator.data"


class ClosedAccountAdapter(DefaultAccountAdapter):
    """Accounts are made by an administrator."""

    def is_open_for_signup(self, request):
        return False

    def get_login_redirect_url(self, request):
        """Staff begin in the office, others in Practice Resources."""
        return reverse("admin:index") if request.user.is_staff else super().get_login_redirect_url(request)

    def add_message(self, request, level, message_template=None, *arguments, **options):
        """Whoever signs out leaves nothing behind, not even a word of farewell, which would begin a new session."""
        if message_template != "account/messages/logged_out.txt":
            super().add_message(request, level, message_template, *arguments, **options)

    def login(self, request, user):
        """The list of one's sessions names the browser as it calls itself, which may be anything."""
        if private_number(request.META.get("HTTP_USER_AGENT", "")):
            request.META["HTTP_USER_AGENT"] = ""
        super().login(request, user)

    def is_reauthentication_required(self, *, app, **options):
        """Whoever has just signed in need not prove it again to set up their second factor."""
        return not may_enrol(self.request)

    # Mail is queued: a mail server that is slow or away must not tell whether an address has an account here.

    def send_password_reset_mail(self, user, email, context):
        send_reset.enqueue(user.pk, translation.get_language() or "en")

    def send_mail(self, template_prefix, email, context):
        message = self.render_mail(template_prefix, email, context)
        notify(message.subject, message.body, list(message.to))

    # Wrong passwords are counted for a person at a place, and for a place: somebody who guesses at a named doctor's
    # account shuts out nobody elsewhere. The counts are in Postgres, so that all workers share them.

    def authenticate(self, request, **credentials):
        """Somebody inactive is answered like a wrong password: nobody learns who has left."""
        user = super().authenticate(request, **credentials)
        return user if user is not None and user.is_active else None

    def pre_authenticate(self, request, **credentials):
        self._counted = self._limits(request, credentials)
        within = [count_try(limit, value) for limit, value in self._counted]
        if not all(within):
            raise self.validation_error("too_many_login_attempts")

    def _rollback_login_failed_rl_usage(self):
        for limit, value in self._counted:
            uncount_try(limit, value)

    def _delete_login_attempts_cached_email(self, request, **credentials):
        for limit, value in self._limits(request, credentials)[:1]:
            forget(limit, value)

    def _limits(self, request, credentials):
        place = subnet(client_address(request))
        person = str(credentials.get("email") or credentials.get("username") or "").strip().lower()
        return [(SIGN_IN_AT_A_PLACE, f"{person} {place}"), (SIGN_INS_PER_PLACE, place)]


class EncryptedMFAAdapter(DefaultMFAAdapter):
    """Keeps TOTP secrets and recovery seeds encrypted with the same key ring as patients' data."""

    def encrypt(self, text):
        return encrypt(text, MFA_CONTEXT)

    def decrypt(self, encrypted_text):
        return decrypt(encrypted_text, MFA_CONTEXT)
