from django import forms
from django.contrib import admin
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy as _

from education.illustrations import DrawingRefused, read_drawing
from education.models import Article, Illustration, ProcedureCode, ReferenceCode, Topic, plain_code
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


class CodeForm(forms.ModelForm):
    def clean_code(self):
        """Plain before the form set looks for doubles."""
        return plain_code(self.cleaned_data["code"])


class ProcedureCodeInline(admin.TabularInline):
    model = ProcedureCode
    form = CodeForm
    no_free_text = ("code",)
    extra = 0
    fields = ["code"]


class ReferenceCodeInline(admin.TabularInline):
    model = ReferenceCode
    form = CodeForm
    no_free_text = ("code",)
    extra = 0
    fields = ["system", "code"]
    verbose_name_plural = _("codes by which health record systems find it")


class TopicForm(forms.ModelForm):
    sample_charge_cents = CentsField(
        label=_("Sample charge"),
        required=False,
        help_text=_("In dollars, like 640.00. The page shows a sample bill line with it; empty shows none."),
    )

    class Meta:
        model = Topic
        fields = ["slug", "kind", "body_region", "modality", "sample_charge_cents", "illustration", "locations"]
        widgets = {"locations": forms.CheckboxSelectMultiple}


@admin.register(Topic)
class TopicAdmin(admin.ModelAdmin):
    form = TopicForm
    list_display = ["slug", "kind", "body_region", "modality"]
    list_filter = ["kind", "body_region", "modality"]
    search_fields = ["slug", "articles__title", "procedure_codes__code", "reference_codes__code"]
    autocomplete_fields = ["illustration"]
    inlines = [ProcedureCodeInline, ReferenceCodeInline, ArticleInline]


class IllustrationForm(forms.ModelForm):
    class Meta:
        model = Illustration
        fields = ["slug", "drawing", "alt", "alt_es"]

    def clean_drawing(self):
        try:
            drawing, _alt = read_drawing(self.cleaned_data["drawing"])
        except DrawingRefused as refusal:
            raise forms.ValidationError(
                _("Line %(line)s: %(problem)s. Nothing was saved."), params={"line": refusal.line, "problem": refusal}
            ) from refusal
        return drawing


@admin.register(Illustration)
class IllustrationAdmin(admin.ModelAdmin):
    form = IllustrationForm
    no_free_text = ("drawing",)  # it has no text, see `illustrations`
    list_display = ["slug", "alt", "topics_shown"]
    search_fields = ["slug", "alt"]
    fields = ["slug", "drawing", "alt", "alt_es", "picture"]
    readonly_fields = ["picture"]

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("topics")

    @admin.display(description=_("topics"))
    def topics_shown(self, illustration):
        return ", ".join(topic.slug for topic in illustration.topics.all())

    @admin.display(description=_("picture"))
    def picture(self, illustration):
        return mark_safe(f'<div class="picture">{illustration.drawing}</div>')  # noqa: S308 (read_drawing wrote it)
