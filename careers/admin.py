"""Hiring: openings, and applications on their way to an answer. Every reading of an application is logged."""

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from careers.models import NEXT_STATUSES, Application, ApplicationStatus, Opening, OpeningStatus
from careers.review import ReviewError, change_status
from practice.accounts.access_log import LoggedReadsMixin, record_read
from practice.admin_filters import WorkFirstFilter
from practice.money import CentsField, dollars
from practice.office import Act, ActsMixin, ReadOnlyMixin
from practice.office_lists import BulkAct, BulkActsMixin, LargeListMixin
from practice.private_files import serve


class OpeningForm(forms.ModelForm):
    pay_from_cents = CentsField(label=_("Pay from"), required=False, help_text=_("In dollars, like 410,000 or 38.50."))
    pay_to_cents = CentsField(label=_("Pay to"), required=False)

    class Meta:
        model = Opening
        fields = "__all__"  # noqa: DJ007  (the fieldsets below decide)

    def clean(self):
        facts = super().clean() or {}
        last = facts.get("closes_on")
        if facts.get("status") == OpeningStatus.OPEN and last and last < timezone.localdate():
            self.add_error("closes_on", _("This day is over, so nobody could apply. Choose a later day or close it."))
        return facts


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


# How an application moves on: {name: (what the office calls it, where it moves to)}.
MOVES = {
    "to_review": (_("Take into review"), ApplicationStatus.IN_REVIEW),
    "to_interview": (_("Invite to an interview"), ApplicationStatus.INTERVIEW),
    "to_hired": (_("Hire"), ApplicationStatus.HIRED),
    "to_declined": (_("Decline"), ApplicationStatus.DECLINED),
}
MAY_MOVE, TELLS = "careers.change_application", _("The applicant gets an e-mail at once, in their language.")


def move_to(status: ApplicationStatus):
    def do(request, application, facts):
        change_status(application, status)
        return _("%s was told by e-mail.") % application.name

    return do


def may_move_to(status: ApplicationStatus):
    return lambda application: status in NEXT_STATUSES[ApplicationStatus(application.status)]


def who_it_is(application):
    return [(_("Name"), application.name), (_("Opening"), application.opening.title)]


@admin.register(Application)
class ApplicationAdmin(BulkActsMixin, ActsMixin, LoggedReadsMixin, ReadOnlyMixin, LargeListMixin, admin.ModelAdmin):
    acts = tuple(
        Act(name, label, MAY_MOVE, move_to(status), forms.Form, TELLS, may_move_to(status), (ReviewError,), who_it_is)
        for name, (label, status) in MOVES.items()
    )
    logs_acts = True
    view_on_site = False  # its page is the applicant's, by their private link
    list_display = ["id", "name", "opening", "status", "received_at", "status_changed_at"]
    list_filter = [StatusFilter, "opening", "status"]
    list_select_related = ["opening"]
    search_fields = ["name", "email"]
    bulk_acts = tuple(
        BulkAct(
            name, label, MAY_MOVE, move_to(status), _("Moved on and told by e-mail: %(count)s."), explanation=TELLS,
            refusals=(ReviewError,),
        )
        for name, (label, status) in MOVES.items()
    )  # fmt: skip
    readonly_fields = (
        "opening", "name", "email", "phone", "message", "cv_link", "language", "status", "received_at",
        "status_changed_at",
    )  # fmt: skip
    fields = readonly_fields

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
