"""What we publish of how fast applicants are answered, counted from the applications themselves."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from practice.replica import reading_connection

COUNTED_FOR = timedelta(days=365)
FEWEST = 5  # of fewer answers no number is published: it could be somebody's
DAYS = """
    SELECT count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY days_first),
           percentile_cont(0.5) WITHIN GROUP (ORDER BY days)
    FROM (
        SELECT extract(epoch FROM answered_at - received_at) / 86400 AS days_first,
               extract(epoch FROM decided_at - received_at) / 86400 AS days
        FROM careers_application
        WHERE decided_at >= %s AND status IN ('hired', 'declined')
    ) decided
"""


@dataclass(frozen=True)
class DaysToAnswer:
    """Medians, in whole days begun: until the first word, and until the decision."""

    applications: int
    first: int
    decision: int


def days_to_answer(at: datetime | None = None) -> DaysToAnswer | None:
    """Of those decided in the last year; None where they are too few. Who withdrew was not waiting for us."""
    with reading_connection().cursor() as cursor:
        cursor.execute(DAYS, [(at or timezone.now()) - COUNTED_FOR])
        count, first, decision = cursor.fetchone()
    if count < FEWEST:
        return None
    return DaysToAnswer(count, max(1, round(first)), max(1, round(decision)))
