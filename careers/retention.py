"""How long applications are kept, what may not be deleted, and the proof of what was.

An application is kept for APPLICATIONS_KEPT_DAYS after its decision, then deleted with its files and all that was
written about it. Undecided ones stay: nobody is forgotten unanswered. A legal hold stops every deletion.
"""

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from careers.files import discard
from careers.models import (
    FINAL_STATUSES,
    Application,
    ApplicationFile,
    ApplicationStatus,
    Certificate,
    CertificateKind,
    LegalHold,
)
from careers.review import ReviewError, locked
from practice.one_at_a_time import wait_for_turn

CERTIFICATE_LOCK = 6_211_001  # one certificate at a time: each holds the digest of the one before


def delete_on(application: Application) -> date | None:
    """The first day on which it may be deleted; None while it is undecided or part of another."""
    if application.decided_at is None or application.status == ApplicationStatus.MERGED:
        return None
    return timezone.localdate(application.decided_at) + timedelta(days=settings.APPLICATIONS_KEPT_DAYS)


def due_for_deletion(at: datetime | None = None) -> QuerySet[Application]:
    """Those whose time is over, and that nobody holds; what was merged goes with what it became part of."""
    before = (at or timezone.now()) - timedelta(days=settings.APPLICATIONS_KEPT_DAYS)
    held = LegalHold.objects.active().values("application")
    return (
        Application.objects.filter(status__in=FINAL_STATUSES, decided_at__lt=before)
        .exclude(status=ApplicationStatus.MERGED)
        .exclude(Q(pk__in=held) | Q(merged__in=held))
        .order_by("pk")
    )


def purge(at: datetime | None = None) -> Certificate | None:
    """Delete what is due, and say so in a certificate; None where nothing is. See `erase` for how."""
    with transaction.atomic():
        locked_rows = list(due_for_deletion(at).select_for_update(of=("self",)))
        # What was put on hold while we waited for the locks stays.
        free = set(due_for_deletion(at).filter(pk__in=[row.pk for row in locked_rows]).values_list("pk", flat=True))
        due = [row for row in locked_rows if row.pk in free]
        if not due:
            return None
        certificate, files = _delete(due, CertificateKind.PURGE, by=None)
    discard(files)
    return certificate


def erase(application: Application, *, by) -> Certificate:
    """Delete an application because its writer asked for it. Raises ReviewError while it is undecided or on hold.

    The rows and the certificate go and come in one transaction, in which the files become loose; then the files are
    deleted. Killed in between, the next sweep deletes them.
    """
    with transaction.atomic():
        application = locked(application)
        list(application.merged.select_for_update())  # nobody puts a part on hold meanwhile
        if not application.is_decided:
            raise ReviewError(_("Decline the application first, so that the applicant has an answer."))
        if LegalHold.objects.active().filter(application__in=_parts(application)).exists():
            raise ReviewError(_("%(application)s is on legal hold.") % {"application": application})
        certificate, files = _delete([application], CertificateKind.ERASURE, by=by)
    discard(files)
    return certificate


def _parts(application: Application) -> list[int]:
    return [application.pk, *application.merged.values_list("pk", flat=True)]


def _delete(applications: Iterable[Application], kind: CertificateKind, *, by):
    """Delete the rows, make the certificate, and return it with the files, which are loose now."""
    lines, files = [], []
    for application in applications:
        parts = _parts(application)
        mine = list(ApplicationFile.objects.filter(application__in=parts))
        files += mine
        lines.append(
            {
                "application": application.pk,
                "with": sorted(parts[1:]),
                "opening": application.opening_id,
                "status": application.status,
                "received_on": timezone.localdate(application.received_at).isoformat(),
                "decided_on": timezone.localdate(application.decided_at).isoformat(),
                "files": sorted(file.sha256 for file in mine),
            }
        )
        ApplicationFile.objects.filter(pk__in=[file.pk for file in mine]).update(application=None)
        application.delete()
    return _certify(kind, lines, by), files


def _certify(kind: CertificateKind, lines: list[dict], by) -> Certificate:
    wait_for_turn(CERTIFICATE_LOCK)
    last = Certificate.objects.order_by("-pk").first()
    certificate = Certificate(
        kind=kind, made_by=by, made_at=timezone.now(), deleted=lines, previous=last.digest if last else ""
    )
    certificate.digest = digest_of(certificate)
    certificate.save()
    return certificate


def digest_of(certificate: Certificate) -> str:
    """SHA-256 of what the certificate says, with the digest of the one before."""
    said = {
        "kind": certificate.kind,
        "made_at": certificate.made_at.astimezone(UTC).isoformat(),
        "deleted": certificate.deleted,
        "previous": certificate.previous,
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def first_broken() -> Certificate | None:
    """The first certificate that says something else than when it was made, or lost the one before it; or None."""
    previous = ""
    for certificate in Certificate.objects.order_by("pk"):
        if certificate.previous != previous or certificate.digest != digest_of(certificate):
            return certificate
        previous = certificate.digest
    return None


@transaction.atomic
def hold(application: Application, reason: str, *, by) -> LegalHold:
    """Keep the application whatever its clock says. Raises ReviewError where it is held already."""
    application = locked(application)
    if application.is_held:
        raise ReviewError(_("%(application)s is on legal hold.") % {"application": application})
    return LegalHold.objects.create(application=application, reason=reason, placed_by=by)


@transaction.atomic
def release(application: Application, *, by) -> None:
    """End the hold: the clock counts again. Raises ReviewError where there is none."""
    application = locked(application)
    if not application.holds.active().update(released_at=timezone.now(), released_by=by):
        raise ReviewError(_("%(application)s is not on legal hold.") % {"application": application})


def ask_for_erasure(application: Application) -> None:
    """The applicant asks for it on their page; the office decides, because it must keep some for a time."""
    Application.objects.filter(pk=application.pk, erasure_asked_at=None).update(erasure_asked_at=timezone.now())


def keep_for_its_time(application: Application) -> None:
    """The office must keep it, though its writer asked to be erased; their page says until when."""
    Application.objects.filter(pk=application.pk).update(erasure_answered_at=timezone.now())
