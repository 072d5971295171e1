from django.contrib.syndication.views import Feed
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed
from django.utils.translation import gettext as _

from practice.announcements.models import Announcement
from practice.context import get_identity


class AnnouncementFeed(Feed):
    """The announcements as Atom, in the language of the address."""

    feed_type = Atom1Feed

    def title(self):
        return _("Announcements of %(practice)s") % {"practice": get_identity().name}

    def link(self):
        return reverse("announcements:index")

    def items(self):
        return Announcement.objects.published()[:20]

    def item_title(self, item):
        return item.local("title")

    def item_description(self, item):
        return item.local("summary")

    def item_pubdate(self, item):
        return item.publish_from

    def item_updateddate(self, item):
        return item.publish_from
