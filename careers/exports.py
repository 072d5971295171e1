"""The applications for an opening, for people who work in a spreadsheet."""

from collections.abc import Iterator

from django.db.models import Avg, QuerySet
from django.utils import timezone

from careers.models import Application
from practice.spreadsheets import csv_line

HEADER = (
    "application", "name", "email", "phone", "language", "status", "received_on", "answer_by", "decided_on", "reason",
    "average_points", "scorecards",
)  # fmt: skip


def applications_file(applications: QuerySet[Application], user) -> Iterator[str]:
    """CSV lines. Who it is stands there only where this person may see it. Give `with_known_to(user)`."""
    yield csv_line(HEADER)
    rows = applications.select_related("opening").annotate(points=Avg("scorecards__scores__points")).order_by("pk")
    for row in rows.prefetch_related("scorecards").iterator(chunk_size=500):
        is_blind = row.is_blind_for(user)
        yield csv_line(
            [
                row.pk,
                *([""] * 4 if is_blind else [row.name, row.email, row.phone, row.language]),
                row.status,
                timezone.localdate(row.received_at).isoformat(),
                row.answer_by.isoformat() if row.answer_by else "",
                timezone.localdate(row.decided_at).isoformat() if row.decided_at else "",
                row.reason,
                "" if is_blind or row.points is None else f"{row.points:.2f}",
                "" if is_blind else len(row.scorecards.all()),
            ]
        )
