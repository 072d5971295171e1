import json
from datetime import timedelta

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import F, OuterRef, Subquery
from django.http import HttpResponse, JsonResponse, RawPostDataException
from django.shortcuts import get_object_or_404, redirect, render
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone, translation
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from education import checking, checklist, publishing, restoring
from education.models import Article, ArticleStatus, Edition, LocalNote, Section, SectionKind
from education.paragraphs import carried_over
from education.reading_grade import AIM_GRADE
from education.review import ReviewError, change_status, record_review
from education.sheets import differences
from education.views import article_context
from practice.context import get_identity
from practice.instants import validate_not_future
from practice.models import Physician
from practice.office import Act, ActsMixin, PreviewMixin
from practice.office_lists import BulkAct, BulkActsMixin

REVIEW_YEARS = 1
MOST_CHECKED = 60_000  # characters looked at while somebody types: ten times a long article


class SectionForm(forms.ModelForm):
    class Meta:
        model = Section
        fields = ["kind", "body"]
        widgets = {"body": forms.Textarea(attrs={"rows": 12, "cols": 90, "class": "vLargeTextField markdown"})}


class SectionFormSet(forms.BaseInlineFormSet):
    """Shows the sections in the order patients read them."""

    def get_queryset(self):
        if not hasattr(self, "_in_order"):
            queryset = super().get_queryset()
            self._in_order = sorted(queryset, key=lambda section: section.position)
        return self._in_order


class SectionInline(admin.StackedInline):
    model = Section
    form = SectionForm
    formset = SectionFormSet
    max_num = len(SectionKind)

    def get_extra(self, request, obj=None, **kwargs):
        """A new article begins with a box to write in."""
        return 0 if obj else 1


class LocalNoteInline(admin.StackedInline):
    model = LocalNote
    extra = 0
    fields = ["location", "body"]


class ArticleForm(forms.ModelForm):
    class Meta:
        model = Article
        fields = [
            "topic", "language", "title", "summary", "also_called", "sources", "copyright", "licence", "grade_reason",
        ]  # fmt: skip
        widgets = {
            "title": forms.TextInput(attrs={"class": "vLargeTextField"}),
            "summary": forms.Textarea(attrs={"rows": 3, "class": "vLargeTextField"}),
            "also_called": forms.Textarea(attrs={"rows": 6, "class": "vLargeTextField"}),
            "grade_reason": forms.Textarea(attrs={"rows": 2, "class": "vLargeTextField"}),
        }


class NeedsFilter(admin.SimpleListFilter):
    """The editors' queues."""

    title = _("what it needs")
    parameter_name = "needs"

    def lookups(self, request, model_admin):
        return [
            ("review", _("a review by a physician")),
            ("due", _("its regular review")),
            ("translation", _("to be translated again")),
            ("publishing", _("to be published: newer than on the site")),
        ]

    def queryset(self, request, queryset):
        match self.value():
            case "review":
                return queryset.filter(status=ArticleStatus.IN_REVIEW).exclude(reviewed_digest=F("digest"))
            case "due":
                return queryset.due_for_review()
            case "translation":
                return queryset.filter(stale_blocks__gt=0)
            case "publishing":
                return queryset.filter(live_digest__isnull=False).exclude(live_digest=F("digest"))
        return queryset


# ---- Acts -----------------------------------------------------------------------------------------------------------


def _status_is(*statuses):
    return lambda article: article.status in statuses


def _move(status: ArticleStatus, said=""):
    def do(request, article, facts):
        change_status(article, status, by=request.user)
        return said % {"article": article}

    return do


class ReviewForm(forms.Form):
    reviewer = forms.ModelChoiceField(Physician.objects.practising(), label=_("Physician who has read it"))
    reviewed_on = forms.DateField(
        label=_("Reviewed on"), widget=forms.DateInput(attrs={"type": "date"}), validators=[validate_not_future]
    )
    next_review_on = forms.DateField(label=_("Next review due"), widget=forms.DateInput(attrs={"type": "date"}))
    read_whole = forms.BooleanField(
        label=_("The physician has read the whole text as it stands now"),
        error_messages={"required": _("A review is of the whole text. After reading only a part, record none.")},
    )

    def __init__(self, *args, **options):
        today = timezone.localdate()
        options.setdefault("initial", {}).setdefault("reviewed_on", today)
        options["initial"].setdefault("next_review_on", today + timedelta(days=365 * REVIEW_YEARS))
        super().__init__(*args, **options)

    def clean_reviewed_on(self):
        day = self.cleaned_data["reviewed_on"]
        if day > timezone.localdate():
            raise forms.ValidationError(_("This day has not come yet."))
        return day


