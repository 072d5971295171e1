"""Five things that an editor, a billing clerk and a recruiter do each day, in the office, without being told how.

Each begins on the office's first page and finds its way by the words on the screen alone. On a tablet.
"""

import re

import pytest
from django.contrib.auth.models import Permission
from django.core import mail
from django.db.models import Q
from playwright.sync_api import expect

from billing.models import Question, QuestionKind, QuestionState, Refund
from billing.questions import ask
from careers.models import Application, Opening, OpeningStatus
from education.models import Article, ArticleStatus
from practice.accounts import roles
from practice.announcements.models import Announcement
from practice.models import Feedback, Location
from practice.search.models import MissedSearch
from tests import factories
from tests.accounts.test_roles import expected
from tests.billing.books import pay
from tests.browser.test_journeys import fits, practice  # noqa: F401  (a fixture)
from tests.signing_in import sign_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("practice")]

TABLET = {"width": 820, "height": 1180}


@pytest.fixture
def office(open_page, live_server, client):
    """A function that opens the office for somebody with this role, on its first page."""

    def enter(role):
        user = factories.UserFactory(roles=[role], is_staff=True, name="Demo Person")
        codes = Q()
        for permission in expected(role):  # tests that commit empty the tables, also of what each role may do
            app, code = permission.split(".")
            codes |= Q(content_type__app_label=app, codename=code)
        user.groups.get().permissions.set(Permission.objects.filter(codes))
        page = open_page("/", viewport=TABLET)
        sign_in(client, user)
        page.context.add_cookies(
            [{"name": "session", "value": client.cookies["session"].value, "url": live_server.url}]
        )
        page.goto("/admin/")
        return page

    return enter


def go(page, *words):
    """From the first page of the office through these links."""
    page.goto("/admin/")
    for text in words:
        page.get_by_role("link", name=re.compile(text)).first.click()


def waits(page, words):
    """How many of these the first page says are waiting."""
    page.goto("/admin/")
    return page.locator(".queues a", has_text=words).locator("strong").inner_text()


def done(page, words):
    expect(page.locator(".messagelist")).to_contain_text(words)
    assert fits(page)


# ---- An editor ------------------------------------------------------------------------------------------------------


def test_editor(office, run_jobs):
    topic = factories.TopicFactory(slug="knee")
    location = factories.LocationFactory(name="River Campus")
    MissedSearch.objects.create(language="en", words="cat scan of the knee")
    feedback = factories.FeedbackFactory(team="website", email="june@example.com", message="Where do I park?")
    page = office(roles.EDITOR)

    # 1. Announce something, and look at it before anybody does.
    go(page, "Announce something")
    page.get_by_label("Title:", exact=True).press_sequentially("We open on Saturdays")
    page.get_by_label("Kind").select_option(label="Community")
    page.get_by_label("Summary", exact=False).first.fill("From March on, eight to noon.")
    page.get_by_role("button", name="Save and continue editing").click()
    done(page, "was added successfully")
    page.get_by_role("link", name="Preview").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("We open on Saturdays")
    page.get_by_role("link", name="Back to the office").click()
    assert Announcement.objects.get().slug == "we-open-on-saturdays"

    # 2. Write an article and send it to review.
    go(page, "Write an article")
    page.locator("#select2-id_topic-container").click()
    page.get_by_role("searchbox").last.fill("knee")
    page.locator(".select2-results__option", has_text=str(topic)).click()
    page.get_by_label("Language").select_option("en")
    page.get_by_label("Title").first.fill("MRI of the knee")
    page.get_by_label("Summary").first.fill("Pictures of the knee without X-rays.")
    page.get_by_role("button", name="Add another Section").click()
    page.locator("#id_sections-0-kind").select_option("basic facts")
    page.locator("#id_sections-0-body").fill("An MRI looks at your knee. It does not hurt.")
    page.get_by_role("button", name="Save and continue editing").click()
    done(page, "was added successfully")
    page.get_by_role("button", name="Send to review").click()
    done(page, "waits for a physician’s review")
    assert Article.objects.get(topic=topic).status == ArticleStatus.IN_REVIEW

    # 3. Put right what a page says about a location.
    page.get_by_role("searchbox", name="Search the office").fill("river")
    page.get_by_role("button", name="Search").first.click()
    page.get_by_role("link", name="River Campus").click()
    page.get_by_label("Getting here", exact=False).first.fill("Park behind the building.")
    page.get_by_role("button", name="Save", exact=True).click()
    done(page, "was changed successfully")
    assert Location.objects.get(pk=location.pk).directions == "Park behind the building."

    # 4. Answer what a visitor wrote about the website.
    assert waits(page, "Feedback to answer") == "1"
    go(page, "Feedback to answer", f"^{feedback.pk}$")
    page.get_by_role("link", name="Answer by e-mail").click()
    page.get_by_label("Your answer").fill("Thank you. The page says it now.")
    page.get_by_role("button", name="Answer by e-mail").click()
    done(page, "The answer is on its way.")
    run_jobs()
    assert "june@example.com" in [address for message in mail.outbox for address in message.to]

    # 5. See what visitors looked for and did not find, and mark it as dealt with.
    go(page, "Searches that found nothing")
    page.get_by_role("checkbox", name=re.compile("Select this object")).first.check()
    page.get_by_role("combobox", name=re.compile("^Action")).select_option(label="Mark as dealt with")
    page.get_by_role("button", name="Go").click()
    expect(page.get_by_text("cat scan of the knee")).to_be_visible()
    page.get_by_role("button", name="Mark as dealt with").click()
    done(page, "Marked as dealt with: 1.")
    assert MissedSearch.objects.open().count() == 0


