"""What was tried, what arrived, what went back."""

from uuid import UUID, uuid4

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing.models.statements import Statement
from practice.encryption import EncryptedTextField
from practice.money import dollars

SMALLEST_PAYMENT_CENTS = 50  # what card processors take at the least


class AttemptKind(models.TextChoices):
    CHECKOUT = "checkout", _("Card page")
    INSTALMENT = "instalment", _("Stored card")


class AttemptState(models.TextChoices):
    CREATED = "created", _("Created")
    OPEN = "open", _("Card page open")
    UNKNOWN = "unknown", _("Outcome unknown")
    PAID = "paid", _("Paid")
    FAILED = "failed", _("Failed")
    EXPIRED = "expired", _("Expired")


LIVE_STATES = (AttemptState.CREATED, AttemptState.OPEN, AttemptState.UNKNOWN)
NEXT_STATES: dict[AttemptState, set[AttemptState]] = {
    AttemptState.CREATED: {
        AttemptState.OPEN, AttemptState.UNKNOWN, AttemptState.FAILED, AttemptState.EXPIRED, AttemptState.PAID,
    },
    AttemptState.OPEN: {AttemptState.UNKNOWN, AttemptState.PAID, AttemptState.FAILED, AttemptState.EXPIRED},
    AttemptState.UNKNOWN: {AttemptState.OPEN, AttemptState.PAID, AttemptState.FAILED, AttemptState.EXPIRED},
    AttemptState.FAILED: {AttemptState.PAID},  # money wins over what we believed
    AttemptState.EXPIRED: {AttemptState.PAID},
    AttemptState.PAID: set(),
}  # fmt: skip


class AttemptQuerySet(models.QuerySet["Attempt"]):
    def live(self):
        return self.filter(state__in=LIVE_STATES)

    def of_key(self, gateway: str, key: str) -> "Attempt | None":
        """The attempt that a processor names by its key, which may be anything."""
        try:
            return self.filter(gateway=gateway, pk=UUID(key)).first()
        except ValueError:
            return None


