"""What the admin's lists share: large tables, clocks, and acts on many rows at once."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cached_property, reduce
from operator import or_
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from practice.accounts.access_log import LoggedReadsMixin, record_read
from practice.free_text import guard

MOST_RELATED = 1_000


class CappedPaginator(Paginator):
    """Counts no further than a person would page: a million rows are not counted to show the first hundred."""

    most_counted = 10_000

    @cached_property
    def rows_or_one_more(self) -> int:
        rows = cast(QuerySet, self.object_list)  # the admin pages through nothing else
        return rows.order_by()[: self.most_counted + 1].count()

    @property
    def count(self):
        return min(self.rows_or_one_more, self.most_counted)

    @property
    def is_capped(self) -> bool:
        return self.rows_or_one_more > self.most_counted


class LargeListMixin(admin.ModelAdmin):
    """For tables that grow for ever: no count of all rows, neither of the list nor of its filters."""

    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER

    def get_search_results(self, request, queryset, search_term):
        """Where all fields are compared whole, each is asked for in its own index.

        Django joins the tables of all fields and compares afterwards, which reads a million rows to find one.
        """
        paths = self.get_search_fields(request)
        if not all(path.endswith("__exact") for path in paths):
            return super().get_search_results(request, queryset, search_term)
        for word in search_term.split():
            found = [self._holds(path.removesuffix("__exact"), word) for path in paths]
            queryset = queryset.filter(reduce(or_, found, Q(pk__in=[])))
        return queryset, False

    def _holds(self, path: str, word: str) -> Q:
        """The rows whose column at the end of this path is the word."""
        name, _separator, rest = path.partition("__")
        field: Any = self.opts.pk if name == "pk" else self.opts.get_field(name)
        if rest:
            related = field.related_model._base_manager.filter(**{rest: word})
            return Q(**{f"{name}__in": list(related.values_list("pk", flat=True)[:MOST_RELATED])})
        try:
            return Q(**{name: field.to_python(word)})
        except ValidationError:  # "abc" is the number of no row
            return Q(pk__in=[])


def due_in_words(day: date):
    """By when something is due, or since when it is late."""
    left = (day - timezone.localdate()).days
    if left < 0:
        return _("late since %(day)s") % {"day": date_format(day)}
    return _("due today") if left == 0 else _("due %(day)s") % {"day": date_format(day)}


class ClockMixin:
    """Shows by when a row is answered, in words. The row has a `due_on`; `is_waiting` says whether it still waits."""

    def is_waiting(self, row) -> bool:
        raise NotImplementedError

    @admin.display(description=_("answer"), ordering="due_on")
    def clock(self, row):
        if not self.is_waiting(row):
            return _("answered")
        return due_in_words(row.due_on)


@dataclass(frozen=True)
class BulkAct:
    """Something staff can do with many rows: it names them, asks first, does each by itself and reports on all.

    `do(request, row, facts)` calls a job function; a refusal is one of `refusals` and holds up no other row.
    """

    name: str
    label: Any
    permission: str
    do: Callable[[HttpRequest, Any, dict], Any]
    done: Any  # what to say of those it worked for: "%(count)s answered."
    form: type[forms.Form] = forms.Form
    explanation: Any = ""
    refusals: tuple[type[Exception], ...] = ()


class BulkActsMixin(admin.ModelAdmin):
    """Offers bulk acts among the actions of a list. A hundred rows at most, so that a person can check what they do."""

    bulk_acts: tuple[BulkAct, ...] = ()
    most_at_once = 100

    def describe(self, row) -> str:
        """How the page that asks names a row."""
        return str(row)

    def get_actions(self, request):
        mine = {
            act.name: (self._bulk_view(act), act.name, act.label)
            for act in self.bulk_acts
            if request.user.has_perm(act.permission)
        }
        return super().get_actions(request) | mine

    def _bulk_view(self, act: BulkAct):
        def view(_admin, request, rows):
            rows = list(rows[: self.most_at_once + 1])
            if len(rows) > self.most_at_once:
                self.message_user(
                    request,
                    _("Choose %(count)s rows or fewer. Nothing was changed.") % {"count": self.most_at_once},
                    messages.ERROR,
                )
                return None
            is_sure = "sure" in request.POST
            form = act.form(request.POST if is_sure else None)
            guard(form.fields)
            if is_sure and form.is_valid():
                self._do_each(act, request, rows, form.cleaned_data)
                return None
            if isinstance(self, LoggedReadsMixin):
                for row in rows:
                    record_read(request, row)
            context = {
                **self.admin_site.each_context(request),
                "title": act.label,
                "opts": self.opts,
                "rows": [(row.pk, self.describe(row)) for row in rows],
                "act": act,
                "form": form,
                "back": request.get_full_path(),
            }
            return TemplateResponse(request, "admin/office/bulk_act.html", context)

        return view

    def _do_each(self, act: BulkAct, request, rows, facts: dict) -> None:
        done, refused = 0, []
        for row in rows:
            try:
                act.do(request, row, facts)
            except act.refusals as refusal:
                refused.append(str(refusal) if str(row) in str(refusal) else f"{row}: {refusal}")
            else:
                done += 1
                self.log_change(request, row, f"{act.label}.")
        if done:
            self.message_user(request, act.done % {"count": done}, messages.SUCCESS)
        for reason in refused:
            self.message_user(request, reason, messages.ERROR)
