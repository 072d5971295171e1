from practice.announcements.models import Announcement
from practice.sitemaps import BilingualSitemap


class AnnouncementSitemap(BilingualSitemap):
    def items(self):
        return Announcement.objects.published()
