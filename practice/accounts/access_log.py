"""Writes the access log: each reading of a patient, a statement, an application or a protected file."""

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode

from practice.accounts.models import AccessEntry
from practice.client_address import client_address


def record_read(request: HttpRequest, row: models.Model, how: str = "") -> None:
    """Note that the signed-in person has read this row. `how` is the view's name when not given."""
    match = request.resolver_match
    AccessEntry.objects.create(
        user=request.user,  # type: ignore[misc]  # somebody who is signed in
        what=row._meta.label_lower,
        row=str(row.pk),
        how=how or (match.view_name if match else ""),
        address=client_address(request),
    )


def record_many(request: HttpRequest, model: type[models.Model], name: str) -> None:
    """Note that the signed-in person has read about many rows of this model; `name` says in which list or file."""
    AccessEntry.objects.create(
        user=request.user,  # type: ignore[misc]  # somebody who is signed in
        what=model._meta.label_lower,
        row=name,
        how=request.resolver_match.view_name if request.resolver_match else "",
        address=client_address(request),
    )


class LoggedReadsMixin(admin.ModelAdmin):
    """For a ModelAdmin: opening a row, its history or the list leaves an access log entry."""

    def changelist_view(self, request, extra_context=None):
        response = super().changelist_view(request, extra_context)
        if request.method == "GET" and response.status_code == 200:
            record_many(request, self.model, "list")
        return response

    def change_view(self, request, object_id, form_url="", extra_context=None):
        self._record_if_seen(request, object_id)
        query = urlencode({"q": f"{self.opts.label_lower} {object_id}"})
        readers = {"readers": f"{reverse('admin:accounts_accessentry_changelist')}?{query}"}
        return super().change_view(request, object_id, form_url, readers | (extra_context or {}))

    def history_view(self, request, object_id, extra_context=None):
        self._record_if_seen(request, object_id)
        return super().history_view(request, object_id, extra_context)

    def _record_if_seen(self, request, object_id) -> None:
        row = self.get_object(request, object_id)
        if row is not None and self.has_view_or_change_permission(request, row):
            record_read(request, row)
