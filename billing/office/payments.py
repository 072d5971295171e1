"""Payments, attempts, refunds and disputes."""

from datetime import timedelta

from django import forms
from django.contrib import admin
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from billing.ledger import credit_of
from billing.models import Attempt, Dispute, DisputeState, Payment, Refund, RefundState, Statement
from billing.office.pages import MoneyColumns
from billing.refunds import RefundRefused, decide_refund, request_refund
from practice.accounts.access_log import LoggedReadsMixin
from practice.admin_filters import WorkFirstFilter
from practice.money import CentsField, dollars
from practice.office import Act, ActsMixin, OnceForm, ReadOnlyMixin
from practice.office_lists import LargeListMixin

SAME_AGAIN = timedelta(minutes=15)  # within which the same sum of a payment is asked about before it goes once more


class RefundForm(OnceForm):
    amount = CentsField(label=_("How much to return"), help_text=_("In dollars and cents, like 25.00."))
    reason = forms.CharField(label=_("Why"), max_length=200)
    again = forms.BooleanField(
        label=_("Return it once more, although the same sum of this payment was returned just now"), required=False
    )


class ReviewedForm(forms.Form):
    """Nothing to fill in: the question is whether somebody has looked."""


def do_refund(request, payment, facts):
    refuse_the_same_twice(payment, facts)
    refund = request_refund(payment, facts["amount"], by=request.user, reason=facts["reason"], refund_id=facts["once"])
    said = WHAT_BECAME[RefundState(refund.state)] % {"amount": dollars(refund.amount_cents)}
    bill = last_heir(payment.statement)
    bill.refresh_from_db()
    owed = gettext("%(balance)s is owed on %(number)s now.") % {
        "balance": dollars(bill.balance_cents),
        "number": bill.number,
    }
    return f"{said} {owed}"


def refuse_the_same_twice(payment, facts) -> None:
    """Two tabs, or the browser's way back, send a form of their own: the same sum again is asked about first."""
    just_now = (
        payment.refunds.filter(amount_cents=facts["amount"], created_at__gt=timezone.now() - SAME_AGAIN)
        .exclude(pk=facts["once"])
        .exclude(state__in=[RefundState.DECLINED, RefundState.FAILED])
    )
    if just_now.exists() and not facts["again"]:
        raise RefundRefused(
            gettext("%(amount)s of this payment was returned a moment ago. To return it once more, tick the box.")
            % {"amount": dollars(facts["amount"])}
        )


WHAT_BECAME = {
    RefundState.PROPOSED: _("A refund of %(amount)s waits for a second person, who finds it under Refunds."),
    RefundState.DECLINED: _("The refund of %(amount)s was declined."),
    RefundState.REQUESTED: _("A refund of %(amount)s was asked for."),
    RefundState.UNKNOWN: _("The card processor did not answer about %(amount)s. It is asked again every minute."),
    RefundState.PENDING: _("%(amount)s is on its way to the card."),
    RefundState.SUCCEEDED: _("%(amount)s was returned to the card."),
    RefundState.FAILED: _("The card processor did not return %(amount)s. The refund’s page says why."),
}


def do_mark_reviewed(request, payment, facts):
    Payment.objects.filter(pk=payment.pk).update(needs_review="")
    return gettext("The note is cleared.")


def how_it_stands(payment):
    statement = payment.statement
    return [
        (_("Patient"), statement.patient.full_name),
        (_("Receipt"), payment.receipt_number),
        (_("Paid"), dollars(payment.amount_cents)),
        (_("Credit on %(number)s") % {"number": statement.number}, dollars(credit_of(statement))),
        (_("Returned or being returned"), dollars(payment.refund_reserved_cents)),
        (_("Held in disputes"), dollars(payment.disputed_cents)),
        (_("Can be returned"), dollars(payment.refundable_cents)),
        (_("What returning does"), what_returning_does(statement)),
    ]


