"""What is new since somebody was here."""

from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone

FIRST_TIME = timedelta(days=30)  # what is new to somebody who was never here
VISIT_ENDS_AFTER = timedelta(minutes=30)

# One statement, so that two tabs at once agree.
GO_ON = """
INSERT INTO resources_visit AS visit (user_id, since, last_at) VALUES (%(user)s, %(at)s - %(first)s, %(at)s)
ON CONFLICT (user_id) DO UPDATE SET
    since = CASE WHEN EXCLUDED.last_at - visit.last_at > %(ends)s THEN visit.last_at ELSE visit.since END,
    last_at = greatest(visit.last_at, EXCLUDED.last_at)
RETURNING since
"""


def begin_or_go_on(user, at: datetime | None = None) -> datetime:
    """The end of this person's visit before this one; what came later is new to them for the whole visit.

    Asked for at each look at the first page. It is a note like the session's own, not a change of anybody's data.
    """
    values = {"user": user.pk, "at": at or timezone.now(), "first": FIRST_TIME, "ends": VISIT_ENDS_AFTER}
    with connection.cursor() as cursor:
        cursor.execute(GO_ON, values)
        return cursor.fetchone()[0]
