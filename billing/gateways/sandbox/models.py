"""The sandbox processor's own books. Nothing here refers to a row of ours: only to an opaque key."""

from uuid import uuid4

from django.db import models
from django.db.models import Q
from django.utils import timezone


class SessionState(models.TextChoices):
    OPEN = "open"
    PAID = "paid"
    EXPIRED = "expired"


class CardSession(models.Model):
    """One visit to the hosted card page."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    key = models.CharField(max_length=100, unique=True)
    amount_cents = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    language = models.CharField(max_length=2)
    return_url = models.TextField()
    cancel_url = models.TextField()
    state = models.CharField(max_length=10, choices=SessionState, default=SessionState.OPEN)
    payment_ref = models.CharField(max_length=40, blank=True)
    declines = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="sandbox_cardsession_amount_positive", condition=Q(amount_cents__gt=0)),
            models.CheckConstraint(
                name="sandbox_cardsession_paid_has_reference",
                condition=Q(state=SessionState.PAID) & ~Q(payment_ref="")
                | ~Q(state=SessionState.PAID) & Q(payment_ref=""),
            ),
            models.UniqueConstraint(
                name="sandbox_cardsession_payment_ref_unique", fields=["payment_ref"], condition=~Q(payment_ref="")
            ),
        ]

    def __str__(self):
        return str(self.pk)


class Notification(models.Model):
    """A signed message the sandbox sends to the shop, as often as it was told to."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    body = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)
    delivered_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["created_at"]

    def __str__(self):
        return str(self.pk)
