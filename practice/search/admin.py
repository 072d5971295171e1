from django.contrib import admin
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from practice.admin_filters import WorkFirstFilter
from practice.office import Act, ActsMixin
from practice.office_lists import BulkAct, BulkActsMixin, LargeListMixin
from practice.search.models import MissedSearch, SynonymGroup
from practice.search.words import remember_words, words_of


@admin.register(SynonymGroup)
class SynonymGroupAdmin(admin.ModelAdmin):
    list_display = ["text", "language"]
    list_filter = ["language"]
    search_fields = ["text"]

    def save_model(self, request, obj, form, change):
        super().save_model(request, obj, form, change)
        remember_words(obj.language, words_of(obj.keys), set())


class DealtWithFilter(WorkFirstFilter):
    title = _("dealt with")
    parameter_name = "dealt"
    waiting = _("No")

    def lookups(self, request, model_admin):
        return [("yes", _("Yes")), ("all", _("All"))]

    def queryset(self, request, queryset):
        if self.value() == "yes":
            return queryset.exclude(handled_at=None)
        return queryset if self.value() == "all" else queryset.open()


def mark_dealt_with(request, missed, facts):
    MissedSearch.objects.open().filter(pk=missed.pk).update(handled_at=timezone.now())
    return _("Marked as dealt with.")


def add_synonym(request, missed, facts):
    """To the form of a new group of synonyms, begun with these words."""
    query = urlencode({"text": f"{missed.words} = ", "language": missed.language})
    return redirect(f"{reverse('admin:search_synonymgroup_add')}?{query}")


@admin.register(MissedSearch)
class MissedSearchAdmin(BulkActsMixin, ActsMixin, LargeListMixin, admin.ModelAdmin):
    list_display = ["words", "language", "count", "last_at", "handled_at", "try_again"]
    list_filter = [DealtWithFilter, "language"]
    search_fields = ["words"]
    readonly_fields = ["words", "language", "count", "last_at", "handled_at"]
    acts = (
        Act(
            "synonym", _("Give it a synonym"), "search.add_synonymgroup", add_synonym,
            offered=lambda missed: missed.handled_at is None,
        ),
        Act(
            "dealt-with", _("Mark as dealt with"), "search.change_missedsearch", mark_dealt_with,
            offered=lambda missed: missed.handled_at is None,
        ),
    )  # fmt: skip
    logs_readings = False  # a search is nobody's
    bulk_acts = (
        BulkAct(
            "mark_dealt_with", _("Mark as dealt with"), "search.change_missedsearch", mark_dealt_with,
            _("Marked as dealt with: %(count)s."),
        ),
    )  # fmt: skip

    def has_add_permission(self, request):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    @admin.display(description=_("search"))
    def try_again(self, missed):
        prefix = "" if missed.language == "en" else f"/{missed.language}"
        return format_html('<a href="{}/search/?q={}">{}</a>', prefix, missed.words, _("Search again"))
