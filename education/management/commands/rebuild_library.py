from django.core.management.base import BaseCommand

from education.models import Name
from education.publishing import rebuild
from education.search_index import remember_names


class Command(BaseCommand):
    help = "Make every page of the library and what search knows of it anew, as after an upgrade. Changes no text."

    def handle(self, *args, **options):
        for language in ("en", "es"):
            remember_names(Name.objects.filter(entry__language=language).iterator(), language)
            self.stdout.write(f"{language}: {rebuild(language)} pages made anew.")
