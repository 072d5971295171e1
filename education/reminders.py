"""Tells editors by mail what waits: reviews that fall due, translations that have fallen behind, missed searches."""

from datetime import date, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from education.models import Article, ArticleStatus
from practice.mail import mail_job, send
from practice.one_at_a_time import wait_for_turn
from practice.search.models import MissedSearch

AHEAD = timedelta(days=30)
ONE_REMINDER = 6_511_001  # the number of the advisory lock


def waiting(on: date | None = None) -> dict:
    """What waits on that day (today when not given): articles due, by next review day; and how much else."""
    on = on or timezone.localdate()
    due = (
        Article.objects.due_for_review(on + AHEAD)
        .order_by("editions__next_review_on", "sort_key")
        .values_list("title", "language", "editions__next_review_on")
    )
    return {
        "due": [(title, language, day, day <= on) for title, language, day in due],
        "stale": Article.objects.filter(stale_blocks__gt=0).count(),
        "in_review": Article.objects.filter(status=ArticleStatus.IN_REVIEW).count(),
        "missed": MissedSearch.objects.open().count(),
    }


def remind(on: date | None = None) -> bool:
    """Queue a mail to EDITORIAL_RECIPIENTS, if anything waits; returns whether one was queued.

    One mail a day, on however many machines this is called.
    """
    on = on or timezone.localdate()
    if not settings.EDITORIAL_RECIPIENTS or not any(waiting(on).values()):
        return False
    with transaction.atomic():
        wait_for_turn(ONE_REMINDER)
        mails = DBTaskResult.objects.filter(task_path=send_reminder.module_path)
        if mails.filter(args_kwargs__args=[on.isoformat()]).exists():
            return False
        send_reminder.enqueue(on.isoformat())
    return True


@mail_job
def send_reminder(on: str) -> None:
    send("education/email/reminder", settings.EDITORIAL_RECIPIENTS, waiting(date.fromisoformat(on)))
