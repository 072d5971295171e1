from hashlib import sha256

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import condition, require_http_methods, require_POST, require_safe

from careers import drafts, interviews, letters, retention, review, survey
from careers.calendars import calendar_download, calendar_of
from careers.files import NoRoom, discard, take_in
from careers.forms import ApplicationForm, SlotForm, SurveyForm
from careers.intake import NoCV, OpeningClosed, receive_application
from careers.models import (
    Application,
    ApplicationStatus,
    Draft,
    LetterKind,
    Opening,
    OpeningStatus,
    SlotState,
)
from careers.promises import days_to_answer
from careers.share_card import share_card
from careers.structured_data import job_posting
from practice.client_address import client_address
from practice.context import get_identity
from practice.json_ld import as_script
from practice.published_pages import published_page
from practice.throttles import (
    APPLICATION_TRIES_PER_ADDRESS,
    APPLICATIONS_IN_ALL,
    APPLICATIONS_PER_ADDRESS,
    DRAFTS_IN_ALL,
    DRAFTS_PER_PLACE,
    count_try,
    subnet,
)
from practice.uploads import refusal

# ---- Openings -------------------------------------------------------------------------------------------------------


@published_page()
def index(request):
    openings = Opening.objects.open().select_related("location", "subspecialty")
    return render(request, "careers/index.html", {"openings": openings, "days": days_to_answer()})


def _posted(slug):
    """An opening that is or was public."""
    openings = Opening.objects.exclude(status=OpeningStatus.DRAFT).select_related("location", "subspecialty")
    return get_object_or_404(openings, slug=slug)


def _closed(request, opening):
    return render(request, "careers/closed.html", {"opening": opening}, status=410)


@published_page()
def opening(request, slug):
    found = _posted(slug)
    return opening_page(request, found) if found.is_open() else _closed(request, found)


def opening_page(request, found: Opening, preview=None):
    """The opening as visitors see it; `preview` is what the office's preview says above it."""
    address = request.build_absolute_uri(found.get_absolute_url())
    posting = job_posting(found, address, request.build_absolute_uri("/").rstrip("/"), get_identity())
    context = {
        "opening": found,
        "structured_data": as_script(posting) if preview is None else "",
        "title": found.local("title"),
        "summary": found.local("summary"),
        "card": request.build_absolute_uri(reverse("careers:card", args=[found.slug])),
        "address": address,
        "preview": preview,
    }
    return render(request, "careers/opening.html", context)


def _card_etag(request, slug):
    """The card is drawn anew only where what it shows has changed."""
    found = Opening.objects.open().filter(slug=slug).first()
    identity = get_identity()
    if found is None:
        return None
    shown = (
        found.local("title"), found.pay_from_cents, found.pay_to_cents, found.pay_period, found.employment,
        found.location_id, identity.name, identity.accent_colour, translation.get_language(),
    )  # fmt: skip
    return f'"{sha256(repr(shown).encode()).hexdigest()}"'


@login_not_required
@require_safe
@cache_control(public=True, max_age=3600)
@condition(etag_func=_card_etag)
def card(request, slug):
    found = _posted(slug)
    if not found.is_open():
        return _closed(request, found)
    return HttpResponse(share_card(found, get_identity()), content_type="image/png")


# ---- Applying -------------------------------------------------------------------------------------------------------


@never_cache
@login_not_required
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def apply(request, slug, token=None):
    """The form; with the token of a draft, as far as it was filled in."""
    found = _posted(slug)
    if not found.is_open():
        return _closed(request, found)
    draft = Draft.objects.filter(opening=found, token=token).first() if token else None
    if token and draft is None:
        messages.info(request, _("This unfinished application is sent already, or its time is over."))
        return redirect("careers:apply", found.slug)
    if request.method != "POST":
        return _apply_page(request, found, draft, ApplicationForm(initial=_typed(draft), kept=_kept(draft)))
    if request.POST.get("website"):
        return redirect(found)  # people leave it empty; a machine's file is not even looked at
    return _take(request, found, draft)


