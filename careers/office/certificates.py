"""Certificates of deletion: to be shown, never to be changed."""

import json

from django.contrib import admin
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from careers.models import Certificate
from practice.office import ReadOnlyMixin


@admin.register(Certificate)
class CertificateAdmin(ReadOnlyMixin, admin.ModelAdmin):
    list_display = ["__str__", "kind", "made_at", "count"]
    list_filter = ["kind"]
    readonly_fields = ("kind", "made_at", "made_by", "count", "what", "previous", "digest")
    fields = readonly_fields
    is_searched_from_everywhere = False

    @admin.display(description=_("applications"))
    def count(self, certificate):
        return len(certificate.deleted)

    @admin.display(description=_("what was deleted"))
    def what(self, certificate):
        return format_html("<pre>{}</pre>", json.dumps(certificate.deleted, indent=1))
