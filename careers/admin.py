"""Hiring: openings, and applications on their way to an answer. Every reading of an application is logged."""

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from careers.models import Application, ApplicationStatus, Opening
from careers.review import ReviewError, change_status
from practice.accounts.access_log import LoggedReadsMixin, record_read
from practice.admin_filters import WorkFirstFilter
from practice.money import CentsField, dollars
from practice.office_lists import BulkAct, BulkActsMixin, LargeListMixin
from practice.private_files import serve


class OpeningForm(forms.ModelForm):
    pay_from_cents = CentsField(label=_("Pay from"), required=False, help_text=_("In dollars, like 410,000 or 38.50."))
    pay_to_cents = CentsField(label=_("Pay to"), required=False)

    class Meta:
        model = Opening
        fields = "__all__"  # noqa: DJ007  (the fieldsets below decide)


@admin.register(Opening)
class OpeningAdmin(admin.ModelAdmin):
    form = OpeningForm
    list_display = ["title", "role", "location", "pay", "status", "closes_on"]
    list_filter = ["status", "role", "location"]
    list_select_related = ["location"]
    search_fields = ["title"]
    prepopulated_fields = {"slug": ["title"]}
    fieldsets = [
        (None, {"fields": ["title", "slug", "role", "subspecialty", "location", "status", "posted_on", "closes_on"]}),
        (
            _("Pay"),
            {
                "fields": ["pay_from_cents", "pay_to_cents", "pay_period"],
                "description": _("An opening cannot be posted without its pay range."),
            },
        ),
        (_("Work"), {"fields": ["employment", "schedule", "call", "remote_percent", "partnership"]}),
        (_("Text"), {"fields": ["summary", "body"]}),
        (_("In Spanish"), {"fields": ["title_es", "summary_es", "body_es"]}),
    ]

    @admin.display(description=_("pay"))
    def pay(self, opening):
        if opening.pay_from_cents is None:
            return "–"
        return f"{dollars(opening.pay_from_cents)} – {dollars(opening.pay_to_cents)}"

    def has_delete_permission(self, request, obj=None):
        return False  # an opening is closed


class StatusFilter(WorkFirstFilter):
    """Those who still wait for an answer come first; all others are one click away."""

    title = _("answer")
    waiting = _("Waiting for an answer")
    parameter_name = "answer"

    def lookups(self, request, model_admin):
        return [("all", _("All applications"))]

    def queryset(self, request, queryset):
        return queryset if self.value() == "all" else queryset.unanswered()


def move(name: str, label, status: ApplicationStatus) -> BulkAct:
    """The act that moves applications on to this status."""

    def do(request, application, facts):
        change_status(application, status)

    return BulkAct(
        name, label, "careers.change_application", do, _("Moved on and told by mail: %(count)s."),
        explanation=_("Each applicant gets a mail at once, in their language."), refusals=(ReviewError,),
    )  # fmt: skip


@admin.register(Application)
class ApplicationAdmin(BulkActsMixin, LoggedReadsMixin, LargeListMixin, admin.ModelAdmin):
    view_on_site = False  # its page is the applicant's, by their private link
    list_display = ["id", "name", "opening", "status", "received_at", "status_changed_at"]
    list_filter = [StatusFilter, "opening", "status"]
    list_select_related = ["opening"]
    search_fields = ["name", "email"]
    bulk_acts = (
        move("to_review", _("In review"), ApplicationStatus.IN_REVIEW),
        move("to_interview", _("Invite to an interview"), ApplicationStatus.INTERVIEW),
        move("to_hired", _("Hired"), ApplicationStatus.HIRED),
        move("to_declined", _("Not chosen"), ApplicationStatus.DECLINED),
    )
    readonly_fields = (
        "opening", "name", "email", "phone", "message", "cv_link", "language", "status", "received_at",
        "status_changed_at",
    )  # fmt: skip
    fields = readonly_fields

    def has_add_permission(self, request):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    def get_urls(self):
        download = path("<int:pk>/cv/", self.admin_site.admin_view(self.download_cv), name="careers_application_cv")
        return [download, *super().get_urls()]

    def download_cv(self, request, pk):
        application = get_object_or_404(Application, pk=pk)
        if not self.has_view_permission(request, application):
            raise PermissionDenied
        record_read(request, application)
        return serve(request, application.cv, f"application-{application.pk}.{str(application.cv).rsplit('.', 1)[-1]}")

    @admin.display(description=_("CV"))
    def cv_link(self, application):
        return format_html(
            '<a href="{}">{}</a>', reverse("admin:careers_application_cv", args=[application.pk]), _("Download")
        )

    def describe(self, application):
        return f"{application.name}, {application.opening}"
