from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from practice.accounts.access_log import record_read
from practice.private_files import serve
from practice.resources.models import Document, DocumentKind

private = cache_control(private=True, no_store=True)


@private
@require_safe
def index(request):
    documents = list(Document.objects.visible_to(request.user))
    kinds = [(label, [d for d in documents if d.kind == kind]) for kind, label in DocumentKind.choices]
    return render(request, "resources/index.html", {"kinds": [(label, found) for label, found in kinds if found]})


@private
@require_safe
def document(request, slug):
    found = get_object_or_404(Document.objects.visible_to(request.user), slug=slug)
    return render(request, "resources/document.html", {"document": found})


@private
@require_safe
def download(request, slug):
    found = get_object_or_404(Document.objects.visible_to(request.user), slug=slug)
    record_read(request, found)
    return serve(found.file, found.download_name)
