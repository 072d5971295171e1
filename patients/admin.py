"""Patients in the admin: found by account number or whole last name, and every reading is logged."""

from django import forms
from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from patients.birth_dates import BirthDateField
from patients.models import Patient
from practice.accounts.access_log import LoggedReadsMixin
from practice.office_lists import LargeListMixin


class PatientForm(forms.ModelForm):
    born_on = BirthDateField(label=_("Date of birth"), help_text=_("Month, day and year, like 3/27/1948."))
    first_name = forms.CharField(label=_("First name"), max_length=100)
    last_name = forms.CharField(label=_("Last name"), max_length=100)

    class Meta:
        model = Patient
        fields = ["first_name", "last_name", "born_on", "language"]


@admin.register(Patient)
class PatientAdmin(LoggedReadsMixin, LargeListMixin, admin.ModelAdmin):
    form = PatientForm
    change_form_template = "admin/office/change_with_acts.html"
    list_display = ["account_number", "language", "created_at"]
    search_fields = ["account_number__exact"]
    search_help_text = _("Account number, or the whole last name")
    fields = ["account_number", "first_name", "last_name", "born_on", "language", "created_at"]
    readonly_fields = ["account_number", "created_at"]

    def get_search_results(self, request, queryset, search_term):
        found, distinct = super().get_search_results(request, queryset, search_term)
        if search_term:
            found = found | queryset.named(search_term)
        return found, distinct

    def save_model(self, request, patient, form, change):
        patient.set_names(form.cleaned_data["first_name"], form.cleaned_data["last_name"])
        super().save_model(request, patient, form, change)

    def has_add_permission(self, request):
        return False  # patients come with their statements

    def has_delete_permission(self, request, patient=None):
        return False
