"""The queue's housekeeping: jobs whose worker is gone are done by another, and rows of jobs that are done go soon."""

import logging
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.module_loading import import_string
from django_tasks import TaskResultStatus
from django_tasks_db.models import DBTaskResult

KEPT = timedelta(days=1)  # what a job was about has rows of its own, kept as long as those may be
FAILED_KEPT = timedelta(days=14)  # somebody looks at why
# After these nobody can be at it any more. A large import takes a few minutes.
LONGEST_MAIL, LONGEST_JOB = timedelta(minutes=10), timedelta(hours=1)
MOST_TRIES = 3  # a job that kills whoever does it must come to an end

logger = logging.getLogger(__name__)


def forget_finished(at: datetime | None = None) -> int:
    """Delete the rows of jobs that ended long enough ago; returns how many."""
    at = at or timezone.now()
    done = DBTaskResult.objects.filter(status=TaskResultStatus.SUCCESSFUL, finished_at__lte=at - KEPT)
    failed = DBTaskResult.objects.filter(status=TaskResultStatus.FAILED, finished_at__lte=at - FAILED_KEPT)
    return (done | failed).delete()[0]


def take_up_dropped(at: datetime | None = None) -> int:
    """Put back for the next worker what was begun long ago and never ended; returns how many.

    Its worker was killed, or its machine went down. If it had done the job and not yet said so, the job is done twice:
    a mail arrives twice rather than never.
    """
    at = at or timezone.now()
    taken_up = 0
    for job in DBTaskResult.objects.running().filter(started_at__lt=at - LONGEST_MAIL):
        if job.started_at < at - _longest(job):
            taken_up += _put_back(job)
    return taken_up


def _longest(job: DBTaskResult) -> timedelta:
    return LONGEST_MAIL if getattr(import_string(job.task_path).func, "is_mail", False) else LONGEST_JOB


def _put_back(job: DBTaskResult) -> bool:
    gives_up = len(job.worker_ids) >= MOST_TRIES
    status = TaskResultStatus.FAILED if gives_up else TaskResultStatus.READY
    said = {"finished_at": timezone.now(), "traceback": "Its workers were killed."} if gives_up else {}
    # Unless another machine was first, or the worker lives after all.
    found = DBTaskResult.objects.filter(pk=job.pk, status=TaskResultStatus.RUNNING, started_at=job.started_at)
    if not found.update(status=status, **said):
        return False
    logger.warning("The worker of the job %s (%s) was killed", job.pk, job.task_path)
    return not gives_up
