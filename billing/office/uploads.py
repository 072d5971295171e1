"""Uploading a statement file: it is checked, its preview is shown, and one word imports it."""

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from billing import uploads
from billing.models import StatementUpload, UploadState
from practice.free_text import guard
from practice.money import dollars
from practice.office import Act, ActsMixin, ReadOnlyMixin


class UploadForm(forms.Form):
    file = forms.FileField(
        label=_("Statement file"),
        help_text=_("CSV, one row for each line of a statement. Nothing is changed yet: it is checked first."),
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,text/csv"}),
        error_messages={"required": _("Choose the file."), "empty": _("This file is empty.")},
    )


def do_accept(request, upload, facts):
    if uploads.accept_upload(upload, by=request.user):
        return gettext("The import has begun. This page shows how far it is.")
    return gettext("This file cannot be imported any more.")


def do_discard(request, upload, facts):
    uploads.discard_upload(upload)
    return gettext("The file is deleted.")


@admin.register(StatementUpload)
class StatementUploadAdmin(ActsMixin, ReadOnlyMixin, admin.ModelAdmin):
    acts = (
        Act(
            "accept",
            _("Import these statements"),
            "billing.import_statements",
            do_accept,
            offered=lambda upload: upload.state == UploadState.CHECKED,
        ),
        Act(
            "discard",
            _("Delete the file"),
            "billing.import_statements",
            do_discard,
            offered=lambda upload: upload.state in (UploadState.WAITING, UploadState.CHECKED),
        ),
    )
    change_form_template = "admin/billing/upload.html"
    list_display = ["file_name", "uploaded_at", "uploaded_by", "state"]
    list_filter = ["state"]
    list_select_related = ["uploaded_by"]
    fields = ["file_name", "uploaded_at", "uploaded_by", "state"]

    def has_add_permission(self, request, obj=None):
        return request.user.has_perm("billing.import_statements")

    def add_view(self, request, form_url="", extra_context=None):
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = UploadForm(request.POST, request.FILES) if request.method == "POST" else UploadForm()
        guard(form.fields)
        if request.method == "POST" and form.is_valid():
            try:
                upload = uploads.take_upload(form.cleaned_data["file"], by=request.user)
            except uploads.UploadRefused as refusal:
                form.add_error("file", str(refusal))
            else:
                self.message_user(request, gettext("The file is being checked."), messages.SUCCESS)
                return HttpResponseRedirect(reverse("admin:billing_statementupload_change", args=[upload.pk]))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Upload a statement file"),
            "opts": self.opts,
            "form": form,
            "button": _("Check the file"),
            "back": reverse("admin:billing_statementupload_changelist"),
            "has_files": True,
        }
        return TemplateResponse(request, "admin/office/act.html", context)

    def change_view(self, request, object_id, form_url="", extra_context=None):
        upload = self.get_object(request, object_id)
        context = {}
        if upload is not None:
            is_working = upload.state in uploads.AT_WORK
            changes = [
                {**change, **{name: dollars(change[f"{name}_cents"]) for name in ("before", "after", "credit")}}
                for change in upload.report.get("changes", [])
            ]
            context = {"upload": upload, "is_working": is_working, "changes": changes}
            context["total"] = dollars(upload.report.get("total_cents", 0))
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})
