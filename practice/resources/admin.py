from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from practice.resources.forms import DocumentForm
from practice.resources.models import Document


@admin.register(Document)
class DocumentAdmin(admin.ModelAdmin):
    form = DocumentForm
    list_display = ["title", "kind", "audience", "updated_on", "is_current"]
    list_filter = ["audience", "kind", "is_current"]
    search_fields = ["title", "summary"]
    prepopulated_fields = {"slug": ["title"]}
    fields = ["title", "slug", "kind", "audience", "summary", "file", "download", "updated_on", "is_current"]
    readonly_fields = ["download"]

    @admin.display(description=_("current file"))
    def download(self, document):
        if document.pk is None:
            return "–"
        return format_html('<a href="{}">{}</a>', reverse("resources:download", args=[document.slug]), _("Download"))
