"""What the office's own templates of the admin ask for."""

from typing import Any, cast

from django import template
from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets

from practice.accounts.row_history import Part, history_of
from practice.office import ReadOnlyMixin

register = template.Library()


@register.simple_tag(takes_context=True)
def changes_of(context, row):
    """The steps of a row's history, with the rows that are edited on its page. Values only of what that page shows."""
    request = context["request"]
    page = admin.site.get_model_admin(type(row))
    parts = [
        Part(inline.model, cast(Any, inline.get_formset(request, row)).fk.name, _shown(inline, request, row))
        for inline in page.get_inline_instances(request, row)
        if not isinstance(inline, ReadOnlyMixin)
    ]
    return history_of(row, _shown(page, request, row), parts)


def _shown(page, request, row) -> frozenset[str]:
    return frozenset(flatten_fieldsets(page.get_fieldsets(request, row)))
