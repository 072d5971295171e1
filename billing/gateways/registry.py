"""Finds the processor that the settings, or a stored attempt, name."""

from django.core.exceptions import ImproperlyConfigured

from billing.gateways.interface import Gateway
from billing.gateways.sandbox.processor import SandboxGateway

GATEWAYS: dict[str, type] = {"sandbox": SandboxGateway}


def get_gateway(code: str) -> Gateway:
    """Raises ImproperlyConfigured for a code nobody answers to; an empty one means that paying online is off."""
    if code not in GATEWAYS:
        raise ImproperlyConfigured(f"PAYMENT_GATEWAY names {code or 'no processor'}; known: {', '.join(GATEWAYS)}.")
    return GATEWAYS[code]()