def _record_review(request, article, facts):
    record_review(article, facts["reviewer"], facts["reviewed_on"], facts["next_review_on"], by=request.user)
    return _("The review is recorded.")


class ChecklistForm(forms.Form):
    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        for key, question in checklist.QUESTIONS.items():
            self.fields[key] = forms.ChoiceField(
                label=question, choices=checklist.ANSWERS, widget=forms.RadioSelect, required=True
            )


def _keep_checklist(request, article, facts):
    Article.objects.filter(pk=article.pk).update(checklist=facts)
    good, of = checklist.score(facts)
    return _("Kept: %(good)s of %(of)s answered yes.") % {"good": good, "of": of}


class TranslationForm(forms.Form):
    same = forms.BooleanField(
        label=_("I have compared every section: the translation says what the English says now"),
        error_messages={"required": _("Tick this when it is so; otherwise correct the text first.")},
    )


def _confirm_translation(request, article, facts):
    publishing.confirm_translation(article, SectionKind.values)
    return _("The translation counts as up to date.")


def _facts(article) -> list:
    latest = article.editions.first()
    good, of = checklist.score(article.checklist)
    return [
        (_("Article"), str(article)),
        (_("Reading grade"), f"{latest.grade:g}" if latest else "–"),
        (_("Checklist"), _("%(good)s of %(of)s yes") % {"good": good, "of": of} if of else _("not filled in")),
    ]


ACTS = (
    Act(
        "send-to-review", _("Send to review"), "education.change_article",
        _move(ArticleStatus.IN_REVIEW, _("%(article)s waits for a physician’s review.")),
        offered=_status_is(ArticleStatus.DRAFT, ArticleStatus.PUBLISHED), refusals=(ReviewError,),
    ),
    Act(
        "record-review", _("Record a review"), "education.publish_article", _record_review, form=ReviewForm,
        explanation=_(
            "Only when a physician has read the whole text. The page shows the pair of dates; correcting a word "
            "afterwards never changes them, and text changed after its review is published only after another."
        ),
        offered=_status_is(ArticleStatus.IN_REVIEW, ArticleStatus.PUBLISHED), refusals=(ReviewError,), show=_facts,
    ),
    Act(
        "publish", _("Publish"), "education.publish_article",
        _move(ArticleStatus.PUBLISHED, _("%(article)s is on the site.")),
        offered=_status_is(ArticleStatus.IN_REVIEW), refusals=(ReviewError,),
    ),
    Act(
        "back-to-draft", _("Back to draft"), "education.change_article",
        _move(ArticleStatus.DRAFT, _("%(article)s is a draft again.")),
        offered=_status_is(ArticleStatus.IN_REVIEW, ArticleStatus.RETIRED), refusals=(ReviewError,),
    ),
    Act(
        "retire", _("Retire"), "education.publish_article",
        _move(ArticleStatus.RETIRED, _("%(article)s is no longer on the site.")),
        form=forms.Form, explanation=_("The page goes, and hand-outs that were printed are told to be out of use."),
        offered=_status_is(ArticleStatus.DRAFT, ArticleStatus.IN_REVIEW, ArticleStatus.PUBLISHED),
        refusals=(ReviewError,), show=_facts,
    ),
    Act(
        "checklist", _("Checklist"), "education.change_article", _keep_checklist, form=ChecklistForm,
        explanation=_("Can readers understand it, and do what it asks? Answer for the text as it stands."), show=_facts,
        initial=lambda article: article.checklist,
    ),
    Act(
        "confirm-translation", _("Translation is up to date"), "education.change_article", _confirm_translation,
        form=TranslationForm, offered=lambda article: article.language != "en" and article.stale_blocks > 0,
        explanation=_("For when the English changed in a way that changes nothing in the translation."), show=_facts,
    ),
)  # fmt: skip


def _bulk_move(name: str, label, permission: str, status: ArticleStatus, explanation="") -> BulkAct:
    """The act that gives articles this status."""
    return BulkAct(
        name, label, permission, _move(status), _("Done: %(count)s."), explanation=explanation, refusals=(ReviewError,)
    )