def last_heir(statement):
    """The statement on which it is owed again what returned money had paid: this one, or the last issued for it."""
    while heir := Statement.objects.filter(replaces=statement).first():
        statement = heir
    return statement


def what_returning_does(statement):
    """Whose bill goes up again, before somebody returns money."""
    bill = last_heir(statement)
    if bill.voided_at:
        return gettext("The statement is void: nothing is owed again.")
    if bill != statement:
        return gettext("%(old)s is void, so what exceeds the credit is owed again on %(number)s.") % {
            "old": statement.number,
            "number": bill.number,
        }
    return gettext("What exceeds the credit is owed again on %(number)s.") % {"number": bill.number}


class ToLookAtFilter(WorkFirstFilter):
    """All payments; those with a note for staff are one click away."""

    title = _("look at this")
    waiting = _("All payments")
    parameter_name = "look"

    def lookups(self, request, model_admin):
        return [("odd", _("To be looked at"))]

    def queryset(self, request, queryset):
        return queryset.needing_review() if self.value() == "odd" else queryset


class RefundInline(ReadOnlyMixin, MoneyColumns, admin.TabularInline):
    model = Refund
    extra = 0
    readonly_fields = ("created_at", "amount", "state", "source", "reason", "requested_by", "decided_by")
    fields = readonly_fields
    show_change_link = True


@admin.register(Payment)
class PaymentAdmin(ActsMixin, LoggedReadsMixin, ReadOnlyMixin, MoneyColumns, LargeListMixin, admin.ModelAdmin):
    acts = (
        Act(
            "refund",
            _("Return money"),
            "billing.request_refund",
            do_refund,
            RefundForm,
            _("The money goes back to the card it came from. Credit is used first; what had been paid is owed again."),
            lambda payment: payment.refundable_cents > 0,
            (RefundRefused,),
            how_it_stands,
            is_sensitive=True,
        ),
        Act(
            "reviewed",
            _("I have looked at this"),
            "billing.change_payment",
            do_mark_reviewed,
            offered=lambda payment: payment.needs_review != "",
        ),
    )
    list_display = ["receipt_number", "captured_at", "statement", "amount", "credit", "gateway", "needs_review"]
    list_filter = [ToLookAtFilter, "captured_at"]
    list_select_related = ["statement"]
    search_fields = ["receipt_number__exact", "statement__number__exact", "payment_ref__exact"]
    search_help_text = _("Receipt number, statement number or processor's reference, whole")
    inlines = [RefundInline]
    fields = [
        "receipt_number", "statement", "captured_at", "amount", "credit", "before", "after", "returned", "disputed",
        "gateway", "payment_ref", "card_brand", "card_last4", "needs_review",
    ]  # fmt: skip
    readonly_fields = ["amount", "credit", "before", "after", "returned", "disputed"]

    @admin.display(description=_("owed before"))
    def before(self, payment):
        return dollars(payment.balance_before_cents)

    @admin.display(description=_("owed after"))
    def after(self, payment):
        return dollars(payment.balance_after_cents)

    @admin.display(description=_("returned or being returned"))
    def returned(self, payment):
        return dollars(payment.refund_reserved_cents)

    @admin.display(description=_("disputed"))
    def disputed(self, payment):
        return dollars(payment.disputed_cents)


class OutcomeFilter(admin.SimpleListFilter):
    title = _("outcome")
    parameter_name = "outcome"

    def lookups(self, request, model_admin):
        return [("open", _("Not known yet"))]

    def queryset(self, request, queryset):
        return queryset.live() if self.value() == "open" else queryset


