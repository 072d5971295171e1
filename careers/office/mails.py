"""The wording of the mails to applicants."""

from django import forms
from django.conf import settings
from django.contrib import admin
from django.http import Http404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _

from careers import letters
from careers.mail_texts import SHIPPED
from careers.models import MailText, Opening
from careers.review import ReviewError
from practice.office import Act, ActsMixin, OnceForm

SAMPLE_TIMES = _("Monday, 10:00 AM, Main Street")


class MailTextForm(forms.ModelForm):
    class Meta:
        model = MailText
        fields = ["subject", "subject_es", "body", "body_es"]

    def clean(self):
        facts = super().clean() or {}
        for name in self.Meta.fields:
            try:
                if name.startswith("body"):
                    letters.check_text(self.instance.kind, facts.get(name, ""))
                else:
                    letters.check_places(facts.get(name, ""))
            except forms.ValidationError as error:
                self.add_error(name, error)
        return facts


def _restore(request, text, facts):
    for name, value in SHIPPED[text.kind].items():
        setattr(text, name, value)
    text.save()
    return _("The text is as it was shipped.")


@admin.register(MailText)
class MailTextAdmin(ActsMixin, admin.ModelAdmin):
    acts = (
        Act(
            "restore",
            _("Use the shipped text again"),
            "careers.change_mailtext",
            _restore,
            OnceForm,
            _("What you wrote here is replaced, in both languages. The history keeps it."),
            lambda text: any(getattr(text, name) != value for name, value in SHIPPED[text.kind].items()),
            (ReviewError,),
        ),
    )
    logs_readings = False
    logs_acts = True
    form = MailTextForm
    change_form_template = "admin/careers/mail_text.html"
    list_display = ["kind", "subject", "subject_es"]
    fields = ["subject", "body", "places", "subject_es", "body_es"]
    readonly_fields = ["places"]

    @admin.display(description=_("what is filled in"))
    def places(self, text):
        return format_html_join("", "<code>{{{}}}</code> {}<br>", letters.PLACES.items())

    def has_add_permission(self, request):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    def get_urls(self):
        view = self.admin_site.admin_view(self.preview_view)
        return [path("<int:pk>/preview/", view, name="careers_mailtext_preview"), *super().get_urls()]

    def preview_view(self, request, pk):
        """How the mail reads, in both languages, with made-up facts: as it is saved, or as it is being written."""
        text = self.get_object(request, str(pk))
        if text is None or not self.has_view_or_change_permission(request, text):
            raise Http404
        if request.method == "POST":
            for name in MailTextForm.Meta.fields:
                setattr(text, name, request.POST.get(name, getattr(text, name))[:4000])
        opening = Opening.objects.first() or Opening(title="CT technologist", title_es="Tecnólogo de tomografía")
        mails = [(name, *self._sample(text, code, opening)) for code, name in (("en", "English"), ("es", "Español"))]
        context = {
            **self.admin_site.each_context(request),
            "title": _("Preview"),
            "opts": self.opts,
            "original": text,
            "mails": mails,
            "back": reverse("admin:careers_mailtext_change", args=[text.pk]),
        }
        return TemplateResponse(request, "admin/careers/mail_preview.html", context)

    def _sample(self, text, language, opening):
        with translation.override(language):
            day = date_format(timezone.localdate(), "DATE_FORMAT")
            times = str(SAMPLE_TIMES)
        return letters.compose(
            text.kind,
            language,
            opening=opening,
            link=f"{settings.PUBLIC_ORIGIN}/careers/application/…/",
            name="Ann Example",
            date=lambda: day,
            times=lambda: times,
            wording=text,
        )
