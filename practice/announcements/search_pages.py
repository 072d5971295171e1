"""Finds announcements. The newest are read and compared here: there are few, and each is short."""

from django.utils.translation import gettext as _

from practice.announcements.models import Announcement
from practice.search.providers import Group, Hit, Provider, register

MOST_HITS = 5
NEWEST = 300


class Announcements(Provider):
    position = 60

    def search(self, query):
        hits = [
            Hit(
                announcement.get_absolute_url(),
                query.highlight(announcement.local("title")),
                query.highlight(announcement.local("summary")),
                announcement.language_of("title"),
            )
            for announcement in Announcement.objects.published()[:NEWEST]
            if query.fits(announcement.local("title"), announcement.local("summary"))
        ]
        return Group(_("Announcements"), hits[:MOST_HITS])


register(Announcements())