def _take(request, found, draft):
    """What was sent: all of it goes on, or what is in order is kept."""
    later = "save" in request.POST
    if not count_try(APPLICATION_TRIES_PER_ADDRESS, _place(request)):  # before anybody looks into the file
        form = ApplicationForm(request.POST, kept=_kept(draft), later=later)
        form.errors.clear()
        return _too_often(request, found, draft, form)
    form = ApplicationForm(request.POST, request.FILES, kept=_kept(draft), later=later)
    is_in_order = form.is_valid()
    try:
        files = take_in(form.usable_files())
    except NoRoom:
        form.add_error("cv", refusal("no room"))
        return _apply_page(request, found, draft, form, status=507)
    go_on = (_save if later else _send) if is_in_order else _keep
    try:
        return go_on(request, found, draft, form, files)
    except (drafts.DraftGone, NoCV):
        discard(files)
        messages.info(request, _("This unfinished application is sent already, or its time is over."))
        return redirect("careers:apply", found.slug)


def _place(request) -> str:
    """What the limits count: the neighbourhood, since one host may have many addresses."""
    return subnet(client_address(request))


def _typed(draft):
    return {name: getattr(draft, name) for name in ("name", "email", "phone", "message")} if draft else {}


def _kept(draft):
    return list(draft.files.all()) if draft else []


def _apply_page(request, found, draft, form, status=200):
    days = {"until": drafts.kept_until(draft)} if draft and draft.is_saved else {}
    context = {"opening": found, "form": form, "draft": draft, **days}
    return render(request, "careers/apply.html", context, status=status)


def _facts(form):
    return {name: form.cleaned_data[name] for name in ("name", "email", "phone", "message")}


def _too_often(request, found, draft, form):
    form.add_error(None, _("There were too many applications from here. Please try again in an hour, or call us."))
    return _apply_page(request, found, draft, form, status=429)


def _may_keep_more(request) -> bool:
    return count_try(DRAFTS_PER_PLACE, _place(request)) and count_try(DRAFTS_IN_ALL, "all")


def _keep(request, found, draft, form, files):
    """Something in the form is wrong; the files that are in order need not be chosen again."""
    if files and _may_keep_more(request):
        draft = drafts.keep_files(draft, found, translation.get_language(), files, form.replaced())
        form.show_kept(_kept(draft))
    else:
        discard(files)
    return _apply_page(request, found, draft, form)


def _save(request, found, draft, form, files):
    if not _may_keep_more(request):
        discard(files)
        return _too_often(request, found, draft, form)
    if draft:
        drafts.drop_files(draft, form.cleaned_data["dropped"])
    draft = drafts.save_draft(draft, found, translation.get_language(), files, **_facts(form))
    messages.success(
        request, _("Saved. Keep the address of this page to come back to it. We have also mailed it to you.")
    )
    return redirect(draft)


def _send(request, found, draft, form, files):
    if not (count_try(APPLICATIONS_PER_ADDRESS, _place(request)) and count_try(APPLICATIONS_IN_ALL, "all")):
        discard(files)
        return _too_often(request, found, draft, form)
    if draft:
        drafts.drop_files(draft, form.cleaned_data["dropped"])
    try:
        sent = receive_application(
            found,
            **_facts(form),
            language=translation.get_language(),
            files=files,
            draft=draft,
            once=form.cleaned_data["once"],
        )
    except OpeningClosed:
        return _closed(request, found)
    return redirect("careers:sent", sent.token)


# ---- Its private page -----------------------------------------------------------------------------------------------

private = cache_control(private=True, no_store=True)


def _application(token):
    """The application behind a private link; a merged one leads to the one it became part of."""
    found = get_object_or_404(Application.objects.select_related("opening", "merged_into__opening"), token=token)
    return found.merged_into or found


@private
@login_not_required
@require_safe
def application(request, token):
    return _application_page(request, _application(token))


