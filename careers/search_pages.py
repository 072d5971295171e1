"""Finds openings. There are few of them, so they are read and compared here."""

from django.utils.translation import gettext as _

from careers.models import Opening
from practice.search.providers import Group, Hit, Provider, register

MOST_HITS = 5


class Openings(Provider):
    position = 50

    def search(self, query):
        hits = [
            Hit(
                opening.get_absolute_url(),
                query.highlight(opening.local("title")),
                query.highlight(opening.local("summary")),
                opening.language_of("title"),
            )
            for opening in Opening.objects.open().select_related("location", "subspecialty")
            if query.fits(
                opening.local("title"), opening.local("summary"), opening.get_role_display(), str(opening.location)
            )
        ]
        return Group(_("Join Our Practice"), hits[:MOST_HITS])


register(Openings())
