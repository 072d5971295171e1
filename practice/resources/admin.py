from django.contrib import admin

from practice.resources.forms import DocumentForm
from practice.resources.models import Document


@admin.register(Document)
class DocumentAdmin(admin.ModelAdmin):
    form = DocumentForm
    list_display = ["title", "kind", "audience", "updated_on", "is_current"]
    list_filter = ["audience", "kind", "is_current"]
    search_fields = ["title", "summary"]
    prepopulated_fields = {"slug": ["title"]}
    fields = ["title", "slug", "kind", "audience", "summary", "file", "updated_on", "is_current"]
