"""Statement files uploaded in the office: checked by a job, shown, imported on somebody's word, then deleted."""

import logging
from contextlib import contextmanager

from django.core.files.base import ContentFile
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connection, connections, transaction
from django.db.models import QuerySet
from django_tasks import task

from billing.imports import ImportRefused, ImportReport, import_statements
from billing.models import StatementUpload, UploadState
from billing.statement_file import MAX_BYTES
from practice.accounts.models import User

logger = logging.getLogger(__name__)

MOST_PROBLEMS = 10_000
AT_WORK = (UploadState.WAITING, UploadState.ACCEPTED)
NOT_BEGUN = ("", "waiting for the worker")
WORK_ON_UPLOAD = 7_302  # the first number of the advisory lock; the second is the upload's


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
    upload.stage, upload.done, upload.total = NOT_BEGUN[1], 0, 0
    upload.save(update_fields=["state", "stage", "done", "total"])
    import_upload.enqueue(str(upload.pk), by.pk)
    return True


@transaction.atomic
def discard_upload(upload: StatementUpload) -> None:
    """Delete the file of an upload that nobody will import."""
    upload = StatementUpload.objects.select_for_update(of=("self",)).get(pk=upload.pk)
    if upload.state in (UploadState.WAITING, UploadState.CHECKED, UploadState.REFUSED):
        _delete_file(upload)
        upload.state = UploadState.DISCARDED
        upload.save(update_fields=["state", "file"])


def begun_uploads() -> QuerySet[StatementUpload]:
    """Those a worker has begun with: it is at work, or it was killed."""
    return StatementUpload.objects.filter(state__in=AT_WORK).exclude(stage__in=NOT_BEGUN)


@transaction.atomic
def take_up(upload: StatementUpload) -> bool:
    """Go on with an upload when its worker was killed; returns whether it was.

    An import was all or nothing, so the file is checked again, and its preview tells which. A check is not repeated:
    a file that kills whoever reads it would do so for ever.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, hashtext(%s))", [WORK_ON_UPLOAD, str(upload.pk)])
        (is_abandoned,) = cursor.fetchone()
    upload = StatementUpload.objects.select_for_update(of=("self",)).get(pk=upload.pk)
    if not is_abandoned or upload.state not in AT_WORK or upload.stage in NOT_BEGUN:
        return False
    logger.warning("The worker of upload %s was killed", upload.pk)
    if upload.state == UploadState.WAITING:
        _finish(upload, UploadState.REFUSED, _refused("could not be checked to its end; upload the file again"))
    else:
        upload.state, upload.stage, upload.done, upload.total = UploadState.WAITING, "", 0, 0
        upload.save(update_fields=["state", "stage", "done", "total"])
        check_upload.enqueue(str(upload.pk))
    return True


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
    with _at_work_on(upload) as progress:
        progress("reading", 0, 0)
        try:
            with upload.file.open("rb") as file:
                data = file.read()
            done = import_statements(data, upload.file_name, dry_run=dry_run, by=by, progress=progress)
        except ImportRefused as refusal:
            report = {
                "problem_count": len(refusal.problems),
                "refused_rows": len({problem.row for problem in refusal.problems}),
                "problems": [[p.row, p.column, p.message] for p in refusal.problems[:MOST_PROBLEMS]],
            }
            _finish(upload, UploadState.REFUSED, report)
        except FileNotFoundError:  # killed between deleting it and saying so
            _finish(upload, UploadState.REFUSED, _refused("was deleted already; upload the file again"))
        except DatabaseError:
            logger.exception("Upload %s could not be read into the database", upload.pk)
            if dry_run:
                busy = "could not be checked just now, the database was busy; upload the file again"
                _finish(upload, UploadState.REFUSED, _refused(busy))
            else:
                _finish(upload, UploadState.CHECKED, upload.report)  # nothing was changed: the button is there again
        else:
            _finish(upload, UploadState.CHECKED if dry_run else UploadState.IMPORTED, _facts(done))


def _refused(why: str) -> dict:
    """The report of a file that was refused as a whole."""
    return {"problem_count": 1, "refused_rows": 1, "problems": [[1, "", why]]}


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
def _at_work_on(upload: StatementUpload):
    """Gives a function that writes progress, over a connection of its own: an import shows nothing before its end.

    That connection also holds a lock, which is free as soon as this process is gone, whatever became of it.
    """
    aside = connections.create_connection(DEFAULT_DB_ALIAS)

    def progress(stage: str, done: int, total: int) -> None:
        with aside.cursor() as cursor:
            cursor.execute(
                "UPDATE billing_statementupload SET stage = %s, done = %s, total = %s WHERE id = %s",
                [stage, done, total, str(upload.pk)],
            )

    try:
        with aside.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s, hashtext(%s))", [WORK_ON_UPLOAD, str(upload.pk)])
        yield progress
    finally:
        aside.close()
