"""`rotate_field_keys`: everything that can be is encrypted anew, and it says what cannot."""

import json

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.core.management import CommandError, call_command
from django.db import connection

from billing.models import GatewayEvent, Statement
from patients.models import Patient
from practice import key_rotation
from practice.key_rotation import encrypted_columns
from tests import factories

pytestmark = pytest.mark.django_db
OLD, NEW = "old:" + "o" * 40, "new:" + "n" * 40


@pytest.fixture
def old_rows(settings):
    """Rows of before, when there was only the old key; now there are both."""
    settings.FIELD_KEYS = [OLD]
    for name in ("Ann", "Bob", "Cy"):
        factories.StatementFactory(patient__first_name=name)
    factories.AttemptFactory(receipt_to="ann@example.com")
    factories.AttemptFactory(receipt_to="")
    user = factories.UserFactory()
    TOTP.activate(user, "JBSWY3DPEHPK3PXP")
    RecoveryCodes.activate(user)
    settings.FIELD_KEYS = [NEW, OLD]


def keys_in(table, column):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT split_part({column}, ':', 1) FROM {table} WHERE {column} <> ''")
        return {key for (key,) in cursor.fetchall()}


def keys_of_second_factors():
    return {
        value.partition(":")[0]
        for data in Authenticator.objects.values_list("data", flat=True)
        for name, value in data.items()
        if name in ("secret", "seed")
    }


def test_everything_is_encrypted_anew_and_says_the_same(old_rows, settings, capsys, monkeypatch):
    monkeypatch.setattr(key_rotation, "AT_ONCE", 2)
    before = [dict(zip(("first", "born", "code"), facts, strict=True)) for facts in facts_of_patients()]
    secrets = sorted(json.dumps(data, sort_keys=True) for data in Authenticator.objects.values_list("data", flat=True))
    assert keys_in("patients_patient", "first_name") == {"old"}

    call_command("rotate_field_keys")

    said = capsys.readouterr().out.splitlines()
    people = Patient.objects.count()
    assert f"patients_patient.first_name: {people} encrypted anew." in said
    assert "billing_attempt.receipt_to: 1 encrypted anew." in said
    assert "mfa_authenticator.data: 2 encrypted anew." in said
    assert said[-1] == "Nothing needs another key than new. Keep the older ones with old backups."
    columns = [(field.model._meta.db_table, field.column) for field in encrypted_columns()]
    assert len(columns) == 12
    assert {key for column in columns for key in keys_in(*column)} == {"new"}
    assert keys_of_second_factors() == {"new"}
    assert secrets != sorted(
        json.dumps(data, sort_keys=True) for data in Authenticator.objects.values_list("data", flat=True)
    )
    settings.FIELD_KEYS = [NEW]  # the old one is not needed any more
    assert [dict(zip(("first", "born", "code"), facts, strict=True)) for facts in facts_of_patients()] == before


def facts_of_patients():
    rows = Statement.objects.select_related("patient").order_by("pk")
    return [(row.patient.first_name, row.patient.born_on, row.code) for row in rows]


def test_second_time_there_is_nothing_to_do(old_rows, capsys):
    call_command("rotate_field_keys")
    capsys.readouterr()
    call_command("rotate_field_keys")
    assert capsys.readouterr().out == "Nothing needs another key than new. Keep the older ones with old backups.\n"


def test_what_never_changes_stays_and_its_key_is_named(old_rows, settings, capsys):
    settings.FIELD_KEYS = [OLD]
    GatewayEvent.objects.create(gateway="sandbox", event_id="e1", kind="x", body="told")
    settings.FIELD_KEYS = [NEW, OLD]
    call_command("rotate_field_keys")
    said = capsys.readouterr().out.splitlines()
    assert "billing_gatewayevent.body: 1 never change and stay with the key old." in said
    assert said[-1] == "Leave in FIELD_KEYS, after new: old."
    assert (keys_in("billing_gatewayevent", "body"), keys_in("patients_patient", "first_name")) == ({"old"}, {"new"})


def test_key_that_is_missing_is_told_and_changes_nothing_there(old_rows, settings):
    settings.FIELD_KEYS = [NEW]
    with pytest.raises(CommandError, match=r"A value of .* cannot be decrypted\. Is its key in FIELD_KEYS\?"):
        call_command("rotate_field_keys")
    assert keys_in("patients_patient", "first_name") == {"old"}
