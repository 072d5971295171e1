import re

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from careers.models import Application, Opening, OpeningStatus
from practice.accounts import roles
from practice.accounts.models import AccessEntry
from tests.factories import ApplicationFactory, LocationFactory, OpeningFactory

pytestmark = pytest.mark.usefixtures("identity")

OTHERS = [role for role in roles.STAFF_ROLES if role != roles.HIRING]
LIST = reverse("admin:careers_application_changelist")


def page_of(application, page="change"):
    return reverse(f"admin:careers_application_{page}", args=[application.pk])


def said(response):
    found = re.search(r'<ul class="messagelist">(.*?)</ul>', response.text, re.DOTALL)
    return re.findall(r'<li class="(\w+)">(.*?)</li>', found.group(1), re.DOTALL) if found else []


def shown(response):
    return [row.pk for row in response.context["cl"].result_list]


def readings():
    return list(AccessEntry.objects.order_by("pk").values_list("user__email", "what", "row", "how", "address"))


# ---- Openings -------------------------------------------------------------------------------------------------------


def opening_form(**changes):
    return {
        "title": "CT chief",
        "slug": "ct",
        "role": "technologist",
        "location": LocationFactory().pk,
        "status": "open",
        "posted_on": "2026-03-01",
        "pay_from_cents": "$30,000.50",
        "pay_to_cents": "41,000",
        "pay_period": "year",
        "employment": "full time",
        "schedule": "Four days",
        "remote_percent": "0",
        "summary": "A good job.",
        "body": "What you do.",
    } | changes


def test_opening_is_posted_with_its_pay_in_dollars(staff):
    client = staff("Hiring")
    client.post(reverse("admin:careers_opening_add"), opening_form())
    opening = Opening.objects.get()
    assert (opening.title, opening.pay_from_cents, opening.pay_to_cents) == ("CT chief", 3_000_050, 4_100_000)
    page = client.get(reverse("admin:careers_opening_change", args=[opening.pk])).text
    assert re.findall(r'name="pay_\w+_cents" value="([^"]+)"', page) == ["30000.50", "41000.00"]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"pay_from_cents": "", "pay_to_cents": ""}, "Give the pay range before you post this opening."),
        ({"pay_to_cents": "12"}, "The pay range must run from a smaller to a larger amount."),
        ({"pay_to_cents": "12.345"}, "Enter an amount in dollars and cents, like 25.00."),
        ({"status": "draft", "pay_to_cents": ""}, "The pay range must run from a smaller to a larger amount."),
        ({"remote_percent": "101"}, "Remote reading is between 0 and 100 percent."),
    ],
)
def test_opening_form_says_what_is_wrong(staff, changes, error):
    response = staff("Hiring").post(reverse("admin:careers_opening_add"), opening_form(**changes))
    assert response.status_code == 200
    assert [str(text) for texts in response.context["errors"] for text in texts] == [error]
    assert Opening.objects.count() == 0


def test_list_of_openings_shows_the_pay(staff):
    OpeningFactory(title="A", pay_from_cents=3450, pay_to_cents=4600)
    OpeningFactory(title="B", status=OpeningStatus.DRAFT, pay_from_cents=None, pay_to_cents=None)
    page = staff("Hiring").get(reverse("admin:careers_opening_changelist")).text
    assert re.findall(r'<td class="field-pay">([^<]+)</td>', page) == ["$34.50 – $46.00", "–"]


def test_nobody_deletes_an_opening_or_an_application(staff):
    application = ApplicationFactory()
    client = staff("Hiring", is_superuser=True)
    addresses = [
        reverse("admin:careers_opening_delete", args=[application.opening_id]),
        page_of(application, "delete"),
    ]
    assert [client.post(address, {"post": "yes"}).status_code for address in addresses] == [403, 403]
    assert client.get(reverse("admin:careers_application_add")).status_code == 403


# ---- Applications ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, {"received", "in review", "interview"}),
        ({"answer": "all"}, {"received", "in review", "interview", "hired", "declined"}),
        ({"answer": "all", "status__exact": "hired"}, {"hired"}),
        ({"answer": "all", "q": "declined@"}, {"declined"}),
    ],
)
def test_list_shows_first_who_waits_for_an_answer(staff, query, expected):
    for status in ("received", "in review", "interview", "hired", "declined"):
        ApplicationFactory(status=status, email=f"{status.replace(' ', '')}@example.com")
    response = staff("Hiring").get(LIST, query)
    assert {row.status for row in response.context["cl"].result_list} == expected


@pytest.mark.parametrize("count", [1, 3])
def test_list_does_not_ask_more_for_more_rows(staff, django_assert_num_queries, count):
    expected = [ApplicationFactory().pk for _number in range(count)]
    client = staff("Hiring")
    client.get(LIST)  # from now on the content types are known
    with django_assert_num_queries(12):
        response = client.get(LIST)
    assert sorted(shown(response)) == expected


