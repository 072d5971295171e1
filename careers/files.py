"""Applicants' files: no file without its row, whenever a worker is killed and whatever the disk says.

The row is written, and committed, before the file; the file is deleted before its row. What is left in between belongs
to no application and no draft, and `sweep_loose` takes it away. So a file always has a row that names it, and goes when
the row goes.
"""

import hashlib
import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.core.files import File
from django.db.models import QuerySet
from django.utils import timezone

from careers.models import ApplicationFile, FileKind, private_storage
from practice.private_files import random_name

LOOSE_FOR = timedelta(hours=1)  # long enough for any upload; then nobody is working on it any more

logger = logging.getLogger(__name__)


class NoRoom(Exception):
    """The disk did not take the file. Nothing of it is kept."""


def take_in(uploads: Iterable[tuple[FileKind, File]]) -> list[ApplicationFile]:
    """Store files that the form has looked into; they are loose until they are given to an application or a draft.

    Not inside a transaction: the row must outlive a killed worker. Raises NoRoom, and then keeps none of them.
    """
    taken: list[ApplicationFile] = []
    try:
        for kind, upload in uploads:
            taken.append(_row_for(kind, upload))
            upload.seek(0)
            taken[-1].stored.storage.save(taken[-1].stored.name, upload)
    except BaseException as error:
        discard(taken)
        if isinstance(error, OSError):
            logger.exception("An applicant's file could not be stored.")
            raise NoRoom from error
        raise
    return taken


def _row_for(kind: FileKind, upload: File) -> ApplicationFile:
    digest = hashlib.sha256()
    for chunk in upload.chunks():
        digest.update(chunk)
    name = upload.name or ""
    return ApplicationFile.objects.create(
        kind=kind,
        name=name[-200:],
        stored=random_name("applications", name),
        size=upload.size or 0,
        sha256=digest.hexdigest(),
    )


def discard(files: Iterable[ApplicationFile]) -> None:
    """Delete these files and their rows, in that order. Those that are gone already are left alone."""
    for file in files:
        if file.pk is None:
            continue
        file.stored.storage.delete(str(file.stored.name))
        file.delete()


def left_loose(at: datetime | None = None) -> QuerySet[ApplicationFile]:
    """What belongs to nothing any more."""
    return ApplicationFile.objects.loose().filter(created_at__lt=(at or timezone.now()) - LOOSE_FOR)


def sweep_loose(at: datetime | None = None) -> int:
    """Delete that; returns how many files."""
    loose = list(left_loose(at))
    discard(loose)
    return len(loose)


def stray_files() -> list[str]:
    """Names in the folder of applicants' files that no row knows: there are none unless somebody put them there."""
    try:
        names = {f"applications/{name}" for name in private_storage().listdir("applications")[1]}
    except FileNotFoundError:  # a folder is made with the first file in it; a bucket has none
        return []
    return sorted(names - set(ApplicationFile.objects.values_list("stored", flat=True)))


def download_name(file: ApplicationFile) -> str:
    """What the file is called on somebody's computer; without a name in it."""
    return f"application-{file.application_id}-{file.kind}-{file.pk}.{file.ending}"
