"""What patients owe, what they paid, and the ledger that proves both. All amounts are integer cents, US dollars.

Owed (Statement and its lines), tried (Attempt) and paid (Payment) are separate tables. Balances come from an
append-only double-entry ledger: a Journal is one event, its Legs add up to zero. `Statement.charges_cents` and
`applied_cents` are kept by a trigger on the legs and never written here; what may never be false is held by checks
and by the triggers in `migrations/sql/ledger.sql`.
"""

from uuid import uuid4

from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from patients.models import Patient
from practice.encryption import EncryptedTextField

SMALLEST_PAYMENT_CENTS = 50  # what card processors take at the least
LARGEST_STATEMENT_CENTS = 100_000_000


class StatementQuerySet(models.QuerySet):
    def valid(self):
        return self.filter(voided_at=None)

    def outstanding(self):
        """Those on which something is still owed."""
        return self.valid().filter(applied_cents__lt=F("charges_cents"))


class Statement(models.Model):
    """A bill: what one patient is asked to pay for the exams on its lines.

    The look-up code is printed on the paper. It is stored encrypted (for the print house) and as a blind index (to
    find it); with it alone nobody sees anything, the date of birth is asked too.
    """

    number = models.CharField(_("statement number"), max_length=40, unique=True)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="statements", verbose_name=_("patient"))
    issued_on = models.DateField(_("issued on"))
    due_on = models.DateField(_("due on"))
    facility = models.CharField(_("where"), max_length=200, blank=True)
    insurer = models.CharField(_("insurer"), max_length=200, blank=True)
    charges_cents = models.BigIntegerField(_("owed"), default=0, editable=False)
    applied_cents = models.BigIntegerField(_("paid"), default=0, editable=False)
    code = EncryptedTextField(_("look-up code"))
    code_index = models.CharField(max_length=64, unique=True, editable=False)
    content_hash = models.CharField(max_length=64, editable=False)
    voided_at = models.DateTimeField(_("voided at"), null=True, blank=True)
    created_at = models.DateTimeField(_("imported at"), auto_now_add=True)
    revised_at = models.DateTimeField(_("revised at"), null=True, blank=True)

    objects = StatementQuerySet.as_manager()

    class Meta:
        verbose_name = _("statement")
        verbose_name_plural = _("statements")
        ordering = ["-issued_on", "-pk"]
        constraints = [
            models.CheckConstraint(
                name="billing_statement_charges_in_range",
                condition=Q(charges_cents__gte=0, charges_cents__lte=LARGEST_STATEMENT_CENTS),
            ),
            models.CheckConstraint(
                name="billing_statement_applied_within_charges",
                condition=Q(applied_cents__gte=0, applied_cents__lte=F("charges_cents")),
            ),
            models.CheckConstraint(name="billing_statement_due_after_issue", condition=Q(due_on__gte=F("issued_on"))),
        ]

    def __str__(self):
        return self.number

    @property
    def balance_cents(self) -> int:
        return self.charges_cents - self.applied_cents

    @property
    def is_paid(self) -> bool:
        return self.balance_cents == 0


class StatementLine(models.Model):
    """One exam on a statement: charge - insurance paid - adjustment = what the patient owes."""

    statement = models.ForeignKey(
        Statement, on_delete=models.PROTECT, related_name="lines", verbose_name=_("statement")
    )
    position = models.PositiveIntegerField(_("line"))
    service_on = models.DateField(_("date of service"))
    procedure_code = models.CharField(_("procedure code"), max_length=20, blank=True)
    description = models.CharField(_("description"), max_length=200)
    charge_cents = models.BigIntegerField(_("charge"))
    insurance_paid_cents = models.BigIntegerField(_("insurance paid"), default=0)
    adjustment_cents = models.BigIntegerField(_("adjustment"), default=0)
    patient_cents = models.BigIntegerField(_("you owe"))

    class Meta:
        verbose_name = _("statement line")
        verbose_name_plural = _("statement lines")
        ordering = ["statement", "position"]
        constraints = [
            models.UniqueConstraint(name="billing_statementline_unique_position", fields=["statement", "position"]),
            models.CheckConstraint(
                name="billing_statementline_amounts_not_negative",
                condition=Q(charge_cents__gte=0, insurance_paid_cents__gte=0, patient_cents__gte=0),
            ),
            models.CheckConstraint(
                name="billing_statementline_adds_up",
                condition=Q(patient_cents=F("charge_cents") - F("insurance_paid_cents") - F("adjustment_cents")),
            ),
        ]

    def __str__(self):
        return f"{self.statement_id} line {self.position}"


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


class AttemptQuerySet(models.QuerySet):
    def live(self):
        return self.filter(state__in=LIVE_STATES)


