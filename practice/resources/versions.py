"""Gives a document its next version, and takes one back. What readers had stays on record."""

import hashlib
from datetime import date

from django.core.files import File
from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from practice.resources.models import Document, Version


class VersionRefused(Exception):
    """What the office asked for cannot be; the message says why."""


@transaction.atomic
def add_version(
    document: Document,
    *,
    by=None,
    file: File | None = None,
    url: str = "",
    note: str = "",
    effective_on: date | None = None,
    expires_on: date | None = None,
) -> Version:
    """The next version of the document: a file or an https link, one of the two.

    It takes the place of the one before on the day it takes effect (today when not given). A file must have been
    looked at by `check_document`. Raises VersionRefused when it would begin in the past or end before it began.
    """
    today = timezone.localdate()
    effective_on = effective_on or today
    if effective_on < today:
        raise VersionRefused(_("A version takes effect today or later, never in the past."))
    if expires_on and expires_on < effective_on:
        raise VersionRefused(_("The last day must not be before the first."))
    if bool(file) == bool(url):
        raise VersionRefused(_("Give a file or a link, one of the two."))
    document = Document.objects.select_for_update().get(pk=document.pk)
    last = document.versions.aggregate(last=Max("number"))["last"] or 0
    version = Version(
        document=document,
        number=last + 1,
        url=url,
        note=note,
        effective_on=effective_on,
        expires_on=expires_on,
        added_by=by,
    )
    if file:
        version.sha256 = digest_of(file)
        version.file.save(file.name or "", file, save=False)
    version.save()
    return version


def digest_of(file: File) -> str:
    """SHA-256 of the whole file, as hexadecimal digits; the file can be read from the start afterwards."""
    file.seek(0)
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
    return digest.hexdigest()


@transaction.atomic
def withdraw_version(version: Version) -> Version:
    """Take back what should not have been put there: the version before it holds again. Once more changes nothing."""
    version = Version.objects.select_for_update().get(pk=version.pk)
    if version.withdrawn_at is None:
        version.withdrawn_at = timezone.now()
        version.save(update_fields=["withdrawn_at"])
    return version


@transaction.atomic
def set_last_day(version: Version, expires_on: date | None) -> Version:
    """The version holds up to this day; without one, until another takes its place."""
    version = Version.objects.select_for_update().get(pk=version.pk)
    if expires_on and expires_on < max(version.effective_on, timezone.localdate()):
        raise VersionRefused(_("Choose today or a later day. To end it at once, withdraw it."))
    version.expires_on = expires_on
    version.save(update_fields=["expires_on"])
    return version
