"""The books: an append-only double-entry ledger, and the chain that seals it."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing.models.statements import Statement


class JournalKind(models.TextChoices):
    CHARGE = "charge", _("Statements issued")
    REVISION = "revision", _("Statement revised")
    RELEASE = "release", _("Overpaid after a revision")
    PAYMENT = "payment", _("Payment")
    REFUND = "refund", _("Refund")
    REFUND_FAILED = "refund failed", _("Refund that came back")
    DISPUTE = "dispute", _("Disputed: taken by the card processor")
    DISPUTE_WON = "dispute won", _("Dispute won: given back")
    DISPUTE_LOST = "dispute lost", _("Dispute lost")
    WRITE_OFF = "write-off", _("Written off")
    VOID = "void", _("Statement voided")
    TRANSFER = "transfer", _("Credit used for another statement")
    DEPOSIT = "deposit", _("Paid out to the bank")


# These move what is owed; all other kinds move what is applied to it.
CHARGING_KINDS = (JournalKind.CHARGE, JournalKind.REVISION)


class Account(models.TextChoices):
    """The books. A positive leg is a debit, a negative one a credit."""

    RECEIVABLE = "receivable", _("Owed by patients")
    REVENUE = "revenue", _("Billed to patients")
    GATEWAY = "gateway", _("Held by the card processor")
    CREDIT = "credit", _("Owed back to patients")
    DISPUTE = "dispute", _("Held back in disputes")
    ADJUSTMENT = "adjustment", _("Written off")
    LOSS = "loss", _("Returned beyond what was owed")
    BANK = "bank", _("At the bank")
    FEES = "fees", _("Fees of the card processor")


class Journal(models.Model):
    """One thing that happened to money. Its legs add up to zero at commit; nothing here is ever changed or deleted."""

    kind = models.CharField(_("kind"), max_length=20, choices=JournalKind)
    cause = models.CharField(_("cause"), max_length=100)
    posted_at = models.DateTimeField(_("posted at"), default=timezone.now)
    posted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("posted by"),
    )
    note = models.CharField(_("reason"), max_length=200, blank=True)

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

    def cents_in(self, account: Account) -> int:
        """By how many cents this entry has moved the account."""
        return sum(leg.cents for leg in self.legs.all() if leg.account == account)


class ChainLink(models.Model):
    """Seals a journal at commit, by a trigger: `digest` is SHA-256 over the link before and the journal with its legs.

    Positions have no gaps and are in the order of commits, so a stretch of them is a batch nothing can slip out of.
    A sealed journal takes no more legs.
    """

    position = models.BigIntegerField(_("position"), primary_key=True)
    journal = models.OneToOneField(Journal, on_delete=models.PROTECT, related_name="link", verbose_name=_("entry"))
    digest = models.CharField(_("digest"), max_length=64)

    class Meta:
        verbose_name = _("seal")
        verbose_name_plural = _("seals")
        ordering = ["-position"]

    def __str__(self):
        return f"{self.position} {self.digest[:12]}"


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
