"""Jobs whose worker is gone: killed, or on a machine that went down. Nobody else would ever do them."""

import logging
from datetime import datetime, timedelta

from django.utils import timezone
from django_tasks import TaskResultStatus
from django_tasks_db.models import DBTaskResult

LONGEST_JOB = timedelta(hours=1)  # a large import takes a few minutes; a mail, as long as the mail server is waited for
MOST_TRIES = 3  # a job that kills whoever does it must come to an end

logger = logging.getLogger(__name__)


def take_up_dropped_jobs(at: datetime | None = None) -> int:
    """Put back what was begun an hour ago and never ended, for the next worker; returns how many.

    A job may so be done twice, if its worker was killed between doing it and saying so: a mail arrives twice rather
    than never.
    """
    before = (at or timezone.now()) - LONGEST_JOB
    taken_up = 0
    for job in DBTaskResult.objects.running().filter(started_at__lt=before):
        gives_up = len(job.worker_ids) >= MOST_TRIES
        status = TaskResultStatus.FAILED if gives_up else TaskResultStatus.READY
        said = {"finished_at": timezone.now(), "traceback": "Its workers were killed."} if gives_up else {}
        # Unless another machine was first, or the worker lives after all.
        found = DBTaskResult.objects.filter(pk=job.pk, status=TaskResultStatus.RUNNING, started_at=job.started_at)
        if found.update(status=status, **said):
            logger.warning("The worker of the job %s (%s) was killed", job.pk, job.task_path)
            taken_up += not gives_up
    return taken_up
