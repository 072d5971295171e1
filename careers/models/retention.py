"""What must be kept, and the proof of what was deleted."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from careers.models.applications import Application


class LegalHoldQuerySet(models.QuerySet):
    def active(self):
        return self.filter(released_at=None)


class LegalHold(models.Model):
    """While it is not released, nobody can delete the application: a trigger refuses it too."""

    application = models.ForeignKey(
        Application, on_delete=models.CASCADE, related_name="holds", verbose_name=_("application")
    )
    reason = models.CharField(_("reason"), max_length=300)
    placed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("placed by")
    )
    placed_at = models.DateTimeField(_("placed at"), default=timezone.now)
    released_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("released by"),
    )
    released_at = models.DateTimeField(_("released at"), null=True, blank=True)

    objects = LegalHoldQuerySet.as_manager()

    class Meta:
        verbose_name = _("legal hold")
        verbose_name_plural = _("legal holds")
        ordering = ["placed_at"]
        constraints = [
            models.UniqueConstraint(
                name="careers_legalhold_one_at_a_time", fields=["application"], condition=Q(released_at=None)
            ),
            models.CheckConstraint(
                name="careers_legalhold_released_by_somebody",
                condition=Q(released_at=None, released_by=None)
                | Q(released_at__isnull=False, released_by__isnull=False),
            ),
        ]

    def __str__(self):
        return self.reason


class CertificateKind(models.TextChoices):
    PURGE = "purge", _("End of the time they are kept")
    ERASURE = "erasure", _("Erased at the applicant's request")


class Certificate(models.Model):
    """What was deleted, when and why, without saying whose it was. Each holds the digest of the one before."""

    kind = models.CharField(_("why"), max_length=10, choices=CertificateKind)
    made_at = models.DateTimeField(_("made at"), default=timezone.now)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("made by"),
    )
    deleted = models.JSONField(_("what was deleted"))
    previous = models.CharField(_("digest of the one before"), max_length=64, blank=True)
    digest = models.CharField(_("digest"), max_length=64, unique=True)

    class Meta:
        verbose_name = _("certificate of deletion")
        verbose_name_plural = _("certificates of deletion")
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(name="careers_certificate_kind_known", condition=Q(kind__in=CertificateKind.values))
        ]

    def __str__(self):
        return f"Certificate {self.pk}"
