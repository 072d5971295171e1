"""Paying over time: two to four equal payments, no fee."""

import secrets
from uuid import uuid4

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing.models.statements import Statement
from practice.encryption import EncryptedTextField
from practice.money import dollars

FEWEST_INSTALMENTS, MOST_INSTALMENTS = 2, 4  # five would make the practice a lender with duties of its own
MOST_DECLINES = 3


def new_token() -> str:
    """128 random bits for a private link."""
    return secrets.token_urlsafe(16)


class PlanState(models.TextChoices):
    PENDING = "pending", _("First payment not made yet")
    ACTIVE = "active", _("Active")
    COMPLETED = "completed", _("Completed")
    CANCELLED = "cancelled", _("Cancelled")
    STOPPED = "stopped", _("Stopped after declined cards")
    ABANDONED = "abandoned", _("Never begun")


RUNNING_STATES = (PlanState.PENDING, PlanState.ACTIVE)
NEXT_PLAN_STATES: dict[PlanState, set[PlanState]] = {
    PlanState.PENDING: {PlanState.ACTIVE, PlanState.CANCELLED, PlanState.ABANDONED},
    PlanState.ACTIVE: {PlanState.COMPLETED, PlanState.CANCELLED, PlanState.STOPPED},
    PlanState.ABANDONED: {PlanState.ACTIVE},  # the first payment came after all
    PlanState.COMPLETED: set(),
    PlanState.CANCELLED: set(),
    PlanState.STOPPED: set(),
}


class PlanQuerySet(models.QuerySet):
    def running(self):
        return self.filter(state__in=RUNNING_STATES)

    def active(self):
        return self.filter(state=PlanState.ACTIVE)


class PaymentPlan(models.Model):
    """An agreement to pay one statement in parts. The text agreed to is kept word for word, with when and from where.

    The first part is paid on the card page; the card is then kept at the processor, and here only its reference.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    token = models.CharField(max_length=40, unique=True, default=new_token, editable=False)
    statement = models.ForeignKey(
        Statement, on_delete=models.PROTECT, related_name="plans", verbose_name=_("statement")
    )
    total_cents = models.BigIntegerField(_("total"))
    state = models.CharField(_("state"), max_length=10, choices=PlanState, default=PlanState.PENDING)
    email = EncryptedTextField(_("e-mail"))
    language = models.CharField(_("language"), max_length=2, default="en")
    consent_text = models.TextField(_("text agreed to"))
    consented_at = models.DateTimeField(_("agreed at"), default=timezone.now)
    consented_from = models.GenericIPAddressField(_("agreed from"), null=True)
    gateway = models.CharField(_("processor"), max_length=20)
    customer_ref = models.CharField(_("payer at the processor"), max_length=100, blank=True)
    card_ref = models.CharField(_("card at the processor"), max_length=100, blank=True)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)

    objects = PlanQuerySet.as_manager()

    class Meta:
        verbose_name = _("payment plan")
        verbose_name_plural = _("payment plans")
        ordering = ["-consented_at"]
        constraints = [
            models.CheckConstraint(name="billing_paymentplan_total_positive", condition=Q(total_cents__gt=0)),
            models.CheckConstraint(name="billing_paymentplan_state_known", condition=Q(state__in=PlanState.values)),
            models.CheckConstraint(name="billing_paymentplan_consent_given", condition=~Q(consent_text="")),
            models.CheckConstraint(
                name="billing_paymentplan_closed_with_its_state",
                condition=Q(state__in=RUNNING_STATES, closed_at=None)
                | (~Q(state__in=RUNNING_STATES) & Q(closed_at__isnull=False)),
            ),
            models.UniqueConstraint(
                name="billing_paymentplan_one_running", fields=["statement"], condition=Q(state__in=RUNNING_STATES)
            ),
        ]

    def __str__(self):
        return f"{dollars(self.total_cents)} plan {str(self.pk)[:8]}"

    def get_absolute_url(self):
        return reverse("billing:plan", args=[self.token])

    @property
    def is_running(self) -> bool:
        return self.state in RUNNING_STATES


class InstalmentState(models.TextChoices):
    DUE = "due", _("To be paid")
    PAID = "paid", _("Paid")
    CANCELLED = "cancelled", _("Not needed any more")


class InstalmentQuerySet(models.QuerySet):
    def due(self, on=None):
        """Those of active plans to charge now: their day, or the day of the next try, has come."""
        return self.filter(
            state=InstalmentState.DUE, plan__state=PlanState.ACTIVE, next_try_on__lte=on or timezone.localdate()
        )

    def to_remind(self, on):
        """Those of active plans that nobody was reminded of and that are due on this day or before."""
        return self.filter(
            state=InstalmentState.DUE, plan__state=PlanState.ACTIVE, reminded_at=None, declines=0, due_on__lte=on
        )


class Instalment(models.Model):
    """One of the equal parts. A declined card is tried again after three, five and seven days, then the plan stops."""

    plan = models.ForeignKey(PaymentPlan, on_delete=models.PROTECT, related_name="instalments", verbose_name=_("plan"))
    position = models.PositiveSmallIntegerField(_("part"))
    amount_cents = models.BigIntegerField(_("amount"))
    due_on = models.DateField(_("due on"))
    next_try_on = models.DateField(_("next try on"))
    state = models.CharField(_("state"), max_length=10, choices=InstalmentState, default=InstalmentState.DUE)
    declines = models.PositiveSmallIntegerField(_("declined"), default=0)
    reminded_at = models.DateTimeField(_("reminded at"), null=True, blank=True)

    objects = InstalmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("instalment")
        verbose_name_plural = _("instalments")
        ordering = ["plan", "position"]
        constraints = [
            models.CheckConstraint(
                name="billing_instalment_at_most_four",
                condition=Q(position__gte=1, position__lte=MOST_INSTALMENTS),
            ),
            models.CheckConstraint(name="billing_instalment_amount_large_enough", condition=Q(amount_cents__gte=50)),
            models.CheckConstraint(
                name="billing_instalment_state_known", condition=Q(state__in=InstalmentState.values)
            ),
            models.CheckConstraint(name="billing_instalment_declines_within", condition=Q(declines__lte=MOST_DECLINES)),
            models.UniqueConstraint(name="billing_instalment_unique_position", fields=["plan", "position"]),
        ]
        indexes = [
            models.Index(fields=["next_try_on"], name="billing_instalment_to_pay", condition=Q(state="due")),
        ]

    def __str__(self):
        return f"part {self.position}"
