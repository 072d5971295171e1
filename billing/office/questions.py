"""What patients ask: threads to answer, estimates to give, each with its clock."""

from django import forms
from django.contrib import admin
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from billing import questions
from billing.models import EstimateRequest, Question, QuestionMessage, QuestionState
from practice.accounts.access_log import LoggedReadsMixin
from practice.admin_filters import WorkFirstFilter
from practice.money import CentsField, dollars
from practice.office import Act, ActsMixin, ReadOnlyMixin
from practice.office_lists import ClockMixin, LargeListMixin


class AnswerForm(forms.Form):
    message = forms.CharField(label=_("Your answer"), max_length=4000, widget=forms.Textarea(attrs={"rows": 8}))


class EstimateForm(forms.Form):
    amount = CentsField(label=_("The estimate"), help_text=_("In dollars and cents, like 250.00."))


def do_answer(request, question, facts):
    questions.answer(question, facts["message"], by=request.user)
    return gettext("The answer is on the patient’s page.")


def do_close(request, question, facts):
    questions.close_question(question)
    return gettext("The question is closed.")


def do_record(request, estimate, facts):
    questions.record_estimate(estimate, facts["amount"], by=request.user)
    return gettext("The estimate is recorded.")


def the_thread(question):
    said = [
        (m.written_by.name if m.written_by else _("Patient wrote"), m.body)
        for m in question.messages.select_related("written_by")
    ]
    line = [(_("Line"), question.line.description)] if question.line else []
    return [
        (_("Statement"), question.statement.number),
        (_("Patient"), question.statement.patient.full_name),
        (_("Reads"), question.get_language_display()),
        (_("E-mail"), question.email or gettext("none left: the answer is read at the bill")),
        *line,
        *said,
    ]


def the_request(estimate):
    return [(_("Exam"), estimate.exam), (_("Name"), estimate.name), (_("Send to"), estimate.contact)]


class QuestionFilter(WorkFirstFilter):
    title = _("state")
    waiting = _("Waits for the office")
    parameter_name = "state"

    def lookups(self, request, model_admin):
        return [("all", _("All questions"))]

    def queryset(self, request, queryset):
        return queryset if self.value() == "all" or self.is_search(request) else queryset.open()


class MessageInline(ReadOnlyMixin, admin.StackedInline):
    model = QuestionMessage
    extra = 0
    fields = readonly_fields = ("written_at", "written_by", "body")


@admin.register(Question)
class QuestionAdmin(ClockMixin, ActsMixin, LoggedReadsMixin, ReadOnlyMixin, LargeListMixin, admin.ModelAdmin):
    acts = (
        Act("answer", _("Answer"), "billing.change_question", do_answer, AnswerForm, show=the_thread),
        Act(
            "close",
            _("Close without an answer"),
            "billing.change_question",
            do_close,
            forms.Form,
            _("The patient sees that it is closed, and nothing more. The bill is no longer on hold for it."),
            show=the_thread,
            offered=lambda question: question.state == QuestionState.OPEN,
        ),
    )
    list_display = ["asked_at", "kind", "statement", "clock"]
    list_filter = [QuestionFilter, "kind"]
    list_select_related = ["statement"]
    search_fields = ["statement__number__exact"]
    search_help_text = _("Statement number, whole")
    fields = ["statement", "line", "kind", "state", "email", "language", "asked_at", "due_on", "answered_at"]
    inlines = [MessageInline]

    def is_waiting(self, question):
        return question.state == QuestionState.OPEN


class EstimateFilter(WorkFirstFilter):
    title = _("state")
    waiting = _("Waits for the office")
    parameter_name = "state"

    def lookups(self, request, model_admin):
        return [("all", _("All requests"))]

    def queryset(self, request, queryset):
        return queryset if self.value() == "all" else queryset.unanswered()


@admin.register(EstimateRequest)
class EstimateRequestAdmin(ClockMixin, ActsMixin, LoggedReadsMixin, ReadOnlyMixin, LargeListMixin, admin.ModelAdmin):
    acts = (
        Act(
            "record",
            _("Record the estimate"),
            "billing.change_estimaterequest",
            do_record,
            EstimateForm,
            _("When you have sent it. A bill of 400 dollars or more above it gives the patient a right to dispute."),
            lambda estimate: estimate.answered_at is None,
            show=the_request,
        ),
    )
    list_display = ["asked_at", "scheduled_on", "clock"]
    list_filter = [EstimateFilter]
    fields = [
        "exam", "scheduled_on", "name", "contact", "language", "asked_at", "due_on", "answered_at", "answered_by",
        "estimate",
    ]  # fmt: skip
    readonly_fields = ["estimate"]

    def is_waiting(self, estimate):
        return estimate.answered_at is None

    @admin.display(description=_("estimate"))
    def estimate(self, request):
        return dollars(request.estimate_cents) if request.estimate_cents is not None else ""
