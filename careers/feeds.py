from datetime import datetime, time

from django.contrib.syndication.views import Feed
from django.urls import reverse
from django.utils import timezone
from django.utils.feedgenerator import Atom1Feed
from django.utils.translation import gettext as _

from careers.models import Opening
from practice.context import get_identity
from practice.folding import for_xml


class OpeningFeed(Feed):
    """The openings one can apply for as Atom, in the language of the address."""

    feed_type = Atom1Feed

    def title(self):
        return _("Openings at %(practice)s") % {"practice": for_xml(get_identity().name)}

    def link(self):
        return reverse("careers:index")

    def items(self):
        return Opening.objects.open().select_related("location")[:50]

    def item_title(self, item):
        return for_xml(item.local("title"))

    def item_description(self, item):
        return for_xml(item.local("summary"))

    def item_pubdate(self, item):
        return datetime.combine(item.posted_on, time(), timezone.get_current_timezone())

    def item_updateddate(self, item):
        return self.item_pubdate(item)
