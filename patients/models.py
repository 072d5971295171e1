"""Patients as the practice's billing system knows them. Whoever reads a row in the admin leaves an access log entry."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from practice.encryption import EncryptedDateField, EncryptedTextField, blind_index
from practice.folding import fold

LAST_NAME_INDEX = "patients_patient.last_name"


def last_name_index(last_name: str) -> str:
    """How a last name is found, whatever its case and accents."""
    return blind_index(fold(last_name), LAST_NAME_INDEX)


class PatientQuerySet(models.QuerySet):
    def named(self, last_name: str):
        """Patients with this last name, whatever its case and accents."""
        return self.filter(last_name_index=last_name_index(last_name))


class Patient(models.Model):
    """Somebody the practice has billed. Name and date of birth are encrypted, and kept as long as the statements."""

    account_number = models.CharField(_("account number"), max_length=40, unique=True)
    first_name = EncryptedTextField(_("first name"))
    last_name = EncryptedTextField(_("last name"))
    last_name_index = models.CharField(max_length=64, db_index=True, editable=False)
    born_on = EncryptedDateField(_("date of birth"))
    language = models.CharField(_("language"), max_length=2, choices=settings.LANGUAGES, default="en")
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    objects = PatientQuerySet.as_manager()

    class Meta:
        verbose_name = _("patient")
        verbose_name_plural = _("patients")
        ordering = ["account_number"]
        constraints = [
            models.CheckConstraint(name="patients_patient_account_number_given", condition=~Q(account_number="")),
        ]

    def __str__(self):
        return self.account_number

    @property
    def full_name(self):
        return f"{self.first_name} {self.last_name}"

    def set_names(self, first_name: str, last_name: str) -> None:
        """Name the patient, keeping the look-up of the last name in step."""
        self.first_name = first_name
        self.last_name = last_name
        self.last_name_index = last_name_index(last_name)
