import json
import logging
import time
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection
from django.utils import timezone

from careers import drafts, files, retention, review
from careers.models import Application, Certificate
from practice.one_at_a_time import alone
from practice.private_files import delete_unfinished

ONE_PURGE = 6_211_002  # the number of the advisory lock

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = (
        "Delete applications whose time is over, with their files, and unfinished ones nobody came back to; each run "
        "that deletes leaves a certificate. Run it each night."
    )

    def add_arguments(self, parser):
        parser.add_argument("--dry-run", action="store_true", help="only say what would be deleted")
        parser.add_argument(
            "--certificate", type=Path, metavar="FILE", help="also write the certificate there, as JSON"
        )
        parser.add_argument(
            "--every", type=int, metavar="SECONDS", help="go on for ever, instead of a timer that starts it"
        )

    def handle(self, *args, dry_run, certificate, every, **options):
        broken = retention.first_broken()
        if broken is not None:
            raise CommandError(f"{broken} does not say what it said when it was made. Nothing was deleted.")
        if dry_run:
            self._tell(timezone.now())
            return
        if certificate is not None and certificate.exists():
            raise CommandError(f"{certificate} is there already. Nothing was deleted.")
        if not every:
            self._purge(certificate)
            return
        while True:
            try:
                self._purge(None)
            except (DatabaseError, OSError):
                logger.exception("The purge could not be finished; it is tried again")
            connection.close()
            time.sleep(every)

    def _tell(self, at: datetime):
        due = retention.due_for_deletion(at)
        for application in due:
            self.stdout.write(
                f"{application}: decided on {timezone.localdate(application.decided_at)}, {application.status}"
            )
        held = Application.objects.held().count()
        loose = files.left_loose(at).count()
        self.stdout.write(
            f"To delete: {len(due)} applications kept {settings.APPLICATIONS_KEPT_DAYS} days after their decision, "
            f"{drafts.old_drafts(at).count()} unfinished ones, {loose} loose files. On legal hold: {held}. "
            "Nothing was deleted."
        )

    def _purge(self, path: Path | None):
        with alone(ONE_PURGE) as is_ours:
            if is_ours:
                self._purge_alone(path)
            else:
                self.stdout.write("Another purge is at work; nothing was deleted.")

    def _purge_alone(self, path: Path | None):
        missed = review.decline_missed()
        if missed:
            self.stderr.write(f"Rejections that were scheduled and had not been sent: {missed}. They are on their way.")
        loose = files.sweep_loose() + delete_unfinished(timedelta(hours=1))
        unfinished = drafts.delete_old_drafts()
        certificate = retention.purge()
        count = len(certificate.deleted) if certificate else 0
        said = f"Deleted: {count} applications, {unfinished} unfinished ones, {loose} loose files."
        self.stdout.write(f"{said} {certificate} says which." if certificate else said)
        if certificate is not None and path is not None:
            path.write_text(json.dumps(as_json(certificate), indent=1) + "\n")
        for name in files.stray_files():
            self.stderr.write(f"{name} belongs to no application. It was not deleted: look where it comes from.")


def as_json(certificate: Certificate) -> dict:
    return {
        "certificate": certificate.pk,
        "kind": certificate.kind,
        "made_at": certificate.made_at.isoformat(),
        "deleted": certificate.deleted,
        "previous": certificate.previous,
        "digest": certificate.digest,
    }
