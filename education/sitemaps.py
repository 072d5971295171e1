from education.models import Article, Entry
from practice.sitemaps import BilingualSitemap


class ArticleSitemap(BilingualSitemap):
    def items(self):
        return Article.objects.published().in_language("en").select_related("topic")

    def lastmod(self, article):
        return article.updated_at


class TermSitemap(BilingualSitemap):
    def items(self):
        return Entry.objects.filter(language="en").select_related("term").order_by("pk")