class Attempt(models.Model):
    """A try to pay by card, committed before the processor is called. Its id is the idempotency key.

    A statement has at most one live attempt, so two open tabs cannot become two payments.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    statement = models.ForeignKey(
        Statement, on_delete=models.PROTECT, related_name="attempts", verbose_name=_("statement")
    )
    amount_cents = models.BigIntegerField(_("amount"))
    gateway = models.CharField(_("processor"), max_length=20)
    language = models.CharField(_("language"), max_length=2, default="en")
    session_ref = models.CharField(_("card page"), max_length=100, blank=True)
    payment_ref = models.CharField(_("processor's reference"), max_length=100, blank=True)
    checkout_url = models.TextField(blank=True)
    state = models.CharField(_("state"), max_length=10, choices=AttemptState, default=AttemptState.CREATED)
    created_at = models.DateTimeField(_("created at"), default=timezone.now)
    expires_at = models.DateTimeField(_("expires at"))
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)

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

    def __str__(self):
        return str(self.pk)

    def get_absolute_url(self):
        return reverse("billing:receipt", args=[self.pk])


class Payment(models.Model):
    """Money that arrived. What exceeds the balance is kept as credit for staff to return. Never changed or deleted."""

    attempt = models.OneToOneField(Attempt, on_delete=models.PROTECT, related_name="payment", verbose_name=_("attempt"))
    statement = models.ForeignKey(
        Statement, on_delete=models.PROTECT, related_name="payments", verbose_name=_("statement")
    )
    gateway = models.CharField(_("processor"), max_length=20)
    payment_ref = models.CharField(_("processor's reference"), max_length=100)
    receipt_number = models.CharField(_("receipt number"), max_length=20, unique=True)
    amount_cents = models.BigIntegerField(_("amount"))
    applied_cents = models.BigIntegerField(_("applied to the statement"))
    credit_cents = models.BigIntegerField(_("credit"), default=0)
    balance_before_cents = models.BigIntegerField(_("owed before"))
    captured_at = models.DateTimeField(_("paid at"))
    card_brand = models.CharField(_("card"), max_length=20, blank=True)
    card_last4 = models.CharField(_("card ends in"), max_length=4, blank=True)
    needs_review = models.CharField(_("look at this"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("payment")
        verbose_name_plural = _("payments")
        ordering = ["-captured_at"]
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
            models.UniqueConstraint(name="billing_payment_ref_unique", fields=["gateway", "payment_ref"]),
        ]

    def __str__(self):
        return self.receipt_number

    @property
    def balance_after_cents(self) -> int:
        return self.balance_before_cents - self.applied_cents


class JournalKind(models.TextChoices):
    CHARGE = "charge", _("Statement issued")
    REVISION = "revision", _("Statement revised")
    RELEASE = "release", _("Overpaid after a revision")
    PAYMENT = "payment", _("Payment")


class Account(models.TextChoices):
    """The books. A positive leg is a debit, a negative one a credit."""

    RECEIVABLE = "receivable", _("Owed by patients")
    REVENUE = "revenue", _("Billed to patients")
    GATEWAY = "gateway", _("Held by the card processor")
    CREDIT = "credit", _("Owed back to patients")


class Journal(models.Model):
    """One thing that happened to money. Its legs add up to zero at commit; nothing here is ever changed or deleted."""

    kind = models.CharField(_("kind"), max_length=20, choices=JournalKind)
    cause = models.CharField(_("cause"), max_length=100)
    posted_at = models.DateTimeField(_("posted at"), default=timezone.now)

    class Meta:
        verbose_name = _("ledger entry")
        verbose_name_plural = _("ledger entries")
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(name="billing_journal_kind_known", condition=Q(kind__in=JournalKind.values)),
            models.UniqueConstraint(name="billing_journal_once_per_cause", fields=["kind", "cause"]),
        ]

    def __str__(self):
        return f"{self.kind} {self.cause}"


class Leg(models.Model):
    """One account's share of a journal, in cents, never zero."""

    journal = models.ForeignKey(Journal, on_delete=models.PROTECT, related_name="legs", verbose_name=_("entry"))
    account = models.CharField(_("account"), max_length=20, choices=Account)
    statement = models.ForeignKey(
        Statement, on_delete=models.PROTECT, null=True, related_name="legs", verbose_name=_("statement")
    )
    cents = models.BigIntegerField(_("amount"))

    class Meta:
        verbose_name = _("ledger leg")
        verbose_name_plural = _("ledger legs")
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(name="billing_leg_account_known", condition=Q(account__in=Account.values)),
            models.CheckConstraint(name="billing_leg_not_zero", condition=~Q(cents=0)),
            models.CheckConstraint(
                name="billing_leg_receivable_names_statement",
                condition=~Q(account=Account.RECEIVABLE) | Q(statement__isnull=False),
            ),
        ]

    def __str__(self):
        return f"{self.account} {self.cents}"


class GatewayEvent(models.Model):
    """A signed message from a card processor, stored once before it is acted on. Processors repeat themselves."""

    gateway = models.CharField(_("processor"), max_length=20)
    event_id = models.CharField(_("event"), max_length=100)
    kind = models.CharField(_("kind"), max_length=100)
    body = models.TextField(_("message"))
    received_at = models.DateTimeField(_("received at"), default=timezone.now)
    processed_at = models.DateTimeField(_("processed at"), null=True, blank=True)
    tries = models.PositiveIntegerField(_("tries"), default=0)
    note = models.CharField(_("note"), max_length=200, blank=True)

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


class ImportBatch(models.Model):
    """One statement file that changed something. A file that changes nothing leaves no row."""

    sha256 = models.CharField(_("digest"), max_length=64)
    file_name = models.CharField(_("file"), max_length=200)
    imported_at = models.DateTimeField(_("imported at"), default=timezone.now)
    imported_by = models.ForeignKey(
        "accounts.User", on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("by")
    )
    lines = models.PositiveIntegerField(_("lines"))
    new = models.PositiveIntegerField(_("new"))
    changed = models.PositiveIntegerField(_("changed"))
    unchanged = models.PositiveIntegerField(_("unchanged"))

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        ordering = ["-imported_at"]

    def __str__(self):
        return f"{self.file_name} ({self.sha256[:12]})"
