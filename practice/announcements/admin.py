from django.contrib import admin, messages
from django.shortcuts import render
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from practice.announcements.models import Announcement
from practice.office import PreviewMixin


@admin.register(Announcement)
class AnnouncementAdmin(PreviewMixin, admin.ModelAdmin):
    list_display = ["title", "on_the_site", "kind", "publish_from", "publish_until", "is_pinned"]
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

    @admin.display(description=_("on the site"))
    def on_the_site(self, news):
        return {"now": _("now"), "planned": _("planned"), "over": _("over")}[news.stage()]

    def get_view_on_site_url(self, obj=None):
        return super().get_view_on_site_url(obj) if obj and obj.stage() == "now" else None

    def save_related(self, request, form, formsets, change):
        super().save_related(request, form, formsets, change)
        said = {
            "now": _("Everybody can read it on the site now."),
            "planned": _("Nobody reads it on the site before its day: %(day)s."),
            "over": _("Its time on the site is over."),
        }[form.instance.stage()]
        day = date_format(timezone.localtime(form.instance.publish_from), "DATETIME_FORMAT")
        self.message_user(request, said % {"day": day}, messages.INFO)

    def render_preview(self, request, row, back):
        return render(request, "announcements/announcement.html", {"announcement": row, "preview": back})
