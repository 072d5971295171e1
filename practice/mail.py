"""The one place that sends mail: a subject and a text from templates, in the reader's language.

Jobs call it with row numbers in their arguments, so that neither the queue nor the log holds anybody's name. A mail
server that is away gets the mail later: see `mail_job`.
"""

from collections.abc import Iterable
from datetime import timedelta
from functools import wraps

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import DatabaseError, InterfaceError
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django_tasks import task

from practice.context import get_identity
from practice.outages import is_outage


def send(template: str, to: list[str], context: dict, language: str = "en") -> None:
    """Render `<template>.subject.txt` and `<template>.txt` and send them. Raises what the mail server says."""
    if not to:
        return
    with translation.override(language):
        context = {"identity": get_identity(), "origin": settings.PUBLIC_ORIGIN, **context}
        subject = " ".join(render_to_string(f"{template}.subject.txt", context).split())
        body = render_to_string(f"{template}.txt", context).strip() + "\n"
    send_text(subject, body, to)


def send_text(
    subject: str,
    body: str,
    to: list[str],
    files: Iterable[tuple[str, bytes, str]] = (),
    reply_to: list[str] | None = None,
) -> None:
    """Send a text that somebody worded, with files of (name, content, type). Raises what the mail server says."""
    message = EmailMessage(subject=subject, body=body, to=to, reply_to=reply_to)
    for file in files:
        message.attach(*file)
    message.send()


WAITS = [timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 480, 1440)]


def mail_job(function):
    """A background job that sends a mail, tried again for two days while the mail server does not take it.

    Takes the place of django-tasks' `@task()`; the job's arguments are positional.
    """

    @wraps(function)
    def attempt(*arguments, tries: int = 0):
        try:
            function(*arguments)
        except (OSError, DatabaseError, InterfaceError) as error:  # the first is what smtplib and the network raise
            if tries >= len(WAITS) or not (isinstance(error, OSError) or is_outage(error)):
                raise
            job.using(run_after=timezone.now() + WAITS[tries]).enqueue(*arguments, tries=tries + 1)

    attempt.is_mail = True  # type: ignore[attr-defined]
    job = task()(attempt)
    return job
