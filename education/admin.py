"""Where editors write. The status moves only through actions, which hold to the review rules."""

from django import forms
from django.contrib import admin, messages
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from education.glossary import names_of
from education.models import (
    Article,
    ArticleStatus,
    Entry,
    Name,
    ProcedureCode,
    Section,
    SectionKind,
    Term,
    Topic,
    plain_code,
)
from education.review import ReviewError, change_status
from practice.money import CentsField


class ArticleInline(admin.TabularInline):
    model = Article
    extra = 0
    readonly_fields = ("language", "title", "status")
    fields = readonly_fields
    show_change_link = True

    def has_add_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False


class ProcedureCodeForm(forms.ModelForm):
    class Meta:
        model = ProcedureCode
        fields = ["code"]

    def clean_code(self):
        """Plain before the form set looks for doubles."""
        return plain_code(self.cleaned_data["code"])


class ProcedureCodeInline(admin.TabularInline):
    model = ProcedureCode
    form = ProcedureCodeForm
    extra = 0


class TopicForm(forms.ModelForm):
    sample_charge_cents = CentsField(
        label=_("Sample charge"),
        required=False,
        help_text=_("In dollars, like 640.00. The page shows a sample bill line with it; empty shows none."),
    )

    class Meta:
        model = Topic
        fields = ["slug", "kind", "body_region", "modality", "sample_charge_cents"]


@admin.register(Topic)
class TopicAdmin(admin.ModelAdmin):
    form = TopicForm
    list_display = ["slug", "kind", "body_region", "modality"]
    list_filter = ["kind", "body_region", "modality"]
    search_fields = ["slug", "articles__title", "procedure_codes__code"]
    inlines = [ProcedureCodeInline, ArticleInline]


class SectionForm(forms.ModelForm):
    class Meta:
        model = Section
        fields = ["kind", "body"]
        widgets = {"body": forms.Textarea(attrs={"rows": 12, "cols": 90})}


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
    extra = 0
    max_num = len(SectionKind)


class ArticleForm(forms.ModelForm):
    class Meta:
        model = Article
        fields = [
            "topic", "language", "title", "summary", "also_called", "is_sample", "reviewer", "reviewed_on",
            "next_review_on", "sources", "copyright", "licence",
        ]  # fmt: skip

    def clean(self):
        """Says what the database would refuse: Django skips its rules on the status, which is not on the form."""
        super().clean()
        facts = self.cleaned_data
        review = [facts.get("reviewer"), facts.get("reviewed_on"), facts.get("next_review_on")]
        if any(review) and not all(review):
            raise forms.ValidationError(_("Give the reviewer and both dates together, or none of them."))
        if self.instance.status == ArticleStatus.PUBLISHED and not (facts.get("is_sample") or all(review)):
            raise forms.ValidationError(
                _("An article is published only after a physician's review: give the reviewer and both dates.")
            )
        return facts


@admin.register(Article)
class ArticleAdmin(admin.ModelAdmin):
    form = ArticleForm
    list_display = ["title", "language", "status", "page", "is_sample", "reviewer", "next_review_on"]
    list_filter = ["status", "language", "is_sample", "topic__modality"]
    list_select_related = ["topic", "reviewer"]
    search_fields = ["title", "also_called"]
    autocomplete_fields = ["topic", "reviewer"]
    inlines = [SectionInline]
    actions = ["send_to_review", "publish", "back_to_draft", "retire"]
    readonly_fields = ["status", "updated_at", "page"]
    fieldsets = [
        (None, {"fields": ["topic", "language", "title", "summary", "also_called", "page"]}),
        (
            _("Review"),
            {
                "fields": ["status", "is_sample", "reviewer", "reviewed_on", "next_review_on", "updated_at"],
                "description": _(
                    "To change the status, tick the article in the list and choose an action. Only what a physician "
                    "has reviewed is published; sample text says on its page that it is not reviewed yet."
                ),
            },
        ),
        (_("Sources and rights"), {"fields": ["sources", "copyright", "licence"]}),
    ]

    @admin.display(description=_("page"))
    def page(self, article):
        if article.pk is None or article.status != ArticleStatus.PUBLISHED:
            return "–"
        prefix = "" if article.language == "en" else f"/{article.language}"
        return format_html('<a href="{}{}">{}</a>', prefix, article.get_absolute_url(), _("Open the page"))

    def has_delete_permission(self, request, obj=None):
        return False  # an article is retired

    def has_publish_permission(self, request):
        return request.user.has_perm("education.publish_article")

    def _move(self, request, articles, status):
        for article in articles:
            try:
                change_status(article, status)
            except ReviewError as error:
                self.message_user(request, str(error), messages.ERROR)
            else:
                self.log_change(request, article, f"Became {status}.")
                self.message_user(request, _("%s is done.") % article, messages.SUCCESS)

    @admin.action(description=_("Send to review"), permissions=["change"])
    def send_to_review(self, request, articles):
        self._move(request, articles, ArticleStatus.IN_REVIEW)

    @admin.action(description=_("Publish"), permissions=["publish"])
    def publish(self, request, articles):
        self._move(request, articles, ArticleStatus.PUBLISHED)

    @admin.action(description=_("Back to draft"), permissions=["change"])
    def back_to_draft(self, request, articles):
        self._move(request, articles, ArticleStatus.DRAFT)

    @admin.action(description=_("Retire"), permissions=["publish"])
    def retire(self, request, articles):
        self._move(request, articles, ArticleStatus.RETIRED)


class EntryForm(forms.ModelForm):
    """An entry with its synonyms as lines of one box."""

    synonyms = forms.CharField(
        label=_("Synonyms"), required=False, widget=forms.Textarea(attrs={"rows": 3}), help_text=_("One a line.")
    )

    class Meta:
        model = Entry
        fields = ["language", "name", "pronunciation", "definition"]
        widgets = {"definition": forms.Textarea(attrs={"rows": 3})}

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        if self.instance.pk:
            # In the order they were given, so that saving without a change changes nothing.
            names = sorted(self.instance.names.all(), key=lambda name: name.pk)
            found = [name.text for name in names if name.is_synonym]
            self.fields["synonyms"].initial = "\n".join(found)

    def clean_synonyms(self):
        lines = [line.strip() for line in self.cleaned_data["synonyms"].splitlines()]
        if any(len(line) > 200 for line in lines):
            raise forms.ValidationError(_("A synonym has at most 200 letters."))
        return [line for line in lines if line]


class EntryInline(admin.StackedInline):
    model = Entry
    form = EntryForm
    extra = 0
    max_num = 2


@admin.register(Term)
class TermAdmin(admin.ModelAdmin):
    list_display = ["slug", "words"]
    search_fields = ["slug", "entries__names__key"]
    inlines = [EntryInline]

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("entries__names")

    @admin.display(description=_("words"))
    def words(self, term):
        return " / ".join(entry.name for entry in term.entries.all())

    def save_formset(self, request, form, formset, change):
        super().save_formset(request, form, formset, change)
        for entry_form in formset.forms:
            if entry_form.instance.pk and not formset._should_delete_form(entry_form):
                entry = entry_form.instance
                entry.names.all().delete()
                Name.objects.bulk_create(names_of(entry, entry_form.cleaned_data.get("synonyms", [])))