@private
@login_not_required
@require_safe
def sent(request, token):
    """The same page right after sending; the private link of the mail does not say thank you each time."""
    return _application_page(request, _application(token), is_new=True)


def _offered(found):
    """[(time, its words)] of the times that can still be taken."""
    slots = found.slots.filter(state=SlotState.OFFERED, starts_at__gt=timezone.now())
    return [(slot, letters.slot_in_words(slot)) for slot in slots]


def _application_page(request, found, form=None, is_new=False, status=200):
    offered = _offered(found)
    chosen = found.slots.filter(state=SlotState.CHOSEN).first()
    context = {
        "application": found,
        "steps": _steps(found),
        "slot_form": form or (SlotForm(slots=offered) if offered else None),
        "chosen": letters.slot_in_words(chosen) if chosen and not found.is_decided else "",
        "is_new": is_new,
        "kept_until": retention.delete_on(found),
    }
    return render(request, "careers/application.html", context, status=status)


def _steps(found):
    """The four steps, each with its words and whether it is done, now or to come; of a decided one, those it went."""
    told = set(found.letters.values_list("kind", flat=True)) if found.is_decided else set()
    skipped = {place for place, kind in ((1, LetterKind.IN_REVIEW), (2, LetterKind.INTERVIEW)) if kind not in told}
    reached = {
        ApplicationStatus.RECEIVED: 0,
        ApplicationStatus.IN_REVIEW: 1,
        ApplicationStatus.INTERVIEW: 2,
    }.get(ApplicationStatus(found.status), 3)
    names = [_("Received"), _("In review"), _("Interview"), _("Decided")]
    return [
        (name, "now" if place == reached else "done" if place < reached else "to come")
        for place, name in enumerate(names)
        if not (found.is_decided and place in skipped)
    ]


@never_cache
@login_not_required
@require_POST
def choose_time(request, token):
    found = _application(token)
    if "none" in request.POST:
        try:
            interviews.refuse_all(found)
            messages.success(request, _("Thank you for telling us. We will offer you other times."))
        except review.ReviewError as error:
            messages.error(request, str(error))
        return redirect(found)
    offered = _offered(found)
    form = SlotForm(request.POST, slots=offered)
    if offered and not form.is_valid():
        return _application_page(request, found, form)
    try:
        interviews.choose(found, form.cleaned_data["slot"] if offered else 0)
        messages.success(request, _("Your interview is fixed. We have mailed it to you for your calendar."))
    except review.ReviewError as error:
        messages.error(request, str(error))
    return redirect(found)


@private
@login_not_required
@require_safe
def calendar(request, token):
    """The interview for the applicant's calendar."""
    entry = calendar_of(_application(token))
    if entry is None:
        raise Http404
    return calendar_download(entry, "interview")


@never_cache
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def withdraw(request, token):
    """Asks first, then withdraws."""
    found = _application(token)
    if request.method == "POST":
        try:
            review.withdraw(found)
            messages.success(request, _("You have withdrawn your application."))
        except review.ReviewError as error:
            messages.error(request, str(error))
        return redirect(found)
    return redirect(found) if found.is_decided else render(request, "careers/withdraw.html", {"application": found})


@never_cache
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def ask_for_erasure(request, token):
    """Asks first, then tells the office."""
    found = _application(token)
    if request.method == "POST" and found.is_decided:
        retention.ask_for_erasure(found)
        messages.success(request, _("We have noted that you want your application erased."))
    elif found.is_decided and not found.erasure_asked_at:
        return render(request, "careers/erase.html", {"application": found})
    return redirect(found)


@never_cache
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def voluntary_questions(request, token):
    """What is said here is kept apart from the application; see `survey`."""
    found = _application(token)
    form = SurveyForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        survey.answer_survey(found, **form.cleaned_data)
        messages.success(request, _("Thank you. Your answer is kept apart from your application."))
        return redirect(found)
    return render(request, "careers/voluntary_questions.html", {"application": found, "form": form})
