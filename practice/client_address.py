"""Where a visitor comes from, told by the proxies we trust and by nobody else."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest

UNKNOWN = "0.0.0.0"  # noqa: S104  (a placeholder that is counted with, never listened on)


def client_address(request: HttpRequest) -> str:
    """The visitor's IP address.

    With TRUSTED_PROXY_COUNT proxies in front, each has added an address to X-Forwarded-For, so the visitor's own is
    that many places from its end; what stands before it was written by the visitor and means nothing.
    """
    address = request.META.get("REMOTE_ADDR", "")
    count = settings.ALLAUTH_TRUSTED_PROXY_COUNT
    if count:
        forwarded = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")]
        if len(forwarded) >= count:
            address = forwarded[-count]
    try:
        parsed = ipaddress.ip_address(address)
        return str(getattr(parsed, "ipv4_mapped", None) or parsed)
    except ValueError:
        return UNKNOWN