class Attempt(models.Model):
    """A try to pay by card, committed before the processor is called. Its id is the idempotency key.

    A statement has at most one live attempt, so two open tabs cannot become two payments.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    statement = models.ForeignKey(
        Statement, on_delete=models.PROTECT, related_name="attempts", verbose_name=_("statement")
    )
    kind = models.CharField(_("kind"), max_length=10, choices=AttemptKind, default=AttemptKind.CHECKOUT)
    instalment = models.ForeignKey(
        "billing.Instalment",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="attempts",
        verbose_name=_("instalment"),
    )
    amount_cents = models.BigIntegerField(_("amount"))
    gateway = models.CharField(_("processor"), max_length=20)
    language = models.CharField(_("language"), max_length=2, default="en")
    receipt_to = EncryptedTextField(_("receipt to"), blank=True)
    # Grows when the processor would repeat its own failure for the key; only for card pages, which nobody has seen.
    generation = models.PositiveSmallIntegerField(default=0)
    session_ref = models.CharField(_("card page"), max_length=100, blank=True)
    payment_ref = models.CharField(_("processor's reference"), max_length=100, blank=True)
    checkout_url = models.TextField(blank=True)
    state = models.CharField(_("state"), max_length=10, choices=AttemptState, default=AttemptState.CREATED)
    created_at = models.DateTimeField(_("created at"), default=timezone.now)
    expires_at = models.DateTimeField(_("expires at"))
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    last_error = models.CharField(_("last answer"), max_length=200, blank=True)

    objects = AttemptQuerySet.as_manager()

    class Meta:
        verbose_name = _("payment attempt")
        verbose_name_plural = _("payment attempts")
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                name="billing_attempt_amount_large_enough", condition=Q(amount_cents__gte=SMALLEST_PAYMENT_CENTS)
            ),
            models.CheckConstraint(name="billing_attempt_state_known", condition=Q(state__in=AttemptState.values)),
            models.CheckConstraint(name="billing_attempt_kind_known", condition=Q(kind__in=AttemptKind.values)),
            models.CheckConstraint(
                name="billing_attempt_stored_card_is_for_instalments",
                condition=Q(kind=AttemptKind.CHECKOUT) | Q(instalment__isnull=False),
            ),
            models.CheckConstraint(
                name="billing_attempt_closed_with_its_state",
                condition=Q(state__in=LIVE_STATES, closed_at=None)
                | (~Q(state__in=LIVE_STATES) & Q(closed_at__isnull=False)),
            ),
            models.UniqueConstraint(
                name="billing_attempt_one_live", fields=["statement"], condition=Q(state__in=LIVE_STATES)
            ),
            models.UniqueConstraint(
                name="billing_attempt_session_ref_unique",
                fields=["gateway", "session_ref"],
                condition=~Q(session_ref=""),
            ),
            models.UniqueConstraint(
                name="billing_attempt_payment_ref_unique",
                fields=["gateway", "payment_ref"],
                condition=~Q(payment_ref=""),
            ),
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="billing_attempt_newest"),
            models.Index(
                fields=["-created_at", "-id"], name="billing_attempt_open", condition=Q(state__in=LIVE_STATES)
            ),
        ]

    def __str__(self):
        return f"{dollars(self.amount_cents)} attempt {str(self.pk)[:8]}"

    def get_absolute_url(self):
        return reverse("billing:receipt", args=[self.pk])

    @property
    def is_live(self) -> bool:
        return self.state in LIVE_STATES

    @property
    def payment(self) -> "Payment | None":
        """The money of this attempt. A second capture, which staff return, is not it."""
        if self.state != AttemptState.PAID:
            return None
        return self.payments.filter(payment_ref=self.payment_ref).first()


class PaymentQuerySet(models.QuerySet["Payment"]):
    def needing_review(self):
        return self.exclude(needs_review="")

    def lock(self, pk: int, *, statement: int) -> "Payment":
        """The payment with its statement, locked in the order of the house: the statement first."""
        locked = Statement.objects.select_for_update().get(pk=statement)
        payment = self.select_for_update(of=("self",)).get(pk=pk)
        payment.statement = locked
        return payment


class Payment(models.Model):
    """Money that arrived. What exceeds the balance is kept as credit for staff to return. Never changed or deleted.

    What is reserved for refunds and held in disputes is kept by triggers on those rows.
    """

    attempt = models.ForeignKey(Attempt, on_delete=models.PROTECT, related_name="payments", verbose_name=_("attempt"))
    statement = models.ForeignKey(
        Statement, on_delete=models.PROTECT, related_name="payments", verbose_name=_("statement")
    )
    gateway = models.CharField(_("processor"), max_length=20)
    payment_ref = models.CharField(_("processor's reference"), max_length=100)
    receipt_number = models.CharField(_("receipt number"), max_length=20, unique=True)
    amount_cents = models.BigIntegerField(_("amount"))
    applied_cents = models.BigIntegerField(_("applied to the statement"))
    credit_cents = models.BigIntegerField(_("credit"), default=0)
    refund_reserved_cents = models.BigIntegerField(_("returned or being returned"), default=0, editable=False)
    disputed_cents = models.BigIntegerField(_("disputed"), default=0, editable=False)
    balance_before_cents = models.BigIntegerField(_("owed before"))
    captured_at = models.DateTimeField(_("paid at"))
    card_brand = models.CharField(_("card"), max_length=20, blank=True)
    card_last4 = models.CharField(_("card ends in"), max_length=4, blank=True)
    needs_review = models.CharField(_("look at this"), max_length=200, blank=True)

    objects = PaymentQuerySet.as_manager()

    class Meta:
        verbose_name = _("payment")
        verbose_name_plural = _("payments")
        ordering = ["-captured_at", "-pk"]
        constraints = [
            models.CheckConstraint(name="billing_payment_amount_positive", condition=Q(amount_cents__gt=0)),
            models.CheckConstraint(
                name="billing_payment_applied_and_credit",
                condition=Q(applied_cents__gte=0, credit_cents__gte=0)
                & Q(amount_cents=F("applied_cents") + F("credit_cents")),
            ),
            models.CheckConstraint(
                name="billing_payment_within_balance", condition=Q(applied_cents__lte=F("balance_before_cents"))
            ),
            models.CheckConstraint(
                name="billing_payment_never_returned_beyond",
                condition=Q(refund_reserved_cents__gte=0, refund_reserved_cents__lte=F("amount_cents")),
            ),
            models.CheckConstraint(
                name="billing_payment_never_disputed_beyond",
                condition=Q(disputed_cents__gte=0, disputed_cents__lte=F("amount_cents")),
            ),
            models.UniqueConstraint(name="billing_payment_ref_unique", fields=["gateway", "payment_ref"]),
        ]
        indexes = [
            models.Index(fields=["-captured_at"], name="billing_payment_captured"),
            models.Index(fields=["payment_ref"], name="billing_payment_ref"),
            models.Index(fields=["captured_at"], name="billing_payment_to_review", condition=~Q(needs_review="")),
        ]

    def __str__(self):
        return self.receipt_number

    @property
    def balance_after_cents(self) -> int:
        return self.balance_before_cents - self.applied_cents

    @property
    def refundable_cents(self) -> int:
        """What may still be returned: not what is on its way back already, nor what is held in a dispute."""
        return max(0, self.amount_cents - self.refund_reserved_cents - self.disputed_cents)


class RefundState(models.TextChoices):
    PROPOSED = "proposed", _("Waits for a second person")
    DECLINED = "declined", _("Declined by a second person")
    REQUESTED = "requested", _("Asked for")
    UNKNOWN = "unknown", _("Outcome unknown")
    PENDING = "pending", _("On its way")
    SUCCEEDED = "succeeded", _("Returned")
    FAILED = "failed", _("Failed")


NEXT_REFUND_STATES: dict[RefundState, set[RefundState]] = {
    RefundState.PROPOSED: {RefundState.REQUESTED, RefundState.DECLINED},
    RefundState.REQUESTED: {RefundState.UNKNOWN, RefundState.PENDING, RefundState.SUCCEEDED, RefundState.FAILED},
    RefundState.UNKNOWN: {RefundState.PENDING, RefundState.SUCCEEDED, RefundState.FAILED},
    RefundState.PENDING: {RefundState.SUCCEEDED, RefundState.FAILED},
    RefundState.SUCCEEDED: {RefundState.FAILED},  # the card's bank can send it back days later
    RefundState.FAILED: {RefundState.SUCCEEDED},  # money wins over what we believed
    RefundState.DECLINED: set(),
}
UNRESOLVED_REFUND_STATES = (RefundState.REQUESTED, RefundState.UNKNOWN, RefundState.PENDING)


class RefundSource(models.TextChoices):
    OFFICE = "office", _("The office")
    PROCESSOR = "processor", _("Made at the card processor")


class RefundQuerySet(models.QuerySet):
    def waiting_for_approval(self):
        return self.filter(state=RefundState.PROPOSED)

    def unresolved(self):
        """Asked for, and not known to have succeeded or failed."""
        return self.filter(state__in=UNRESOLVED_REFUND_STATES)


class Refund(models.Model):
    """Money on its way back to the card. Its id is the idempotency key; while it is not failed it holds its amount.

    Above a set amount a second person decides before the processor is asked.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refunds", verbose_name=_("payment"))
    amount_cents = models.BigIntegerField(_("amount"))
    state = models.CharField(_("state"), max_length=10, choices=RefundState, default=RefundState.REQUESTED)
    source = models.CharField(_("made by"), max_length=10, choices=RefundSource, default=RefundSource.OFFICE)
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    needs_second_person = models.BooleanField(_("needs a second person"), default=False)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("asked for by"),
    )
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("decided by"),
    )
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    gateway = models.CharField(_("processor"), max_length=20)
    refund_ref = models.CharField(_("processor's reference"), max_length=100, blank=True)
    created_at = models.DateTimeField(_("asked for at"), default=timezone.now)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    last_error = models.CharField(_("last answer"), max_length=200, blank=True)

    objects = RefundQuerySet.as_manager()

    class Meta:
        verbose_name = _("refund")
        verbose_name_plural = _("refunds")
        ordering = ["-created_at"]
        permissions = [
            ("request_refund", "Can ask for a refund"),
            ("approve_refund", "Can approve a refund somebody else asked for"),
        ]
        constraints = [
            models.CheckConstraint(name="billing_refund_amount_positive", condition=Q(amount_cents__gt=0)),
            models.CheckConstraint(name="billing_refund_state_known", condition=Q(state__in=RefundState.values)),
            models.CheckConstraint(name="billing_refund_source_known", condition=Q(source__in=RefundSource.values)),
            models.CheckConstraint(
                name="billing_refund_second_person_decides",
                condition=Q(needs_second_person=False)
                | Q(state__in=[RefundState.PROPOSED, RefundState.DECLINED])
                | Q(decided_by__isnull=False, requested_by__isnull=False) & ~Q(decided_by=F("requested_by")),
            ),
            models.CheckConstraint(
                name="billing_refund_office_names_who_asked",
                condition=Q(source=RefundSource.PROCESSOR) | Q(requested_by__isnull=False),
            ),
            models.UniqueConstraint(
                name="billing_refund_ref_unique", fields=["gateway", "refund_ref"], condition=~Q(refund_ref="")
            ),
        ]
        indexes = [
            models.Index(
                fields=["created_at"],
                name="billing_refund_unresolved",
                condition=Q(state__in=[RefundState.PROPOSED, *UNRESOLVED_REFUND_STATES]),
            ),
            models.Index(fields=["refund_ref"], name="billing_refund_ref"),
        ]

    def __str__(self):
        return f"{dollars(self.amount_cents)} refund {str(self.pk)[:8]}"


