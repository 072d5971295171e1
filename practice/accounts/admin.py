from datetime import datetime
from functools import cached_property, reduce
from itertools import chain
from operator import or_

from django import forms
from django.apps import apps
from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import UserChangeForm
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from practice.accounts.access_log import record_many
from practice.accounts.invitations import invite
from practice.accounts.models import AccessEntry, Change, User
from practice.accounts.roles import ADMINISTRATOR, STAFF_ROLES
from practice.accounts.second_factor import ask_again, end_sessions, proved_lately
from practice.folding import fold
from practice.office import Act, ActsMixin, page_name
from practice.office_lists import LargeListMixin
from practice.spreadsheets import csv_download, csv_line

OWN_RIGHTS = _("You cannot take this from yourself. Ask another administrator.")
MOST_PEOPLE = 100  # that a part of an address may mean


def _local(value):
    """An instant as the office's own clock shows it, with its difference to UTC."""
    return timezone.localtime(value).isoformat(sep=" ", timespec="seconds") if isinstance(value, datetime) else value


def models_called(word: str) -> list:
    """The models with this word in their names, as the office calls them."""
    wanted = fold(word)
    return [
        model
        for model in apps.get_models(include_auto_created=True)
        if wanted
        and any(wanted in fold(str(name)) for name in (model._meta.verbose_name, model._meta.verbose_name_plural))
    ]


class UserCreation(forms.ModelForm):
    """A new person without a password: they choose it themselves, by the link in the invitation."""

    class Meta:
        model = User
        fields = ["email", "name", "groups"]

    def clean_email(self):
        return self.cleaned_data["email"].lower()

    def save(self, commit=True):
        user = super().save(commit=False)
        user.set_unusable_password()
        if commit:
            user.save()
            self.save_m2m()
        return user


def _invite(request, user, facts):
    invite(user)
    return _("An invitation to %s is on its way.") % user.email


class UserChange(UserChangeForm):
    class Meta:
        model = User
        fields = "__all__"

    def clean(self):
        """Nobody shuts themselves out: they could not open the office again to undo it."""
        facts = super().clean() or {}
        if self.instance == getattr(self, "acting", None):
            for name in ("is_active", "is_staff", "is_superuser"):
                if name in self.fields and getattr(self.instance, name) and not facts.get(name):
                    self.add_error(name, OWN_RIGHTS)
            kept = {group.name for group in facts.get("groups", [])}
            if not self.instance.is_superuser and "groups" in self.fields and ADMINISTRATOR not in kept:
                self.add_error("groups", OWN_RIGHTS)
        return facts


@admin.register(User)
class UserAdmin(ActsMixin, DjangoUserAdmin):
    acts = (
        Act(
            "invite",
            _("Invite again"),
            "accounts.change_user",
            _invite,
            offered=lambda user: user.is_active and not user.has_usable_password(),
            is_sensitive=True,
        ),
    )
    logs_readings = False
    logs_acts = True
    form = UserChange
    add_form = UserCreation
    list_display = ["email", "name", "is_active", "is_staff", "last_login"]
    list_filter = ["is_active", "is_staff", "groups"]
    search_fields = ["email", "name"]
    ordering = ["email"]
    filter_horizontal = ()
    fieldsets = [
        (None, {"fields": ["email", "name"]}),
        (
            _("What they may do"),
            {
                "fields": ["is_active", "is_staff", "is_superuser", "groups"],
            },
        ),
        (_("Dates"), {"fields": ["last_login", "date_joined"]}),
    ]
    add_fieldsets = [
        (
            None,
            {
                "classes": ["wide"],
                "fields": ["email", "name", "groups"],
                "description": _(
                    "They get an e-mail with a link to choose a password; staff then set up a second step."
                ),
            },
        )
    ]
    readonly_fields = ["last_login", "date_joined"]

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        """Who may do what is changed only by somebody who has just shown who they are."""
        if not proved_lately(request):
            return ask_again(request)
        return super().changeform_view(request, object_id, form_url, extra_context)

    def formfield_for_manytomany(self, db_field, request, **kwargs):
        """Ten roles are ten boxes to tick."""
        if db_field.name != "groups":
            return super().formfield_for_manytomany(db_field, request, **kwargs)
        return forms.ModelMultipleChoiceField(
            Group.objects.order_by("name"),
            label=_("Roles"),
            required=False,
            widget=forms.CheckboxSelectMultiple,
            help_text=_("Physicians and referring offices read Practice Resources; all other roles open the office."),
        )

    def get_form(self, request, obj=None, change=False, **kwargs):
        form = super().get_form(request, obj, change=change, **kwargs)
        form.acting = request.user  # type: ignore[attr-defined]
        return form

    def add_view(self, request, form_url="", extra_context=None):
        return super().add_view(request, form_url, {"title": _("Invite somebody")} | (extra_context or {}))

    def user_change_password(self, request, id, form_url=""):
        """Nobody sets another person's password; they choose it by a link that only they get."""
        raise PermissionDenied

    def save_model(self, request, user, form, change):
        super().save_model(request, user, form, change)
        if not user.is_active:
            end_sessions(user)

    def save_related(self, request, form, formsets, change):
        super().save_related(request, form, formsets, change)
        user = form.instance
        if not user.is_staff and user.groups.filter(name__in=STAFF_ROLES).exists():
            user.is_staff = True
            user.save(update_fields=["is_staff"])
            said = _("%s has a role in the office and so was marked as staff.")
            self.message_user(request, said % user.email, messages.INFO)
        if not change:
            self.message_user(request, _invite(request, user, {}), messages.INFO)

    def has_delete_permission(self, request, obj=None):
        return False  # people are deactivated; what they did keeps their name

    def has_change_permission(self, request, obj=None):
        """Only a superuser changes a superuser: whoever sets somebody's password or address becomes them."""
        is_above = obj is not None and obj.is_superuser and not request.user.is_superuser
        return not is_above and super().has_change_permission(request, obj)

    def get_readonly_fields(self, request, obj=None):
        if request.user.is_superuser:
            return self.readonly_fields
        return [*self.readonly_fields, "is_superuser"]  # nobody raises themselves or others above their own rights