def test_application_is_read_and_not_written(staff):
    application = ApplicationFactory(name="Ann Lee", message="Hello.")
    client = staff("Hiring")
    text = client.get(page_of(application)).text
    assert [word for word in ("Ann Lee", "Hello.", application.email) if word not in text] == []
    assert re.findall(r'<a href="([^"]+)">Download</a>', text) == [f"/admin/careers/application/{application.pk}/cv/"]
    client.post(page_of(application), {"name": "Bob", "status": "hired", "email": "bob@example.com"})
    application.refresh_from_db()
    assert (application.name, application.status) == ("Ann Lee", "received")


def test_cv_is_downloaded(staff):
    application = ApplicationFactory(name="Ann Lee")
    response = staff("Hiring").get(page_of(application, "cv"))
    assert response.status_code == 200
    assert b"".join(response.streaming_content)[:5] == b"%PDF-"
    assert {name: response[name] for name in ("Content-Type", "Content-Disposition", "Cache-Control")} == {
        "Content-Type": "application/pdf",
        "Content-Disposition": f'attachment; filename="application-{application.pk}.pdf"',
        "Cache-Control": "no-store, private, max-age=0, no-cache, must-revalidate",
    }
    assert (response["X-Content-Type-Options"], response["Content-Security-Policy"]) == (
        "nosniff",
        "sandbox; default-src 'none'",
    )


def test_every_reading_is_logged_once_with_who_and_what(staff):
    application, other = ApplicationFactory(), ApplicationFactory()
    client = staff("Hiring", email="hiring@example.com")
    client.get(LIST)
    client.get(page_of(application))
    client.get(page_of(application, "history"))
    list(client.get(page_of(application, "cv"), REMOTE_ADDR="192.0.2.7"))
    list(client.get(page_of(other, "cv")))
    person, what, row = "hiring@example.com", "careers.application", str(application.pk)
    assert readings() == [
        (person, what, "list", "admin:careers_application_changelist", "127.0.0.1"),
        (person, what, row, "admin:careers_application_change", "127.0.0.1"),
        (person, what, row, "admin:careers_application_history", "127.0.0.1"),
        (person, what, row, "admin:careers_application_cv", "192.0.2.7"),
        (person, what, str(other.pk), "admin:careers_application_cv", "127.0.0.1"),
    ]


@pytest.mark.parametrize("role", OTHERS)
@pytest.mark.parametrize("page", ["change", "history", "cv"])
def test_other_roles_see_no_application_and_leave_no_trace(staff, role, page):
    application = ApplicationFactory(name="Ann Lee")
    response = staff(role).get(page_of(application, page))
    assert (response.status_code, "Ann Lee" in response.text) == (403, False)
    assert readings() == []


@pytest.mark.parametrize("role", OTHERS)
def test_other_roles_see_no_list(staff, role):
    ApplicationFactory(name="Ann Lee")
    response = staff(role).get(LIST)
    assert (response.status_code, "Ann Lee" in response.text) == (403, False)


@pytest.mark.parametrize("page", ["change", "cv"])
def test_who_has_not_signed_in_is_sent_to_do_so(client, page):
    application = ApplicationFactory()
    address = page_of(application, page)
    response = client.get(address)
    assert (response.status_code, response["Location"]) == (302, f"/accounts/login/?next={address}")
    assert readings() == []


def test_cv_of_nobody_is_not_found(staff):
    assert staff("Hiring").get("/admin/careers/application/999/cv/").status_code == 404
    assert readings() == []


@pytest.mark.parametrize(
    ("action", "before", "after"),
    [
        ("to_review", "received", "in review"),
        ("to_interview", "in review", "interview"),
        ("to_hired", "interview", "hired"),
        ("to_declined", "received", "declined"),
    ],
)
def test_action_moves_the_application_and_tells_the_applicant(staff, run_jobs, mailoutbox, action, before, after):
    application = ApplicationFactory(status=before)
    response = staff("Hiring").post(
        LIST, {"action": action, "_selected_action": application.pk, "sure": "yes"}, follow=True
    )
    assert said(response) == [("success", "Moved on and told by e-mail: 1.")]
    application.refresh_from_db()
    assert application.status == after
    assert LogEntry.objects.count() == 1
    run_jobs()
    assert [(mail.to, mail.subject) for mail in mailoutbox] == [
        ([application.email], "Test Radiology: news of your application")
    ]


def test_action_names_the_applicants_and_asks_before_it_tells_them(staff, run_jobs, mailoutbox):
    application = ApplicationFactory(name="Ann Lee")
    page = staff("Hiring").post(LIST, {"action": "to_declined", "_selected_action": application.pk}).text
    run_jobs()
    assert ("Ann Lee" in page, "The applicant gets an e-mail at once" in page) == (True, True)
    assert (Application.objects.get().status, mailoutbox) == ("received", [])


def test_step_that_does_not_exist_is_refused_with_a_sentence(staff, run_jobs, mailoutbox):
    application = ApplicationFactory()
    response = staff("Hiring").post(
        LIST, {"action": "to_hired", "_selected_action": application.pk, "sure": "yes"}, follow=True
    )
    assert said(response) == [("error", f"Application {application.pk} is “received” and cannot become “hired”.")]
    run_jobs()
    assert (Application.objects.get().status, mailoutbox, LogEntry.objects.count()) == ("received", [], 0)
