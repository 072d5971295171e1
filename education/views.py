from django import forms
from django.core.paginator import Paginator
from django.http import Http404
from django.shortcuts import get_object_or_404, render
from django.utils import translation

from education.glossary import ALIKE_SHOWN, look_up
from education.models import BodyRegion, Edition, Entry, Modality, Term
from education.pages import page_of, side_by_side
from education.sample_bill import sample_bill
from practice.forms import QueryForm
from practice.published_pages import NUMBER, TYPED, one_of, published_page

TERMS_PER_PAGE = 60
ARTICLES_PER_PAGE = 100


class BrowseForm(forms.Form):
    """Which part of the library to show; anything unknown shows all of it."""

    region = forms.ChoiceField(choices=BodyRegion, required=False)
    exam = forms.ChoiceField(choices=Modality, required=False)


@published_page(region=one_of(BodyRegion), exam=one_of(Modality), page=NUMBER)
def index(request):
    editions = Edition.objects.live().in_language(translation.get_language())
    form = BrowseForm(request.GET)
    chosen = form.cleaned_data if form.is_valid() else {"region": "", "exam": ""}
    shown = (
        editions.select_related("article__topic")
        .defer("sections", "shown", "search_vector", "names_vector")
        .order_by("sort_key")
    )
    if chosen["region"]:
        shown = shown.filter(article__topic__body_region=chosen["region"])
    if chosen["exam"]:
        shown = shown.filter(article__topic__modality=chosen["exam"])
    used = set(editions.order_by().values_list("article__topic__body_region", "article__topic__modality").distinct())
    return render(
        request,
        "education/index.html",
        {
            "page": Paginator(shown, ARTICLES_PER_PAGE).get_page(request.GET.get("page")),
            "regions": _used(BodyRegion, {region for region, _modality in used}),
            "exams": _used(Modality, {modality for _region, modality in used}),
            "region": BodyRegion(chosen["region"]) if chosen["region"] else None,
            "exam": Modality(chosen["exam"]) if chosen["exam"] else None,
        },
    )


def _used(choices, values):
    return [choice for choice in choices if choice.value in values]


def live_editions(slug: str) -> dict[str, Edition]:
    """{language: the edition of the topic on the site}, with all that its page needs. Raises Http404."""
    found = {
        edition.language: edition
        for edition in Edition.objects.live()
        .of_topic(slug)
        .with_procedure_code()
        .select_related("article__topic__illustration", "reviewer")
        .prefetch_related("article__topic__locations", "article__topic__reference_codes")
    }
    if not found:
        raise Http404
    return found


@published_page()
def article(request, slug):
    found = live_editions(slug)
    language = translation.get_language()
    if language not in found:
        return render(request, "education/untranslated.html", {"edition": next(iter(found.values()))})
    shown = found[language]
    return render(request, "education/article.html", article_context(shown, found))


def article_context(edition: Edition, editions: dict[str, Edition]) -> dict:
    """What the article's template needs, for visitors and for the office's preview alike."""
    charge_cents = edition.topic.sample_charge_cents
    english = editions.get("en") if edition.language != "en" else None
    return {
        "edition": edition,
        "topic": edition.topic,
        "page": page_of(edition, english),
        "english": english,
        "translations": set(editions),
        "bill": None if charge_cents is None else sample_bill(charge_cents),
    }


@published_page()
def both_languages(request, slug):
    found = live_editions(slug)
    shown = found.pop(translation.get_language(), None)
    if shown is None or not found:
        raise Http404
    other = next(iter(found.values()))
    return render(
        request,
        "education/both_languages.html",
        {"edition": shown, "beside": other, "pairs": side_by_side(shown, other)},
    )


@published_page(q=TYPED, page=NUMBER)
def glossary(request):
    language = translation.get_language()
    query = QueryForm.read(request)
    entries = look_up(query, language) if query else Entry.objects.filter(language=language).order_by("names__key")
    if not query:
        entries = entries.filter(names__is_synonym=False)
    page = Paginator(entries.select_related("term").prefetch_related("names"), TERMS_PER_PAGE).get_page(
        request.GET.get("page")
    )
    page.object_list = list(page.object_list)
    is_exact = bool(query) and any(entry.rank >= 0 for entry in page.object_list[:1])  # type: ignore[attr-defined]
    if query and not is_exact:
        page.object_list = page.object_list[:ALIKE_SHOWN]
    return render(request, "education/glossary.html", {"query": query, "page": page, "is_exact": is_exact})


@published_page()
def term(request, slug):
    found = get_object_or_404(Term.objects.prefetch_related("entries__names"), slug=slug)
    entries = {entry.language: entry for entry in found.entries.all()}
    language = translation.get_language()
    entry = entries.get(language) or next(iter(entries.values()), None)
    if entry is None:
        raise Http404
    others = [other for other in entries.values() if other is not entry]
    return render(request, "education/term.html", {"entry": entry, "others": others})