admin.site.unregister(Group)


@admin.register(Group)
class RoleAdmin(DjangoGroupAdmin):
    """Roles come with the software; who holds them is set on the user."""

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False


class LogAdmin(LargeListMixin, admin.ModelAdmin):
    """A log that administrators search and take away as a spreadsheet. Nobody writes in it here."""

    is_searched_from_everywhere = False
    change_list_template = "admin/accounts/log.html"
    exported: tuple[str, ...] = ()
    searched: tuple[str, ...] = ()  # columns with an index, compared whole
    kind_column = ""  # says which model

    def get_search_results(self, request, queryset, search_term):
        """Each word is a part of somebody's name or address, a word for a kind of row, or a searched column's whole."""
        for word in search_term.split():
            named = User.objects.filter(Q(email__icontains=word) | Q(name__icontains=word))
            named = named.none() if word.isdecimal() else named  # the number of a row, not a part of an address
            people = Q(user__in=list(named.values_list("pk", flat=True)[:MOST_PEOPLE]))
            kinds = Q(**{f"{self.kind_column}__in": [self.key_of(model) for model in models_called(word)]})
            whole = [Q(**{column: word}) for column in self.searched]
            queryset = queryset.filter(reduce(or_, whole, people | kinds))
        return queryset, False

    def key_of(self, model) -> str:
        """How the log writes this model."""
        raise NotImplementedError

    @cached_property
    def models_by_key(self) -> dict:
        return {self.key_of(model): model for model in apps.get_models(include_auto_created=True)}

    @admin.display(description=_("kind"))
    def kind(self, entry):
        key = getattr(entry, self.kind_column)
        model = self.models_by_key.get(key)
        return capfirst(model._meta.verbose_name) if model else key

    @admin.display(description=_("row"))
    def row_and_history(self, entry):
        """The row's key; it leads to the row's history, where there is one."""
        model = self.models_by_key.get(getattr(entry, self.kind_column))
        if model is None or model not in self.admin_site._registry or not entry.row or " " in entry.row:
            return entry.row
        address = reverse(page_name(model._meta, "history"), args=[entry.row])
        return format_html('<a href="{}">{}</a>', address, entry.row)

    def get_urls(self):
        view = self.admin_site.admin_view(self.export_view)
        return [path("export/", view, name=f"accounts_{self.opts.model_name}_export"), *super().get_urls()]

    def export_view(self, request):
        """What the list shows with these filters, as CSV. Taking it away is noted in the access log."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if not proved_lately(request):
            return ask_again(request)
        try:
            rows = self.get_changelist_instance(request).get_queryset(request)
        except IncorrectLookupParameters:
            return redirect(f"admin:accounts_{self.opts.model_name}_changelist")
        record_many(request, self.model, "export")
        head = csv_line(self.opts.get_field(name).verbose_name for name in self.exported)  # type: ignore[union-attr]
        lines = (csv_line([_local(getattr(row, name)) for name in self.exported]) for row in rows.iterator(2000))
        return csv_download(chain([head], lines), str(self.opts.model_name))

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False


@admin.register(AccessEntry)
class AccessEntryAdmin(LogAdmin):
    kind_column = "what"
    list_display = ["read_at", "user", "kind", "row_and_history", "how", "address"]
    list_filter = ["read_at"]
    list_select_related = ["user"]
    search_fields = searched = ("what", "row")
    search_help_text = _("A word like patient, the number of a row, or somebody’s name or address")
    exported = ("read_at", "user", "what", "row", "how", "address")

    def key_of(self, model):
        return model._meta.label_lower


@admin.register(Change)
class ChangeAdmin(LogAdmin):
    kind_column = "table_name"
    list_display = ["changed_at", "user", "kind", "row_and_history", "action", "count", "route"]
    list_filter = ["action", "changed_at"]
    list_select_related = ["user"]
    search_fields = searched = ("table_name", "row")
    search_help_text = _("A word like location, the number of a row, or somebody’s name or address")
    exported = ("changed_at", "user", "table_name", "row", "action", "count", "route", "address", "before")

    def key_of(self, model):
        return model._meta.db_table
