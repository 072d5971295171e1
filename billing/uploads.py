"""Statement files uploaded in the office: checked by a job, shown, imported on somebody's word, then deleted."""

import logging
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.core.files.base import ContentFile
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections, transaction
from django.utils import timezone
from django_tasks import task

from billing.imports import ImportRefused, ImportReport, import_statements
from billing.models import StatementUpload, UploadState
from billing.statement_file import MAX_BYTES
from practice.accounts.models import User

logger = logging.getLogger(__name__)

MOST_PROBLEMS = 10_000
STUCK_AFTER = timedelta(hours=2)


class UploadRefused(Exception):
    """The file was not taken; the message says why, for staff to read."""


@transaction.atomic
def take_upload(file, *, by) -> StatementUpload:
    """Keep the file in private storage and queue its check. `file` is Django's uploaded file."""
    if file.size > MAX_BYTES:
        raise UploadRefused("The file is larger than 100 MB. Split it.")
    upload = StatementUpload(file_name=(file.name or "")[:200], uploaded_by=by)
    upload.file.save("upload.csv", ContentFile(file.read()), save=False)
    upload.save()
    check_upload.enqueue(str(upload.pk))
    return upload


@transaction.atomic
def accept_upload(upload: StatementUpload, *, by) -> bool:
    """Import a file that was checked and found good. Returns False when it is not, or not any more."""
    upload = StatementUpload.objects.select_for_update(of=("self",)).get(pk=upload.pk)
    if upload.state != UploadState.CHECKED:
        return False
    upload.state = UploadState.ACCEPTED
    upload.stage, upload.done, upload.total = "waiting for the worker", 0, 0
    upload.save(update_fields=["state", "stage", "done", "total"])
    import_upload.enqueue(str(upload.pk), by.pk)
    return True


def is_stuck(upload: StatementUpload, at: datetime | None = None) -> bool:
    """Whether its import should have ended long ago: all or nothing was imported, and a new upload tells which."""
    is_old = upload.uploaded_at < (at or timezone.now()) - STUCK_AFTER
    return upload.state == UploadState.ACCEPTED and is_old


@transaction.atomic
def discard_upload(upload: StatementUpload) -> None:
    """Delete the file of an upload that nobody will import, or whose worker was killed."""
    upload = StatementUpload.objects.select_for_update(of=("self",)).get(pk=upload.pk)
    if upload.state in (UploadState.WAITING, UploadState.CHECKED, UploadState.REFUSED) or is_stuck(upload):
        _delete_file(upload)
        upload.state = UploadState.DISCARDED
        upload.save(update_fields=["state", "file"])


@task()
def check_upload(upload_id: str) -> None:
    """Read the file as an import would and note what it would do, or everything that is wrong with it."""
    upload = StatementUpload.objects.get(pk=upload_id)
    if upload.state == UploadState.WAITING:
        _run(upload, by=upload.uploaded_by, dry_run=True)


@task()
def import_upload(upload_id: str, user_id: int) -> None:
    """Import a file on the word of this person."""
    upload = StatementUpload.objects.get(pk=upload_id)
    if upload.state == UploadState.ACCEPTED:
        _run(upload, by=User.objects.get(pk=user_id), dry_run=False)


def _run(upload: StatementUpload, *, by, dry_run: bool) -> None:
    with upload.file.open("rb") as file:
        data = file.read()
    try:
        with _progress_of(upload) as progress:
            done = import_statements(data, upload.file_name, dry_run=dry_run, by=by, progress=progress)
    except ImportRefused as refusal:
        report = {
            "problem_count": len(refusal.problems),
            "refused_rows": len({problem.row for problem in refusal.problems}),
            "problems": [[p.row, p.column, p.message] for p in refusal.problems[:MOST_PROBLEMS]],
        }
        _finish(upload, UploadState.REFUSED, report)
    except DatabaseError:
        logger.exception("Upload %s could not be read into the database", upload.pk)
        busy = [1, "", "could not be checked just now, the database was busy; upload the file again"]
        if dry_run:
            _finish(upload, UploadState.REFUSED, {"problem_count": 1, "refused_rows": 1, "problems": [busy]})
        else:
            _finish(upload, UploadState.CHECKED, upload.report)  # nothing was changed: the button is there again
    else:
        _finish(upload, UploadState.CHECKED if dry_run else UploadState.IMPORTED, _facts(done))


@transaction.atomic
def _finish(upload: StatementUpload, state: UploadState, report: dict) -> None:
    """Note what came of it, unless somebody has discarded the file meanwhile."""
    before = upload.state
    upload = StatementUpload.objects.select_for_update(of=("self",)).get(pk=upload.pk)
    if upload.state != before:
        return
    upload.state, upload.report, upload.stage = state, report, ""
    if state != UploadState.CHECKED:
        _delete_file(upload)
    upload.save(update_fields=["state", "report", "stage", "file"])


def _facts(report: ImportReport) -> dict:
    names = ("lines", "new", "changed", "unchanged", "new_patients", "total_cents", "stopped", "changes")
    return {name: getattr(report, name) for name in names}


def _delete_file(upload: StatementUpload) -> None:
    if upload.file:
        upload.file.delete(save=False)
        upload.file = ""


@contextmanager
def _progress_of(upload: StatementUpload):
    """Writes progress over a connection of its own: the import's transaction shows nothing before its end."""
    aside = connections.create_connection(DEFAULT_DB_ALIAS)

    def progress(stage: str, done: int, total: int) -> None:
        with aside.cursor() as cursor:
            cursor.execute(
                "UPDATE billing_statementupload SET stage = %s, done = %s, total = %s WHERE id = %s",
                [stage, done, total, str(upload.pk)],
            )

    try:
        yield progress
    finally:
        aside.close()
