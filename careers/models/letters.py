"""What applicants are written: the texts the office words, and each letter as it was sent."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from careers.models.applications import Application
from practice.models import Bilingual


class LetterKind(models.TextChoices):
    SAVED = "saved", _("An unfinished application was saved")
    RECEIVED = "received", _("The application arrived")
    IN_REVIEW = "in review", _("It is being reviewed")
    INTERVIEW = "interview", _("Invitation to an interview")
    BOOKED = "booked", _("The time of the interview is fixed")
    HIRED = "hired", _("We would like to hire you")
    DECLINED = "declined", _("Somebody else was chosen")
    WITHDRAWN = "withdrawn", _("The applicant withdrew")


class MailText(Bilingual):
    """How the practice words a mail to applicants, in both languages. Without a row the shipped text is used."""

    kind = models.CharField(_("when"), max_length=20, choices=LetterKind, unique=True)
    subject = models.CharField(_("subject"), max_length=150)
    subject_es = models.CharField(_("subject in Spanish"), max_length=150)
    body = models.TextField(_("text"), max_length=4000)
    body_es = models.TextField(_("text in Spanish"), max_length=4000)

    class Meta:
        verbose_name = _("mail to applicants")
        verbose_name_plural = _("mails to applicants")
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(name="careers_mailtext_kind_known", condition=Q(kind__in=LetterKind.values))
        ]

    def __str__(self):
        return str(self.get_kind_display())


class Letter(models.Model):
    """One mail to one applicant, as it is or was sent."""

    application = models.ForeignKey(
        Application, on_delete=models.CASCADE, related_name="letters", verbose_name=_("application")
    )
    kind = models.CharField(_("when"), max_length=20, choices=LetterKind)
    subject = models.CharField(_("subject"), max_length=300)
    body = models.TextField(_("text"))
    written_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("written by"),
    )
    written_at = models.DateTimeField(_("written at"), default=timezone.now)
    sent_at = models.DateTimeField(_("sent at"), null=True, blank=True)

    class Meta:
        verbose_name = _("letter")
        verbose_name_plural = _("letters")
        ordering = ["written_at", "pk"]
        constraints = [
            models.CheckConstraint(name="careers_letter_kind_known", condition=Q(kind__in=LetterKind.values))
        ]

    def __str__(self):
        return f"Letter {self.pk}"
