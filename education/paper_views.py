"""Hand-outs, the page that tells whether one is current, and the page where offices find preparation sheets."""

from django import forms
from django.core.paginator import Paginator
from django.db.models import OuterRef, Prefetch, Subquery
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from education.handouts import Extent, Sheet, Size, handout_pdf
from education.models import Edition, ProcedureCode, Topic, plain_code
from education.search_pages import article_ids
from education.sheets import differences, plain_sheet_code
from practice.forms import QueryForm
from practice.models import Location
from practice.published_pages import NUMBER, SLUG, TYPED, one_of, published_page
from practice.search.query import understand

TOPICS_PER_PAGE = 100


class HandoutForm(forms.Form):
    """How to print; what is unknown falls back to a whole sheet in standard print."""

    size = forms.ChoiceField(choices=Size, required=False)
    part = forms.ChoiceField(choices=Extent, required=False)
    location = forms.SlugField(required=False)


def sheet_editions():
    return Edition.objects.select_related("article__topic__illustration", "reviewer").prefetch_related(
        "article__topic__locations"
    )


@published_page(size=one_of(Size), part=one_of(Extent), location=SLUG)
def handout(request, slug):
    edition = get_object_or_404(sheet_editions().live().of_topic(slug), language=translation.get_language())
    form = HandoutForm(request.GET)
    form.is_valid()
    chosen = form.cleaned_data
    location = None
    if chosen.get("location"):
        location = get_object_or_404(Location, slug=chosen["location"], topics=edition.topic)
    sheet = Sheet(
        edition, Size(chosen.get("size") or Size.STANDARD), Extent(chosen.get("part") or Extent.WHOLE), location
    )
    response = HttpResponse(handout_pdf(sheet), content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{sheet.file_name}"'
    return response


class SheetForm(forms.Form):
    code = forms.CharField(
        label=_("Code on the sheet"),
        max_length=20,
        help_text=_("Eight letters and digits at the top of the sheet, like K7Q2-9FMB."),
        error_messages={"required": _("Type the code that stands at the top of the sheet.")},
    )

    def clean_code(self):
        code = plain_sheet_code(self.cleaned_data["code"])
        if not code:
            raise forms.ValidationError(
                _("This is no code of a sheet. It has eight letters and digits, like K7Q2-9FMB, and no O, I, L or U.")
            )
        return code


@published_page(code=TYPED)
def find_sheet(request):
    form = SheetForm(request.GET) if "code" in request.GET else SheetForm()
    if form.is_bound and form.is_valid():
        return redirect("education:sheet", code=form.cleaned_data["code"])
    return render(request, "education/find_sheet.html", {"form": form})


@published_page()
def sheet(request, code):
    plain = plain_sheet_code(code)
    if plain and plain != code:
        return redirect("education:sheet", code=plain)
    printed = sheet_editions().filter(code=plain, published_at__isnull=False).first() if plain else None
    if printed is None:
        raise Http404
    current = sheet_editions().live().filter(article=printed.article_id).first()
    with translation.override(printed.language):
        changes = differences(printed, current) if current and current.pk != printed.pk else []
        return render(request, "education/sheet.html", {"printed": printed, "current": current, "changes": changes})


@published_page(q=TYPED, page=NUMBER)
def prep_sheets(request):
    """Every exam with its sheets in both languages: no patient data, two clicks to the Spanish PDF."""
    asked = QueryForm.read(request)
    listed = Edition.objects.live().only("language", "title", "article")
    titles = Edition.objects.live().filter(article__topic=OuterRef("pk")).order_by("language").values("sort_key")[:1]
    topics = (
        Topic.objects.annotate(title=Subquery(titles))
        .filter(title__isnull=False)
        .prefetch_related("procedure_codes", "locations", Prefetch("articles__editions", listed, to_attr="live"))
        .order_by("title", "pk")
    )
    if asked:
        topics = topics.filter(pk__in=_asked_topics(asked))
    page = Paginator(topics, TOPICS_PER_PAGE).get_page(request.GET.get("page"))
    topics_shown = [(topic, _own_language_first(topic)) for topic in page]
    return render(request, "education/prep_sheets.html", {"page": page, "topics": topics_shown, "query": asked})


def _own_language_first(topic: Topic) -> list[Edition]:
    live = [edition for article in topic.articles.all() for edition in article.live]  # type: ignore[attr-defined]
    return sorted(live, key=lambda edition: (edition.language != translation.get_language(), edition.language))


def _asked_topics(asked: str) -> set[int]:
    by_code = set(ProcedureCode.objects.filter(code=plain_code(asked)).values_list("topic", flat=True))
    if by_code:
        return by_code
    found: set[int] = set()
    for language in ("en", "es"):
        query = understand(asked, language)
        if query:
            found |= set(Edition.objects.filter(pk__in=article_ids(query)).values_list("article__topic", flat=True))
    return found
