"""Finds the processor that the settings, or a stored attempt, name."""

from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from billing.gateways.interface import Gateway

GATEWAYS = {
    "sandbox": "billing.gateways.sandbox.processor.SandboxGateway",
    "stripe": "billing.gateways.stripe.StripeGateway",  # imported when used: the client is large
}


def get_gateway(code: str) -> Gateway:
    """Raises ImproperlyConfigured for a code nobody answers to; an empty one means that paying online is off."""
    if code not in GATEWAYS:
        raise ImproperlyConfigured(f"BILLING_GATEWAY names {code or 'no processor'}; known: {', '.join(GATEWAYS)}.")
    return import_string(GATEWAYS[code])()
