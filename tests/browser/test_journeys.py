"""The journeys people make, in a real browser, on a phone-sized screen, without JavaScript where it says so."""

import re
from pathlib import Path

import pytest
from django.conf import settings as project_settings
from playwright.sync_api import expect

from billing.models import Attempt
from careers.models import Application
from education.packs.loading import import_pack
from practice.accounts import roles
from practice.resources.audiences import Audience
from practice.resources.demo_pdf import one_page
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)
SAMPLE_PACK = project_settings.BASE_DIR / "education/packs/sample"


@pytest.fixture
def practice(db):
    """The identity; a test that commits has emptied the tables before."""
    return factories.IdentityFactory()


def fits(page):
    """Nothing sticks out sideways."""
    return page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_home_leads_with_the_announcement_and_the_doors(practice, open_page):
    factories.AnnouncementFactory(title="Please welcome Dr. Test", is_pinned=True)

    page = open_page("/")

    expect(page.get_by_role("heading", level=1)).to_have_text("Please welcome Dr. Test")
    doors = page.get_by_role("navigation", name="Start here").get_by_role("link")
    assert [door.inner_text().split("\n")[0] for door in doors.all()] == [
        "Patient Information",
        "Pay Your Bill",
        "Join Our Practice",
        "Practice Resources",
    ]
    page.get_by_text("Menu", exact=True).click()
    menu = page.get_by_role("navigation", name="Site").get_by_role("link")
    assert [link.inner_text() for link in menu.all()] == [
        "Practice Resources",
        "Log In",
        "Giving Back",
        "Pay Your Bill",
        "Join Our Practice",
        "Patient Information",
    ]
    assert fits(page)


