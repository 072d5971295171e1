"""Finds a guest's statement by its printed code and the patient's date of birth.

Every miss gets the same answer, for the same work. The limits are counted before anything is looked up.
"""

import hmac
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from billing.codes import INDEX_CONTEXT, normalise
from billing.models import Statement
from practice.encryption import blind_index
from practice.throttles import Limit, count_try, forget, subnet

PER_ADDRESS = Limit("lookup.address", 10, timedelta(minutes=10))
PER_SUBNET = Limit("lookup.subnet", 60, timedelta(hours=1))
PER_STATEMENT = Limit("lookup.statement", 30, timedelta(hours=1))
PER_STATEMENT_AND_SUBNET = Limit("lookup.statement.subnet", 5, timedelta(hours=1))
OVERALL = Limit("lookup.overall", 3000, timedelta(hours=1))


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
    code = normalise(typed_code)
    index = blind_index(code or "", INDEX_CONTEXT)
    near = subnet(address)
    within = [
        count_try(PER_ADDRESS, address),
        count_try(PER_SUBNET, near),
        count_try(OVERALL, ""),
    ]
    if not all(within):
        return Miss.TOO_OFTEN
    on_statement = [
        count_try(PER_STATEMENT, index),
        count_try(PER_STATEMENT_AND_SUBNET, f"{index} {near}"),
    ]
    statement = Statement.objects.valid().select_related("patient").filter(code_index=index).first()
    known = statement.patient.born_on if statement else date(1900, 1, 1)
    same = hmac.compare_digest(known.isoformat(), born_on.isoformat())
    if statement is None or not same or not all(on_statement):
        return Miss.NOT_FOUND
    forget(PER_STATEMENT, index)
    forget(PER_STATEMENT_AND_SUBNET, f"{index} {near}")
    forget(PER_ADDRESS, address)
    return Found(statement)