@admin.register(Article)
class ArticleAdmin(PreviewMixin, BulkActsMixin, ActsMixin, admin.ModelAdmin):
    form = ArticleForm
    acts = ACTS
    logs_readings = False  # nothing here is about a patient
    logs_acts = True
    change_form_template = "admin/education/article.html"
    list_display = ["title", "language", "status", "page", "review_due", "stale", "is_sample"]
    list_filter = [NeedsFilter, "status", "language", "is_sample", "topic__modality"]
    list_select_related = ["topic", "reviewer"]
    search_fields = ["title", "also_called"]
    autocomplete_fields = ["topic"]
    inlines = [SectionInline, LocalNoteInline]
    bulk_acts = (
        _bulk_move("send_to_review", _("Send to review"), "education.change_article", ArticleStatus.IN_REVIEW),
        _bulk_move(
            "publish", _("Publish"), "education.publish_article", ArticleStatus.PUBLISHED,
            _("Visitors see each as it stands now, where a physician has reviewed it so."),
        ),
        _bulk_move("back_to_draft", _("Back to draft"), "education.change_article", ArticleStatus.DRAFT),
        _bulk_move(
            "retire", _("Retire"), "education.publish_article", ArticleStatus.RETIRED,
            _("The pages leave the site at once."),
        ),
    )  # fmt: skip
    readonly_fields = ["status", "page", "reading", "review", "checklist_score", "stale_blocks", "updated_at"]
    fieldsets = [
        (None, {"fields": ["topic", "language", "title", "summary", "also_called"]}),
        (
            _("Where it stands"),
            {"fields": ["status", "page", "reading", "grade_reason", "checklist_score", "review", "stale_blocks"]},
        ),
        (
            _("Sources and rights"),
            {"fields": ["sources", "copyright", "licence", "updated_at"], "classes": ["collapse"]},
        ),
    ]

    class Media:
        js = [forms.Script("js/library-editor.js", defer=True)]
        css = {"all": ["css/library-office.css"]}

    # ---- What the list and the form show

    def get_queryset(self, request):
        live = Edition.objects.live().filter(article=OuterRef("pk")).values("digest")
        return super().get_queryset(request).annotate(live_digest=Subquery(live))

    @admin.display(description=_("page"))
    def page(self, article):
        live_digest = getattr(article, "live_digest", None)
        if live_digest is None:
            return "–"
        note = "" if live_digest == article.digest else _("(newer text waits)")
        return format_html('<a href="{}">{}</a> {}', article.get_absolute_url(), _("Open the page"), note)

    @admin.display(description=_("next review due"), ordering="next_review_on")
    def review_due(self, article):
        if article.next_review_on is None:
            return "–"
        is_due = article.next_review_on <= timezone.localdate()
        return (
            format_html("<strong>{} {}</strong>", article.next_review_on, _("due"))
            if is_due
            else article.next_review_on
        )

    @admin.display(description=_("to translate again"), ordering="stale_blocks")
    def stale(self, article):
        return article.stale_blocks or "–"

    @admin.display(description=_("reading"))
    def reading(self, article):
        latest = article.editions.first() if article.pk else None
        return render_findings(latest) if latest else _("Save once to see how it reads.")

    @admin.display(description=_("review"))
    def review(self, article):
        if article.is_sample:
            return _("Sample text of the demonstration: no physician has reviewed it.")
        if not article.reviewer or not article.reviewed_on:
            return _("Not reviewed yet.")
        facts = _("%(name)s on %(day)s, next due %(due)s") % {
            "name": article.reviewer, "day": article.reviewed_on, "due": article.next_review_on,
        }  # fmt: skip
        return facts if article.is_reviewed_as_it_stands else _("%s. The text was changed since.") % facts

    @admin.display(description=_("checklist"))
    def checklist_score(self, article):
        good, of = checklist.score(article.checklist or {})
        return _("%(good)s of %(of)s yes") % {"good": good, "of": of} if of else _("not filled in")

    def get_changeform_initial_data(self, request):
        """What the practice writes itself is its own."""
        ours = {
            "copyright": f"{timezone.localdate().year} {get_identity().name}",
            "licence": gettext("All rights reserved"),
        }
        return ours | super().get_changeform_initial_data(request)

    def has_delete_permission(self, request, obj=None):
        return False  # an article is retired

    def has_publish_permission(self, request):
        return request.user.has_perm("education.publish_article")

    def get_readonly_fields(self, request, obj=None):
        """An article stays what it was begun as: its editions, and what is on the site, belong to it."""
        return [*self.readonly_fields, *(["topic", "language"] if obj else [])]

    # ---- Saving

    def save_related(self, request, form, formsets, change):
        article = form.instance
        before = {section.kind: section for section in Section.objects.filter(article=article)} if change else {}
        super().save_related(request, form, formsets, change)
        if article.language != "en":
            _carry_over(article, before)
        edition = publishing.keep_edition(article, by=request.user)
        if article.editions.filter(is_live=True).exclude(digest=edition.digest).exists():
            said = _("Saved. Visitors still read the text from before: send this one to review, then publish it.")
            self.message_user(request, said, messages.WARNING)
        if edition.grade > AIM_GRADE:
            found = _("It reads at grade %(grade)s. Aim at %(aim)s or below.")
            self.message_user(request, found % {"grade": f"{edition.grade:g}", "aim": AIM_GRADE}, messages.WARNING)

    # ---- Pages of their own

    def get_urls(self):
        def address(pattern, view, name):
            return path(pattern, self.admin_site.admin_view(view), name=self._url_name(name))

        return [
            address("check/", require_POST(self.check_view), "check"),
            address("<int:object_id>/editions/", self.editions_view, "editions"),
            address("<int:object_id>/editions/<int:number>/", self.edition_view, "edition"),
            address("<int:object_id>/editions/<int:number>/restore/", require_POST(self.restore_view), "restore"),
            *super().get_urls(),
        ]

    def _article(self, request, object_id) -> Article:
        article = get_object_or_404(self.get_queryset(request).select_related("topic", "reviewer"), pk=object_id)
        if not self.has_view_permission(request, article):
            raise PermissionDenied
        return article

    def check_view(self, request):
        """How the text in the form reads, as JSON, while somebody types."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        try:
            asked = json.loads(request.body)
            language, texts = str(asked["language"]), asked["texts"]
            if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
                raise TypeError
            if sum(map(len, texts)) > MOST_CHECKED:
                raise ValueError
        except (ValueError, KeyError, TypeError, RecursionError, RawPostDataException):
            return HttpResponse(status=400)
        found = checking.check(texts, language if language in ("en", "es") else "en")
        return JsonResponse(
            {
                "grade": found.grade,
                "level": found.level,
                "verdict": str(found.verdict),
                "words": found.words,
                "hard": found.hard[:60],
                "unexplained": found.unexplained[:60],
                "links": found.links,
            }
        )

    def render_preview(self, request, article, back):
        """The page exactly as publishing the saved text would make it, in the article's own language."""
        edition = publishing.preview(article)
        others = {
            live.language: live
            for live in Edition.objects.live().of_topic(article.topic.slug).exclude(language=article.language)
        }
        with translation.override(article.language):
            context = article_context(edition, others | {article.language: edition})
            return render(request, "education/article.html", {**context, "article": article, "preview": back})

    def editions_view(self, request, object_id):
        article = self._article(request, object_id)
        editions = article.editions.select_related("made_by", "reviewer").defer(
            "shown", "search_vector", "names_vector", "sections"
        )
        return self._page(request, article, "editions", _("Editions"), {"editions": editions})

    def edition_view(self, request, object_id, number):
        article = self._article(request, object_id)
        edition = get_object_or_404(article.editions.all(), number=number)
        before = article.editions.filter(number__lt=number).first()
        latest = article.editions.latest("number")
        context = {
            "edition": edition,
            "before": before,
            "changes": differences(before, edition, whole=True) if before else [],
            "since": differences(edition, latest, whole=True) if latest.pk != edition.pk else [],
            "is_latest": latest.pk == edition.pk,
            "may_restore": self.has_change_permission(request, article),
        }
        return self._page(request, article, "edition", _("Edition %s") % number, context)

    def restore_view(self, request, object_id, number):
        article = self._article(request, object_id)
        if not self.has_change_permission(request, article):
            raise PermissionDenied
        edition = get_object_or_404(article.editions.all(), number=number)
        restoring.restore(edition, by=request.user)
        self.log_change(request, article, f"Restored edition {number}.")
        self.message_user(request, _("The text of edition %s is back. Nothing on the site has changed.") % number)
        return redirect(f"admin:{self._url_name('change')}", article.pk)

    def _page(self, request, article, template, title, context):
        return TemplateResponse(
            request,
            f"admin/education/{template}.html",
            {
                **self.admin_site.each_context(request),
                "title": f"{article}: {title}",
                "opts": self.opts,
                "article": article,
                **context,
            },
        )


def _carry_over(article: Article, before: dict[str, Section]) -> None:
    """Note from which English each paragraph of the translation was made: those rewritten now, from what it is now."""
    source = publishing.english_digests(article)
    changed = []
    for section in article.sections.all():
        was = before.get(section.kind) or Section(body="", translated_from=[])
        if was.body != section.body:
            section.translated_from = carried_over(
                was.body, section.body, was.translated_from, source.get(section.kind, [])
            )
            changed.append(section)
    Section.objects.bulk_update(changed, ["translated_from"])


def render_findings(edition: Edition) -> str:
    """What the checks find in an edition, for the form."""
    found = checking.check([edition.summary, *(section["body"] for section in edition.sections)], edition.language)
    return format_html(
        '<div class="meter {}" id="meter"><strong>{}</strong> {}<br>{}</div>',
        found.level,
        _("Grade %s.") % f"{found.grade:g}",
        found.verdict,
        _("Hard words without an explanation: %s") % ", ".join(found.unexplained[:20]) if found.unexplained else "",
    )
