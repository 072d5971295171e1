"""The practice's own facts, as the front desk and the administrators edit them."""

from django.contrib import admin, messages
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from practice.admin_filters import WorkFirstFilter
from practice.feedback import mark_answered
from practice.models import (
    Feedback,
    FeedbackStatus,
    Identity,
    Location,
    Notice,
    NoticeVersion,
    OpeningHours,
    Physician,
    Subspecialty,
)


@admin.register(Identity)
class IdentityAdmin(admin.ModelAdmin):
    fieldsets = [
        (None, {"fields": ["name", "tagline", "tagline_es", "is_fictional"]}),
        (_("Look"), {"fields": ["accent_colour", "logo"]}),
        (_("Phones"), {"fields": ["main_phone", "scheduling_phone", "billing_phone"]}),
        (_("Address"), {"fields": ["street", "city", "state", "postal_code"]}),
        (_("Giving Back"), {"fields": ["giving_back", "giving_back_es"]}),
    ]

    def has_add_permission(self, request):
        return not Identity.objects.exists()

    def has_delete_permission(self, request, obj=None):
        return False


class OpeningHoursInline(admin.TabularInline):
    model = OpeningHours
    extra = 1


@admin.register(Location)
class LocationAdmin(admin.ModelAdmin):
    list_display = ["name", "phone", "city", "position"]
    search_fields = ["name", "city"]
    prepopulated_fields = {"slug": ["name"]}
    inlines = [OpeningHoursInline]


@admin.register(Subspecialty)
class SubspecialtyAdmin(admin.ModelAdmin):
    list_display = ["name", "name_es"]
    search_fields = ["name", "name_es"]


@admin.register(Physician)
class PhysicianAdmin(admin.ModelAdmin):
    list_display = ["name", "credentials", "is_practising", "position"]
    list_filter = ["is_practising", "subspecialties"]
    search_fields = ["name"]
    prepopulated_fields = {"slug": ["name"]}
    filter_horizontal = ["subspecialties"]
    view_on_site = True


class NoticeVersionInline(admin.StackedInline):
    model = NoticeVersion
    extra = 0
    verbose_name_plural = _("versions: what is in force is a record and stays; add a new one to change the text")

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False


@admin.register(Notice)
class NoticeAdmin(admin.ModelAdmin):
    list_display = ["title", "slug", "in_force_since", "position"]
    search_fields = ["title"]
    prepopulated_fields = {"slug": ["title"]}
    inlines = [NoticeVersionInline]

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("versions")

    @admin.display(description=_("in force since"))
    def in_force_since(self, notice):
        started = [
            version.effective_on for version in notice.versions.all() if version.effective_on <= timezone.localdate()
        ]
        return max(started, default=None)

    def has_delete_permission(self, request, obj=None):
        return False


class FeedbackStatusFilter(WorkFirstFilter):
    """What nobody has answered comes first; the rest is one click away and says so."""

    title = _("status")
    waiting = _("Not answered")
    parameter_name = "status"

    def lookups(self, request, model_admin):
        return [("answered", _("Answered")), ("all", _("All"))]

    def queryset(self, request, queryset):
        if self.value() == "all":
            return queryset
        if self.value() == "answered":
            return queryset.filter(status=FeedbackStatus.ANSWERED)
        return queryset.unanswered()


@admin.register(Feedback)
class FeedbackAdmin(admin.ModelAdmin):
    list_display = ["id", "received_at", "topic", "language", "status", "answered_by"]
    list_filter = [FeedbackStatusFilter, "topic"]
    list_select_related = ["answered_by"]
    actions = ["mark_selected_answered"]
    readonly_fields = (
        "topic", "message", "name", "email", "language", "received_at", "status", "answered_at", "answered_by",
    )  # fmt: skip
    fields = readonly_fields

    def has_add_permission(self, request):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    @admin.action(description=_("Mark as answered"), permissions=["change"])
    def mark_selected_answered(self, request, feedback):
        for row in feedback:
            mark_answered(row, by=request.user)
            self.log_change(request, row, "Answered.")
        count = len(feedback)
        self.message_user(
            request, ngettext("%d message marked.", "%d messages marked.", count) % count, messages.SUCCESS
        )
