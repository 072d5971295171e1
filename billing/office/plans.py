"""Payment plans, to look at and to end."""

from django.contrib import admin
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from billing import plans
from billing.models import Instalment, PaymentPlan
from billing.office.pages import MoneyColumns
from practice.accounts.access_log import LoggedReadsMixin
from practice.money import dollars
from practice.office import Act, ActsMixin, ReadOnlyMixin
from practice.office_lists import LargeListMixin


class InstalmentInline(ReadOnlyMixin, MoneyColumns, admin.TabularInline):
    model = Instalment
    extra = 0
    readonly_fields = ("position", "due_on", "amount", "state", "declines", "next_try_on", "reminded_at")
    fields = readonly_fields


def do_cancel(request, plan, facts):
    plans.cancel(plan)
    return gettext("The plan is cancelled; the patient is told by mail.")


@admin.register(PaymentPlan)
class PaymentPlanAdmin(ActsMixin, LoggedReadsMixin, ReadOnlyMixin, LargeListMixin, admin.ModelAdmin):
    view_on_site = False  # its page is the payer's, by their private link
    acts = (
        Act("cancel", _("Cancel the plan"), "billing.request_refund", do_cancel, offered=lambda plan: plan.is_running),
    )
    list_display = ["consented_at", "statement", "total", "state"]
    list_filter = ["state"]
    list_select_related = ["statement"]
    search_fields = ["statement__number__exact"]
    search_help_text = _("Statement number, whole")
    inlines = [InstalmentInline]
    fields = ["statement", "total", "state", "language", "consent_text", "consented_at", "consented_from", "closed_at"]
    readonly_fields = ["total"]

    @admin.display(description=_("total"), ordering="total_cents")
    def total(self, plan):
        return dollars(plan.total_cents)
