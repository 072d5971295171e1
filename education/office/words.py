from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext_lazy as _

from education.glossary import names_of
from education.models import Entry, Name, Term, key_of
from education.publishing import explain_again
from education.search_index import remember_names

HARD_WORDS = """
SELECT word, count(*) AS articles
FROM education_edition, jsonb_array_elements_text(shown -> 'hard') AS word
WHERE is_live AND language = %s GROUP BY word ORDER BY articles DESC, word LIMIT 200
"""


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

    def clean_name(self):
        if not key_of(self.cleaned_data["name"]):
            raise forms.ValidationError(_("Write a word."))
        return self.cleaned_data["name"]

    def clean_synonyms(self):
        lines = [line.strip() for line in self.cleaned_data["synonyms"].splitlines()]
        if any(len(line) > 200 for line in lines):
            raise forms.ValidationError(_("A synonym has at most 200 letters."))
        if any(line and not key_of(line) for line in lines):
            raise forms.ValidationError(_("Write a word."))
        return [line for line in lines if line]


class EntryInline(admin.StackedInline):
    model = Entry
    form = EntryForm
    min_num = 1
    max_num = 2

    def get_formset(self, request, obj=None, **kwargs):
        return super().get_formset(request, obj, **{"validate_min": True} | kwargs)

    def get_extra(self, request, obj=None, **kwargs):
        """A new word begins with a box for each language."""
        return 0 if obj else 1


@admin.register(Term)
class TermAdmin(admin.ModelAdmin):
    list_display = ["slug", "words", "is_explained_in_text"]
    list_filter = ["is_explained_in_text"]
    search_fields = ["slug", "entries__names__key"]
    inlines = [EntryInline]
    change_list_template = "admin/education/terms.html"

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("entries__names")

    def get_urls(self):
        page = path("hard-words/", self.admin_site.admin_view(self.hard_words), name="education_term_hard_words")
        return [page, *super().get_urls()]

    @admin.display(description=_("words"))
    def words(self, term):
        return " / ".join(entry.name for entry in term.entries.all())

    def save_formset(self, request, form, formset, change):
        super().save_formset(request, form, formset, change)
        for entry_form in formset.forms:
            if entry_form.instance.pk and not formset._should_delete_form(entry_form):
                entry = entry_form.instance
                names = names_of(entry, entry_form.cleaned_data.get("synonyms", []))
                entry.names.all().delete()
                Name.objects.bulk_create(names)
                remember_names(names, entry.language)

    def save_related(self, request, form, formsets, change):
        """The pages that use the word are made anew: its meaning stands on them."""
        super().save_related(request, form, formsets, change)
        self._explain_again()

    def delete_model(self, request, obj):
        super().delete_model(request, obj)
        self._explain_again()

    def delete_queryset(self, request, queryset):
        super().delete_queryset(request, queryset)
        self._explain_again()

    def _explain_again(self):
        for language in ("en", "es"):
            explain_again.enqueue(language)

    def hard_words(self, request):
        """The hard words of what is on the site that no entry of the glossary explains."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        found = []
        with connection.cursor() as cursor:
            for language, name in (("en", _("English")), ("es", _("Spanish"))):
                cursor.execute(HARD_WORDS, [language])
                found.append((name, cursor.fetchall()))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Hard words without an explanation"),
            "opts": self.opts,
            "languages": found,
            "may_add": self.has_add_permission(request),
        }
        return TemplateResponse(request, "admin/education/hard_words.html", context)