# ---- A billing clerk ------------------------------------------------------------------------------------------------


def test_billing_clerk(office, run_jobs):
    bill = factories.StatementFactory(owes=20_000)
    payment = pay(bill, 15_000)
    question = ask(factories.StatementFactory(), QuestionKind.CHARGE, "Why two bills?", email="ann@example.com")
    feedback = factories.FeedbackFactory(team="billing", message="I do not understand the code.")
    page = office(roles.BILLING)

    # 1. Find the bill somebody reads from over the telephone.
    page.get_by_role("searchbox", name="Search the office").fill(bill.number)
    page.get_by_role("button", name="Search").first.click()
    page.get_by_role("link", name=bill.number).click()
    expect(page.get_by_text("$50.00").first).to_be_visible()

    # 2. Return a part of a payment.
    page.locator(".inline-group", has_text="Payments").get_by_role("link", name="View").click()
    page.get_by_role("link", name="Return money").click()
    page.get_by_label("How much to return").fill("10.00")
    page.get_by_label("Why").fill("Paid twice at the desk.")
    page.get_by_role("button", name="Return money").click()
    assert Refund.objects.get(payment=payment).amount_cents == 1_000
    assert fits(page)

    # 3. Answer a patient's question about a charge.
    assert waits(page, "Questions open") == "1"
    go(page, "Questions open")
    page.locator("#result_list tbody a").first.click()
    page.get_by_role("link", name="Answer", exact=True).click()
    page.get_by_label("Your answer").fill("One bill is ours, one is the hospital's.")
    page.get_by_role("button", name="Answer").click()
    done(page, "The answer is on the patient’s page.")
    assert Question.objects.get(pk=question.pk).state == QuestionState.ANSWERED

    # 4. Pass on what is not about money.
    go(page, "Feedback to answer", f"^{feedback.pk}$")
    page.get_by_role("link", name="Pass on").click()
    page.get_by_label("Front desk").check()
    page.get_by_role("button", name="Pass on").click()
    done(page, "Front desk will answer")
    assert Feedback.objects.get().team == "front desk"

    # 5. Look at how billing goes today.
    go(page, "Billing at a glance")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Billing")
    assert fits(page)


# ---- A recruiter ----------------------------------------------------------------------------------------------------


