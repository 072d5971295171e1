"""Finds a guest's statement by its printed code, or the link in its QR code, and the patient's date of birth.

Every miss gets the same answer, for the same work. The limits are counted before anything is looked up.
"""

import hmac
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from django.db.models import QuerySet

from billing.codes import code_index, link_index, normalise
from billing.models import Statement
from practice.encryption import decrypt, encrypt
from practice.throttles import Limit, count_try, forget_subject, subnet, uncount_try

PER_ADDRESS = Limit("lookup.address", 10, timedelta(minutes=10))
PER_SUBNET = Limit("lookup.subnet", 60, timedelta(hours=1))
PER_STATEMENT = Limit("lookup.statement", 30, timedelta(hours=1))
PER_STATEMENT_AND_SUBNET = Limit("lookup.statement.subnet", 5, timedelta(hours=1))
OVERALL = Limit("lookup.overall", 3000, timedelta(hours=1))

NOBODY = "lookup.nobody"  # what a miss decrypts, as a hit decrypts a date of birth


class Miss(StrEnum):
    NOT_FOUND = "not found"
    TOO_OFTEN = "too often"


@dataclass(frozen=True)
class Found:
    statement: Statement


def find_statement(typed_code: str, born_on: date, address: str) -> Found | Miss:
    """The statement with this code, if the date of birth is its patient's. `address` is where the visitor comes from.

    Too many tries from one place say so, since that tells nothing about any statement. Too many tries on one
    statement answer like every other miss.
    """
    index = code_index(normalise(typed_code) or "")
    return _find(index, {"code_index": index}, born_on, address)


def find_statement_by_link(token: str, born_on: date, address: str) -> Found | Miss:
    """The statement behind a QR code's link, under the same conditions."""
    index = link_index(token)
    return _find(index, {"link_index": index}, born_on, address)


def _find(index: str, wanted: dict[str, str], born_on: date, address: str) -> Found | Miss:
    near = subnet(address)
    # In this order: who is refused already does not count for the neighbours and for everybody.
    if not (count_try(PER_ADDRESS, address) and count_try(PER_SUBNET, near) and count_try(OVERALL, "")):
        return Miss.TOO_OFTEN
    statement = _valid().filter(**wanted).first()
    # The limits on a statement hold for its code and its link together.
    subject = statement.code_index if statement else index
    on_statement = [
        count_try(PER_STATEMENT, subject, subject=subject),
        count_try(PER_STATEMENT_AND_SUBNET, f"{subject} {near}", subject=subject),
    ]
    known = str(statement.patient.born_on) if statement else decrypt(_nobody(), NOBODY)
    same = hmac.compare_digest(known, born_on.isoformat())
    if statement is None or not same or not all(on_statement):
        return Miss.NOT_FOUND
    forget_subject(subject)
    # Only wrong tries count, and earlier ones stay counted: one's own bill does not buy more tries at others'.
    for limit, value in ((PER_ADDRESS, address), (PER_SUBNET, near), (OVERALL, "")):
        uncount_try(limit, value)
    return Found(statement)


def _valid() -> QuerySet[Statement]:
    """With what the look-up needs and no more: each encrypted column that is read costs time."""
    return Statement.objects.valid().select_related("patient").only("code_index", "patient__born_on")


def _nobody() -> str:
    return encrypt("1900-01-01", NOBODY)


def unlock(statement: Statement) -> None:
    """Let a patient who mistyped too often try again, from wherever."""
    forget_subject(statement.code_index)