class DisputeState(models.TextChoices):
    OPEN = "open", _("Open")
    WON = "won", _("Won")
    LOST = "lost", _("Lost")


class DisputeQuerySet(models.QuerySet):
    def open(self):
        return self.filter(state=DisputeState.OPEN)


class Dispute(models.Model):
    """A cardholder told their bank that a payment is not right; the bank took it back until it is decided."""

    gateway = models.CharField(_("processor"), max_length=20)
    dispute_ref = models.CharField(_("processor's reference"), max_length=100)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="disputes", verbose_name=_("payment"))
    amount_cents = models.BigIntegerField(_("amount"))
    state = models.CharField(_("state"), max_length=10, choices=DisputeState, default=DisputeState.OPEN)
    answer_due_at = models.DateTimeField(_("answer due"), null=True, blank=True)
    opened_at = models.DateTimeField(_("opened at"), default=timezone.now)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)

    objects = DisputeQuerySet.as_manager()

    class Meta:
        verbose_name = _("dispute")
        verbose_name_plural = _("disputes")
        ordering = ["-opened_at"]
        constraints = [
            models.CheckConstraint(name="billing_dispute_amount_positive", condition=Q(amount_cents__gt=0)),
            models.CheckConstraint(name="billing_dispute_state_known", condition=Q(state__in=DisputeState.values)),
            models.CheckConstraint(
                name="billing_dispute_closed_with_its_state",
                condition=Q(state=DisputeState.OPEN, closed_at=None)
                | (~Q(state=DisputeState.OPEN) & Q(closed_at__isnull=False)),
            ),
            models.UniqueConstraint(name="billing_dispute_ref_unique", fields=["gateway", "dispute_ref"]),
        ]

    def __str__(self):
        return self.dispute_ref


