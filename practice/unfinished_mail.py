"""Mails whose worker was killed, or lost the database, while it sent them: they are sent again, not lost."""

from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.module_loading import import_string
from django_tasks import TaskResultStatus
from django_tasks_db.models import DBTaskResult

LONGEST_MAIL = timedelta(minutes=10)  # no mail takes as long; whoever still sends it then is not there any more


def take_up_again(at: datetime | None = None) -> int:
    """Queue them again; returns how many. One that went out in the very moment of the kill goes out twice.

    Other jobs are left alone: what imports and checks files finds its own way back.
    """
    before = (at or timezone.now()) - LONGEST_MAIL
    count = 0
    for job in DBTaskResult.objects.running().filter(started_at__lt=before):
        if getattr(import_string(job.task_path).func, "is_mail", False):
            waiting = DBTaskResult.objects.running().filter(pk=job.pk, started_at=job.started_at)
            count += waiting.update(status=TaskResultStatus.READY, started_at=None)
    return count
