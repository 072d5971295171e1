"""The practice's own facts, as the front desk and the administrators edit them."""

from itertools import pairwise

from django import forms
from django.contrib import admin, messages
from django.db import models
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from practice.accounts.access_log import LoggedReadsMixin
from practice.admin_filters import WorkFirstFilter
from practice.feedback import FeedbackError, answer_feedback, close_feedback, pass_on, visible_to
from practice.free_text import refuse_private_numbers
from practice.models import (
    Feedback,
    FeedbackStatus,
    FeedbackTeam,
    Identity,
    Location,
    Notice,
    NoticeTranslation,
    NoticeVersion,
    OpeningHours,
    Physician,
    Subspecialty,
    Weekday,
)
from practice.office import Act, ActsMixin, PreviewMixin, ReadOnlyMixin
from practice.office_lists import BulkAct, BulkActsMixin, ClockMixin, LargeListMixin
from practice.views import notice_page


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


class OpeningHoursFormSet(forms.BaseInlineFormSet):
    def clean(self):
        """Two stretches of a day do not overlap: patients would read both."""
        super().clean()
        rows = [form.cleaned_data for form in self.forms if form.cleaned_data and form not in self.deleted_forms]
        hours = sorted(
            (row["weekday"], row["opens_at"], row["closes_at"])
            for row in rows
            if {"weekday", "opens_at", "closes_at"} <= row.keys()
        )
        for (day, _opens, closes), (next_day, next_opens, _closes) in pairwise(hours):
            if day == next_day and next_opens < closes:
                raise forms.ValidationError(
                    gettext("The hours of %(day)s overlap.") % {"day": Weekday(day).label}, code="overlap"
                )


class OpeningHoursInline(admin.TabularInline):
    model = OpeningHours
    formset = OpeningHoursFormSet
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


class NoticeVersionInline(ReadOnlyMixin, admin.TabularInline):
    model = NoticeVersion
    extra = 0
    fields = readonly_fields = ("effective_on", "languages")
    show_change_link = True
    verbose_name_plural = _("versions")

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("translations")

    @admin.display(description=_("languages"))
    def languages(self, version):
        spanish = [gettext("Spanish")] if version.body_es else []
        return ", ".join([gettext("English"), *spanish, *map(str, version.translations.all())])


@admin.register(Notice)
class NoticeAdmin(admin.ModelAdmin):
    change_form_template = "admin/practice/notice.html"
    list_display = ["title", "in_force_since", "next_from", "position"]
    search_fields = ["title", "title_es"]
    prepopulated_fields = {"slug": ["title"]}
    inlines = [NoticeVersionInline]

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("versions")

    @admin.display(description=_("in force since"))
    def in_force_since(self, notice):
        started = [version.effective_on for version in notice.versions.all() if version.has_begun]
        return max(started, default=_("not published yet"))

    @admin.display(description=_("next version from"))
    def next_from(self, notice):
        coming = [version.effective_on for version in notice.versions.all() if not version.has_begun]
        return min(coming, default="")

    def has_delete_permission(self, request, obj=None):
        return False


def version_to_start_from(request) -> NoticeVersion | None:
    """The last version, in force or still to come, of the notice whose next version this address asks for."""
    notice = request.GET.get("notice", "")[:9]
    versions = NoticeVersion.objects.filter(notice=int(notice)) if notice.isdecimal() else NoticeVersion.objects.none()
    return versions.order_by("-effective_on").first()


class NoticeTranslationInline(admin.StackedInline):
    model = NoticeTranslation
    formfield_overrides = {models.TextField: {"widget": forms.Textarea(attrs={"rows": 3, "class": "vLargeTextField"})}}
    verbose_name = _("language")
    verbose_name_plural = _("in other languages")

    def get_extra(self, request, obj=None, **kwargs):
        before = version_to_start_from(request)
        return before.translations.count() if before else 0

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False


def do_withdraw(request, version, facts):
    version.delete()
    messages.success(request, gettext("The version is withdrawn."))
    return redirect("admin:practice_notice_change", version.notice_id)


@admin.register(NoticeVersion)
class NoticeVersionAdmin(PreviewMixin, ActsMixin, admin.ModelAdmin):
    """A version is written once, starting from the text in force. What has begun is a record; so is what is coming."""

    acts = (
        Act(
            "withdraw", _("Withdraw it before its day"), "practice.add_noticeversion", do_withdraw, forms.Form,
            _("The version is deleted: nobody has read it yet. What is in force stays."),
            lambda version: not version.has_begun,
        ),
    )  # fmt: skip
    logs_readings = False
    change_form_template = "admin/practice/notice_version.html"
    list_display = ["notice", "effective_on"]
    list_filter = ["notice"]
    list_select_related = ["notice"]
    fieldsets = [
        (
            None,
            {
                "fields": ["notice", "effective_on", "body"],
                "description": _("A saved version cannot be changed. Until its day you can preview and withdraw it."),
            },
        ),
        (_("In Spanish"), {"fields": ["body_es"]}),
    ]
    inlines = [NoticeTranslationInline]

    def get_changeform_initial_data(self, request):
        """The text in force of the notice whose next version is asked for."""
        before = version_to_start_from(request)
        texts = {"body": before.body, "body_es": before.body_es} if before else {}
        return super().get_changeform_initial_data(request) | texts

    def get_formset_kwargs(self, request, obj, inline, prefix):
        """The other languages start from theirs, too."""
        options = super().get_formset_kwargs(request, obj, inline, prefix)
        if request.method == "GET" and (before := version_to_start_from(request)):
            options["initial"] = [{"language": text.language, "body": text.body} for text in before.translations.all()]
        return options

    def render_preview(self, request, row, back):
        return render(request, "practice/notice.html", {**notice_page(row.notice, row), "preview": back})

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False


