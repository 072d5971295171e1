"""The journeys without a mouse: Tab, Enter, Space and letters. Wherever one is, one sees it."""

import re
import time
from pathlib import Path

import pytest
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from playwright.sync_api import expect

from careers.models import Application
from practice.accounts import roles
from practice.models import Feedback
from practice.resources.audiences import Audience
from practice.resources.demo_pdf import one_page
from tests import factories
from tests.browser.test_journeys import practice  # noqa: F401  (a fixture)
from tests.browser.visitor import DESKTOP, LOOK

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("practice")]

MOST_STOPS = 60


class Keyboard:
    def __init__(self, page):
        self.page = page
        page.context.add_init_script(LOOK)
        page.reload()

    def press(self, key):
        self.page.keyboard.press(key)

    def type(self, text):
        self.page.keyboard.type(text)

    def stop(self):
        """What is in focus now, which has to be in sight."""
        focus = self.page.evaluate("look.focus()")
        assert (focus["name"], focus["hidden"]) == (focus["name"], [])
        return focus["name"]

    def to(self, name):
        """Tab on to what is called so. It comes after where one is: nobody has to go round."""
        passed = []
        for _stop in range(MOST_STOPS):
            self.press("Tab")
            passed.append(self.stop())
            if passed[-1].startswith(name):
                return
            if passed[-1] == "":
                break
        pytest.fail(f"{name} is not among {passed}")

    def arrives(self, heading):
        expect(self.page.get_by_role("heading", level=1)).to_have_text(re.compile(heading))
        self.page.wait_for_load_state()


@pytest.mark.parametrize("screen", [{"width": 390, "height": 844}, DESKTOP])
def test_reader_looks_words_up_and_searches_and_writes_to_us(open_page, screen):
    factories.make_term("marrow", en="Marrow")
    article = factories.ArticleFactory(title="Bone scan", sections={"basic facts": "It shows the marrow. It is short."})
    hands = Keyboard(page := open_page("/", viewport=screen))

    hands.press("Tab")
    assert hands.stop() == "Skip to the main text"
    hands.press("Enter")
    hands.to("Patient Information")
    hands.press("Enter")
    hands.arrives("Patient Information")
    hands.to("Bone scan")
    hands.press("Enter")
    hands.arrives("Bone scan")

    hands.to("marrow")
    hands.press("Enter")
    meaning = page.locator("#w-marrow")
    expect(meaning).to_be_visible()
    hands.to("Close")
    hands.press("Space")
    expect(meaning).to_be_hidden()
    assert hands.stop() == "marrow"  # back where one was
    hands.to("Word to look up")
    hands.type("marrow")
    with page.context.expect_page() as opened:
        hands.press("Enter")
    expect(opened.value.get_by_role("link", name="Marrow", exact=True)).to_be_visible()
    opened.value.close()  # a page behind another is drawn once a second

    page.goto(article.get_absolute_url())
    hands.to("Search")
    hands.press("Enter")
    hands.arrives("Search")
    hands.to("What are you looking for?")
    hands.type("bone")
    hands.press("Enter")
    page.wait_for_url("**/search/?q=bone")
    hands.to("Bone scan")
    hands.to("Feedback")
    hands.press("Enter")
    hands.arrives("Tell us")

    hands.to("Send")
    hands.press("Enter")
    expect(page.get_by_role("alert")).to_be_focused()
    hands.to("Choose what it is about.")
    hands.to("Write your message.")
    hands.press("Enter")
    expect(page.get_by_label("Your message")).to_be_focused()
    hands.type("Kind people.")
    hands.press("Shift+Tab")
    hands.press("Space")
    hands.to("Send")
    hands.press("Enter")
    hands.arrives("Thank you")
    assert Feedback.objects.get().message == "Kind people."


def test_guest_pays_a_bill(open_page):
    statement = factories.StatementFactory(owes=10_000)
    hands = Keyboard(page := open_page("/pay/"))

    hands.to("Find my bill")
    hands.press("Enter")
    expect(page.get_by_role("alert")).to_be_focused()
    hands.to("Enter the statement code from your bill.")
    hands.press("Enter")
    assert hands.stop() == "Statement code"
    hands.type(statement.code)
    hands.to("Patient’s date of birth")
    hands.type("6/15/1950")
    hands.press("Enter")
    page.wait_for_url(re.compile("/pay/statement/"))
    hands.to("All of it")
    hands.press("Space")
    hands.to("Pay by card")
    hands.press("Enter")
    hands.arrives("Pay by card")
    hands.to("Pay $100.00")
    hands.press("Space")
    hands.arrives("Thank you. Your payment arrived.")
    hands.to("Download the receipt")
    with page.expect_download() as download:
        hands.press("Enter")
    assert Path(download.value.path()).read_bytes().startswith(b"%PDF-")


def test_recruit_applies(open_page, tmp_path):
    factories.OpeningFactory(title="Test radiologist")
    cv = tmp_path / "cv.pdf"
    cv.write_bytes(one_page("A CV", ["Ten years of careful work."]))
    hands = Keyboard(page := open_page("/careers/"))

    hands.to("Test radiologist")
    hands.press("Enter")
    hands.arrives("Test radiologist")
    hands.to("Apply for this opening")
    hands.press("Enter")
    hands.arrives("Apply")
    hands.to("Your name")
    hands.type("Renata Ficticia")
    hands.to("Send my application")
    hands.press("Enter")
    expect(page.get_by_role("alert")).to_be_focused()
    hands.to("Your e-mail address")
    hands.type("renata@example.com")
    hands.to("Your CV")
    page.get_by_label("Your CV").set_input_files(cv)  # the system's own window, which has no page
    hands.to("Send my application")
    hands.press("Space")
    hands.arrives("Your application has arrived")
    assert Application.objects.get().email == "renata@example.com"


def test_member_signs_in_with_a_second_factor_and_downloads(open_page):
    secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
    user = factories.UserFactory(email="staff@example.com", is_staff=True, roles=[roles.BILLING])
    TOTP.activate(user, secret)
    factories.DocumentFactory(title="Test protocol", audience=Audience.STAFF)
    hands = Keyboard(page := open_page("/resources/"))

    hands.to("Email")
    hands.type("staff@example.com")
    hands.to("Password")
    hands.type("a wrong password")
    hands.press("Enter")
    expect(page.get_by_role("alert")).to_be_focused()
    hands.to("Password")
    hands.type("a long test password")
    hands.to("Log In")
    hands.press("Enter")
    hands.arrives("Two-Factor")
    hands.to("Code")
    hands.type(format_hotp_value(hotp_value(secret, int(time.time()) // 30)))
    hands.press("Enter")
    hands.arrives("Practice Resources")
    hands.to("Test protocol")
    hands.press("Enter")
    hands.arrives("Test protocol")
    hands.to("Download")
    with page.expect_download() as download:
        hands.press("Enter")
    assert Path(download.value.path()).read_bytes().startswith(b"%PDF-")
