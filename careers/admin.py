"""Hiring: openings, and applications on their way to an answer. Every reading of an application is logged."""

from django import forms
from django.contrib import admin, messages
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


@admin.register(Application)
class ApplicationAdmin(LoggedReadsMixin, admin.ModelAdmin):
    list_display = ["id", "name", "opening", "status", "received_at", "status_changed_at"]
    list_filter = [StatusFilter, "opening", "status"]
    list_select_related = ["opening"]
    search_fields = ["name", "email"]
    actions = ["to_review", "to_interview", "to_hired", "to_declined"]
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

    def _move(self, request, applications, status):
        for application in applications:
            try:
                change_status(application, status)
            except ReviewError as error:
                self.message_user(request, str(error), messages.ERROR)
            else:
                self.log_change(request, application, f"Became {status}.")
                self.message_user(request, _("%s: the applicant is told.") % application, messages.SUCCESS)

    @admin.action(description=_("In review (tells the applicant)"), permissions=["change"])
    def to_review(self, request, applications):
        self._move(request, applications, ApplicationStatus.IN_REVIEW)

    @admin.action(description=_("Invite to an interview (tells the applicant)"), permissions=["change"])
    def to_interview(self, request, applications):
        self._move(request, applications, ApplicationStatus.INTERVIEW)

    @admin.action(description=_("Hired (tells the applicant)"), permissions=["change"])
    def to_hired(self, request, applications):
        self._move(request, applications, ApplicationStatus.HIRED)

    @admin.action(description=_("Not chosen (tells the applicant)"), permissions=["change"])
    def to_declined(self, request, applications):
        self._move(request, applications, ApplicationStatus.DECLINED)
