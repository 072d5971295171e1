"""Statements: what is owed, by whom, and what the office can do about it."""

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import mark_safe
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from billing import links, lookup, withdrawals
from billing.codes import printed
from billing.exports import statements_file
from billing.ledger import credit_of, written_off_on
from billing.models import Payment, Statement, StatementLine
from billing.office.dashboard import figures
from billing.office.pages import MoneyColumns
from practice.accounts.access_log import LoggedReadsMixin, record_many
from practice.admin_filters import WorkFirstFilter
from practice.money import CentsField, dollars
from practice.office import Act, ActsMixin, OnceForm, ReadOnlyMixin
from practice.office_lists import LargeListMixin
from practice.spreadsheets import csv_download


class BalanceFilter(WorkFirstFilter):
    """What is still owed comes first; all the rest is one click away and says so."""

    title = _("balance")
    waiting = _("Still owed")
    parameter_name = "balance"

    def lookups(self, request, model_admin):
        return [("all", _("All statements"))]

    def queryset(self, request, queryset):
        return queryset if self.value() == "all" or self.is_search(request) else queryset.outstanding()


class HoldFilter(admin.SimpleListFilter):
    title = _("hold")
    parameter_name = "hold"

    def lookups(self, request, model_admin):
        return [("on", _("On hold"))]

    def queryset(self, request, queryset):
        return queryset.on_hold() if self.value() == "on" else queryset


class StatementLineInline(ReadOnlyMixin, admin.TabularInline):
    model = StatementLine
    extra = 0
    readonly_fields = (
        "position", "service_on", "procedure_code", "description", "charge", "insurance", "adjustment", "owes",
    )  # fmt: skip
    fields = readonly_fields

    @admin.display(description=_("charge"))
    def charge(self, line):
        return dollars(line.charge_cents)

    @admin.display(description=_("insurance paid"))
    def insurance(self, line):
        return dollars(line.insurance_paid_cents)

    @admin.display(description=_("adjustment"))
    def adjustment(self, line):
        return dollars(line.adjustment_cents)

    @admin.display(description=_("patient owes"))
    def owes(self, line):
        return dollars(line.patient_cents)


class PaymentInline(ReadOnlyMixin, MoneyColumns, admin.TabularInline):
    model = Payment
    extra = 0
    readonly_fields = ("receipt_number", "captured_at", "amount", "credit", "card_brand", "card_last4")
    fields = readonly_fields
    show_change_link = True


class WriteOffForm(OnceForm):
    amount = CentsField(label=_("How much"), help_text=_("In dollars and cents, like 25.00."))
    reason = forms.CharField(label=_("Why"), max_length=200)


class ReasonForm(forms.Form):
    reason = forms.CharField(label=_("Why"), max_length=200)


class ReissueForm(forms.Form):
    no_free_text = ("number",)
    number = forms.CharField(label=_("Number of the new statement"), max_length=40)


def do_write_off(request, statement, facts):
    withdrawals.write_off(statement, facts["amount"], by=request.user, reason=facts["reason"], cause=facts["once"])
    return gettext("%(amount)s was written off.") % {"amount": dollars(facts["amount"])}


def do_void(request, statement, facts):
    withdrawals.void_statement(statement, by=request.user, reason=facts["reason"])
    return gettext("The statement is void. What was paid on it is owed back.")


def do_reissue(request, statement, facts):
    new = withdrawals.reissue_statement(statement, facts["number"], by=request.user)
    said = gettext(
        "%(number)s was issued; %(balance)s is owed on it. Enter the number in your system, print its new code."
    )
    messages.success(request, said % {"number": new.number, "balance": dollars(new.balance_cents)})
    return HttpResponseRedirect(reverse("admin:billing_statement_change", args=[new.pk]))


def do_unlock(request, statement, facts):
    lookup.unlock(statement)
    return gettext("The patient can try again.")


def do_revoke(request, statement, facts):
    links.revoke_link(statement)
    return gettext("The QR code on the paper leads nowhere any more. The printed code still works.")


def do_renew(request, statement, facts):
    links.renew_link(statement)
    return gettext("There is a new link. Print the statement again.")


def how_it_stands(statement):
    return [
        (_("Patient"), statement.patient.full_name),
        (_("Statement"), statement.number),
        (_("Billed"), dollars(statement.charges_cents)),
        (_("Paid or taken off"), dollars(statement.applied_cents)),
        (_("Balance"), dollars(statement.balance_cents)),
        (_("To return"), dollars(credit_of(statement))),
        *([(_("Payment plan"), gettext("ends with this"))] if statement.plans.running().exists() else []),
    ]


def is_valid(statement):
    return statement.voided_at is None


