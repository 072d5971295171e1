from django import forms
from django.contrib.auth.decorators import login_not_required
from django.core.paginator import Paginator
from django.http import Http404
from django.shortcuts import get_object_or_404, render
from django.utils import translation
from django.views.decorators.http import require_safe

from education.glossary import ALIKE_SHOWN, look_up
from education.models import Article, BodyRegion, Entry, Modality, Term
from education.sample_bill import sample_bill
from practice.forms import QueryForm

TERMS_PER_PAGE = 60


class BrowseForm(forms.Form):
    """Which part of the library to show; anything unknown shows all of it."""

    region = forms.ChoiceField(choices=BodyRegion, required=False)
    exam = forms.ChoiceField(choices=Modality, required=False)


@login_not_required
@require_safe
def index(request):
    language = translation.get_language()
    everything = list(Article.objects.published().in_language(language).select_related("topic").order_by("sort_key"))
    form = BrowseForm(request.GET)
    chosen = form.cleaned_data if form.is_valid() else {"region": "", "exam": ""}
    shown = [
        article
        for article in everything
        if chosen["region"] in ("", article.topic.body_region) and chosen["exam"] in ("", article.topic.modality)
    ]
    return render(
        request,
        "education/index.html",
        {
            "articles": shown,
            "regions": _used(BodyRegion, {article.topic.body_region for article in everything}),
            "exams": _used(Modality, {article.topic.modality for article in everything}),
            "region": BodyRegion(chosen["region"]) if chosen["region"] else None,
            "exam": Modality(chosen["exam"]) if chosen["exam"] else None,
        },
    )


def _used(choices, values):
    return [choice for choice in choices if choice.value in values]


@login_not_required
@require_safe
def article(request, slug):
    language = translation.get_language()
    found = {
        article.language: article
        for article in Article.objects.published()
        .filter(topic__slug=slug)
        .with_procedure_code()
        .select_related("topic", "reviewer")
        .prefetch_related("sections")
    }
    if not found:
        raise Http404
    if language not in found:
        return render(request, "education/untranslated.html", {"article": next(iter(found.values()))})
    shown = found[language]
    sections = sorted(shown.sections.all(), key=lambda section: section.position)
    charge_cents = shown.topic.sample_charge_cents
    return render(
        request,
        "education/article.html",
        {
            "article": shown,
            "sections": sections,
            "translations": set(found),
            "bill": None if charge_cents is None else sample_bill(charge_cents),
        },
    )


@login_not_required
@require_safe
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


@login_not_required
@require_safe
def term(request, slug):
    found = get_object_or_404(Term.objects.prefetch_related("entries__names"), slug=slug)
    entries = {entry.language: entry for entry in found.entries.all()}
    language = translation.get_language()
    entry = entries.get(language) or next(iter(entries.values()), None)
    if entry is None:
        raise Http404
    others = [other for other in entries.values() if other is not entry]
    return render(request, "education/term.html", {"entry": entry, "others": others})
