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
    keeps_card = models.BooleanField(default=False)
    card_ref = models.CharField(max_length=40, blank=True)
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


class MovementKind(models.TextChoices):
    PAYMENT = "payment"
    REFUND = "refund"
    DISPUTE = "dispute"


class MovementState(models.TextChoices):
    DONE = "done"
    OPEN = "open"  # a dispute that is not decided
    WON = "won"
    LOST = "lost"


class Movement(models.Model):
    """Money that moved. `key` is the shop's idempotency key; empty for what was done here, at the processor."""

    ref = models.CharField(max_length=60, primary_key=True)
    kind = models.CharField(max_length=10, choices=MovementKind)
    state = models.CharField(max_length=10, choices=MovementState, default=MovementState.DONE)
    key = models.CharField(max_length=100, blank=True)
    payment_ref = models.CharField(max_length=60, db_index=True)
    amount_cents = models.BigIntegerField()
    fee_cents = models.BigIntegerField(default=0)
    moved_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.CheckConstraint(name="sandbox_movement_amount_positive", condition=Q(amount_cents__gt=0)),
            models.UniqueConstraint(name="sandbox_movement_key_once", fields=["kind", "key"], condition=~Q(key="")),
        ]
        indexes = [models.Index(fields=["moved_at"], name="sandbox_movement_time")]

    def __str__(self):
        return self.ref


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
