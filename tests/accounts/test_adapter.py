import base64
import json

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.db import connection
from django.test import Client

from practice.accounts.adapter import MFA_CONTEXT, ClosedAccountAdapter, EncryptedMFAAdapter
from practice.encryption import DecryptionError, decrypt, encrypt
from tests.factories import UserFactory

SECRET = base64.b32encode(b"twenty bytes of test").decode()


def stored():
    """The column as it stands in the database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT data::text FROM mfa_authenticator")
        return cursor.fetchone()[0]


def code_now():
    return format_hotp_value(hotp_value(SECRET, next(iter(yield_hotp_counters_from_time()))))


def test_sign_up_is_closed(rf):
    assert ClosedAccountAdapter().is_open_for_signup(rf.get("/")) is False


def test_authenticator_secret_is_unreadable_in_the_database(db):
    TOTP.activate(UserFactory(), SECRET)
    sealed = json.loads(stored())["secret"]
    assert sealed.startswith("demo:")
    assert [text for text in (SECRET, "twenty bytes") if text in stored()] == []
    assert decrypt(sealed, MFA_CONTEXT) == SECRET
    with pytest.raises(DecryptionError):
        decrypt(sealed, "patients_patient.names")


def test_recovery_seed_is_unreadable_in_the_database(db):
    codes = RecoveryCodes.activate(UserFactory())
    sealed = json.loads(stored())["seed"]
    assert sealed.startswith("demo:")
    assert len(codes.get_unused_codes()) == 10
    assert [code for code in codes.get_unused_codes() if code in stored()] == []


def test_adapter_tells_a_secret_that_was_copied_from_another_column():
    adapter = EncryptedMFAAdapter()
    assert adapter.decrypt(adapter.encrypt(SECRET)) == SECRET
    with pytest.raises(DecryptionError):
        adapter.decrypt(encrypt(SECRET, "another.column"))


@pytest.mark.usefixtures("identity")
@pytest.mark.parametrize(("code", "is_in"), [(code_now, True), (lambda: "000000", False), (lambda: "", False)])
def test_sign_in_asks_for_the_second_factor(code, is_in):
    user = UserFactory(email="ann@example.com")
    TOTP.activate(user, SECRET)
    client = Client()
    first = client.post("/accounts/login/", {"login": "ann@example.com", "password": "a long test password"})
    assert (first.status_code, first["Location"]) == (302, "/accounts/2fa/authenticate/")
    assert client.get("/resources/").status_code == 302  # half-way is not in
    second = client.post("/accounts/2fa/authenticate/", {"code": code()})
    assert second.status_code == (302 if is_in else 200)
    assert client.get("/resources/").status_code == (200 if is_in else 302)
    assert Authenticator.objects.filter(user=user, last_used_at__isnull=False).exists() is is_in
