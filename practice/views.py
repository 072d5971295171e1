"""Who we are, the notices, feedback, and the pages that show when something goes wrong."""

import mimetypes
import sys
from pathlib import PurePath

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import RequestDataTooBig
from django.core.files.storage import default_storage
from django.db import DatabaseError, connection
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.cache import get_conditional_response
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from practice import colours
from practice.context import get_identity
from practice.feedback import receive_feedback
from practice.forms import FeedbackForm, OnForm
from practice.models import Location, Notice, NoticeVersion, Physician
from practice.outages import is_outage
from practice.published_pages import DAY, published_page
from practice.throttles import FEEDBACK_PER_ADDRESS, count_try_from

RETRY_SECONDS = 60


@published_page()
def physicians(request):
    people = Physician.objects.practising().prefetch_related("subspecialties")
    return render(request, "practice/physicians.html", {"physicians": people})


@published_page()
def physician(request, slug):
    person = get_object_or_404(Physician.objects.practising().prefetch_related("subspecialties"), slug=slug)
    return render(request, "practice/physician.html", {"physician": person})


@published_page()
def locations(request):
    places = Location.objects.prefetch_related("opening_hours")
    return render(request, "practice/locations.html", {"locations": places})


@published_page(on=DAY)
def notices(request):
    """The register: every notice in force, today or on the day asked for."""
    form, on = _day_asked_for(request)
    in_force = NoticeVersion.objects.in_force(on).select_related("notice")
    versions = sorted(in_force, key=lambda version: (version.notice.position, version.notice.title))
    return render(request, "practice/notices.html", {"versions": versions, "form": form, "on": on})


@published_page(on=DAY)
def notice(request, slug):
    subject = get_object_or_404(Notice, slug=slug)
    form, on = _day_asked_for(request)
    version = subject.versions.in_force(on).first()
    started = subject.versions.filter(effective_on__lte=timezone.localdate())
    context = notice_page(subject, version)
    return render(request, "practice/notice.html", {**context, "versions": started, "form": form, "on": on})


def notice_page(subject: Notice, version: NoticeVersion | None) -> dict:
    """What the page of a notice needs to show a version, for visitors and for the office's preview alike."""
    return {"notice": subject, "version": version, "translations": version.translations.all() if version else []}


def _day_asked_for(request):
    """The form and its day; no day where none is given or it is none."""
    form = OnForm(request.GET or None)
    return form, form.cleaned_data["on"] if form.is_bound and form.is_valid() else None


@never_cache
@login_not_required
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def feedback(request):
    form = FeedbackForm(request.POST if request.method == "POST" else None)
    status = 200
    if request.method == "POST" and form.is_valid():
        facts = form.cleaned_data
        if facts.pop("website"):
            return redirect("practice:feedback_thanks")
        if count_try_from(request, FEEDBACK_PER_ADDRESS):
            receive_feedback(**facts, language=translation.get_language())
            return redirect("practice:feedback_thanks")
        status = 429
        form.add_error(None, _("There were too many messages from here. Please try again in an hour, or call us."))
    return render(request, "practice/feedback.html", {"form": form}, status=status)


@published_page()
def feedback_thanks(request):
    return render(request, "practice/feedback_thanks.html")


@published_page()
@cache_control(public=True, max_age=31536000, immutable=True)
def accent(request, colour):
    """The practice's colour as a stylesheet. The address holds all it says, so it may be kept for ever.

    No other colour has one: copies of sixteen million would push those of pages out.
    """
    if f"#{colour}" != get_identity().accent_colour:
        raise Http404
    return HttpResponse(colours.stylesheet(f"#{colour}"), content_type="text/css")


@login_not_required
@require_safe
@cache_control(public=True, max_age=31536000, immutable=True)
def media(request, path):
    """A logo or a portrait, wherever files are kept; its random name is never given to another picture."""
    try:
        picture = default_storage.open(path)
    except (FileNotFoundError, IsADirectoryError) as error:
        raise Http404 from error
    unchanged = get_conditional_response(request, etag=f'"{PurePath(path).stem}"')
    if unchanged is not None:
        picture.close()
        return unchanged
    kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
    return FileResponse(picture, content_type=kind, headers={"ETag": f'"{PurePath(path).stem}"'})


@published_page()
def robots(request):
    return render(request, "robots.txt", content_type="text/plain")


@never_cache
@login_not_required
@require_safe
def healthz(request):
    """This process answers."""
    return HttpResponse("ok", content_type="text/plain")


@never_cache
@login_not_required
@require_safe
def readyz(request):
    """This process can also reach its database."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return HttpResponse("no database", content_type="text/plain", status=503)
    return HttpResponse("ok", content_type="text/plain")


# ---- When something goes wrong. All but the 404 ask nothing of the database. -----------------------------------------


def bad_request(request, exception=None):
    """Also where Django calls a session that could not be saved a bad request, though the database went away."""
    if is_outage(exception):
        return _back_in_a_moment(request)
    status = 413 if isinstance(exception, RequestDataTooBig) else 400
    return HttpResponse(render_to_string("400.html"), status=status)


def permission_denied(request, exception=None):
    return HttpResponse(render_to_string("403.html"), status=403)


def page_not_found(request, exception=None):
    return render(request, "404.html", status=404)


def csrf_failure(request, reason=""):
    return HttpResponse(render_to_string("403_csrf.html"), status=403)


def server_error(request):
    """A fault of ours; or the database or the storage is away, or the disk full, which passes."""
    if is_outage(sys.exc_info()[1]):
        return _back_in_a_moment(request)
    with translation.override(_language_of(request)):
        facts = {"in_office": request.path.startswith("/admin/")}
        return HttpResponse(render_to_string("500.html", facts), status=500)


def _back_in_a_moment(request):
    language = _language_of(request)
    with translation.override(language):
        response = HttpResponse(render_to_string("503.html"), status=503)
    response["Retry-After"] = str(RETRY_SECONDS)
    response["Content-Language"] = language
    return response


def _language_of(request) -> str:
    """Of its address: what went wrong may have done so before or after the language was chosen."""
    return translation.get_language_from_path(request.path_info) or settings.LANGUAGE_CODE
