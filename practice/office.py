"""What the admin's pages share: rows nobody changes by hand, and buttons and pages that do one thing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from django import forms
from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import translation

from practice.accounts.access_log import record_read
from practice.accounts.second_factor import ask_again, proved_lately
from practice.free_text import guard


def page_name(opts, what: str) -> str:
    """The name of an admin page of a model, for `reverse`: `what` is "changelist", "change", "history" and so on."""
    return f"admin:{opts.app_label}_{opts.model_name}_{what}"


class ReadOnlyMixin:
    """Rows staff may look at and nobody may change by hand. People are named, without a link to their account."""

    def get_fields(self, request, obj=None):
        return self._with_people_as_text(super().get_fields(request, obj))  # type: ignore[misc]

    def get_readonly_fields(self, request, obj=None):
        return self._with_people_as_text(super().get_readonly_fields(request, obj))  # type: ignore[misc]

    def _with_people_as_text(self, names):
        people = {f.name: f for f in self.model._meta.fields if f.related_model is get_user_model()}  # type: ignore[attr-defined]
        for name in people.keys() & set(names):
            setattr(self, f"{name}_in_words", _in_words(people[name]))
        return [f"{name}_in_words" if name in people else name for name in names]

    def has_add_permission(self, request, obj=None):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False


def _in_words(field):
    @admin.display(description=field.verbose_name)
    def in_words(row):
        person = getattr(row, field.name)
        return (person.name or person.email) if person else ""

    return in_words


@dataclass(frozen=True)
class Act:
    """Something staff can do with a row: its address below the row's, its words, who may, and when it is offered.

    With `form` it has a page of its own that asks first; without, its button does it at once (always by POST). Where
    the form depends on the row, `form_for(row)` makes it.
    `do(request, row, facts)` calls a job function and returns what to say; a refusal is one of `refusals`.
    """

    name: str
    label: Any
    permission: str
    do: Callable[[HttpRequest, Any, dict], Any]
    form: type[forms.Form] | None = None
    explanation: Any = ""
    offered: Callable[[Any], bool] = lambda row: True
    refusals: tuple[type[Exception], ...] = ()
    show: Callable[[Any], list[tuple[Any, str]]] = lambda row: []
    for_whom: Callable[[Any, Any], bool] = lambda user, row: True  # who of those with the permission
    initial: Callable[[Any], dict] | None = None  # what the form starts with
    is_sensitive: bool = False  # asks who you are again, unless you have just shown it
    form_for: Callable[[Any], type[forms.Form]] | None = None

    @property
    def is_at_once(self) -> bool:
        return self.form is None and self.form_for is None


class OnceForm(forms.Form):
    """A form that carries its own id, so that sending it twice does it once."""

    once = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args, **options):
        options.setdefault("initial", {}).setdefault("once", uuid4())
        super().__init__(*args, **options)


class ActsMixin(admin.ModelAdmin):
    """Gives a row's page its acts as buttons, and each act its page. Each counts as a reading of the row."""

    acts: tuple[Act, ...] = ()
    change_form_template = "admin/office/change_with_acts.html"
    logs_readings = True  # of rows about a patient
    logs_acts = False  # in the admin's own history, where no other log has them

    def get_urls(self):
        mine = [
            path(
                f"<path:object_id>/act/{act.name}/",
                self.admin_site.admin_view(self._act_view(act)),
                name=self._url_name(act.name),
            )
            for act in self.acts
        ]
        return mine + super().get_urls()

    def _url_name(self, what: str) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{what.replace('-', '_')}"

    def change_view(self, request, object_id, form_url="", extra_context=None):
        row = self.get_object(request, object_id)
        acts = [
            {"label": act.label, "url": self._url(act, row), "at_once": act.is_at_once}
            for act in self.acts
            if row is not None and self._is_offered(act, request.user, row)
        ]
        return super().change_view(request, object_id, form_url, {"acts": acts, **(extra_context or {})})

    def _is_offered(self, act: Act, user, row) -> bool:
        return user.has_perm(act.permission) and act.offered(row) and act.for_whom(user, row)

    def _url(self, act: Act, row) -> str:
        return reverse(f"admin:{self._url_name(act.name)}", args=[row.pk])

    def _act_view(self, act: Act):
        def view(request, object_id):
            row = self.get_object(request, object_id)
            if not request.user.has_perm(act.permission):
                raise PermissionDenied
            if row is None:
                raise Http404
            back = reverse(f"admin:{self._url_name('change')}", args=[row.pk])
            if not self._is_offered(act, request.user, row) or (act.is_at_once and request.method != "POST"):
                return HttpResponseRedirect(back)
            if act.is_sensitive and not proved_lately(request):
                return ask_again(request, back if act.is_at_once else self._url(act, row))
            if self.logs_readings:
                record_read(request, row)
            sent = request.POST if request.method == "POST" else None
            files = request.FILES if request.method == "POST" else None
            made_of = act.form_for(row) if act.form_for else act.form
            form = made_of(sent, files, initial=act.initial(row) if act.initial else {}) if made_of else None
            if form is not None:
                guard(form.fields, getattr(form, "no_free_text", ()))
            if request.method == "POST" and (form is None or form.is_valid()):
                try:
                    said = act.do(request, row, form.cleaned_data if form else {})
                except act.refusals as refusal:
                    if form is None:
                        self.message_user(request, str(refusal), messages.ERROR)
                        return HttpResponseRedirect(back)
                    form.add_error(None, str(refusal))
                else:
                    if self.logs_acts:
                        self.log_change(request, row, f"{act.label}.")
                    if isinstance(said, HttpResponse):
                        return said
                    self.message_user(request, said, messages.SUCCESS)
                    return HttpResponseRedirect(back)
            return self._act_page(request, act, row, form, back)

        return view

    def _act_page(self, request, act: Act, row, form, back: str):
        context = {
            **self.admin_site.each_context(request),
            "title": act.label,
            "opts": self.opts,
            "original": row,
            "explanation": act.explanation,
            "facts": act.show(row),
            "form": form,
            "has_files": form is not None and form.is_multipart(),
            "button": act.label,
            "back": back,
        }
        return TemplateResponse(request, "admin/office/act.html", context)


class PreviewMixin(admin.ModelAdmin):
    """Shows a saved row on its public page, as visitors will see it, before they do."""

    change_form_template = "admin/office/change_with_acts.html"

    def render_preview(self, request, row, back: str) -> HttpResponse:
        """The public page with the row on it; `back` leads from there to the row in the office."""
        raise NotImplementedError

    def get_urls(self):
        view = self.admin_site.admin_view(self.preview_view)
        name = f"{self.opts.app_label}_{self.opts.model_name}_preview"
        return [path("<path:object_id>/preview/", view, name=name), *super().get_urls()]

    def change_view(self, request, object_id, form_url="", extra_context=None):
        preview = {"preview": reverse(page_name(self.opts, "preview"), args=[object_id])}
        return super().change_view(request, object_id, form_url, preview | (extra_context or {}))

    def preview_view(self, request, object_id):
        row = self.get_object(request, object_id)
        if not self.has_view_or_change_permission(request, row):
            raise PermissionDenied
        if row is None:
            raise Http404
        back = reverse(page_name(self.opts, "change"), args=[row.pk])
        with translation.override("es" if request.GET.get("language") == "es" else "en"):
            return self.render_preview(request, row, back)
