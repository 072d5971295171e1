"""All addresses of the site. Spanish lives under /es/ with the same paths."""

from django.conf import settings
from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.contrib.sitemaps.views import sitemap
from django.urls import include, path, re_path

from careers.sitemaps import OpeningSitemap
from education.infobutton_views import infobutton
from education.sitemaps import ArticleSitemap, TermSitemap
from practice import views
from practice.announcements import views as announcements
from practice.announcements.sitemaps import AnnouncementSitemap
from practice.published_pages import NUMBER, published_page
from practice.search.views import search
from practice.sitemaps import PageSitemap, PhysicianSitemap

SITEMAPS = {
    "pages": PageSitemap,
    "physicians": PhysicianSitemap,
    "announcements": AnnouncementSitemap,
    "articles": ArticleSitemap,
    "glossary": TermSitemap,
    "openings": OpeningSitemap,
}

handler400 = "practice.views.bad_request"
handler403 = "practice.views.permission_denied"
handler404 = "practice.views.page_not_found"
handler500 = "practice.views.server_error"

who_we_are = [
    path("", announcements.home, name="home"),
    path("physicians/", views.physicians, name="physicians"),
    path("physicians/<slug:slug>/", views.physician, name="physician"),
    path("locations/", views.locations, name="locations"),
    path("giving-back/", announcements.giving_back, name="giving_back"),
    path("terms/", views.notice, {"slug": "terms"}, name="terms"),
    path("privacy/", views.notice, {"slug": "privacy"}, name="privacy"),
    path("accessibility/", views.notice, {"slug": "accessibility"}, name="accessibility"),
    path("notices/", views.notices, name="notices"),
    path("notices/<slug:slug>/", views.notice, name="notice"),
    path("feedback/", views.feedback, name="feedback"),
    path("feedback/thank-you/", views.feedback_thanks, name="feedback_thanks"),
]

urlpatterns = [
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("robots.txt", views.robots, name="robots"),
    path("sitemap.xml", published_page(p=NUMBER)(sitemap), {"sitemaps": SITEMAPS}, name="sitemap"),
    path("infobutton", infobutton, name="infobutton"),
    path("accent-<str:colour>.css", views.accent, name="accent"),
    re_path(
        r"^media/(?P<path>(?:identity|portraits)/[A-Za-z0-9_-][A-Za-z0-9_.-]{0,149})\Z",
        views.media,
        name="media",
    ),
    path("admin/", admin.site.urls),
]
if settings.BILLING_GATEWAY == "sandbox":
    urlpatterns.append(path("sandbox/", include("billing.gateways.sandbox.urls")))
urlpatterns += i18n_patterns(
    path("", include((who_we_are, "practice"))),
    path("announcements/", include("practice.announcements.urls")),
    path("search/", search, name="search"),
    path("", include("education.urls")),
    path("pay/", include("billing.urls")),
    path("careers/", include("careers.urls")),
    path("resources/", include("practice.resources.urls")),
    path("accounts/", include("allauth.urls")),
    prefix_default_language=False,
)
