"""The billing office. Money is read-only here: it moves only through job functions that write the ledger."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from billing.codes import printed
from billing.ledger import credit_of
from billing.models import Attempt, GatewayEvent, ImportBatch, Journal, Leg, Payment, Statement, StatementLine
from practice.accounts.access_log import LoggedReadsMixin
from practice.admin_filters import WorkFirstFilter
from practice.money import dollars


class ReadOnlyMixin:
    """Rows staff may look at and nobody may change by hand."""

    def has_add_permission(self, request, obj=None):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False


class MoneyColumns:
    """Shows `<name>_cents` as dollars under the name `<name>`."""

    @admin.display(description=_("amount"), ordering="amount_cents")
    def amount(self, row):
        return dollars(row.amount_cents)

    @admin.display(description=_("owed"), ordering="charges_cents")
    def charges(self, row):
        return dollars(row.charges_cents)

    @admin.display(description=_("paid"), ordering="applied_cents")
    def applied(self, row):
        return dollars(row.applied_cents)

    @admin.display(description=_("balance"))
    def balance(self, row):
        return dollars(row.balance_cents)

    @admin.display(description=_("credit"), ordering="credit_cents")
    def credit(self, row):
        return dollars(row.credit_cents)


class BalanceFilter(WorkFirstFilter):
    """What is still owed comes first; all the rest is one click away and says so."""

    title = _("balance")
    waiting = _("Still owed")
    parameter_name = "balance"

    def lookups(self, request, model_admin):
        return [("all", _("All statements"))]

    def queryset(self, request, queryset):
        return queryset if self.value() == "all" else queryset.outstanding()


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


@admin.register(Statement)
class StatementAdmin(LoggedReadsMixin, ReadOnlyMixin, MoneyColumns, admin.ModelAdmin):
    list_display = ["number", "account", "issued_on", "due_on", "charges", "applied", "balance"]
    list_filter = [BalanceFilter, "issued_on"]
    list_select_related = ["patient"]
    search_fields = ["number__exact", "patient__account_number__exact"]
    search_help_text = _("Statement number or account number, whole")
    show_full_result_count = False
    inlines = [StatementLineInline, PaymentInline]
    fieldsets = [
        (None, {"fields": ["number", "account", "patient_name", "look_up_code"]}),
        (
            _("Bill"),
            {"fields": ["issued_on", "due_on", "facility", "insurer", "created_at", "revised_at", "voided_at"]},
        ),
        (
            _("Money"),
            {
                "fields": ["charges", "applied", "balance", "to_return"],
                "description": _("Kept by the ledger; nobody types these."),
            },
        ),
    ]
    readonly_fields = ["account", "patient_name", "look_up_code", "charges", "applied", "balance", "to_return"]

    @admin.display(description=_("to return to the patient"))
    def to_return(self, statement):
        return dollars(credit_of(statement))

    @admin.display(description=_("account"), ordering="patient__account_number")
    def account(self, statement):
        return statement.patient.account_number

    @admin.display(description=_("patient"))
    def patient_name(self, statement):
        return statement.patient.full_name

    @admin.display(description=_("look-up code"))
    def look_up_code(self, statement):
        return printed(statement.code)


@admin.register(Payment)
class PaymentAdmin(LoggedReadsMixin, ReadOnlyMixin, MoneyColumns, admin.ModelAdmin):
    list_display = ["receipt_number", "captured_at", "statement", "amount", "credit", "gateway", "needs_review"]
    list_filter = ["captured_at", "gateway"]
    list_select_related = ["statement"]
    search_fields = ["receipt_number__exact", "statement__number__exact", "payment_ref__exact"]
    search_help_text = _("Receipt number, statement number or processor's reference, whole")
    date_hierarchy = "captured_at"
    show_full_result_count = False
    fields = [
        "receipt_number", "statement", "captured_at", "amount", "credit", "before", "after", "gateway", "payment_ref",
        "card_brand", "card_last4", "needs_review",
    ]  # fmt: skip
    readonly_fields = ["amount", "credit", "before", "after"]

    @admin.display(description=_("owed before"))
    def before(self, payment):
        return dollars(payment.balance_before_cents)

    @admin.display(description=_("owed after"))
    def after(self, payment):
        return dollars(payment.balance_after_cents)


@admin.register(Attempt)
class AttemptAdmin(ReadOnlyMixin, MoneyColumns, admin.ModelAdmin):
    list_display = ["id", "created_at", "statement", "amount", "state", "gateway"]
    list_filter = ["state", "gateway"]
    list_select_related = ["statement"]
    search_fields = ["id__exact", "statement__number__exact"]
    show_full_result_count = False
    fields = ["id", "statement", "amount", "state", "gateway", "payment_ref", "created_at", "expires_at", "closed_at"]
    readonly_fields = ["amount"]


class LegInline(ReadOnlyMixin, admin.TabularInline):
    model = Leg
    extra = 0
    readonly_fields = ("account", "statement", "sum")
    fields = readonly_fields

    @admin.display(description=_("amount"))
    def sum(self, leg):
        return dollars(leg.cents)


@admin.register(Journal)
class JournalAdmin(ReadOnlyMixin, admin.ModelAdmin):
    list_display = ["id", "posted_at", "kind", "cause"]
    list_filter = ["kind"]
    search_fields = ["cause__startswith"]
    show_full_result_count = False
    inlines = [LegInline]

    def changelist_view(self, request, extra_context=None):
        return super().changelist_view(request, {"title": _("Ledger"), **(extra_context or {})})


@admin.register(ImportBatch)
class ImportBatchAdmin(ReadOnlyMixin, admin.ModelAdmin):
    list_display = ["file_name", "imported_at", "imported_by", "lines", "new", "changed", "unchanged"]
    list_select_related = ["imported_by"]


@admin.register(GatewayEvent)
class GatewayEventAdmin(ReadOnlyMixin, admin.ModelAdmin):
    list_display = ["event_id", "gateway", "kind", "received_at", "processed_at", "note"]
    list_filter = ["gateway", "kind"]
    show_full_result_count = False
    fields = ["event_id", "gateway", "kind", "received_at", "processed_at", "tries", "note"]
