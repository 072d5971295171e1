"""A clerk and a bill of $100, for tests that need no more of them."""

import pytest

from tests import factories


@pytest.fixture
def clerk(db):
    return factories.UserFactory()


@pytest.fixture
def statement(db):
    return factories.StatementFactory(owes=10_000)
