from django.contrib.auth.decorators import login_not_required
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from careers.forms import ApplicationForm
from careers.intake import receive_application
from careers.models import Application, Opening, OpeningStatus
from practice.client_address import client_address
from practice.throttles import APPLICATION_TRIES_PER_ADDRESS, APPLICATIONS_PER_ADDRESS, count_try


@login_not_required
@require_safe
def index(request):
    openings = Opening.objects.open().select_related("location", "subspecialty")
    return render(request, "careers/index.html", {"openings": openings})


def _posted(slug):
    """An opening that is or was public."""
    openings = Opening.objects.exclude(status=OpeningStatus.DRAFT).select_related("location", "subspecialty")
    return get_object_or_404(openings, slug=slug)


def _closed(request, opening):
    return render(request, "careers/closed.html", {"opening": opening}, status=410)


@login_not_required
@require_safe
def opening(request, slug):
    found = _posted(slug)
    if not found.is_open():
        return _closed(request, found)
    return render(request, "careers/opening.html", {"opening": found})


@never_cache
@login_not_required
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def apply(request, slug):
    found = _posted(slug)
    if not found.is_open():
        return _closed(request, found)
    if request.method == "POST" and not count_try(APPLICATION_TRIES_PER_ADDRESS, client_address(request)):
        return render(request, "429.html", status=429)  # before anybody looks into the file
    if request.method == "POST" and request.POST.get("website"):
        return redirect(found)  # people leave it empty; a machine's file is not even looked at
    form = ApplicationForm(
        request.POST if request.method == "POST" else None, request.FILES if request.method == "POST" else None
    )
    status = 200
    if request.method == "POST" and form.is_valid():
        facts = form.cleaned_data
        del facts["website"]
        if count_try(APPLICATIONS_PER_ADDRESS, client_address(request)):
            application = receive_application(found, **facts, language=translation.get_language())
            return redirect(application)
        status = 429
        form.add_error(None, _("There were too many applications from here. Please try again in an hour, or call us."))
    return render(request, "careers/apply.html", {"opening": found, "form": form}, status=status)


@cache_control(private=True, no_store=True)
@login_not_required
@require_safe
def application(request, token):
    found = get_object_or_404(Application.objects.select_related("opening"), token=token)
    return render(request, "careers/application.html", {"application": found})
