"""The ledger and what the processor told us, to look at."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from billing.models import ChainLink, GatewayEvent, ImportBatch, Journal, Leg
from practice.accounts.access_log import LoggedReadsMixin
from practice.money import dollars
from practice.office import ReadOnlyMixin
from practice.office_lists import LargeListMixin

SHOWN_LEGS = 100  # an import charges thousands of statements in one entry


class LegInline(ReadOnlyMixin, admin.TabularInline):
    model = Leg
    extra = 0
    readonly_fields = ("account", "statement", "sum")
    fields = readonly_fields
    verbose_name_plural = _("Legs (the first hundred)")

    def get_queryset(self, request):
        ids = super().get_queryset(request).order_by("pk")
        journal = request.resolver_match.kwargs.get("object_id")
        first = ids.filter(journal=journal).values("pk")[:SHOWN_LEGS] if journal and journal.isdigit() else []
        return ids.filter(pk__in=first).select_related("statement")

    @admin.display(description=_("amount"))
    def sum(self, leg):
        return dollars(leg.cents)


@admin.register(Journal)
class JournalAdmin(LoggedReadsMixin, ReadOnlyMixin, LargeListMixin, admin.ModelAdmin):
    list_display = ["id", "posted_at", "kind", "cause", "posted_by", "note"]
    list_filter = ["kind"]
    list_select_related = ["posted_by"]
    search_fields = ["cause__startswith"]
    fields = ["kind", "cause", "posted_at", "posted_by", "note", "seal"]
    readonly_fields = ["seal"]
    inlines = [LegInline]

    @admin.display(description=_("seal"))
    def seal(self, journal):
        link = ChainLink.objects.filter(journal=journal).first()
        return f"{link.position}: {link.digest}" if link else ""

    def changelist_view(self, request, extra_context=None):
        return super().changelist_view(request, {"title": _("Ledger"), **(extra_context or {})})


@admin.register(ImportBatch)
class ImportBatchAdmin(ReadOnlyMixin, admin.ModelAdmin):
    list_display = ["file_name", "imported_at", "imported_by", "lines", "new", "changed", "unchanged"]
    list_select_related = ["imported_by"]


class EventFilter(admin.SimpleListFilter):
    title = _("acted on")
    parameter_name = "acted"

    def lookups(self, request, model_admin):
        return [("no", _("Not yet")), ("noted", _("With a note"))]

    def queryset(self, request, queryset):
        if self.value() == "no":
            return queryset.unprocessed()
        return queryset.exclude(note="") if self.value() == "noted" else queryset


@admin.register(GatewayEvent)
class GatewayEventAdmin(ReadOnlyMixin, LargeListMixin, admin.ModelAdmin):
    list_display = ["event_id", "gateway", "kind", "received_at", "processed_at", "note"]
    list_filter = [EventFilter]
    search_fields = ["event_id__exact"]
    fields = ["event_id", "gateway", "kind", "received_at", "processed_at", "tries", "note"]
