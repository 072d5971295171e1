from collections import defaultdict

from education.models import Edition, Term
from practice.sitemaps import BilingualSitemap


class ArticleSitemap(BilingualSitemap):
    """Each topic in the languages in which it is on the site."""

    def items(self):
        topics = defaultdict(list)
        editions = Edition.objects.live().select_related("article__topic").order_by("article__topic__slug", "language")
        for edition in editions.only("language", "published_at", "article__topic__slug"):
            topics[edition.article.topic_id].append(edition)
        return list(topics.values())

    def location(self, editions):
        return editions[0].topic.get_absolute_url()

    def get_languages_for_item(self, editions):
        return [edition.language for edition in editions]

    def lastmod(self, editions):
        return max(edition.published_at for edition in editions)


class TermSitemap(BilingualSitemap):
    """Each word in the languages it is explained in."""

    def items(self):
        return Term.objects.filter(entries__isnull=False).distinct().prefetch_related("entries")

    def get_languages_for_item(self, term):
        return [entry.language for entry in term.entries.all()]
