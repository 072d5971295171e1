"""The site as it is with real cards, beside a stand-in for the card processor; and the whole of it as real processes."""

import shutil
import tempfile
from pathlib import Path

import pytest
from django.db import connection

from billing import payments
from tests import factories
from tests.faults.running_site import RunningSite
from tests.faults.stand_in import SECRET, StandIn
from tests.faults.undertaker import undertaker

__all__ = ["undertaker"]


def pytest_collection_modifyitems(items):
    for item in items:
        if "running_site" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.own_server)


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


@pytest.fixture(scope="session")
def running_site(django_db_setup, django_db_blocker):
    """One site for all tests that want processes; they leave it whole."""
    folder = Path(tempfile.mkdtemp(prefix="site-"))
    site = RunningSite(folder)
    with django_db_blocker.unblock():
        assert connection.settings_dict["NAME"].startswith("test_")
        try:
            site.start(small_practice)
            yield site
        finally:
            site.stop()
            shutil.rmtree(folder)


def small_practice():
    factories.IdentityFactory()
    factories.LocationFactory()
    factories.ArticleFactory(topic=factories.TopicFactory(slug="mri"))
    factories.OpeningFactory(slug="radiologist")
    for _number in range(60):
        factories.StatementFactory(owes=10_000)


@pytest.fixture
def site(db, running_site):
    """Whole at the beginning, and whole again at the end."""
    yield running_site
    running_site.server.ensure_running()
