from django.contrib.syndication.views import Feed
from django.urls import reverse
from django.utils import translation
from django.utils.feedgenerator import Atom1Feed
from django.utils.translation import gettext as _

from education.models import Edition
from practice.context import get_identity
from practice.folding import for_xml

NEWEST = 30


class ArticleFeed(Feed):
    """The articles that were published last, as Atom, in the language of the address."""

    feed_type = Atom1Feed

    def title(self):
        return _("Patient Information of %(practice)s") % {"practice": for_xml(get_identity().name)}

    def link(self):
        return reverse("education:index")

    def items(self):
        editions = Edition.objects.live().in_language(translation.get_language()).select_related("article__topic")
        return editions.defer("sections", "shown", "search_vector", "names_vector").order_by("-published_at", "-pk")[
            :NEWEST
        ]

    def item_title(self, item):
        return for_xml(item.title)

    def item_description(self, item):
        return for_xml(item.summary)

    def item_pubdate(self, item):
        return item.published_at

    def item_updateddate(self, item):
        return item.published_at
