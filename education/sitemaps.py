from django.db.models import Prefetch

from education.models import Article, Entry, Topic
from practice.sitemaps import BilingualSitemap


class ArticleSitemap(BilingualSitemap):
    """Each topic in the languages in which it is published."""

    def items(self):
        published = Prefetch("articles", Article.objects.published().order_by("language"), to_attr="published")
        return [topic for topic in Topic.objects.prefetch_related(published) if topic.published]

    def get_languages_for_item(self, topic):
        return [article.language for article in topic.published]

    def lastmod(self, topic):
        return max(article.updated_at for article in topic.published)


class TermSitemap(BilingualSitemap):
    def items(self):
        return Entry.objects.filter(language="en").select_related("term").order_by("pk")
