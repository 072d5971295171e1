"""What patients owe."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from patients.models import Patient
from practice.encryption import EncryptedTextField

LARGEST_STATEMENT_CENTS = 100_000_000


class StatementQuerySet(models.QuerySet):
    def valid(self):
        return self.filter(voided_at=None)

    def outstanding(self):
        """Those on which something is still owed."""
        return self.valid().filter(applied_cents__lt=F("charges_cents"))

    def on_hold(self):
        return self.filter(held_since__isnull=False)


class Statement(models.Model):
    """A bill: what one patient is asked to pay for the exams on its lines.

    The look-up code is printed on the paper. It is stored encrypted (for the print house) and as a blind index (to
    find it); with it alone nobody sees anything, the date of birth is asked too. The QR code on the paper carries a
    link instead of the code (see `billing.codes`); a null `link_index` means that it was revoked.
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
    link_index = models.CharField(max_length=64, unique=True, null=True, editable=False)  # noqa: DJ001
    link_version = models.PositiveSmallIntegerField(default=1, editable=False)
    held_since = models.DateTimeField(_("on hold since"), null=True, blank=True, editable=False)
    replaces = models.OneToOneField(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="replaced_by",
        verbose_name=_("issued again for"),
    )
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
            models.CheckConstraint(name="billing_statement_not_its_own_heir", condition=~Q(replaces=F("pk"))),
        ]
        indexes = [
            # The office's list of what is owed, also at a million statements.
            models.Index(
                fields=["-issued_on", "-id"],
                name="billing_statement_owed",
                condition=Q(voided_at=None, applied_cents__lt=F("charges_cents")),
            ),
        ]
        permissions = [
            ("void_statement", "Can void a statement and issue it again"),
            ("write_off_statement", "Can write off what is owed"),
            ("print_statement", "Can download the codes for the print house"),
        ]

    def __str__(self):
        return self.number

    @property
    def balance_cents(self) -> int:
        return self.charges_cents - self.applied_cents

    @property
    def is_paid(self) -> bool:
        return self.balance_cents == 0

    @property
    def is_on_hold(self) -> bool:
        """The office looks into a question: nothing is due until it has answered."""
        return self.held_since is not None


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
        return f"line {self.position}"
