"""Search across the office: a few rows of every room that a person may open, and its pages by their names."""

from dataclasses import dataclass
from typing import Any

from django.contrib.admin import AdminSite, ModelAdmin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from practice.accounts.access_log import LoggedReadsMixin, record_many
from practice.folding import fold
from practice.office import page_name
from practice.office_home import tasks_of

SHOWN_OF_EACH = 5


@dataclass(frozen=True)
class Found:
    """What one room has: [(words, address)], and the address of its list where there is more."""

    room: Any  # a translated text
    rows: list[tuple[str, str]]
    more: str = ""


def search_office(site: AdminSite, request: HttpRequest, words: str) -> list[Found]:
    """What this person may see of what has these words; nothing for no words.

    Each room searches as its own list does, so that nothing is found here that is not found there. The logs stay out:
    one looks in them with a question of one's own.
    """
    if not words.strip():
        return []
    rooms = [
        admin
        for admin in site._registry.values()
        if admin.get_search_fields(request)
        and getattr(admin, "is_searched_from_everywhere", True)
        and admin.has_view_or_change_permission(request)
    ]
    found = [_pages_named(site, request, words), *(_rows_of(admin, request, words) for admin in rooms)]
    return [room for room in found if room.rows]


def _pages_named(site, request, words) -> Found:
    rooms = [
        (model["name"], model["admin_url"])
        for app in site.get_app_list(request)
        for model in app["models"]
        if model["admin_url"]
    ]
    wanted = fold(words)
    found = [(capfirst(str(name)), url) for name, url in [*tasks_of(request.user), *rooms] if wanted in fold(str(name))]
    return Found(_("Pages"), found if wanted else [])


def _rows_of(admin: ModelAdmin, request, words) -> Found:
    try:
        rows, has_duplicates = admin.get_search_results(request, admin.get_queryset(request), words)
        rows = rows.distinct() if has_duplicates else rows
        first = list(rows[: SHOWN_OF_EACH + 1])
    except (ValidationError, ValueError):  # "abc" is the number of no row
        first = []
    if first and isinstance(admin, LoggedReadsMixin):
        record_many(request, admin.model, "search")
    rest = f"{reverse(page_name(admin.opts, 'changelist'))}?{urlencode({'q': words})}"
    return Found(
        admin.opts.verbose_name_plural,
        [(str(row), reverse(page_name(admin.opts, "change"), args=[row.pk])) for row in first[:SHOWN_OF_EACH]],
        rest if len(first) > SHOWN_OF_EACH else "",
    )
