"""Finds physicians and locations. There are few of them, so they are read and compared here."""

from django.utils.translation import gettext as _

from practice.folding import fold
from practice.models import Location, Physician
from practice.search.providers import Group, Hit, Provider, register

MOST_HITS = 5


class Physicians(Provider):
    position = 30

    def names(self):
        return {word for name in Physician.objects.values_list("name", flat=True) for word in fold(name).split()}

    def search(self, query):
        hits = []
        for physician in Physician.objects.practising().prefetch_related("subspecialties"):
            fields = ", ".join(field.local("name") for field in physician.subspecialties.all())
            names = " ".join(f"{field.name} {field.name_es}" for field in physician.subspecialties.all())
            if query.fits(physician.name, names, physician.languages, physician.local("biography")):
                hits.append(Hit(physician.get_absolute_url(), query.highlight(str(physician)), query.highlight(fields)))
        return Group(_("Our physicians"), hits[:MOST_HITS])


class Locations(Provider):
    position = 40

    def names(self):
        places = Location.objects.values_list("name", "street", "city")
        return {word for place in places for word in fold(" ".join(place)).split()}

    def search(self, query):
        hits = [
            Hit(
                location.get_absolute_url(),
                query.highlight(location.name),
                query.highlight(f"{location.street}, {location.city} · {location.phone}"),
            )
            for location in Location.objects.all()
            if query.fits(
                location.name, location.street, location.city, location.postal_code, location.local("directions")
            )
        ]
        return Group(_("Locations"), hits[:MOST_HITS])


register(Physicians())
register(Locations())
