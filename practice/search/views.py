from django.contrib.auth.decorators import login_not_required
from django.shortcuts import render
from django.utils import translation
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from practice.replica import reads_replica
from practice.search.missed import note_missed
from practice.search.providers import PROVIDERS
from practice.search.query import understand


@reads_replica
@login_not_required
@cache_control(private=True, no_store=True)  # what is asked may be about somebody's health
@require_safe
def search(request):
    query = understand(request.GET.get("q", ""), translation.get_language())
    groups = [group for provider in PROVIDERS if (group := provider.search(query)) and group.hits] if query else []
    if query and not groups:
        note_missed(query)
    return render(request, "practice/search.html", {"query": query, "groups": groups})
