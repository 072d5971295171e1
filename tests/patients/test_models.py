from datetime import date

import pytest
from django.db import IntegrityError, connection, transaction

from patients.models import Patient
from tests import factories

pytestmark = pytest.mark.django_db


def test_patient_is_named_by_the_account_number_only():
    patient = factories.PatientFactory(account_number="A-7")

    assert str(patient) == "A-7"
    assert "Patientson" not in repr(patient)


@pytest.mark.parametrize("account_number", ["", "taken"])
def test_patient_account_number_is_given_and_unique(account_number):
    factories.PatientFactory(account_number="taken")

    with pytest.raises(IntegrityError, match="account_number"), transaction.atomic():
        factories.PatientFactory(account_number=account_number)


@pytest.mark.parametrize("typed", ["garcia lopez", "  GARCÍA   López ", "García\u00a0López"])
def test_patient_is_found_by_last_name_as_people_type_it(typed):
    patient = factories.PatientFactory()
    patient.set_names("Ana", "García López")
    patient.save()

    assert list(Patient.objects.named(typed)) == [patient]
    assert list(Patient.objects.named("garcia")) == []


def test_patient_columns_are_encrypted_each_time_anew():
    one, other = factories.PatientFactory(), factories.PatientFactory()

    with connection.cursor() as cursor:
        cursor.execute("SELECT first_name, last_name, born_on FROM patients_patient ORDER BY id")
        stored = cursor.fetchall()

    assert stored[0] != stored[1]
    assert [value for row in stored for value in row if "Testa" in value or "1950" in value] == []
    one.refresh_from_db()
    assert (one.first_name, one.last_name, one.born_on) == ("Testa", "Patientson", date(1950, 6, 15))
    assert other.full_name == "Testa Patientson"


def test_patient_cannot_be_looked_up_by_an_encrypted_column():
    with pytest.raises(TypeError, match="blind index"):
        Patient.objects.filter(last_name="Patientson")
