"""Applications on their way to an answer. Every reading is logged, and the first one is without names."""

import re
from base64 import b64encode
from hashlib import sha256
from typing import cast

from csp.constants import SELF
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy as _

from careers import interviews, letters, merging, retention, review
from careers.blind_reading import without_identity
from careers.calendars import calendar_download, office_calendar_of
from careers.files import download_name
from careers.models import (
    NEXT_STATUSES,
    Application,
    ApplicationFile,
    ApplicationStatus,
    LetterKind,
    Opening,
    SlotState,
)
from careers.models.applications import ApplicationQuerySet
from careers.office.forms import (
    CommentForm,
    DeclineForm,
    DeclineWithLetterForm,
    InviteForm,
    LetterForm,
    ReasonForm,
    merge_form_for,
    score_form_for,
)
from careers.office.queues import to_score
from practice.accounts.access_log import LoggedReadsMixin, record_read
from practice.admin_filters import WorkFirstFilter
from practice.document_view import CannotShow, pictures_of, text_of
from practice.office import Act, ActsMixin, OnceForm, ReadOnlyMixin
from practice.office_lists import BulkAct, BulkActsMixin, LargeListMixin, due_in_words
from practice.private_files import serve

CHANGE, SCORE, VIEW = "careers.change_application", "careers.score_application", "careers.view_application"
TELLS = _("The applicant gets an e-mail at once, in their language.")
REFUSALS = (review.ReviewError,)
ROW_NUMBER = re.compile("[0-9]{1,15}")
# Of the viewer. A sandboxed page belongs to no site, so that it may not load a style sheet of ours.
STYLE = mark_safe(
    "body{margin:0;padding:.8rem;background:#8a8f94;font:16px/1.5 system-ui,sans-serif}"
    "img,main{display:block;width:100%;max-width:60rem;margin:0 auto .8rem;background:#fff;color:#111;"
    "box-sizing:border-box}main{padding:1.5rem 2rem;overflow-wrap:anywhere}"
)
STYLE_HASH = f"sha256-{b64encode(sha256(STYLE.encode()).digest()).decode()}"


class StatusFilter(WorkFirstFilter):
    """Those who still wait for an answer come first; all others are one click away."""

    title = _("answer")
    waiting = _("Waiting for an answer")
    parameter_name = "answer"

    def lookups(self, request, model_admin):
        return [
            ("all", _("All applications")),
            ("late", _("Promised day has passed")),
            ("mine", _("For me to score")),
            ("times", _("No interview time suits")),
            ("erase", _("Asked to be erased")),
            ("held", _("On legal hold")),
        ]

    def queryset(self, request, queryset):
        chosen = self.value()
        if chosen == "all":
            return queryset
        if chosen == "erase":
            return queryset.to_erase()
        if chosen == "held":
            return queryset.held()
        if chosen == "times":
            return queryset.without_time()
        if chosen == "late":
            return queryset.overdue()
        return to_score(request.user, queryset) if chosen == "mine" else queryset.unanswered()


class OpeningFilter(admin.RelatedFieldListFilter):
    """The openings whose applications this person may read."""

    def field_choices(self, field, request, model_admin):
        return [(opening.pk, str(opening)) for opening in Opening.objects.visible_to(request.user)]


def may_become(status: ApplicationStatus):
    return lambda application: status in NEXT_STATUSES[ApplicationStatus(application.status)]


def is_waiting(application) -> bool:
    return not application.is_decided


def is_known(application) -> bool:
    """Whether the person who looks may see the name; the row comes from `with_known_to`."""
    return not application.is_blind_for(None)


def who(application) -> str:
    return application.name if is_known(application) else str(application)


def who_it_is(application):
    return [(_("Applicant"), who(application)), (_("Opening"), application.opening.title)]


def text_sent(facts):
    return (facts["subject"], facts["body"]) if "body" in facts else None


def letter_form_for(form=LetterForm, without=None):
    """The form with the letter in it where the name may be seen: the letter begins with it."""
    return lambda application: form if is_known(application) else (without or OnceForm)


def first_text(kind: str):
    def initial(application):
        if not is_known(application):
            return {}
        subject, body = letters.draft_letter(application, kind)
        return {"subject": subject, "body": body}

    return initial


def told(application):
    return _("%s was told by e-mail.") % who(application)


def _move(status: ApplicationStatus):
    def do(request, application, facts):
        review.change_status(application, status, by=request.user, text=text_sent(facts))
        return told(application)

    return do