def test_recruiter(office, run_jobs):
    factories.LocationFactory(name="River Campus")
    first = factories.ApplicationFactory(name="Ada Testa", opening__title="MRI technologist")
    second = factories.ApplicationFactory(name="Bo Testa", opening=first.opening)
    factories.CriterionFactory(opening=first.opening, text="Scans people of all ages")
    page = office(roles.HIRING)

    # 1. Read an application without the name, score it, and read its CV.
    assert waits(page, "Applicants without an answer") == "2"
    go(page, "Applicants without an answer")
    page.get_by_role("link", name=str(first), exact=True).click()
    expect(page.get_by_text("First read, without names")).to_be_visible()
    expect(page.get_by_text("Ada Testa")).to_have_count(0)
    page.get_by_role("link", name="Score", exact=True).click()
    page.get_by_label("3 – well").check()
    page.get_by_label("Yes", exact=True).check()
    page.get_by_role("button", name="Score").click()
    done(page, "Your scorecard is kept.")
    expect(page.get_by_text("Ada Testa").first).to_be_visible()
    expect(page.frame_locator("iframe.viewer").get_by_alt_text("Page 1")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename.startswith("application-")

    # 2. Take both into review; each is told.
    go(page, "Applicants without an answer")
    page.locator("#action-toggle").check()
    page.get_by_role("combobox", name=re.compile("^Action")).select_option(label="Take into review")
    page.get_by_role("button", name="Go").click()
    expect(page.get_by_text("Ada Testa, MRI technologist")).to_be_visible()
    expect(page.get_by_text(f"{second}, MRI technologist")).to_be_visible()  # not scored yet: no name
    page.get_by_role("button", name="Take into review").click()
    done(page, "Moved on and told by e-mail: 2.")
    run_jobs()
    assert len(mail.outbox) == 2

    # 3. Say no to one, and only to that one.
    go(page, "Applicants without an answer")
    page.locator("tr", has_text=str(second)).get_by_role("checkbox").check()
    page.get_by_role("combobox", name=re.compile("^Action")).select_option(label="Decline")
    page.get_by_role("button", name="Go").click()
    page.get_by_label("Reason:", exact=True).select_option(label="The position is filled")
    page.get_by_role("button", name="Decline").click()
    done(page, "Declined: 1.")
    assert dict(Application.objects.values_list("name", "status")) == {"Ada Testa": "in review", "Bo Testa": "declined"}

    # 4. Post an opening. Without its pay it is refused, and nothing typed is lost.
    go(page, "Post an opening")
    page.get_by_label("Title:", exact=True).press_sequentially("Breast radiologist")
    page.get_by_label("Role").select_option(label="Radiologist")
    page.get_by_label("Location").select_option(label="River Campus")
    page.get_by_label("Status").select_option(label="Open")
    page.get_by_label("Employment").select_option(label="Full time")
    page.get_by_label("Schedule:", exact=True).fill("Weekdays")
    page.locator("#id_summary").fill("Read mammograms with us.")
    page.locator("#id_body").fill("We are eight.")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".errornote")).to_be_visible()
    expect(page.get_by_label("Schedule:", exact=True)).to_have_value("Weekdays")
    page.get_by_label("Pay from").fill("410,000")
    page.get_by_label("Pay to").fill("450,000")
    page.locator("#id_pay_period").select_option(label="a year")
    page.get_by_role("button", name="Save", exact=True).click()
    done(page, "was added successfully")
    assert Opening.objects.get(title="Breast radiologist").pay_from_cents == 41_000_000

    # 5. Close one: not while somebody waits.
    page.get_by_role("link", name="MRI technologist").click()
    page.get_by_label("Status").select_option(label="Closed")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("1 applicant still waits for an answer")).to_be_visible()
    page.get_by_role("link", name="Pipeline").click()
    page.get_by_role("link", name="Ada Testa").click()
    page.get_by_role("link", name="Decline", exact=True).click()
    page.get_by_label("Reason:", exact=True).select_option(label="The position is filled")
    page.get_by_label("Mail to the applicant").fill("Dear Ada, thank you. {link}")
    page.get_by_role("button", name="Decline").click()
    done(page, "Ada Testa was told by e-mail.")
    page.goto("/admin/")
    page.get_by_text("Everything in the office").click()
    page.get_by_role("link", name="Openings", exact=True).click()
    page.get_by_role("link", name="MRI technologist").click()
    page.get_by_label("Status").select_option(label="Closed")
    page.get_by_role("button", name="Save", exact=True).click()
    done(page, "was changed successfully")
    assert Opening.objects.get(pk=first.opening_id).status == OpeningStatus.CLOSED


def test_what_was_typed_is_not_thrown_away_by_a_button(office):
    article = factories.ArticleFactory(status=ArticleStatus.DRAFT)
    page = office(roles.EDITOR)
    page.goto(f"/admin/education/article/{article.pk}/change/")
    page.wait_for_timeout(500)
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    page.locator("#id_summary").fill("Not saved yet.")
    page.get_by_role("button", name="Send to review").click()
    assert len(asked) == 1
    expect(page.locator("#id_summary")).to_have_value("Not saved yet.")
    page.get_by_role("button", name="Save and continue editing").click()
    page.wait_for_timeout(500)
    page.get_by_role("button", name="Send to review").click()
    done(page, "waits for a physician’s review")
    assert len(asked) == 1
