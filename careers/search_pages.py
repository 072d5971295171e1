"""Finds openings. There are few of them, so they are read and compared here."""

from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from careers.models import Opening
from practice.search.providers import Group, Hit, Provider, register

MOST_HITS = 5
# What people look for who mean the list of openings, in both languages.
LIST = "careers jobs job openings employment vacancies hiring work apply empleo empleos trabajo vacantes puestos plazas"


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
        if query.fits(LIST):
            words = _("Apply on one page, without an account. We show what we pay, and we answer everybody.")
            there = Hit(
                reverse("careers:index"),
                query.highlight(_("Join Our Practice")),
                query.highlight(words),
                get_language() or "en",
            )
            hits.insert(0, there)
        return Group(_("Join Our Practice"), hits[:MOST_HITS])


register(Openings())