class GatewayEventQuerySet(models.QuerySet):
    def unprocessed(self):
        return self.filter(processed_at=None)


class GatewayEvent(models.Model):
    """A signed message from a card processor, stored once before it is acted on. Processors repeat themselves."""

    gateway = models.CharField(_("processor"), max_length=20)
    event_id = models.CharField(_("event"), max_length=100)
    kind = models.CharField(_("kind"), max_length=100)
    body = EncryptedTextField(_("message"))  # it may hold what the payer typed on the card page
    received_at = models.DateTimeField(_("received at"), default=timezone.now)
    processed_at = models.DateTimeField(_("processed at"), null=True, blank=True)
    tries = models.PositiveIntegerField(_("tries"), default=0)
    note = models.CharField(_("note"), max_length=200, blank=True)

    objects = GatewayEventQuerySet.as_manager()

    class Meta:
        verbose_name = _("processor's message")
        verbose_name_plural = _("processor's messages")
        ordering = ["-received_at"]
        constraints = [
            models.UniqueConstraint(name="billing_gatewayevent_once", fields=["gateway", "event_id"]),
        ]
        indexes = [
            models.Index(fields=["received_at"], name="billing_event_waiting", condition=Q(processed_at=None)),
        ]

    def __str__(self):
        return self.event_id
