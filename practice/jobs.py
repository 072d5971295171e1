"""Jobs that are done: their rows go soon. What they were about has rows of its own, kept as long as those may be."""

from datetime import datetime, timedelta

from django.utils import timezone
from django_tasks import TaskResultStatus
from django_tasks_db.models import DBTaskResult

KEPT = timedelta(days=1)
FAILED_KEPT = timedelta(days=14)  # somebody looks at why


def forget_finished(at: datetime | None = None) -> int:
    """Delete the rows of jobs that ended long enough ago; returns how many."""
    at = at or timezone.now()
    done = DBTaskResult.objects.filter(status=TaskResultStatus.SUCCESSFUL, finished_at__lte=at - KEPT)
    failed = DBTaskResult.objects.filter(status=TaskResultStatus.FAILED, finished_at__lte=at - FAILED_KEPT)
    return (done | failed).delete()[0]
