"""Finds what somebody may see in Practice Resources, and nothing else."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils import translation
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from practice.folding import fold
from practice.resources.audiences import audiences_of
from practice.resources.models import CallService, Contact, OrderingAdvice, Version
from practice.search.query import Query, understand

MOST_HITS = 50


@dataclass(frozen=True)
class Found:
    url: str
    title: SafeString
    text: SafeString
    kind: str


@dataclass(frozen=True)
class _Page:
    url: str
    title: str
    text: str
    kind: str
    hidden: str = ""  # found by, not shown


def find(user, text: str) -> tuple[Query, list[Found]]:
    """The query as it was understood, and the pages with all of its words, the best first.

    The rows are few and read anew for each person: an index of all of them could tell by its counts, or by the words
    it corrects to, of pages that this person may not see.
    """
    pages = list(_pages(user))
    own_words = {word for page in pages for word in fold(f"{page.title} {page.text} {page.hidden}").split()}
    query = understand(text, translation.get_language() or "en", own_words)
    hits = [page for page in pages if query.fits(page.title, page.text, page.kind, page.hidden)]
    hits.sort(key=lambda page: -query.matches(page.title))
    return query, [
        Found(page.url, query.highlight(page.title), query.highlight(page.text), page.kind) for page in hits[:MOST_HITS]
    ]


def _pages(user):
    for version in Version.objects.visible_to(user).order_by("document__title"):
        document = version.document
        yield _Page(
            document.get_absolute_url(), document.title, document.summary, str(document.get_kind_display()),
            f"{document.collection} {version.note}",
        )  # fmt: skip
    for service in CallService.objects.visible_to(user):
        yield _Page(reverse("resources:on_call"), service.name, service.note, _("On call"))
    for contact in Contact.objects.visible_to(user):
        text = f"{contact.what_for} {contact.phone}"
        yield _Page(f"{reverse('resources:contacts')}#contact-{contact.pk}", contact.name, text, _("Contact"))
    if audiences_of(user):
        yield _Page(
            reverse("education:prep_sheets"), _("Preparation sheets"), _("For your patient, in English and Spanish"),
            _("Page"), "prep preparation prepare sheet ct mri ultrasound x-ray spanish español",
        )  # fmt: skip
        yield _Page(
            reverse("resources:on_call"), _("On call now"), _("Everybody on call in the next two weeks"), _("Page"),
            "who is on call schedule radiologist",
        )  # fmt: skip
        for advice in OrderingAdvice.objects.all():
            yield _Page(
                f"{reverse('resources:ordering_guide')}#advice-{advice.pk}", advice.question, advice.exam,
                _("Ordering guide"), f"{advice.also} {advice.codes} {advice.get_region_display()}",
            )  # fmt: skip