@admin.register(Attempt)
class AttemptAdmin(LoggedReadsMixin, ReadOnlyMixin, MoneyColumns, LargeListMixin, admin.ModelAdmin):
    view_on_site = False  # its page is the payer's, by their private link
    list_display = ["id", "created_at", "statement", "amount", "kind", "state", "gateway"]
    list_filter = [OutcomeFilter, "state", "kind"]
    list_select_related = ["statement"]
    search_fields = ["id__exact", "statement__number__exact"]
    fields = [
        "id", "statement", "amount", "kind", "state", "gateway", "payment_ref", "created_at", "expires_at", "closed_at",
        "last_error",
    ]  # fmt: skip
    readonly_fields = ["amount"]


class RefundFilter(WorkFirstFilter):
    """What waits for a second person, or for the processor, comes first."""

    title = _("state")
    waiting = _("Waiting")
    parameter_name = "state"

    def lookups(self, request, model_admin):
        return [("all", _("All refunds")), ("failed", _("Failed"))]

    def queryset(self, request, queryset):
        if self.value() == "all" or self.is_search(request):
            return queryset
        if self.value() == "failed":
            return queryset.filter(state=RefundState.FAILED)
        return queryset.waiting_for_approval() | queryset.unresolved()


def do_decide(approve):
    def do(request, refund, facts):
        refund = decide_refund(refund, by=request.user, approve=approve)
        return WHAT_BECAME[RefundState(refund.state)] % {"amount": dollars(refund.amount_cents)}

    return do


def about_refund(refund):
    return [
        (_("Receipt"), refund.payment.receipt_number),
        (_("Amount"), dollars(refund.amount_cents)),
        (_("Why"), refund.reason),
        (_("Asked for by"), str(refund.requested_by or "")),
    ]


def waits_for_a_word(refund):
    return refund.state == RefundState.PROPOSED


@admin.register(Refund)
class RefundAdmin(ActsMixin, LoggedReadsMixin, ReadOnlyMixin, MoneyColumns, LargeListMixin, admin.ModelAdmin):
    acts = tuple(
        Act(
            name,
            label,
            "billing.approve_refund",
            do_decide(approve),
            ReviewedForm,
            _("A refund of this size needs two people. Somebody else asked for it; you decide."),
            waits_for_a_word,
            (RefundRefused,),
            about_refund,
            for_whom=lambda user, refund: refund.requested_by_id != user.pk,
            is_sensitive=True,
        )
        for name, label, approve in [("approve", _("Approve the refund"), True), ("decline", _("Decline it"), False)]
    )
    list_display = ["created_at", "payment", "amount", "state", "source", "requested_by", "decided_by"]
    list_filter = [RefundFilter, "source", "created_at"]
    list_select_related = ["payment", "requested_by", "decided_by"]
    search_fields = ["id__exact", "payment__receipt_number__exact", "refund_ref__exact"]
    search_help_text = _("Receipt number or processor's reference, whole")
    fields = [
        "payment", "amount", "state", "source", "reason", "requested_by", "created_at", "needs_second_person",
        "decided_by", "decided_at", "refund_ref", "closed_at", "last_error",
    ]  # fmt: skip
    readonly_fields = ["amount"]


class DisputeFilter(WorkFirstFilter):
    title = _("state")
    waiting = _("Open")
    parameter_name = "state"

    def lookups(self, request, model_admin):
        return [("all", _("All disputes"))]

    def queryset(self, request, queryset):
        is_all = self.value() == "all" or self.is_search(request)
        return queryset if is_all else queryset.filter(state=DisputeState.OPEN)


@admin.register(Dispute)
class DisputeAdmin(LoggedReadsMixin, ReadOnlyMixin, MoneyColumns, LargeListMixin, admin.ModelAdmin):
    list_display = ["dispute_ref", "payment", "amount", "state", "answer_due_at", "opened_at"]
    list_filter = [DisputeFilter]
    list_select_related = ["payment"]
    search_fields = ["dispute_ref__exact", "payment__receipt_number__exact"]
    fields = ["dispute_ref", "payment", "amount", "state", "answer_due_at", "opened_at", "closed_at", "gateway"]
    readonly_fields = ["amount"]
