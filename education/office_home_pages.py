from django.db.models import F
from django.utils.translation import gettext_lazy as _

from education.models import Article, ArticleStatus
from practice.office_home import Queue, Task, register


def to_review():
    return Article.objects.filter(status=ArticleStatus.IN_REVIEW).exclude(reviewed_digest=F("digest"))


def to_translate():
    return Article.objects.filter(stale_blocks__gt=0)


register(
    Queue(
        _("Articles that wait for a physician’s review"), "education.publish_article", "education_article", to_review,
        "?needs=review", 20,
    ),
    Queue(
        _("Articles whose regular review is due"), "education.change_article", "education_article",
        Article.objects.due_for_review, "?needs=due", 21,
    ),
    Queue(
        _("Translations that have fallen behind"), "education.change_article", "education_article", to_translate,
        "?needs=translation", 22,
    ),
    Task(_("Write an article"), "education.add_article", "education_article_add", 10),
    Task(_("Add a glossary term"), "education.add_term", "education_term_add", 15),
    Task(_("Publish what is reviewed"), "education.publish_article", "education_article_changelist", 12),
)  # fmt: skip
