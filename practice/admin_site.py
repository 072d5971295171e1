"""The admin staff work in: our name, our sign-in page, one door."""

from collections.abc import Iterable
from datetime import datetime
from functools import wraps
from typing import Any, cast

from django.apps import apps
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.auth.views import redirect_to_login
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import BadRequest, FieldDoesNotExist, PermissionDenied, ValidationError
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from practice.accounts.access_log import LoggedReadsMixin, record_many
from practice.accounts.second_factor import has_second_factor, to_second_factor
from practice.forms import QueryForm
from practice.free_text import guard
from practice.office_home import tasks_of, waiting_for
from practice.office_search import search_office

# How Django's filters ask for the value of a field.
FILTER_LOOKUPS = ("", "__exact", "__isnull", "__isempty", "__id__exact", "__gte", "__lt", "__lte", "__in")


class OfficeList(admin.ModelAdmin):
    """What every list of the office does: it is called by what it lists, and filtered by its own filters alone.

    What is typed on the pages of its rows holds no card number and no social security number.

    Django's lists take any lookup on any column, also on one that no page shows: `?token__startswith=a` would tell
    whether it does, and `?name__regex=(` ends in an error of the database.
    """

    # Fields whose own shape is checked, in which a long number may stand: codes, drawings, numbers of accounts.
    no_free_text: tuple[str, ...] = ()

    def get_form(self, request, obj=None, change=False, **options):
        form = super().get_form(request, obj, change=change, **options)
        guard(form.base_fields, self.no_free_text)
        return form

    def get_formsets_with_inlines(self, request, obj=None):
        for formset, inline in super().get_formsets_with_inlines(request, obj):
            guard(formset.form.base_fields, getattr(inline, "no_free_text", ()))
            yield formset, inline

    def get_changelist_form(self, request, **options):
        form = super().get_changelist_form(request, **options)
        guard(form.base_fields, self.no_free_text)
        return form

    def changelist_view(self, request, extra_context=None):
        title = {"title": capfirst(self.opts.verbose_name_plural)}
        return super().changelist_view(request, title | (extra_context or {}))

    def get_changeform_initial_data(self, request):
        """What the address says a new row begins with, less what its fields could not hold."""
        given = super().get_changeform_initial_data(request)
        return {name: kept for name, value in given.items() if (kept := self._beginning(name, value)) is not None}

    def _beginning(self, name, value):
        try:
            field: Any = self.opts.get_field(name)
            if field.many_to_many:
                return [field.related_model._meta.pk.to_python(key) for key in value]
            parsed = (field.target_field if field.remote_field else field).to_python(value)
            if not field.remote_field:
                field.run_validators(parsed)
        except FieldDoesNotExist:
            return value
        except (ValidationError, ValueError, TypeError, OverflowError):
            return None
        is_naive = isinstance(parsed, datetime) and timezone.is_naive(parsed)
        return timezone.make_aware(parsed) if is_naive else parsed

    def lookup_allowed(self, lookup, value, request=None):
        if lookup not in set(self._lookups(request)):
            raise IncorrectLookupParameters
        return super().lookup_allowed(lookup, value, request)

    def _lookups(self, request):
        for item in cast(Iterable[Any], self.get_list_filter(request)):
            if isinstance(item, type):
                yield item.parameter_name  # type: ignore[attr-defined]
            else:
                name = item if isinstance(item, str) else item[0]
                yield from (f"{name}{lookup}" for lookup in FILTER_LOOKUPS)


