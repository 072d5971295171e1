"""What the office does: imports and the daily close."""

from uuid import uuid4

from django.conf import settings
from django.core.files.storage import storages
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from practice.private_files import random_name


class ImportBatch(models.Model):
    """One statement file that changed something. A file that changes nothing leaves no row."""

    sha256 = models.CharField(_("digest"), max_length=64)
    file_name = models.CharField(_("file"), max_length=200)
    imported_at = models.DateTimeField(_("imported at"), default=timezone.now)
    imported_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("by"),
    )
    lines = models.PositiveIntegerField(_("lines"))
    new = models.PositiveIntegerField(_("new"))
    changed = models.PositiveIntegerField(_("changed"))
    unchanged = models.PositiveIntegerField(_("unchanged"))

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        ordering = ["-imported_at"]
        permissions = [("import_statements", "Can import statements")]

    def __str__(self):
        return f"{self.file_name} ({self.sha256[:12]})"


class UploadState(models.TextChoices):
    WAITING = "waiting", _("Waits to be checked")
    CHECKED = "checked", _("Checked: waits for your word")
    REFUSED = "refused", _("Refused")
    ACCEPTED = "accepted", _("Being imported")
    IMPORTED = "imported", _("Imported")
    DISCARDED = "discarded", _("Discarded")


def private_storage():
    return storages["private"]


def upload_path(upload, name):
    return random_name("statements", "upload.csv")


class StatementUpload(models.Model):
    """A statement file somebody uploaded: checked by a job, imported on their word, then the file is deleted."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    file = models.FileField(_("file"), upload_to=upload_path, storage=private_storage, blank=True)
    file_name = models.CharField(_("file"), max_length=200)
    uploaded_at = models.DateTimeField(_("uploaded at"), default=timezone.now)
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("by")
    )
    state = models.CharField(_("state"), max_length=10, choices=UploadState, default=UploadState.WAITING)
    stage = models.CharField(_("at work on"), max_length=60, blank=True)
    done = models.PositiveIntegerField(_("done"), default=0)
    total = models.PositiveIntegerField(_("of"), default=0)
    report = models.JSONField(_("report"), default=dict, blank=True)

    class Meta:
        verbose_name = _("upload")
        verbose_name_plural = _("uploads")
        ordering = ["-uploaded_at"]
        constraints = [
            models.CheckConstraint(
                name="billing_statementupload_state_known", condition=Q(state__in=UploadState.values)
            ),
        ]

    def __str__(self):
        return self.file_name


class DailyClose(models.Model):
    """One closed day: a stretch of the ledger's chain, tied to the processor and to the deposit. Never changed.

    The batch holds the chain's positions after the last close's up to `last_position`. Its file for the
    practice-management system is kept as it was, so that a second download is the same to the byte.
    """

    day = models.DateField(_("day"), unique=True)
    closed_at = models.DateTimeField(_("closed at"), default=timezone.now)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("closed by"),
    )
    first_position = models.BigIntegerField(_("first position"))
    last_position = models.BigIntegerField(_("last position"))
    chain_digest = models.CharField(_("ledger's digest"), max_length=64)
    entries = models.PositiveIntegerField(_("rows"))
    payments_cents = models.BigIntegerField(_("paid"))
    refunds_cents = models.BigIntegerField(_("returned"))
    disputes_cents = models.BigIntegerField(_("taken in disputes"))
    fees_cents = models.BigIntegerField(_("fees"))
    deposit_cents = models.BigIntegerField(_("deposit"))
    body = models.TextField(_("file"))
    sha256 = models.CharField(_("digest of the file"), max_length=64)

    class Meta:
        verbose_name = _("daily close")
        verbose_name_plural = _("daily closes")
        ordering = ["-day"]
        permissions = [("close_day", "Can close the day")]
        constraints = [
            models.CheckConstraint(
                name="billing_dailyclose_positions_in_order",
                condition=Q(last_position__gte=F("first_position") - 1),
            ),
            models.CheckConstraint(
                name="billing_dailyclose_deposit_ties",
                condition=Q(
                    deposit_cents=F("payments_cents") - F("refunds_cents") - F("disputes_cents") - F("fees_cents")
                ),
            ),
        ]

    def __str__(self):
        return self.day.isoformat()