def _decline(request, application, facts):
    review.decline(
        application, facts["reason"], by=request.user, note=facts["note"], at=facts["at"], text=text_sent(facts)
    )
    if facts["at"]:
        when = date_format(timezone.localtime(facts["at"]), "DATETIME_FORMAT")
        return _("%(applicant)s will be told: %(when)s") % {"applicant": who(application), "when": when}
    return told(application)


def _keep(request, application, facts):
    review.keep_after_all(application)
    return _("The decision is taken back; nothing was sent.")


def _invite(request, application, facts):
    offers = [interviews.Offer(at, facts["minutes"], facts["place"], facts["interviewer"]) for at in facts["times"]]
    interviews.invite(application, offers, by=request.user)
    return told(application)


def _score(request, application, facts):
    points = {c: facts[f"criterion_{c.pk}"] for c in application.opening.criteria.all()}
    review.score(application, points, facts["recommendation"], by=request.user, note=facts["note"])
    return _("Your scorecard is kept. You see now who it is, and what others think.")


def _comment(request, application, facts):
    review.comment(application, facts["text"], by=request.user)
    return _("Your comment is there.")


def _reveal(request, application, facts):
    review.reveal(application, facts["reason"], by=request.user)
    return _("You see now who it is.")


def _merge(request, application, facts):
    merging.merge(facts["other"], application, by=request.user)
    return _("%(other)s is part of this one now.") % {"other": facts["other"]}


def _hold(request, application, facts):
    retention.hold(application, facts["reason"], by=request.user)
    return _("Nobody can delete this application now.")


def _release(request, application, facts):
    retention.release(application, by=request.user)
    return _("The hold is released; the time it is kept counts again.")


def _keep_for_its_time(request, application, facts):
    retention.keep_for_its_time(application)
    return _("The applicant reads on their page until when it is kept.")


def _erase(request, application, facts):
    certificate = retention.erase(application, by=request.user)
    messages.success(
        request,
        _("%(application)s is erased. Certificate %(number)s says so.")
        % {"application": application, "number": certificate.pk},
    )
    return HttpResponseRedirect(reverse("admin:careers_application_changelist"))


ACTS = (
    Act("score", _("Score"), SCORE, _score, None, _("Others see your scorecard when they have written theirs."),
        is_waiting, REFUSALS, who_it_is, lambda user, row: not row.scorecards.filter(reviewer=user).exists(),
        form_for=score_form_for),
    Act("comment", _("Comment"), VIEW, _comment, CommentForm, "", is_known, (), who_it_is),
    Act("to-review", _("Take into review"), CHANGE, _move(ApplicationStatus.IN_REVIEW), None, TELLS,
        may_become(ApplicationStatus.IN_REVIEW), REFUSALS, who_it_is, initial=first_text(LetterKind.IN_REVIEW),
        form_for=letter_form_for()),
    Act("invite", _("Invite to an interview"), CHANGE, _invite, InviteForm,
        _("The applicant gets an e-mail at once and chooses a time on their page. Without times it says that we will "
          "call or write."),
        lambda row: is_known(row)
        and (may_become(ApplicationStatus.INTERVIEW)(row) or row.status == ApplicationStatus.INTERVIEW),
        REFUSALS, who_it_is),
    Act("to-hired", _("Hire"), CHANGE, _move(ApplicationStatus.HIRED), None, TELLS,
        may_become(ApplicationStatus.HIRED), REFUSALS, who_it_is, initial=first_text(LetterKind.HIRED),
        form_for=letter_form_for()),
    Act("decline", _("Decline"), CHANGE, _decline, None,
        _("The applicant gets an e-mail in their language: at once, or when you say."),
        may_become(ApplicationStatus.DECLINED), REFUSALS, who_it_is, initial=first_text(LetterKind.DECLINED),
        form_for=letter_form_for(DeclineWithLetterForm, DeclineForm)),
    Act("keep", _("Do not decline after all"), CHANGE, _keep, None, "", lambda row: row.decline_at is not None,
        REFUSALS),
    Act("reveal", _("Show who it is"), CHANGE, _reveal, ReasonForm,
        _("Who it is from is hidden until you have scored it. If you must know before, say why; it is kept."),
        lambda row: not is_known(row), (), who_it_is),
    Act("merge", _("Merge a duplicate"), CHANGE, _merge, None,
        _("The other one ends. Its files, comments, scorecards and private link come here. No mail is sent."),
        lambda row: is_waiting(row) and is_known(row) and merging.duplicates_of(row, row.viewer).exists(), REFUSALS,
        who_it_is, form_for=lambda row: merge_form_for(merging.duplicates_of(row, row.viewer))),
    Act("hold", _("Place a legal hold"), CHANGE, _hold, ReasonForm,
        _("Until it is released, nothing and nobody can delete this application."),
        lambda row: not row.is_held, REFUSALS, who_it_is),
    Act("release", _("Release the legal hold"), CHANGE, _release, OnceForm, _("The time it is kept counts again."),
        lambda row: row.is_held, REFUSALS, who_it_is, is_sensitive=True),
    Act("keep-for-its-time", _("Keep it for its time"), CHANGE, _keep_for_its_time, OnceForm,
        _("The applicant asked to be erased. They read on their page that it must be kept, and until when."),
        lambda row: row.erasure_asked_at is not None and row.erasure_answered_at is None, (), who_it_is),
    Act("erase", _("Erase"), CHANGE, _erase, OnceForm,
        _("The application, its files, letters, scorecards and comments are deleted. This cannot be taken back. "
          "A certificate says what was deleted, without a name."),
        lambda row: row.is_decided and row.status != ApplicationStatus.MERGED and not row.is_held, REFUSALS, who_it_is,
        is_sensitive=True),
)  # fmt: skip


