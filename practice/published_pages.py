"""Pages that are the same for everybody, and the version of what they are made of.

A view marked `published_page` promises that its answer follows from the address, the language (which is part of the
address) and the parameters it names, and from published content. So the page may be kept, and the version tells for how
long: it changes in the transaction that changes the content, by triggers of the database, whoever writes and however.
"""

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import wraps

from django.apps import apps
from django.contrib.auth.decorators import login_not_required
from django.db import connections, migrations
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_safe

from practice.headers import KEEP_NOWHERE

# All parameters that published pages read, by their views, with the values for which a copy is kept. An address is
# told from another by no other.
PARAMETERS: dict[str, re.Pattern] = {}

NUMBER = "|[1-9][0-9]{0,3}"
DAY = "|[0-9]{4}-[0-9]{2}-[0-9]{2}"
SLUG = "|[a-z0-9-]{1,60}"  # of a row: where there is none, there is no page
TYPED = ""  # what people type may be about their health: no copy is kept, in memory, in a file or by a browser


def one_of(values: Iterable[str]) -> str:
    return "|" + "|".join(map(re.escape, values))


def published_page(**parameters: str) -> Callable[[Callable], Callable]:
    """Mark a view as public, for reading only, and its page as the same for everybody who asks for it.

    The view reads no cookie, no header and no parameter but these, and writes nothing. For each parameter, a pattern
    says for which of its values the page may be kept: those of the site's own links.
    """
    for name, pattern in parameters.items():
        kept = PARAMETERS.setdefault(name, re.compile(pattern, re.ASCII))
        if kept.pattern != pattern:
            raise ValueError(f"{name} is kept for other values by another view")
    typed = [name for name, pattern in parameters.items() if pattern == TYPED]

    def mark(view):
        @login_not_required
        @require_safe
        @wraps(view)
        def page(request: HttpRequest, *args, **kwargs) -> HttpResponseBase:
            response = view(request, *args, **kwargs)
            if any(request.GET.get(name) for name in typed):
                response.headers["Cache-Control"] = KEEP_NOWHERE
            elif response.status_code == 200:
                response.is_published = True
                response.headers.setdefault("Cache-Control", "no-cache")  # to be asked for anew, with its ETag
            return response

        page.is_published_page = True  # type: ignore[attr-defined]
        return page

    return mark


# ---- The version ----------------------------------------------------------------------------------------------------


def publish_changes(*tables: str) -> migrations.RunSQL:
    """A migration operation: every change of these tables changes the version, in the same transaction."""
    forward = "".join(
        f"CREATE TRIGGER content_changes AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION practice_content_changes();\n"
        for table in tables
    )
    return migrations.RunSQL(forward, "".join(f"DROP TRIGGER content_changes ON {table};\n" for table in tables))


def published_edges() -> list[tuple[str, str]]:
    """(table, column) of the instants at which something begins or ends to be public: each app's own."""
    return [edge for config in apps.get_app_configs() for edge in getattr(config, "published_edges", ())]


def read_version(using: str = "default", at: datetime | None = None) -> str:
    """The version of the published content at that instant (now when not given): equal means nothing has changed.

    Three things make it: how often content was changed, how many edges have passed, and the day, since some content is
    public by the day. Instants are told by this process's clock, as its pages are. Raises DatabaseError.
    """
    at = at or timezone.now()
    edges = published_edges()
    quote = connections[using].ops.quote_name
    passed = [
        f"(SELECT count(*) FROM {quote(table)} WHERE {quote(column)} <= %s)"  # noqa: S608  (names of our own)
        for table, column in edges
    ]
    with connections[using].cursor() as cursor:
        cursor.execute(
            f"SELECT (SELECT coalesce(sum(changes), 0) FROM practice_contentchange), {' + '.join(passed) or 0}",  # noqa: S608
            [at] * len(edges),
        )
        changes, edges_passed = cursor.fetchone()
    return f"{changes} {edges_passed} {timezone.localdate(at).isoformat()}"


def fold_changes() -> int:
    """Make one row of those that count the changes; returns how many there were. The version stays as it is.

    Each transaction that changes content leaves a row; the sweep calls this.
    """
    with connections["default"].cursor() as cursor:
        cursor.execute(
            """
            WITH folded AS (DELETE FROM practice_contentchange WHERE transaction <> 0 RETURNING changes)
            INSERT INTO practice_contentchange (transaction, changes, at)
            SELECT 0, sum(changes), now() FROM folded HAVING count(*) > 0
            ON CONFLICT (transaction) DO UPDATE SET changes = practice_contentchange.changes + EXCLUDED.changes
            RETURNING (SELECT count(*) FROM folded)
            """
        )
        row = cursor.fetchone()
    return row[0] if row else 0
