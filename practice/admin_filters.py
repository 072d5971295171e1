"""List filters of the office."""

from typing import Any

from django.contrib import admin


class WorkFirstFilter(admin.SimpleListFilter):
    """Without a choice it shows what waits to be done, and says so, where Django's own would say "All".

    A subclass gives `waiting`, the words for that, and in `queryset` treats `self.value() is None` as that choice.
    """

    waiting: Any = ""  # a translated text

    def is_search(self, request) -> bool:
        """Whether somebody searches and has chosen nothing: a search then looks at all rows."""
        return self.value() is None and bool(request.GET.get("q", "").strip())

    def choices(self, changelist):
        for value, label in [(None, self.waiting), *self.lookup_choices]:
            query = {self.parameter_name: value} if value else {}
            yield {
                "selected": self.value() == value,
                "query_string": changelist.get_query_string(query, remove=[self.parameter_name]),
                "display": label,
            }
