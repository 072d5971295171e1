"""Whoever ends a visit leaves nothing in the browser: no cookie, nothing stored, and no page to go back to."""

import time

import pytest
from django.test import Client
from playwright.sync_api import expect

from practice.accounts import roles
from tests import factories
from tests.signing_in import sign_in

pytestmark = pytest.mark.django_db(transaction=True)
STORE = "() => { localStorage.setItem('left', 'behind'); sessionStorage.setItem('left', 'behind'); }"
STORED = "() => [localStorage.length, sessionStorage.length]"


@pytest.fixture
def signed_in(identity, open_page, settings):
    """A function that opens a private page for somebody who signed in so many hours ago."""

    user = factories.UserFactory(name="Ann Testa", roles=[roles.PHYSICIAN])

    def open_private(path, hours_ago=0):
        client = sign_in(Client(), user, at=time.time() - hours_ago * 3600)
        page = open_page("/")
        page.context.add_cookies([{"name": "session", "value": client.cookies["session"].value, "url": page.url}])
        page.goto(path)
        return page

    return open_private


def left_behind(page):
    """What the browser still has of the site, but for the token of a form on the page that is open."""
    kept = [cookie["name"] for cookie in page.context.cookies() if cookie["name"] != "csrf"]
    return kept, page.evaluate(STORED)


def answers(page):
    """The answers from now on."""
    given = []
    page.on("response", lambda response: given.append(response))  # noqa: PLW0108  (playwright looks into what it is given)
    return given


def first_of(given):
    """(method, status, what the browser is told to forget) of the first answer."""
    return given[0].request.method, given[0].status, given[0].all_headers().get("clear-site-data")


FORGET = '"cache", "cookies", "storage"'


def test_signing_out_leaves_nothing_and_back_shows_nothing(signed_in):
    page = signed_in("/resources/")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    page.evaluate(STORE)
    given = answers(page)

    page.get_by_role("button", name="Sign out").click()

    page.wait_for_url("**/")
    assert first_of(given) == ("POST", 302, FORGET)
    assert left_behind(page) == ([], [0, 0])
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("Log In")
    assert page.get_by_role("button", name="Sign out").count() == 0


def test_session_that_is_too_old_leaves_nothing_either(signed_in):
    page = signed_in("/resources/", hours_ago=7.99)
    page.evaluate(STORE)
    page.context.clear_cookies()

    page = signed_in("/resources/contacts/", hours_ago=8.1)

    expect(page.get_by_role("heading", level=1)).to_have_text("Log In")
    assert page.url.endswith("?next=%2Fresources%2Fcontacts%2F")
    assert left_behind(page) == ([], [0, 0])


def test_leaving_a_bill_leaves_nothing_and_back_shows_nothing(identity, open_page):
    statement = factories.StatementFactory(owes=12_300)
    page = open_page("/pay/")
    page.get_by_label("Statement code").fill(statement.code)
    page.get_by_label("Patient’s date of birth").fill("6/15/1950")
    page.get_by_role("button", name="Find my bill").click()
    expect(page.locator(".amount-due")).to_have_text("$123.00")
    page.evaluate(STORE)
    given = answers(page)

    page.locator("form[action$='/pay/leave/'] button").click()

    expect(page.get_by_role("button", name="Find my bill")).to_be_visible()
    assert first_of(given) == ("POST", 302, FORGET)
    assert left_behind(page) == ([], [0, 0])
    page.go_back()
    expect(page.get_by_role("button", name="Find my bill")).to_be_visible()
    assert "$123.00" not in page.content()


def test_form_on_the_page_after_still_works(identity, open_page):
    statement = factories.StatementFactory(owes=12_300)
    page = open_page("/pay/")
    for _visit in range(2):
        page.get_by_label("Statement code").fill(statement.code)
        page.get_by_label("Patient’s date of birth").fill("6/15/1950")
        page.get_by_role("button", name="Find my bill").click()
        expect(page.locator(".amount-due")).to_have_text("$123.00")
        page.locator("form[action$='/pay/leave/'] button").click()
        expect(page.get_by_role("button", name="Find my bill")).to_be_visible()


def test_form_works_for_somebody_whose_session_is_over(identity, open_page):
    statement = factories.StatementFactory(owes=12_300)
    page = open_page("/")
    page.context.add_cookies([{"name": "session", "value": "a" * 32, "url": page.url}])

    page.goto("/pay/")
    page.get_by_label("Statement code").fill(statement.code)
    page.get_by_label("Patient’s date of birth").fill("6/15/1950")
    page.get_by_role("button", name="Find my bill").click()

    expect(page.locator(".amount-due")).to_have_text("$123.00")
