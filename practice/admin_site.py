"""The admin staff work in: our name, our sign-in page, one door."""

from functools import wraps

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import BadRequest, PermissionDenied, ValidationError
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from practice.accounts.second_factor import has_second_factor, to_second_factor
from practice.office_home import tasks_of, waiting_for


class PracticeAdminSite(admin.AdminSite):
    site_header = _("Practice office")
    site_title = _("Practice office")
    index_title = _("What would you like to do?")

    def has_permission(self, request):
        """Staff who have shown a second factor in this session."""
        return super().has_permission(request) and has_second_factor(request)

    def index(self, request, extra_context=None):
        """What waits for this person, and what they do most, before the list of all rooms."""
        home = {"waiting": waiting_for(request.user), "tasks": tasks_of(request.user)}
        return super().index(request, home | (extra_context or {}))

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