@admin.register(Application)
class ApplicationAdmin(BulkActsMixin, ActsMixin, LoggedReadsMixin, ReadOnlyMixin, LargeListMixin, admin.ModelAdmin):
    acts = ACTS
    bulk_acts = (
        BulkAct("to_review", _("Take into review"), CHANGE, _move(ApplicationStatus.IN_REVIEW),
                _("Moved on and told by e-mail: %(count)s."), explanation=TELLS, refusals=REFUSALS),
        BulkAct("to_declined", _("Decline"), CHANGE, _decline, _("Declined: %(count)s."), DeclineForm,
                _("Each applicant gets the mail “Somebody else was chosen”, in their language."), REFUSALS),
    )  # fmt: skip
    change_form_template = "admin/careers/application.html"
    logs_acts = True
    view_on_site = False  # its page is the applicant's, by their private link
    list_display = ["__str__", "applicant", "opening", "status", "clock", "scored", "received_at"]
    list_filter = [StatusFilter, ("opening", OpeningFilter), "status"]
    list_select_related = ["opening"]
    readonly_fields = (
        "opening", "status", "clock", "applicant", "email", "phone", "message", "language", "received_at",
        "status_changed_at", "reason", "reason_note", "decided_by", "decline_at", "erasure_asked_at", "kept_until",
    )  # fmt: skip
    fields = readonly_fields
    ALWAYS_SHOWN = ("applicant", "clock", "kept_until", "message")
    ONLY_KNOWN = ("applicant", "email", "phone", "message", "language")

    def get_queryset(self, request):
        applications = cast(ApplicationQuerySet, super().get_queryset(request))
        return applications.visible_to(request.user).with_known_to(request.user)

    def get_object(self, request, object_id, from_field=None):
        application = super().get_object(request, object_id, from_field)
        if application is not None:
            application.viewer = request.user  # whose acts are offered
        return application

    def get_search_fields(self, request):
        return ["name", "email"] if request.user.has_perm(CHANGE) else []

    def get_search_results(self, request, queryset, search_term):
        """Names and addresses are found where they may be seen; of the others, the number that applicants are told."""
        found, has_duplicates = super().get_search_results(request, queryset, search_term)
        words = search_term.split()
        if not words:
            return found, has_duplicates
        number = ROW_NUMBER.fullmatch(words[-1])
        return found.known() | queryset.filter(pk=int(number[0]) if number else 0), has_duplicates

    def get_fields(self, request, obj=None):
        shown = [name for name in super().get_fields(request, obj) if obj is None or self._tells(name, obj)]
        return shown if obj is None or is_known(obj) else [n for n in shown if n not in self.ONLY_KNOWN]

    def _tells(self, name, application) -> bool:
        """Whether a column that is mostly empty says something here."""
        return name in self.ALWAYS_SHOWN or bool(getattr(application, name.removesuffix("_in_words")))

    @admin.display(description=_("applicant"))
    def applicant(self, application):
        return application.name if is_known(application) else _("hidden until you have scored")

    @admin.display(description=_("answer"), ordering="answer_by")
    def clock(self, application):
        if application.decline_at:
            return _("declined on %(when)s") % {
                "when": date_format(timezone.localtime(application.decline_at), "DATETIME_FORMAT")
            }
        if application.answer_by is None:
            return _("decided")
        return due_in_words(application.answer_by)

    @admin.display(description=_("scored by you"))
    def scored(self, application):
        return _("yes") if application.has_scored else "–"

    @admin.display(description=_("kept until"))
    def kept_until(self, application):
        if application.is_held:
            return _("on legal hold")
        day = retention.delete_on(application)
        return date_format(day) if day else _("until it is decided, and then for its time")

    def describe(self, application):
        return f"{who(application)}, {application.opening}"

    # ---- The page of an application ---------------------------------------------------------------------------------

    def change_view(self, request, object_id, form_url="", extra_context=None):
        application = self.get_object(request, object_id)
        more = self._sections(request, application) if application and request.user.has_perm(VIEW) else {}
        if application and request.user.has_perm(SCORE):
            waiting = to_score(request.user, Application.objects.filter(opening=application.opening_id))
            more["next_to_score"] = waiting.exclude(pk=application.pk).order_by("received_at").first()
        response = super().change_view(request, object_id, form_url, more | (extra_context or {}))
        response._csp_update = {"frame-src": [SELF]}  # the viewer
        return response

    def _act_page(self, request, act, row, form, back):
        """The page that scores shows beside its form what is scored."""
        response = super()._act_page(request, act, row, form, back)
        if act.name == "score":
            response.template_name = "admin/careers/score.html"
            seen = {"blind": self._blind_text(row)} if not is_known(row) else {"file": row.files.first()}
            response.context_data |= {"message": row.message, **seen}
            response._csp_update = {"frame-src": [SELF]}  # the viewer
        return response

    def _sections(self, request, application):
        """What stands below the facts: the CV, what others think, letters, interviews."""
        if not is_known(application):
            return {"is_blind": True, "blind": self._blind_text(application)}
        has_scored = application.scorecards.filter(reviewer=request.user).exists()
        sees_opinions = has_scored or application.is_decided or request.user.has_perm(CHANGE)
        cards = application.scorecards.select_related("reviewer").prefetch_related("scores__criterion")
        return {
            "files": application.files.all(),
            "scorecards": cards if sees_opinions else [],
            "sees_opinions": sees_opinions,
            "comments": application.comments.select_related("author") if sees_opinions else [],
            "slots": application.slots.all(),
            "has_interview": application.slots.filter(state=SlotState.CHOSEN).exists(),
            "letters": application.letters.all(),
            "holds": application.holds.select_related("placed_by", "released_by"),
            "reveals": application.reveals.select_related("person"),
            "others": merging.known_of_same_person(application, request.user),
            "same_opening": application.opening_id,
        }

    def _blind_text(self, application):
        """[(what it is, its text without identity)] of the message and of each file."""
        parts = [(_("Message"), application.message)] if application.message else []
        for file in application.files.all():
            try:
                parts.append((file.get_kind_display(), text_of(file.stored)))
            except CannotShow:
                parts.append((file.get_kind_display(), str(_("This file cannot be shown as text."))))
        return [(label, without_identity(text, application.name, application.email)) for label, text in parts]

    def get_urls(self):
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/files/<int:file>/", view(self.download_file), name="careers_application_file"),
            path("<int:pk>/files/<int:file>/view/", view(self.view_file), name="careers_application_view_file"),
            path("<int:pk>/interview.ics", view(self.calendar), name="careers_application_calendar"),
            *super().get_urls(),
        ]

    def _known(self, request, pk) -> Application:
        """An application of which this person may see everything; the reading is logged."""
        if not request.user.has_perm(VIEW):
            raise PermissionDenied
        application = get_object_or_404(self.get_queryset(request).select_related("opening"), pk=pk)
        if not is_known(application):
            raise PermissionDenied
        record_read(request, application)
        return application

    def _file(self, request, pk, file) -> ApplicationFile:
        return get_object_or_404(self._known(request, pk).files, pk=file)

    def download_file(self, request, pk, file):
        found = self._file(request, pk, file)
        return serve(request, found.stored, download_name(found))

    def view_file(self, request, pk, file):
        """A page of its own that shows the file as pictures or as text; it can do nothing, whatever the file holds."""
        found = self._file(request, pk, file)
        try:
            is_pdf = found.ending == "pdf"
            shown: dict = {"pictures": pictures_of(found.stored)} if is_pdf else {"text": text_of(found.stored)}
        except CannotShow:
            shown = {"cannot": True}
        response = render(request, "admin/careers/viewer.html", {"file": found, "style": STYLE, **shown})
        response["Content-Security-Policy"] = (
            f"sandbox; default-src 'none'; img-src data:; style-src '{STYLE_HASH}'; frame-ancestors 'self'"
        )
        response["X-Frame-Options"] = "SAMEORIGIN"
        response["Cache-Control"] = "no-store, private"
        return response

    def calendar(self, request, pk):
        entry = office_calendar_of(self._known(request, pk))
        if entry is None:
            raise Http404
        return calendar_download(entry, f"interview-{pk}")