REFUSED = (withdrawals.WithdrawalRefused,)
ACTS = (
    Act(
        "write-off",
        _("Write off"),
        "billing.write_off_statement",
        do_write_off,
        WriteOffForm,
        _("The practice gives up so much of what is owed. The ledger keeps who and why."),
        lambda statement: is_valid(statement) and statement.balance_cents > 0,
        REFUSED,
        how_it_stands,
        is_sensitive=True,
    ),
    Act(
        "void",
        _("Void the statement"),
        "billing.void_statement",
        do_void,
        ReasonForm,
        _("Nothing is owed on it any more and no patient finds it. What was paid becomes credit. It stays void."),
        is_valid,
        REFUSED,
        how_it_stands,
        is_sensitive=True,
    ),
    Act(
        "reissue",
        _("Issue it again"),
        "billing.void_statement",
        do_reissue,
        ReissueForm,
        _("A new statement with the same lines, a new code and a new link. Credit of the old one pays it."),
        lambda statement: not is_valid(statement) and not Statement.objects.filter(replaces=statement).exists(),
        REFUSED,
        how_it_stands,
    ),
    Act("unlock", _("Let the patient try again"), "billing.view_statement", do_unlock, offered=is_valid),
    Act(
        "revoke-link",
        _("Revoke the QR code"),
        "billing.print_statement",
        do_revoke,
        forms.Form,
        _("The picture on the patient’s paper leads nowhere any more. The printed letters and digits still work."),
        offered=lambda statement: is_valid(statement) and statement.link_index is not None,
    ),
    Act(
        "renew-link",
        _("Make a new QR code"),
        "billing.print_statement",
        do_renew,
        forms.Form,
        _("The code printed before leads nowhere any more: print the statement again."),
        is_valid,
    ),
)


@admin.register(Statement)
class StatementAdmin(ActsMixin, LoggedReadsMixin, ReadOnlyMixin, MoneyColumns, LargeListMixin, admin.ModelAdmin):
    acts = ACTS
    change_list_template = "admin/billing/statements.html"
    list_display = ["number", "account", "issued_on", "due_on", "charges", "applied", "balance", "on_hold"]
    list_filter = [BalanceFilter, HoldFilter, "issued_on"]
    list_select_related = ["patient"]
    search_fields = ["number__exact", "patient__account_number__exact"]
    search_help_text = _("Statement number or account number, whole")
    inlines = [StatementLineInline, PaymentInline]
    fieldsets = [
        (None, {"fields": ["number", "account", "patient_name", "look_up_code", "qr_code"]}),
        (
            _("Bill"),
            {
                "fields": [
                    "issued_on", "due_on", "facility", "insurer", "held_since", "created_at", "revised_at", "voided_at",
                    "replaces", "replacement",
                ]
            },
        ),
        (
            _("Money"),
            {
                "fields": ["charges", "applied", "written_off", "balance", "to_return"],
                "description": _("Kept by the ledger; nobody types these."),
            },
        ),
    ]  # fmt: skip
    readonly_fields = [
        "account", "patient_name", "look_up_code", "qr_code", "charges", "applied", "written_off", "balance",
        "to_return", "held_since", "replaces", "replacement",
    ]  # fmt: skip

    @admin.display(description=_("to return to the patient"))
    def to_return(self, statement):
        return dollars(credit_of(statement))

    @admin.display(description=_("written off"))
    def written_off(self, statement):
        return dollars(written_off_on(statement))

    @admin.display(description=_("account"), ordering="patient__account_number")
    def account(self, statement):
        return statement.patient.account_number

    @admin.display(description=_("on hold"), ordering="held_since")
    def on_hold(self, statement):
        return (
            date_format(timezone.localtime(statement.held_since), "SHORT_DATE_FORMAT") if statement.held_since else ""
        )

    @admin.display(description=_("replaced by"))
    def replacement(self, statement):
        new = Statement.objects.filter(replaces=statement).first()
        if new is None:
            return ""
        return format_html('<a href="{}">{}</a>', reverse("admin:billing_statement_change", args=[new.pk]), new.number)

    @admin.display(description=_("patient"))
    def patient_name(self, statement):
        return statement.patient.full_name

    @admin.display(description=_("look-up code"))
    def look_up_code(self, statement):
        return printed(statement.code)

    @admin.display(description=_("QR code"))
    def qr_code(self, statement):
        return mark_safe(links.qr_svg(statement)) or _("revoked")  # noqa: S308  (made by segno from our own link)

    # ---- Pages about many statements ----

    def get_urls(self):
        view = self.admin_site.admin_view
        return [
            path("codes/", view(self.codes_view), name="billing_statement_codes"),
            path("export/", view(self.export_view), name="billing_statement_export"),
            path("credit/", view(self.credit_view), name="billing_statement_credit"),
            path("dashboard/", view(self.dashboard_view), name="billing_dashboard"),
            *super().get_urls(),
        ]

    def codes_view(self, request):
        """Number, code and QR link of every statement that owes, for the print house."""
        if not request.user.has_perm("billing.print_statement"):
            raise PermissionDenied
        record_many(request, Statement, "codes")
        return csv_download(links.codes_file(Statement.objects.outstanding()), "statement-codes")

    def export_view(self, request):
        """What is owed, as a spreadsheet: without names, with the hold."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        record_many(request, Statement, "owed")
        return csv_download(statements_file(Statement.objects.outstanding()), "statements-owed")

    def credit_view(self, request):
        """Every statement on which money is owed back."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        record_many(request, Statement, "credit")
        rows = [(statement, dollars(cents)) for statement, cents in withdrawals.credit_by_statement()]
        return self._page(request, "admin/billing/credit.html", _("Credit to return"), {"rows": rows})

    def dashboard_view(self, request):
        """How billing goes, in pictures."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = figures()
        # A list somebody may not open is named without a link.
        context["waiting"] = [
            (label, count, reverse(f"admin:billing_{model}_changelist") + query)
            if request.user.has_perm(f"billing.view_{model}")
            else (label, count, "")
            for label, count, model, query in context["waiting"]
        ]
        return self._page(request, "admin/billing/dashboard.html", _("Billing at a glance"), context)

    def _page(self, request, template, title, context):
        context = {**self.admin_site.each_context(request), "title": title, "opts": self.opts, **context}
        return TemplateResponse(request, template, context)
