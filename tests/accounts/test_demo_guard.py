import pytest
from django.core.checks import run_checks
from django.db import OperationalError

from practice.accounts import demo, demo_guard
from tests.factories import UserFactory


@pytest.fixture
def no_demo(settings):
    settings.DEMO = False


@pytest.mark.parametrize("path", ["/", "/admin/", "/accounts/login/", "/healthz"])
def test_demo_database_is_not_served_with_other_settings(client, identity, no_demo, path):
    demo.load()
    response = client.get(path)
    assert (response.status_code, response.text) == (503, demo_guard.REFUSAL)


def test_demo_serves_itself(client, identity):
    demo.load()
    assert client.get("/").status_code == 200


def test_own_database_is_served(client, identity, no_demo):
    UserFactory(email="ann@example.com")
    assert client.get("/").status_code == 200


def test_demo_logins_that_were_deactivated_are_in_nobodys_way(client, identity, no_demo):
    demo.load()
    demo_guard.User.objects.update(is_active=False)
    assert client.get("/").status_code == 200


def test_it_is_asked_once(client, identity, no_demo, monkeypatch):
    asked = []
    monkeypatch.setattr(demo_guard, "holds_demo_logins", lambda: asked.append(1))
    for _time in range(3):
        client.get("/healthz")
    assert len(asked) == 1


def test_database_that_is_gone_is_asked_again_later(client, identity, no_demo, monkeypatch):
    def gone():
        raise OperationalError

    monkeypatch.setattr(demo_guard, "holds_demo_logins", gone)
    assert client.get("/healthz").status_code == 200


def test_deploy_check_says_so(db, no_demo):
    def found():
        checks = run_checks(tags=["database"], include_deployment_checks=True, databases=["default"])
        return [message.id for message in checks if message.id == "accounts.E001"]

    assert found() == []
    demo.load()
    assert found() == ["accounts.E001"]
