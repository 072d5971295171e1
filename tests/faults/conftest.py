"""The site as it is with real cards, beside a stand-in for the card processor."""

import pytest

from billing import payments
from tests.faults.stand_in import SECRET, StandIn
from tests.faults.undertaker import undertaker

__all__ = ["undertaker"]


@pytest.fixture
def stripe(settings, monkeypatch):
    """Stripe's stand-in, and settings that lead to it; nobody waits long for another tab."""
    monkeypatch.setattr(payments, "OTHER_TAB_SECONDS", 0.01)
    with StandIn() as stand_in:
        settings.BILLING_GATEWAY = "stripe"
        settings.STRIPE_API_KEY = "sk_test_stand_in"
        settings.STRIPE_API_BASE = stand_in.origin
        settings.STRIPE_WEBHOOK_SECRETS = [SECRET]
        yield stand_in