def test_reader_finds_vertebroplasty_in_spanish_and_looks_a_word_up(practice, open_page):
    import_pack(SAMPLE_PACK)

    page = open_page("/patient-information/", java_script_enabled=False)
    page.get_by_role("link", name="Vertebroplasty", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Vertebroplasty")
    page.get_by_role("link", name="Español").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Vertebroplastia")
    assert page.url.endswith("/es/patient-information/vertebroplasty/")

    page.get_by_label("Palabra que desea buscar").fill("VÉRTEBRA")
    with page.context.expect_page() as opened:
        page.get_by_role("button", name="Buscar").click()
    result = opened.value
    expect(result.get_by_role("link", name="Vértebra", exact=True)).to_be_visible()


@pytest.mark.parametrize("javascript", [True, False])
def test_guest_pays_part_of_a_bill(practice, open_page, javascript):
    statement = factories.StatementFactory(owes=10_000)

    page = open_page("/", java_script_enabled=javascript)
    page.get_by_role("navigation", name="Start here").get_by_role("link", name="Pay Your Bill").click()
    page.get_by_role("button", name="Find my bill").click()
    expect(page).to_have_title(re.compile("^Error: "))
    expect(page.get_by_role("alert")).to_be_focused()
    page.get_by_role("link", name="Enter the statement code from your bill.").click()
    expect(page.get_by_label("Statement code")).to_be_focused()
    page.get_by_label("Statement code").fill(statement.code.lower())
    page.get_by_label("Patient’s date of birth").fill("6/15/1950")
    page.get_by_role("button", name="Find my bill").click()

    expect(page.locator(".amount-due")).to_have_text("$100.00")
    assert fits(page)
    page.get_by_label("Part of it", exact=True).check()
    page.get_by_label("If part of it, how much?").fill("40")
    page.get_by_label("E-mail for the receipt").fill("payer@example.com")
    page.get_by_role("button", name="Show what I will owe").click()
    expect(page.get_by_role("row", name="You will owe")).to_contain_text("$60.00")
    expect(page.get_by_label("What this payment does")).to_be_focused()
    assert fits(page)
    page.get_by_role("button", name="Pay $40.00 by card", exact=True).click()
    expect(page.locator(".amount-due")).to_have_text("$40.00")
    page.get_by_role("button", name="Pay $40.00").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you. Your payment arrived.")
    expect(page.get_by_role("row", name="You owe now")).to_contain_text("$60.00")
    page.reload()
    expect(page.get_by_role("row", name="You owe now")).to_contain_text("$60.00")
    assert fits(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the receipt (PDF)").click()
    assert Path(download.value.path()).read_bytes().startswith(b"%PDF-")
    statement.refresh_from_db()
    assert (statement.balance_cents, Attempt.objects.get().receipt_to) == (6_000, "payer@example.com")

    page.get_by_role("link", name="Back to the bill").click()
    page.get_by_role("link", name="Ask about this charge").click()
    page.get_by_role("button", name="Send to the billing office").click()
    expect(page.get_by_label("Your message")).to_be_visible()
    page.get_by_label("Your message").fill("Why is it so much?")
    page.get_by_role("button", name="Send to the billing office").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your messages")
    expect(page.get_by_text("Why is it so much?")).to_be_visible()
    assert fits(page)
    page.get_by_role("link", name="Back to the bill").click()
    expect(page.get_by_text("On hold: you have asked about this bill.")).to_be_visible()


def test_recruit_applies_without_javascript(practice, open_page, tmp_path):
    factories.OpeningFactory(title="Test radiologist")
    cv = Path(tmp_path / "cv.pdf")
    cv.write_bytes(one_page("A CV", ["Ten years of careful work."]))
    letter = Path(tmp_path / "letter.pdf")
    letter.write_bytes(one_page("A letter", ["Dear all."]))

    page = open_page("/careers/", java_script_enabled=False)
    page.get_by_role("link", name="Test radiologist").click()
    page.get_by_role("link", name="Apply for this opening").first.click()
    page.get_by_label("Your name").fill("Renata Ficticia")
    page.get_by_label("Your CV").set_input_files(cv)
    page.get_by_label("Other files").set_input_files([letter, letter])
    page.get_by_role("button", name="Send my application").click()
    expect(page.get_by_label("Your name")).to_have_value("Renata Ficticia")
    expect(page.get_by_label("Do not send cv.pdf")).to_be_visible()  # kept, though the e-mail address is missing
    page.get_by_label("Your e-mail address").fill("renata@example.com")
    assert fits(page)

    page.get_by_role("button", name="Save and finish later").click()
    expect(page.get_by_text("Keep the address of this page")).to_be_visible()
    link = page.url
    page = open_page(link, java_script_enabled=False)  # on another day
    page.get_by_label("Do not send letter.pdf").first.check()
    page.get_by_role("button", name="Send my application").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Your application has arrived")
    expect(page.get_by_text("Received", exact=True).first).to_be_visible()
    assert fits(page)
    application = Application.objects.get()
    assert (application.email, [file.name for file in application.files.all()]) == (
        "renata@example.com",
        ["cv.pdf", "letter.pdf"],
    )
    page.get_by_role("link", name="Two voluntary questions").click()
    page.get_by_label("Female").check()
    page.get_by_label("Two or more races").check()
    page.get_by_role("button", name="Send my answers").click()
    expect(page.get_by_text("Your answer is kept apart from your application.")).to_be_visible()
    page.get_by_role("link", name="Withdraw my application").click()
    page.get_by_role("button", name="Yes, withdraw my application").click()
    expect(page.get_by_text("You have withdrawn your application.")).to_be_visible()


def test_staff_member_signs_in_and_downloads(practice, open_page):
    factories.UserFactory(email="staff@example.com", password="a long test password", roles=[roles.BILLING])
    factories.DocumentFactory(title="Test protocol", audience=Audience.STAFF)
    factories.DocumentFactory(title="For physicians only", audience=Audience.PHYSICIANS)

    page = open_page("/resources/")
    page.get_by_label("Email").fill("staff@example.com")
    page.get_by_label("Password").fill("a long test password")
    page.get_by_role("button", name="Log In").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Practice Resources")
    expect(page.get_by_text("For physicians only")).to_have_count(0)
    page.get_by_role("region", name="New since").get_by_role("link", name="Test protocol").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert Path(download.value.path()).read_bytes().startswith(b"%PDF-")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_reflow_at_320_pixels(practice, open_page, scheme):
    factories.AnnouncementFactory()
    article = factories.ArticleFactory(topic__sample_charge_cents=64_000)
    factories.ArticleFactory(topic=article.topic, language="es")
    article.topic.locations.add(factories.LocationFactory())
    factories.OpeningFactory()

    page = open_page("/", viewport={"width": 320, "height": 640}, color_scheme=scheme)
    wide = []
    for path in (
        "/",
        article.get_absolute_url(),
        "/pay/",
        "/pay/verify/",
        "/pay/estimate/",
        "/careers/",
        article.get_absolute_url() + "both-languages/",
        "/patient-information/",
        "/prep-sheets/",
        "/sheet/",
        f"/sheet/{factories.live(article).code}/",
        "/search/?q=article",
        "/glossary/",
        "/feedback/",
        "/accounts/login/",
    ):
        page.goto(path)
        if not fits(page):
            wide.append(path)

    assert wide == []