class PracticeAdminSite(admin.AdminSite):
    site_header = _("Practice office")
    site_title = _("Practice office")
    index_title = _("What would you like to do?")
    # One begins with what waits, or searches. A list of all rooms beside every page took its width and said neither.
    enable_nav_sidebar = False

    def has_permission(self, request):
        """Staff who have shown a second factor in this session."""
        return super().has_permission(request) and has_second_factor(request)

    def index(self, request, extra_context=None):
        """What waits for this person, and what they do most, before the list of all rooms."""
        home = {"waiting": waiting_for(request.user), "tasks": tasks_of(request.user)}
        return super().index(request, home | (extra_context or {}))

    def register(self, model_or_iterable, admin_class=None, **options):
        """Django's, with the rule above for every list, also those of libraries."""
        ours = type((admin_class or admin.ModelAdmin).__name__, (OfficeList, admin_class or admin.ModelAdmin), {})
        super().register(model_or_iterable, ours, **options)

    def get_urls(self):
        to_site = path("r/<path:content_type_id>/<path:object_id>/", self.admin_view(self.to_site), name="view_on_site")
        return [to_site, path("find/", self.admin_view(self.search), name="search"), *super().get_urls()]

    def to_site(self, request, content_type_id, object_id):
        """From a row in the office to its public page, for those who may see it.

        Django's own asks nobody, and gave everybody in the office the private links of applicants and payers.
        """
        kind = ContentType.objects.filter(pk=content_type_id).first() if content_type_id.isdecimal() else None
        model = kind.model_class() if kind else None
        rows = self._registry.get(model) if model else None
        if rows is None or not rows.view_on_site or not hasattr(rows.model, "get_absolute_url"):
            raise Http404
        row = rows.get_object(request, object_id)
        if row is None or not rows.has_view_or_change_permission(request, row):
            raise Http404
        return redirect(row)

    def autocomplete_view(self, request):
        """Choices for the fields that ask for them, and no others; what shows people is in the access log."""
        label = f"{request.GET.get('app_label')}.{request.GET.get('model_name')}".lower()
        name = request.GET.get("field_name", "")
        if (label, name) not in self._autocompleted():
            raise PermissionDenied
        response = super().autocomplete_view(request)
        chosen = apps.get_model(label)._meta.get_field(name).related_model
        if isinstance(self._registry.get(chosen), LoggedReadsMixin):
            record_many(request, chosen, "search")
        return response

    def _autocompleted(self) -> set[tuple[str, str]]:
        parts = [part for page in self._registry.values() for part in (page, *page.inlines)]
        models = [(part, part.model) for part in parts]
        return {(model._meta.label_lower, name) for part, model in models for name in part.autocomplete_fields}

    def password_change(self, request, extra_context=None):
        """One page for it, where the second factor is asked and a mail tells the person."""
        return redirect("account_change_password")

    password_change_done = password_change

    def search(self, request):
        """What this person may see, from one box that is on every page of the office."""
        words = QueryForm.read(request)
        context = self.each_context(request) | {"title": _("Search"), "words": words}
        return render(request, "admin/search.html", context | {"found": search_office(self, request, words)})

    def login(self, request, extra_context=None):
        """Sign-in is allauth's, so that there is one place where limits and second factors hold."""
        if request.user.is_authenticated and not super().has_permission(request):
            raise PermissionDenied
        if request.user.is_authenticated and not has_second_factor(request):
            return to_second_factor(request, reverse("admin:index"))
        if self.has_permission(request):
            return redirect("admin:index")
        return redirect_to_login(request.GET.get("next") or reverse("admin:index"), login_url=reverse("account_login"))

    def admin_view(self, view, cacheable=False):
        """Django's check of who comes in, and before it one of what: some odd values would end in a 500."""
        model = getattr(getattr(view, "__self__", None), "model", None)
        inner = super().admin_view(view, cacheable)

        @wraps(inner)
        def checked(request, *args, **kwargs):
            refuse_what_no_form_sends(request, [*args, *kwargs.values()], model)
            return inner(request, *args, **kwargs)

        return checked


def refuse_what_no_form_sends(request, address_parts, model) -> None:
    """Raises BadRequest for NUL characters (PostgreSQL takes none) and for selected rows that cannot be keys."""
    values = [value for data in (request.GET, request.POST) for _name, found in data.lists() for value in found]
    if any("\0" in str(value) for value in [*values, *address_parts]):
        raise BadRequest("NUL character")
    if model is not None:
        try:
            for key in request.POST.getlist(ACTION_CHECKBOX_NAME):
                model._meta.pk.to_python(key)
        except ValidationError as error:
            raise BadRequest("not a key") from error
