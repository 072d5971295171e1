"""Openings: what is posted, by what it is judged, and everybody who has applied."""

from itertools import chain

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import Http404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from careers.exports import applications_file
from careers.models import (
    Application,
    ApplicationStatus,
    Criterion,
    Opening,
    OpeningStatus,
    Role,
    SurveyAnswer,
)
from careers.review import ReviewError, check_may_close
from careers.survey import QUESTIONS, survey_counts
from careers.views import opening_page
from practice.accounts import roles
from practice.accounts.access_log import record_many
from practice.accounts.models import User
from practice.accounts.second_factor import ask_again, proved_lately
from practice.money import CentsField, dollars
from practice.office import PreviewMixin
from practice.spreadsheets import csv_download

STEPS = [ApplicationStatus.RECEIVED, ApplicationStatus.IN_REVIEW, ApplicationStatus.INTERVIEW]
MOST_CARDS = 100  # in one column of the pipeline


class OpeningForm(forms.ModelForm):
    pay_from_cents = CentsField(label=_("Pay from"), required=False, help_text=_("In dollars, like 410,000 or 38.50."))
    pay_to_cents = CentsField(label=_("Pay to"), required=False)
    reviewers = forms.ModelMultipleChoiceField(
        label=_("Reviewers"),
        queryset=User.objects.filter(is_active=True, groups__name=roles.APPLICATION_REVIEWER).order_by("name"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("People with the role “Application reviewer” see only the openings at which they are named."),
    )

    class Meta:
        model = Opening
        fields = "__all__"  # noqa: DJ007  (the fieldsets below decide)

    def clean(self):
        facts = super().clean() or {}
        last = facts.get("closes_on")
        if facts.get("status") == OpeningStatus.OPEN and last and last < timezone.localdate():
            self.add_error("closes_on", _("This day is over, so nobody could apply. Choose a later day or close it."))
        if facts.get("status") in (OpeningStatus.CLOSED, OpeningStatus.DRAFT) and self.instance.pk:
            # Locked until it is saved: nobody applies in between. The admin saves in one transaction.
            now = Opening.objects.select_for_update(no_key=True).get(pk=self.instance.pk)
            try:
                if now.status == OpeningStatus.OPEN:
                    check_may_close(now)
            except ReviewError as error:
                self.add_error("status", str(error))
        return facts


class CriterionInline(admin.TabularInline):
    model = Criterion
    fields = ["text", "position"]

    def get_extra(self, request, obj=None, **options):
        return 0 if obj else 3

    def has_delete_permission(self, request, obj=None):
        """A criterion by which somebody has been scored stays."""
        return super().has_delete_permission(request, obj) and not (
            obj and Criterion.objects.filter(opening=obj, scores__isnull=False).exists()
        )


@admin.register(Opening)
class OpeningAdmin(PreviewMixin):
    form = OpeningForm
    inlines = [CriterionInline]
    change_form_template = "admin/careers/opening.html"
    change_list_template = "admin/careers/openings.html"
    list_display = ["title", "role", "location", "pay", "status", "closes_on", "pipeline"]
    list_filter = ["status", "role", "location"]
    list_select_related = ["location"]
    search_fields = ["title"]
    prepopulated_fields = {"slug": ["title"]}
    fieldsets = [
        (None, {"fields": ["title", "slug", "role", "subspecialty", "location", "status", "posted_on", "closes_on"]}),
        (
            _("Pay"),
            {
                "fields": ["pay_from_cents", "pay_to_cents", "pay_period", "productivity"],
                "description": _("An opening cannot be posted without its pay range."),
            },
        ),
        (
            _("Work"),
            {
                "fields": [
                    "employment", "starts_on", "schedule", "call", "weeks_off", "remote_percent", "partnership_months",
                    "partnership", "visa",
                ]
            },
        ),
        (_("Text"), {"fields": ["summary", "body"]}),
        (
            _("In Spanish"),
            {"fields": ["title_es", "summary_es", "body_es", "schedule_es", "call_es", "partnership_es"]},
        ),
        (_("Reading applications"), {"fields": ["answer_days", "is_read_blind", "reviewers"]}),
    ]  # fmt: skip

    @admin.display(description=_("pay"))
    def pay(self, opening):
        if opening.pay_from_cents is None:
            return "–"
        return f"{dollars(opening.pay_from_cents)} – {dollars(opening.pay_to_cents)}"

    @admin.display(description=_("applications"))
    def pipeline(self, opening):
        return format_html(
            '<a href="{}">{}</a>', reverse("admin:careers_opening_pipeline", args=[opening.pk]), _("Pipeline")
        )

    def get_list_display(self, request):
        shown = super().get_list_display(request)
        return shown if request.user.has_perm("careers.view_application") else shown[:-1]

    def has_delete_permission(self, request, obj=None):
        return False  # an opening is closed

    def render_preview(self, request, row, back):
        return opening_page(request, row, preview=back)

    def get_urls(self):
        view = self.admin_site.admin_view
        return [
            path("voluntary-questions/", view(self.survey_view), name="careers_survey_counts"),
            path("<int:pk>/pipeline/", view(self.pipeline_view), name="careers_opening_pipeline"),
            path("<int:pk>/export/", view(self.export_view), name="careers_opening_export"),
            *super().get_urls(),
        ]

    def _opening(self, request, pk) -> Opening:
        """An opening whose applications this person may read."""
        if not request.user.has_perm("careers.view_application"):
            raise PermissionDenied
        found = Opening.objects.visible_to(request.user).filter(pk=pk).select_related("location").first()
        if found is None:
            raise Http404
        return found

    def pipeline_view(self, request, pk):
        """Everybody who has applied for an opening, by how far they are."""
        opening = self._opening(request, pk)
        record_many(request, Application, f"pipeline of opening {opening.pk}")
        applications = opening.applications.with_known_to(request.user).annotate(
            cards=Count("scorecards", distinct=True)
        )
        applications = applications.select_related("opening")
        waiting = [list(applications.filter(status=status).order_by("received_at")[:MOST_CARDS]) for status in STEPS]
        decided = list(applications.exclude(decided_at=None).order_by("-decided_at")[:MOST_CARDS])
        for row in chain(*waiting, decided):
            row.shown_as = row.name_for(request.user)
        columns = [(status.label, rows) for status, rows in zip(STEPS, waiting, strict=True)]
        columns.append((_("Decided"), decided))
        context = {"opening": opening, "columns": columns}
        return self._page(request, "admin/careers/pipeline.html", _("Pipeline: %s") % opening.title, context)

    def export_view(self, request, pk):
        """The applications for an opening as a spreadsheet. Taking it away is noted in the access log."""
        opening = self._opening(request, pk)
        if not request.user.has_perm("careers.export_application"):
            raise PermissionDenied
        if not proved_lately(request):
            return ask_again(request)
        record_many(request, Application, f"export of opening {opening.pk}")
        lines = applications_file(opening.applications.with_known_to(request.user), request.user)
        return csv_download(lines, f"applications-{opening.pk}")

    def survey_view(self, request):
        """The voluntary questions, as counts of five or more; see `survey`."""
        if not request.user.has_perm("careers.read_survey_counts"):
            raise PermissionDenied
        labels = {field.name: field.verbose_name for field in SurveyAnswer._meta.fields}
        rows: list = [
            (
                Role(count.role).label,
                capfirst(labels[count.question]),
                QUESTIONS[count.question](count.answer).label,
                count,
            )
            for count in survey_counts()
        ]
        return self._page(request, "admin/careers/survey.html", _("Voluntary questions"), {"rows": rows})

    def _page(self, request, template, title, context):
        context = {**self.admin_site.each_context(request), "title": title, "opts": self.opts, **context}
        return TemplateResponse(request, template, context)
