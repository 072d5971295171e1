"""What search engines may list of the practice itself. Every address is given in both languages."""

from django.contrib.sitemaps import Sitemap
from django.urls import reverse

from practice.models import Notice, NoticeVersion, Physician


class BilingualSitemap(Sitemap):
    """Each address under both languages, each naming the other."""

    i18n = True
    alternates = True


class PageSitemap(BilingualSitemap):
    names = [
        "practice:home", "practice:physicians", "practice:locations", "practice:giving_back", "practice:notices",
        "practice:feedback", "announcements:index", "education:index", "education:glossary", "education:prep_sheets",
        "education:find_sheet", "billing:look_up", "careers:index",
    ]  # fmt: skip

    def items(self):
        notices = Notice.objects.filter(versions__in=NoticeVersion.objects.in_force())
        return [*self.names, *notices]

    def location(self, item):
        return reverse(item) if isinstance(item, str) else item.get_absolute_url()


class PhysicianSitemap(BilingualSitemap):
    def items(self):
        return Physician.objects.practising()
