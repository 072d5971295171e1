import base64
from datetime import date

import pytest
from django.core import serializers
from django.core.exceptions import FieldError, ValidationError
from django.db import connection
from django.db.models import F

from patients.models import Patient
from practice.encryption import DecryptionError, blind_index, decrypt, encrypt
from tests.factories import PatientFactory

NAME = "patients_patient.first_name"
BIRTH = "patients_patient.born_on"


def stored(patient, column):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM patients_patient WHERE id = %s", [patient.pk])
        return cursor.fetchone()[0]


def store(patient, column, value):
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE patients_patient SET {column} = %s WHERE id = %s", [value, patient.pk])


def flip(stored_text, position):
    """The stored value with one bit of its sealed bytes changed."""
    key_id, _, sealed = stored_text.partition(":")
    changed = bytearray(base64.b64decode(sealed))
    changed[position] ^= 1
    return f"{key_id}:{base64.b64encode(changed).decode()}"


@pytest.mark.parametrize("text", ["Ana", "José Ñandú 年", "a" * 10_000, "x:y", "line\nline", " "])
def test_a_text_comes_back_as_it_was(text):
    sealed = encrypt(text, NAME)
    assert decrypt(sealed, NAME) == text
    assert text not in sealed


def test_the_same_text_is_never_stored_twice_alike():
    assert len({encrypt("Ana", NAME) for _ in range(20)}) == 20


def test_the_stored_text_names_its_key(settings):
    settings.FIELD_KEYS = ["autumn:" + "k" * 32]
    assert encrypt("Ana", NAME).partition(":")[0] == "autumn"


@pytest.mark.parametrize("position", [0, 11, 12, -16, -1], ids=["nonce", "nonce end", "text", "tag", "tag end"])
def test_an_altered_value_is_refused(position):
    with pytest.raises(DecryptionError, match=r"\AA value of patients_patient.first_name cannot be decrypted.\Z"):
        decrypt(flip(encrypt("Ana", NAME), position), NAME)


def test_a_value_of_another_column_is_refused():
    with pytest.raises(DecryptionError):
        decrypt(encrypt("Ana", "patients_patient.last_name"), NAME)


@pytest.mark.parametrize(
    "value",
    ["", "Ana", "demo:", "demo:Ana", "demo:QW5h", "demo:!!!!", "demo:ñ", ":QW5h", "unknown:" + "QUFB" * 20, "\0"],
)
def test_what_was_never_encrypted_is_refused(value):
    with pytest.raises(DecryptionError):
        decrypt(value, NAME)


def test_the_refusal_does_not_tell_what_is_stored():
    with pytest.raises(DecryptionError) as refusal:
        decrypt("Ana Testa", NAME)
    assert str(refusal.value) == "A value of patients_patient.first_name cannot be decrypted."


def test_keys_can_be_changed_while_old_rows_stay_readable(settings):
    settings.FIELD_KEYS = ["old:" + "a" * 32]
    before = encrypt("Ana", NAME)

    settings.FIELD_KEYS = ["new:" + "b" * 32, "old:" + "a" * 32]
    after = encrypt("Ana", NAME)
    assert [decrypt(before, NAME), decrypt(after, NAME)] == ["Ana", "Ana"]
    assert after.startswith("new:")

    settings.FIELD_KEYS = ["new:" + "b" * 32]
    assert decrypt(after, NAME) == "Ana"
    with pytest.raises(DecryptionError):
        decrypt(before, NAME)


def test_another_key_of_the_same_name_does_not_decrypt(settings):
    settings.FIELD_KEYS = ["one:" + "a" * 32]
    sealed = encrypt("Ana", NAME)
    settings.FIELD_KEYS = ["one:" + "b" * 32]
    with pytest.raises(DecryptionError):
        decrypt(sealed, NAME)


def test_a_key_may_hold_a_colon(settings):
    settings.FIELD_KEYS = ["one:" + "a:b" * 12]
    sealed = encrypt("Ana", NAME)
    settings.FIELD_KEYS = ["one:" + "a:c" * 12]
    with pytest.raises(DecryptionError):
        decrypt(sealed, NAME)


def test_a_blind_index_finds_equal_texts_and_tells_nothing(settings):
    index = blind_index("testa", NAME)
    assert index == blind_index("testa", NAME)
    assert len(index) == 64
    assert set(index) <= set("0123456789abcdef")
    others = {blind_index("testb", NAME), blind_index("testa", BIRTH), blind_index("Testa", NAME)}
    settings.BLIND_INDEX_KEY = "another key, which is as long as it takes"
    assert index not in others | {blind_index("testa", NAME)}
    assert len(others) == 3


def test_a_blind_index_keeps_context_and_text_apart():
    assert blind_index("bc", "a") != blind_index("c", "ab")


