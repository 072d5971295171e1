"""What patients ask the office: about a charge, about insurance, for help, for an estimate. Each has a clock."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing.models.plans import new_token
from billing.models.statements import Statement, StatementLine
from practice.encryption import EncryptedTextField


class QuestionKind(models.TextChoices):
    CHARGE = "charge", _("About a charge")
    INSURANCE = "insurance", _("Update my insurance")
    ASSISTANCE = "assistance", _("Help with paying")


class QuestionState(models.TextChoices):
    OPEN = "open", _("Waits for the office")
    ANSWERED = "answered", _("Answered")
    CLOSED = "closed", _("Closed")


NEXT_QUESTION_STATES: dict[QuestionState, set[QuestionState]] = {
    QuestionState.OPEN: {QuestionState.ANSWERED, QuestionState.CLOSED},
    QuestionState.ANSWERED: {QuestionState.OPEN, QuestionState.CLOSED},  # the patient may ask on
    QuestionState.CLOSED: {QuestionState.OPEN},
}


class QuestionQuerySet(models.QuerySet):
    def open(self):
        return self.filter(state=QuestionState.OPEN)

    def overdue(self, on=None):
        """Open ones whose day to answer has passed."""
        return self.open().filter(due_on__lt=on or timezone.localdate())


class Question(models.Model):
    """A thread between a patient and the office about a statement, or one line of it. While open it holds the bill."""

    statement = models.ForeignKey(
        Statement, on_delete=models.PROTECT, related_name="questions", verbose_name=_("statement")
    )
    line = models.ForeignKey(
        StatementLine,
        on_delete=models.SET_NULL,  # a revised statement has new lines; the thread stays
        null=True,
        blank=True,
        related_name="questions",
        verbose_name=_("line"),
    )
    kind = models.CharField(_("kind"), max_length=10, choices=QuestionKind)
    state = models.CharField(_("state"), max_length=10, choices=QuestionState, default=QuestionState.OPEN)
    email = EncryptedTextField(_("e-mail"), blank=True)
    language = models.CharField(_("language"), max_length=2, choices=settings.LANGUAGES, default="en")
    asked_at = models.DateTimeField(_("asked at"), default=timezone.now)
    due_on = models.DateField(_("answer due on"))
    answered_at = models.DateTimeField(_("first answered at"), null=True, blank=True)

    objects = QuestionQuerySet.as_manager()

    class Meta:
        verbose_name = _("question")
        verbose_name_plural = _("questions")
        ordering = ["due_on", "pk"]
        constraints = [
            models.CheckConstraint(name="billing_question_kind_known", condition=Q(kind__in=QuestionKind.values)),
            models.CheckConstraint(name="billing_question_state_known", condition=Q(state__in=QuestionState.values)),
        ]
        indexes = [
            models.Index(fields=["due_on", "id"], name="billing_question_open", condition=Q(state=QuestionState.OPEN)),
        ]

    def __str__(self):
        return f"{self.get_kind_display()} {self.pk}"


class QuestionMessage(models.Model):
    """One thing said in a thread. Encrypted: people tell more than they are asked."""

    question = models.ForeignKey(
        Question, on_delete=models.PROTECT, related_name="messages", verbose_name=_("question")
    )
    body = EncryptedTextField(_("message"))
    written_at = models.DateTimeField(_("written at"), default=timezone.now)
    written_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("written by"),
        help_text=_("Empty: the patient."),
    )

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        ordering = ["written_at", "pk"]

    def __str__(self):
        return f"{self.question_id}/{self.pk}"


class EstimateQuerySet(models.QuerySet):
    def unanswered(self):
        return self.filter(answered_at=None)


class EstimateRequest(models.Model):
    """Somebody without insurance, or who will not use it, asks what an exam will cost, in good faith."""

    token = models.CharField(max_length=40, unique=True, default=new_token, editable=False)
    name = EncryptedTextField(_("name"))
    contact = EncryptedTextField(_("e-mail or phone"))
    exam = EncryptedTextField(_("exam"))
    scheduled_on = models.DateField(_("day of the exam"), null=True, blank=True)
    language = models.CharField(_("language"), max_length=2, default="en")
    asked_at = models.DateTimeField(_("asked at"), default=timezone.now)
    due_on = models.DateField(_("estimate due on"))
    answered_at = models.DateTimeField(_("sent at"), null=True, blank=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("sent by"),
    )
    estimate_cents = models.BigIntegerField(_("estimate"), null=True, blank=True)

    objects = EstimateQuerySet.as_manager()

    class Meta:
        verbose_name = _("request for an estimate")
        verbose_name_plural = _("requests for an estimate")
        ordering = ["due_on", "pk"]
        constraints = [
            models.CheckConstraint(
                name="billing_estimaterequest_answered_with_sum",
                condition=Q(answered_at=None, estimate_cents=None)
                | Q(answered_at__isnull=False, estimate_cents__isnull=False, estimate_cents__gte=0),
            ),
        ]
        indexes = [
            models.Index(fields=["due_on", "id"], name="billing_estimate_to_give", condition=Q(answered_at=None)),
        ]

    def __str__(self):
        return str(self.pk)
