"""The one place that sends mail: a subject and a text from templates, in the reader's language.

Jobs call it with row numbers in their arguments, so that neither the queue nor the log holds anybody's name.
"""

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.utils import translation

from practice.context import get_identity


def send(template: str, to: list[str], context: dict, language: str = "en") -> None:
    """Render `<template>.subject.txt` and `<template>.txt` and send them. Raises what the mail server says."""
    if not to:
        return
    with translation.override(language):
        context = {"identity": get_identity(), "origin": settings.PUBLIC_ORIGIN, **context}
        subject = " ".join(render_to_string(f"{template}.subject.txt", context).split())
        body = render_to_string(f"{template}.txt", context).strip() + "\n"
    EmailMessage(subject=subject, body=body, to=to).send()