@pytest.mark.django_db
def test_columns_hold_nothing_readable():
    patient = PatientFactory(born_on=date(1950, 6, 15))
    columns = [stored(patient, column) for column in ("first_name", "last_name", "born_on")]
    assert [column.partition(":")[0] for column in columns] == ["demo", "demo", "demo"]
    readable = [text for text in ("Testa", "Patientson", "1950-06-15") if text in "".join(columns)]
    assert readable == []
    assert decrypt(columns[2], BIRTH) == "1950-06-15"


@pytest.mark.django_db
def test_a_row_is_read_in_the_types_it_was_written_in():
    patient = Patient.objects.get(pk=PatientFactory(born_on=date(1950, 6, 15)).pk)
    assert (patient.first_name, patient.last_name, patient.born_on) == ("Testa", "Patientson", date(1950, 6, 15))
    assert list(Patient.objects.values_list("first_name", "born_on")) == [("Testa", date(1950, 6, 15))]


@pytest.mark.django_db
def test_updates_and_bulk_rows_are_encrypted_too():
    first = PatientFactory()
    Patient.objects.update(first_name="Berta", born_on="1960-01-02")
    assert decrypt(stored(first, "first_name"), NAME) == "Berta"
    assert decrypt(stored(first, "born_on"), BIRTH) == "1960-01-02"
    (second,) = Patient.objects.bulk_create(
        [Patient(account_number="B-1", first_name="Carla", last_name="C", born_on=date(1970, 1, 2))]
    )
    assert decrypt(stored(second, "first_name"), NAME) == "Carla"


@pytest.mark.django_db
def test_an_empty_text_stays_empty():
    patient = PatientFactory()
    patient.first_name = ""
    patient.save()
    assert stored(patient, "first_name") == ""
    assert Patient.objects.get().first_name == ""


@pytest.mark.django_db
def test_a_tampered_row_is_not_read():
    patient = PatientFactory()
    store(patient, "first_name", "Somebody else")
    with pytest.raises(DecryptionError):
        Patient.objects.get()


@pytest.mark.django_db
def test_a_value_copied_from_another_column_is_not_read():
    patient = PatientFactory()
    store(patient, "first_name", stored(patient, "last_name"))
    with pytest.raises(DecryptionError):
        Patient.objects.get()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("lookup", "value"),
    [
        ("first_name", "Testa"),
        ("first_name__exact", "Testa"),
        ("first_name__iexact", "testa"),
        ("first_name__contains", "est"),
        ("first_name__icontains", "est"),
        ("first_name__startswith", "T"),
        ("first_name__in", ["Testa"]),
        ("first_name__gt", "A"),
        ("first_name__regex", "."),
        ("born_on", date(1950, 6, 15)),
        ("born_on__lt", date(2000, 1, 1)),
        ("born_on__year", 1950),
        ("born_on__range", (date(1900, 1, 1), date(2000, 1, 1))),
    ],
)
def test_an_encrypted_field_refuses_filtering(lookup, value):
    name = lookup.partition("__")[0]
    sentence = f"{name} is encrypted and cannot be searched; use its blind index."
    for query in (Patient.objects.filter, Patient.objects.exclude):
        with pytest.raises((TypeError, FieldError)) as refusal:
            query(**{lookup: value})
        assert (type(refusal.value), str(refusal.value)) == (TypeError, sentence)


@pytest.mark.django_db
def test_an_encrypted_field_can_be_asked_whether_it_is_null():
    patient = PatientFactory()
    assert list(Patient.objects.filter(first_name__isnull=False)) == [patient]
    assert list(Patient.objects.filter(born_on__isnull=True)) == []


@pytest.mark.django_db
def test_copying_a_column_inside_the_database_leaves_nothing_readable():
    PatientFactory()
    Patient.objects.update(first_name=F("last_name"))
    with pytest.raises(DecryptionError):
        Patient.objects.get()


@pytest.mark.django_db
def test_a_patient_is_found_by_last_name_whatever_its_case_and_accents():
    patient = PatientFactory()
    patient.set_names("Ana", "Núñez-Ibarra")
    patient.save()
    PatientFactory()
    found = [list(Patient.objects.named(name)) for name in ("NUNEZ-IBARRA", " núñez-ibarra ", "Nunez")]
    assert found == [[patient], [patient], []]


def test_the_form_of_an_encrypted_date_takes_a_date():
    field = Patient._meta.get_field("born_on").formfield()
    assert field.clean("1950-06-15") == date(1950, 6, 15)
    with pytest.raises(ValidationError, match=r"Enter a valid date\."):
        field.clean("Testa")


@pytest.mark.django_db
def test_a_row_can_be_written_out_and_read_back():
    patient = PatientFactory(born_on=date(1950, 6, 15))
    (copy,) = serializers.deserialize("json", serializers.serialize("json", [patient]))
    assert (copy.object.first_name, copy.object.born_on) == ("Testa", date(1950, 6, 15))
