"""The change log: what each row went through, written by triggers, so that bulk and raw writes are in it too.

A generic trigger instead of an event table for each model (django-pghistory): one table to search, to grant and to
keep; statement triggers, so that an import of 200,000 rows costs one entry; tables of libraries are tracked alike.
The database tells who by session variables that `ChangeContextMiddleware` sets while somebody's form is worked on.
"""

from django.db import DatabaseError, connection, migrations

from practice.client_address import client_address

EVENTS = {
    "insert": "REFERENCING NEW TABLE AS new_rows",
    "update": "REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows",
    "delete": "REFERENCING OLD TABLE AS old_rows",
    "truncate": "",
}
# Tables with nothing of the practice's: counters, queues, caches, and logs that are logs themselves. And the voluntary
# answers of applicants: the hour and the place of an answer would tell whose it is.
UNTRACKED = {
    "accounts_accessentry", "accounts_change", "auth_permission", "careers_certificate", "careers_surveyanswer",
    "django_admin_log", "django_content_type", "django_session", "django_tasks_database_dbtaskresult",
    "education_packfile", "practice_contentchange", "practice_throttle", "sandbox_cardsession", "sandbox_movement",
    "sandbox_notification",
    "resources_visit", "search_word", "usersessions_usersession", "account_emailconfirmation",
}  # fmt: skip
SET_CONTEXT = (
    "SELECT set_config('practice.person', %s, false), set_config('practice.route', %s, false), "
    "set_config('practice.address', %s, false)"
)
SAFE_METHODS = {"GET", "HEAD", "OPTIONS", "TRACE"}


def track(*tables: str, key: str = "id", hidden: tuple[str, ...] = (), ignored: tuple[str, ...] = ()):
    """A migration operation that writes every change of these tables into the change log.

    Values of `hidden` columns are never copied, only that they changed; `("*",)` hides all. A change of nothing but
    `ignored` columns is none.
    """
    arguments = ", ".join(f"'{text}'" for text in (key, ",".join(hidden), ",".join(ignored)))
    forward = "".join(
        f"CREATE TRIGGER change_log_{event} AFTER {event.upper()} ON {table} {rows} FOR EACH STATEMENT "
        f"EXECUTE FUNCTION accounts_record_change({arguments});\n"
        for table in tables
        for event, rows in EVENTS.items()
    )
    backward = "".join(f"DROP TRIGGER change_log_{event} ON {table};\n" for table in tables for event in EVENTS)
    return migrations.RunSQL(forward, backward)


def untracked_tables() -> list[str]:
    """Tables of ours, or of libraries, that neither have their triggers nor stand in UNTRACKED."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname LIKE 'change_log_%%' AND tgenabled <> 'D' "
            "GROUP BY 1 HAVING count(*) = %s",
            [len(EVENTS)],
        )
        tracked = {table for (table,) in cursor.fetchall()}
        present = set(connection.introspection.table_names(cursor)) - {"django_migrations", "site_cache"}
    return sorted(present - tracked - UNTRACKED)


class ChangeContextMiddleware:
    """While a form is worked on, the database knows whose it is, and from where. Reading costs nothing."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        if getattr(request, "tells_the_change_log", False):
            _forget_context()
        return response

    def process_view(self, request, view_func, view_args, view_kwargs):
        if request.method in SAFE_METHODS:
            return
        user = getattr(request, "user", None)
        person = str(user.pk) if user is not None and user.is_authenticated else ""
        address = client_address(request) if person else ""  # a guest's address is nobody's business here
        with connection.cursor() as cursor:
            cursor.execute(SET_CONTEXT, [person, request.resolver_match.view_name, address])
        request.tells_the_change_log = True


def _forget_context() -> None:
    """The next request on this connection is somebody else's."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(SET_CONTEXT, ["", "", ""])
    except DatabaseError:
        connection.close()
