"""The admin staff work in: our name, our sign-in page, one door."""

from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _


class PracticeAdminSite(admin.AdminSite):
    site_header = _("Practice office")
    site_title = _("Practice office")
    index_title = _("What would you like to do?")

    def login(self, request, extra_context=None):
        """Sign-in is allauth's, so that there is one place where limits and second factors hold."""
        if request.user.is_authenticated and not self.has_permission(request):
            raise PermissionDenied
        if self.has_permission(request):
            return redirect("admin:index")
        return redirect_to_login(request.GET.get("next") or reverse("admin:index"), login_url=reverse("account_login"))
