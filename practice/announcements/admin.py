from django.contrib import admin
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from practice.announcements.models import Announcement
from practice.office import PreviewMixin


@admin.register(Announcement)
class AnnouncementAdmin(PreviewMixin, admin.ModelAdmin):
    list_display = ["title", "kind", "publish_from", "publish_until", "is_pinned"]
    list_filter = ["kind", "is_pinned"]
    search_fields = ["title", "summary"]
    prepopulated_fields = {"slug": ["title"]}
    autocomplete_fields = ["physicians"]
    fieldsets = [
        (None, {"fields": ["kind", "title", "slug", "summary", "body", "physicians"]}),
        (
            _("In Spanish"),
            {
                "fields": ["title_es", "summary_es", "body_es"],
                "description": _("Where these are empty, readers of Spanish see the English text."),
            },
        ),
        (_("On the site"), {"fields": ["publish_from", "publish_until", "is_pinned"]}),
    ]

    def render_preview(self, request, row, back):
        return render(request, "announcements/announcement.html", {"announcement": row, "preview": back})
