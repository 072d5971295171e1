"""A passkey is made and opens the office, with the authenticator that Chromium imitates."""

import pytest
from allauth.mfa.models import Authenticator
from playwright.sync_api import expect

from practice.accounts import roles
from tests import factories
from tests.browser.test_journeys import practice  # noqa: F401  (a fixture)
from tests.signing_in import sign_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("practice")]

PASSKEY = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def test_passkey_is_added_and_signs_in_without_a_password(open_page, client, live_server):
    user = factories.UserFactory(roles=[roles.EDITOR], is_staff=True)
    page = open_page("/")
    device = page.context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    device.send("WebAuthn.addVirtualAuthenticator", {"options": PASSKEY})
    sign_in(client, user)
    page.context.add_cookies([{"name": "session", "value": client.cookies["session"].value, "url": live_server.url}])

    page.goto("/accounts/2fa/webauthn/add/")
    page.get_by_label("Name").fill("My phone")
    page.get_by_label("Passwordless").check()
    page.get_by_role("button", name="Add").click()
    page.wait_for_url("**/accounts/2fa/**")
    expect(page.get_by_role("main")).to_contain_text("recovery codes", ignore_case=True)
    assert Authenticator.objects.filter(user=user, type="webauthn").count() == 1

    page.context.clear_cookies()
    page.goto("/accounts/login/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url("**/admin/")
    expect(page.get_by_role("heading", level=1)).to_have_text("What would you like to do?")


def test_without_javascript_no_passkey_is_offered(open_page):
    page = open_page("/accounts/login/", java_script_enabled=False)

    expect(page.get_by_role("button", name="Log In")).to_be_visible()
    expect(page.get_by_text("Sign in with a passkey")).to_be_hidden()
