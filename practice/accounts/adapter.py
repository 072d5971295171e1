"""What we ask of allauth: nobody signs themselves up, and authenticator secrets are unreadable in the database."""

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter

from practice.encryption import decrypt, encrypt

MFA_CONTEXT = "mfa_authenticator.data"


class ClosedAccountAdapter(DefaultAccountAdapter):
    """Accounts are made by an administrator."""

    def is_open_for_signup(self, request):
        return False


class EncryptedMFAAdapter(DefaultMFAAdapter):
    """Keeps TOTP secrets and recovery seeds encrypted with the same key ring as patients' data."""

    def encrypt(self, text):
        return encrypt(text, MFA_CONTEXT)

    def decrypt(self, encrypted_text):
        return decrypt(encrypted_text, MFA_CONTEXT)
