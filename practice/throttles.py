"""Limits on guessing, counted atomically in Postgres, so that they hold over all workers and restarts."""

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import F
from django.http import HttpRequest
from django.utils import timezone

from practice.client_address import client_address
from practice.encryption import blind_index
from practice.models import Throttle

COUNT_ONE = """
    INSERT INTO practice_throttle AS t (key, subject, count, window_ends_at)
    VALUES (%(key)s, %(subject)s, 1, %(ends_at)s)
    ON CONFLICT (key) DO UPDATE SET
        count = CASE WHEN t.window_ends_at <= %(at)s THEN 1 ELSE t.count + 1 END,
        window_ends_at = CASE WHEN t.window_ends_at <= %(at)s THEN %(ends_at)s ELSE t.window_ends_at END
    RETURNING count
"""


@dataclass(frozen=True)
class Limit:
    """At most `times` in `window` for each value of what `name` says."""

    name: str
    times: int
    window: timedelta

    def key(self, value: str) -> str:
        return blind_index(value, f"throttle.{self.name}")


FEEDBACK_PER_ADDRESS = Limit("feedback.address", 20, timedelta(hours=1))
SIGN_IN_AT_A_PLACE = Limit("sign in.person and place", 5, timedelta(minutes=5))
SECOND_FACTOR_AT_A_PLACE = Limit("second factor.person and place", 5, timedelta(minutes=5))
SIGN_INS_PER_PLACE = Limit("sign in.place", 30, timedelta(minutes=10))
# A job fair or a hospital may be one address; the files of a try are looked at one after another anyway.
APPLICATION_TRIES_PER_ADDRESS = Limit("applications.tries", 400, timedelta(hours=1))
APPLICATIONS_PER_ADDRESS = Limit("applications.address", 150, timedelta(hours=1))
DRAFTS_PER_PLACE = Limit("applications.drafts", 150, timedelta(hours=1))
DRAFTS_IN_ALL = Limit("applications.drafts in all", 500, timedelta(days=1))
DRAFT_LINKS_PER_RECIPIENT = Limit("applications.links", 3, timedelta(hours=1))
APPLICATIONS_IN_ALL = Limit("applications.all", 500, timedelta(days=1))  # the disk is not endless


def count_try(limit: Limit, value: str, at: datetime | None = None, *, subject: str = "") -> bool:
    """Count one try. Returns whether it is still within the limit. `subject` is a digest (see Throttle)."""
    at = at or timezone.now()
    facts: dict[str, str | datetime] = {
        "key": limit.key(value),
        "subject": subject,
        "at": at,
        "ends_at": at + limit.window,
    }
    with connection.cursor() as cursor:
        cursor.execute(COUNT_ONE, facts)
        (count,) = cursor.fetchone()
    return count <= limit.times


def count_try_from(request: HttpRequest, limit: Limit) -> bool:
    """Count one try of the host that asks. Returns whether it is still within the limit."""
    return count_try(limit, one_host(client_address(request)))


def uncount_try(limit: Limit, value: str) -> None:
    """Take back one try that turned out to be right: only wrong ones count."""
    Throttle.objects.filter(key=limit.key(value), count__gt=0).update(count=F("count") - 1)


def forget(limit: Limit, value: str) -> None:
    """Let this value start anew."""
    Throttle.objects.filter(key=limit.key(value)).delete()


def forget_subject(subject: str) -> int:
    """Let everything about this subject start anew: staff do so for a patient who mistyped too often."""
    return Throttle.objects.filter(subject=subject).delete()[0]


def forget_ended(at: datetime | None = None) -> int:
    """Delete the counts whose time is over; returns how many."""
    return Throttle.objects.filter(window_ends_at__lte=at or timezone.now()).delete()[0]


def one_host(address: str) -> str:
    """What a limit for an address counts: of IPv6 its /64, in which one host has as many addresses as it likes."""
    return subnet(address) if ":" in address else address


def subnet(address: str) -> str:
    """The neighbourhood an address is counted with: /24 of IPv4, /64 of IPv6."""
    parsed = ipaddress.ip_address(address)
    return str(ipaddress.ip_network((parsed, 24 if parsed.version == 4 else 64), strict=False))
