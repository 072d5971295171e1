"""The QR link of a statement: what leads to its page, what the print house gets, and how it is taken back."""

from collections.abc import Iterator

import segno
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import translation

from billing.codes import link_index, link_token, printed
from billing.models import Statement
from practice.spreadsheets import csv_line

CODES_HEADER = ("statement_number", "code", "link")


def link_of(statement: Statement) -> str:
    """The address in the statement's QR code; empty when the link was revoked."""
    if statement.link_index is None:
        return ""
    with translation.override("en"):
        path = reverse("billing:link", args=[link_token(statement.number, statement.link_version)])
    return settings.PUBLIC_ORIGIN + path


@transaction.atomic
def revoke_link(statement: Statement) -> None:
    """The paper's QR code leads nowhere from now on. The printed code goes on working."""
    Statement.objects.filter(pk=statement.pk).update(link_index=None)


@transaction.atomic
def renew_link(statement: Statement) -> None:
    """A new link for a new paper; the old one leads nowhere."""
    statement = Statement.objects.select_for_update(no_key=True).get(pk=statement.pk)
    statement.link_version += 1
    statement.link_index = link_index(link_token(statement.number, statement.link_version))
    statement.save(update_fields=["link_version", "link_index"])


def qr_svg(statement: Statement) -> str:
    """The QR code as inline SVG, or empty when there is no link."""
    link = link_of(statement)
    return segno.make_qr(link, error="m").svg_inline(scale=4, border=2) if link else ""


def codes_file(statements: QuerySet[Statement]) -> Iterator[str]:
    """CSV lines for the print house: number, code and link of each statement."""
    yield csv_line(CODES_HEADER)
    for statement in statements.order_by("number").iterator(chunk_size=2000):
        yield csv_line([statement.number, printed(statement.code), link_of(statement)])
