from careers.models import Opening
from practice.sitemaps import BilingualSitemap


class OpeningSitemap(BilingualSitemap):
    def items(self):
        return Opening.objects.open()
