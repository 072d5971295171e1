from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_POST, require_safe

from practice.accounts.access_log import record_read
from practice.forms import QueryForm
from practice.private_files import serve
from practice.resources import must_reads, on_call, visits
from practice.resources.audiences import Audience, audiences_of
from practice.resources.guide import advice_for
from practice.resources.models import Acknowledgement, Collection, Contact, Version
from practice.resources.search import find

MOST_NEW = 8

private = cache_control(private=True, no_store=True)


def versions_by_title(user):
    return Version.objects.visible_to(user).order_by("document__title", "document")


@private
@require_safe
def index(request):
    """What to read, who is on call, what is new, and the shelves."""
    since = visits.begin_or_go_on(request.user)
    versions = list(versions_by_title(request.user))
    context = {
        "to_read": Version.objects.to_read_by(request.user),
        "lines": on_call.board(request.user),
        "since": since,
        "new": Version.objects.visible_to(request.user).new_since(since)[:MOST_NEW],
        "shelves": _shelves(request.user, versions),
        "has_any": bool(audiences_of(request.user)),
    }
    return render(request, "resources/index.html", context)


def _shelves(user, versions):
    """[(collection, its versions)], the empty ones left out."""
    of_collection: dict[int, list[Version]] = {}
    for version in versions:
        of_collection.setdefault(version.document.collection_id, []).append(version)
    collections = Collection.objects.visible_to(user)
    return [(shelf, of_collection[shelf.pk]) for shelf in collections if shelf.pk in of_collection]


@private
@require_safe
def collection(request, slug):
    shelf = get_object_or_404(Collection.objects.visible_to(request.user), slug=slug)
    versions = versions_by_title(request.user).filter(document__collection=shelf)
    return render(request, "resources/collection.html", {"collection": shelf, "versions": versions})


def _version_or_404(request, slug) -> Version:
    return get_object_or_404(Version.objects.visible_to(request.user), document__slug=slug)


@private
@require_safe
def document(request, slug):
    version = _version_or_404(request, slug)
    shown = version.document
    begun = shown.versions.filter(effective_on__lte=timezone.localdate(), withdrawn_at=None).order_by("-number")
    context = {
        "document": shown,
        "version": version,
        "earlier": [one for one in begun if one.pk != version.pk],
        "confirmed": Acknowledgement.objects.filter(version=version, user=request.user).first(),
    }
    return render(request, "resources/document.html", context)


@private
@require_safe
def download(request, slug):
    """The file of the version in force. Who may have it is asked at every request, also for a part of it."""
    version = _version_or_404(request, slug)
    if not version.file:
        raise Http404
    record_read(request, version.document)
    return serve(request, version.file, version.download_name)


@private
@require_POST
def confirm_read(request, slug):
    """Only the version that was on the page is confirmed: one that came meanwhile is shown first."""
    version = _version_or_404(request, slug)
    is_asked = Version.objects.to_read_by(request.user).filter(pk=version.pk).exists()
    if is_asked and request.POST.get("version") == str(version.number):
        must_reads.confirm(version, request.user)
    return redirect(version.document)


@private
@require_safe
def on_call_board(request):
    context = {
        "lines": on_call.board(request.user),
        "now": timezone.now(),
        "is_own": Audience.STAFF in audiences_of(request.user),
    }
    return render(request, "resources/on_call.html", context)


@private
@require_safe
def ordering_guide(request):
    if not audiences_of(request.user):
        raise Http404
    asked = QueryForm.read(request)
    regions = advice_for(asked)
    return render(request, "resources/ordering_guide.html", {"regions": regions, "query": asked})


@private
@require_safe
def contacts(request):
    return render(request, "resources/contacts.html", {"contacts": Contact.objects.visible_to(request.user)})


@private
@require_safe
def search(request):
    query, found = find(request.user, request.GET.get("q", ""))
    return render(request, "resources/search.html", {"query": query, "found": found})