class AnswerForm(forms.Form):
    answer = forms.CharField(
        label=_("Your answer"),
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 10}),
        validators=[refuse_private_numbers],
        help_text=_("It goes by e-mail, which others may read: nothing about anybody’s health. Call them for that."),
    )


class DoneForm(forms.Form):
    what_was_done = forms.CharField(
        label=_("What was done"),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        validators=[refuse_private_numbers],
        help_text=_("Like “called on Monday” or “thanks only, nothing to answer”."),
    )


class TeamForm(forms.Form):
    team = forms.ChoiceField(label=_("Who answers"), choices=FeedbackTeam, widget=forms.RadioSelect)


def do_answer(request, feedback, facts):
    answer_feedback(feedback, facts["answer"], by=request.user)
    return gettext("The answer is on its way.")


def do_close(request, feedback, facts):
    close_feedback(feedback, facts["what_was_done"], by=request.user)
    return gettext("It is kept as done.")


def do_pass_on(request, feedback, facts):
    feedback = pass_on(feedback, facts["team"])
    said = gettext("%(team)s will answer, and an e-mail tells them.") % {"team": feedback.get_team_display()}
    messages.success(request, said)
    return redirect("admin:practice_feedback_changelist")  # it may no longer be theirs to read


def what_was_written(feedback):
    return [
        (_("Written"), timezone.localtime(feedback.received_at).strftime("%Y-%m-%d %H:%M")),
        (_("From"), feedback.name or gettext("no name left")),
        (_("E-mail"), feedback.email or gettext("none left")),
        (_("Reads"), feedback.get_language_display()),
        (_("Message"), feedback.message),
    ]


def waits(feedback) -> bool:
    return feedback.status == FeedbackStatus.NEW


class FeedbackStatusFilter(WorkFirstFilter):
    """What nobody has answered comes first; the rest is one click away and says so."""

    title = _("status")
    waiting = _("Not answered")
    parameter_name = "status"

    def lookups(self, request, model_admin):
        return [("late", _("Past its day")), ("answered", _("Answered")), ("all", _("All"))]

    def queryset(self, request, queryset):
        if self.value() == "all":
            return queryset
        if self.value() == "answered":
            return queryset.filter(status=FeedbackStatus.ANSWERED)
        return queryset.overdue() if self.value() == "late" else queryset.unanswered()


@admin.register(Feedback)
class FeedbackAdmin(
    ClockMixin, BulkActsMixin, ActsMixin, LoggedReadsMixin, ReadOnlyMixin, LargeListMixin, admin.ModelAdmin
):
    acts = (
        Act(
            "answer", _("Answer by e-mail"), "practice.change_feedback", do_answer, AnswerForm,
            offered=lambda feedback: waits(feedback) and bool(feedback.email), show=what_was_written,
            refusals=(FeedbackError,),
        ),
        Act(
            "close", _("Done without an e-mail"), "practice.change_feedback", do_close, DoneForm,
            offered=waits, show=what_was_written, refusals=(FeedbackError,),
        ),
        Act(
            "pass-on", _("Pass on"), "practice.change_feedback", do_pass_on, TeamForm,
            offered=waits, initial=lambda feedback: {"team": feedback.team}, refusals=(FeedbackError,),
        ),
    )  # fmt: skip
    bulk_acts = (
        BulkAct(
            "close", _("Done without an e-mail"), "practice.change_feedback", do_close,
            _("Done: %(count)s."), DoneForm, _("Nobody gets an e-mail. The text is kept with each."), (FeedbackError,),
        ),
    )  # fmt: skip
    logs_acts = True
    list_display = ["number", "clock", "topic", "team", "received_at", "language"]
    list_filter = [FeedbackStatusFilter, "team", "topic"]
    ordering = ["due_on", "pk"]
    while_waiting = ["topic", "message", "name", "email", "language", "received_at", "team", "due_on"]

    def get_fields(self, request, obj=None):
        answered = [] if obj is None or waits(obj) else ["answer", "is_answer_mailed", "answered_at", "answered_by"]
        return self._with_people_as_text([*self.while_waiting, *answered])

    def get_queryset(self, request):
        return visible_to(request.user, super().get_queryset(request))

    def is_waiting(self, feedback):
        return waits(feedback)

    @admin.display(description=_("number"), ordering="pk")
    def number(self, feedback):
        return str(feedback.pk)
