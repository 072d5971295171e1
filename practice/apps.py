from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.utils.module_loading import autodiscover_modules


class PracticeConfig(AppConfig):
    name = "practice"
    verbose_name = "The practice"

    def ready(self):
        from practice import checks  # noqa: F401, PLC0415  (registers the system checks)

        autodiscover_modules("office_home_pages")  # where each room says what waits in it


class PracticeAdminConfig(AdminConfig):
    default_site = "practice.admin_site.PracticeAdminSite"

    def ready(self):
        super().ready()
        from allauth.account.models import EmailAddress  # noqa: PLC0415
        from allauth.usersessions.models import UserSession  # noqa: PLC0415
        from django.contrib import admin  # noqa: PLC0415

        # Pages of allauth that look for a `username`, which our users do not have.
        admin.site.unregister([EmailAddress, UserSession])
