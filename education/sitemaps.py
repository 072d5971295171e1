from django.db.models import Prefetch

from education.models import Article, Term, Topic
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
    """Each word in the languages it is explained in."""

    def items(self):
        return Term.objects.filter(entries__isnull=False).distinct().prefetch_related("entries")

    def get_languages_for_item(self, term):
        return [entry.language for entry in term.entries.all()]
