import csv
import io
import re
from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.core.files.base import ContentFile
from django.urls import reverse
from django.utils import timezone

from careers import review
from careers.models import Application, Certificate, Comment, Letter, Opening, OpeningStatus, Scorecard
from practice.accounts import roles
from practice.accounts.models import AccessEntry
from practice.resources.demo_pdf import one_page
from tests.factories import ApplicationFactory, CriterionFactory, LocationFactory, OpeningFactory, UserFactory

pytestmark = pytest.mark.usefixtures("identity")

OTHERS = [role for role in roles.STAFF_ROLES if role not in (roles.HIRING, roles.APPLICATION_REVIEWER)]
CV = one_page("Ann Lee", ["ann.lee@example.com", "Experience", "Radiologist", "Education", "Secret University, 2010"])
LIST = reverse("admin:careers_application_changelist")


def page_of(application, page="change"):
    return reverse(f"admin:careers_application_{page}", args=[application.pk])


def file_of(application, page="file"):
    return reverse(f"admin:careers_application_{page}", args=[application.pk, application.files.get().pk])


def known(**facts):
    """An application that is not read blind."""
    return ApplicationFactory(opening__is_read_blind=False, **facts)


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
        "answer_days": "10",
        "criteria-TOTAL_FORMS": "1",
        "criteria-INITIAL_FORMS": "0",
        "criteria-0-text": "CT, all ages",
        "criteria-0-position": "0",
    } | changes


def test_opening_is_posted_with_its_pay_in_dollars(staff):
    client = staff("Hiring")
    client.post(reverse("admin:careers_opening_add"), opening_form())
    opening = Opening.objects.get()
    assert (opening.title, opening.pay_from_cents, opening.pay_to_cents) == ("CT chief", 3_000_050, 4_100_000)
    assert [criterion.text for criterion in opening.criteria.all()] == ["CT, all ages"]
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
        ({"slug": "feed"}, "This address is another page's. Please choose another."),
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
        ({"answer": "all", "q": "declined@"}, set()),
        ({"answer": "all", "q": "received@"}, set()),  # its name may not be seen yet
        ({"answer": "late"}, {"in review"}),
        ({"answer": "mine"}, {"received", "in review"}),
        ({"answer": "erase"}, {"hired"}),
        ({"answer": "held"}, {"declined"}),
    ],
)
def test_list_shows_first_who_waits_for_an_answer(staff, query, expected):
    made = {
        status: ApplicationFactory(status=status, email=f"{status.replace(' ', '')}@example.com")
        for status in ("received", "in review", "interview", "hired", "declined")
    }
    me = UserFactory(email="me@example.com")
    Application.objects.filter(pk=made["in review"].pk).update(answer_by="2020-01-01")
    Application.objects.filter(pk=made["hired"].pk).update(erasure_asked_at=timezone.now())
    made["declined"].holds.create(reason="A charge", placed_by=me)
    client = staff("Hiring")
    made["interview"].scorecards.create(reviewer_id=client.session["_auth_user_id"], recommendation="yes")
    response = client.get(LIST, query)
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
    application = known(name="Ann Lee", message="Hello.")
    client = staff("Hiring")
    text = client.get(page_of(application)).text
    assert [word for word in ("Ann Lee", "Hello.", application.email) if word not in text] == []
    assert shown(client.get(LIST, {"q": "Ann"})) == [application.pk]
    assert file_of(application) in text
    assert application.token not in text
    client.post(page_of(application), {"name": "Bob", "status": "hired", "email": "bob@example.com"})
    application.refresh_from_db()
    assert (application.name, application.status) == ("Ann Lee", "received")


@pytest.mark.usefixtures("private_files")
def test_file_is_downloaded(staff):
    application = known(name="Ann Lee")
    response = staff("Hiring").get(file_of(application))
    assert response.status_code == 200
    assert b"".join(response.streaming_content)[:5] == b"%PDF-"
    name = f"application-{application.pk}-cv-{application.files.get().pk}.pdf"
    assert {name: response[name] for name in ("Content-Type", "Content-Disposition", "Cache-Control")} == {
        "Content-Type": "application/pdf",
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store, private, max-age=0, no-cache, must-revalidate",
    }
    assert (response["X-Content-Type-Options"], response["Content-Security-Policy"]) == (
        "nosniff",
        "sandbox; default-src 'none'",
    )


@pytest.mark.usefixtures("private_files")
def test_file_is_shown_as_pictures_in_a_page_that_can_do_nothing(staff):
    response = staff("Hiring").get(file_of(application := known(), "view_file"))
    policy = response["Content-Security-Policy"]
    assert re.sub(r"sha256-[^']+", "sha256-…", policy) == (
        "sandbox; default-src 'none'; img-src data:; style-src 'sha256-…'; frame-ancestors 'self'"
    )
    assert (response["X-Frame-Options"], response["Cache-Control"][:8]) == ("SAMEORIGIN", "no-store")
    assert response.text.count('<img src="data:image/jpeg;base64,/9j/') == 1
    page = staff("Hiring").get(page_of(application))
    assert f'sandbox src="{file_of(application, "view_file")}"' in page.text
    assert "frame-src 'self'" in page["Content-Security-Policy"]


def test_file_that_cannot_be_shown_says_so(staff):
    application = known(cv=ContentFile(b"%PDF-broken", name="cv.pdf"))
    response = staff("Hiring").get(file_of(application, "view_file"))
    assert (response.status_code, "This file cannot be shown here" in response.text) == (200, True)


def test_every_reading_is_logged_once_with_who_and_what(staff):
    application, other = known(), known()
    client = staff("Hiring", email="hiring@example.com")
    client.get(LIST)
    client.get(page_of(application))
    client.get(page_of(application, "history"))
    list(client.get(file_of(application), REMOTE_ADDR="192.0.2.7"))
    client.get(file_of(other, "view_file"))
    client.get(reverse("admin:careers_opening_pipeline", args=[other.opening_id]))
    list(client.get(reverse("admin:careers_opening_export", args=[other.opening_id])))
    client.get(page_of(other, "comment"))
    person, what, row = "hiring@example.com", "careers.application", str(application.pk)
    assert readings() == [
        (person, what, "list", "admin:careers_application_changelist", "127.0.0.1"),
        (person, what, row, "admin:careers_application_change", "127.0.0.1"),
        (person, what, row, "admin:careers_application_history", "127.0.0.1"),
        (person, what, row, "admin:careers_application_file", "192.0.2.7"),
        (person, what, str(other.pk), "admin:careers_application_view_file", "127.0.0.1"),
        (person, what, f"pipeline of opening {other.opening_id}", "admin:careers_opening_pipeline", "127.0.0.1"),
        (person, what, f"export of opening {other.opening_id}", "admin:careers_opening_export", "127.0.0.1"),
        (person, what, str(other.pk), "admin:careers_application_comment", "127.0.0.1"),
    ]


@pytest.mark.parametrize("role", OTHERS)
def test_other_roles_see_no_application_and_leave_no_trace(staff, role):
    application = known(name="Ann Lee")
    client = staff(role)
    opening = application.opening_id
    addresses = [
        LIST, page_of(application), page_of(application, "history"), file_of(application),
        file_of(application, "view_file"), reverse("admin:careers_opening_pipeline", args=[opening]),
        reverse("admin:careers_opening_export", args=[opening]),
    ]  # fmt: skip
    answers = [client.get(address) for address in addresses]
    assert [response.status_code for response in answers] == [403, 403, 302, 403, 403, 403, 403]
    assert ["Ann Lee" in response.text for response in answers] == [False] * 7
    assert readings() == []


@pytest.mark.parametrize("address", [page_of, file_of])
def test_who_has_not_signed_in_is_sent_to_do_so(client, address):
    url = address(ApplicationFactory())
    response = client.get(url)
    assert (response.status_code, response["Location"]) == (302, f"/accounts/login/?next={url}")
    assert readings() == []


def test_file_of_nobody_and_of_another_is_not_found(staff):
    application, other = known(), known()
    client = staff("Hiring")
    wrong = reverse("admin:careers_application_file", args=[application.pk, other.files.get().pk])
    assert [client.get("/admin/careers/application/999/files/1/").status_code, client.get(wrong).status_code] == [
        404,
        404,
    ]


# ---- The first read is without names --------------------------------------------------------------------------------


def blind(**facts):
    return ApplicationFactory(
        name="Ann Lee",
        email="ann.lee@example.com",
        phone="(574) 555-0177",
        message="I am Ann, call (574) 555-0177.",
        cv=ContentFile(CV, name="Ann Lee.pdf"),
        **facts,
    )


WHO = ("Ann", "Lee", "ann.lee@example.com", "555-0177", "Secret University")


@pytest.mark.parametrize("role", ["Hiring", "Application reviewer"])
def test_no_page_tells_who_it_is_before_it_is_scored(staff, role):
    application = blind()
    client = staff(role)
    application.opening.reviewers.add(client.session["_auth_user_id"])
    pages = [
        LIST, page_of(application), page_of(application, "history"), page_of(application, "score"),
        reverse("admin:careers_opening_pipeline", args=[application.opening_id]), f"/admin/find/?q={application.pk}",
    ]  # fmt: skip
    if role == "Hiring":
        pages += [page_of(application, act) for act in ("to_review", "decline", "reveal", "hold")]
        pages += [f"{LIST}?answer=all&o=2.3", "/admin/", f"{LIST}?q={application.pk}"]
        for words in ("Ann", "ann.lee@example.com"):
            assert shown(client.get(LIST, {"answer": "all", "q": words})) == []
            assert f"Application {application.pk}" not in client.get("/admin/find/", {"q": words}).text
        assert shown(client.get(LIST, {"q": f"{application.pk}"})) == [application.pk]
        assert client.get(page_of(application, "invite")).status_code == 302  # first score it, or say why not
    for page in pages:
        response = client.get(page)
        assert (page, response.status_code) == (page, 200)
        assert [word for word in WHO if re.search(rf"\b{re.escape(word)}\b", response.text)] == [], page
    refused = [client.get(file_of(application)), client.get(file_of(application, "view_file"))]
    assert [response.status_code for response in refused] == [403, 403]
    text = client.get(page_of(application)).text
    assert ("Radiologist" in text, "This part is shown after you have scored." in text) == (True, True)


def test_scorecard_opens_the_name(staff):
    application = blind()
    criterion = CriterionFactory(opening=application.opening)
    client = staff("Hiring")
    form = {f"criterion_{criterion.pk}": "3", "recommendation": "yes", "note": "Good."}
    client.post(page_of(application, "score"), form)
    text = client.get(page_of(application)).text
    assert [word for word in ("Ann Lee", "ann.lee@example.com", criterion.text, "Good.") if word not in text] == []
    assert b"".join(client.get(file_of(application)).streaming_content)[:5] == b"%PDF-"
    assert page_of(application, "score") not in text  # once


def test_scorecard_says_what_is_missing(staff):
    application = blind()
    criterion = CriterionFactory(opening=application.opening)
    response = staff("Hiring").post(page_of(application, "score"), {f"criterion_{criterion.pk}": "5"})
    assert list(response.context["form"].errors) == [f"criterion_{criterion.pk}", "recommendation"]
    assert Scorecard.objects.count() == 0


def test_who_must_know_before_says_why(staff):
    application = blind()
    client = staff("Hiring", email="me@example.com")
    assert client.post(page_of(application, "reveal"), {"reason": ""}).status_code == 200
    client.post(page_of(application, "reveal"), {"reason": "They called."})
    page = client.get(page_of(application)).text
    assert ("Ann Lee" in page, "They called." in page) == (True, True)


def test_others_scorecards_are_seen_after_ones_own(staff):
    application = ApplicationFactory(opening__is_read_blind=False)
    review.score(application, {}, "no", by=UserFactory(), note="Others think so")
    review.comment(application, "A comment", by=UserFactory())
    client = staff("Application reviewer")
    application.opening.reviewers.add(client.session["_auth_user_id"])
    before = client.get(page_of(application)).text
    client.post(page_of(application, "score"), {"recommendation": "yes"})
    after = client.get(page_of(application)).text
    seen = [("Others think so" in page, "A comment" in page) for page in (before, after)]
    assert seen == [(False, False), (True, True)]


def test_reviewer_reads_only_where_they_are_named_and_decides_nothing(staff):
    mine, others = known(name="Ann Lee"), known(name="Bo Ray")
    client = staff("Application reviewer")
    mine.opening.reviewers.add(client.session["_auth_user_id"])
    assert shown(client.get(LIST, {"answer": "all"})) == [mine.pk]
    other_pages = [page_of(others), file_of(others), page_of(others, "comment")]
    answers = [client.get(page) for page in other_pages]
    assert [response.status_code for response in answers] == [302, 404, 404]
    assert client.get(reverse("admin:careers_opening_pipeline", args=[others.opening_id])).status_code == 404
    acts = ["to_review", "invite", "decline", "to_hired", "hold", "erase", "merge", "reveal"]
    assert [client.post(page_of(mine, act), {"reason": "filled"}).status_code for act in acts] == [403] * 8
    client.post(LIST, {"action": "to_declined", "_selected_action": mine.pk, "sure": "yes", "reason": "filled"})
    assert Application.objects.get(pk=mine.pk).status == "received"
    assert client.get(LIST, {"answer": "all", "q": "Ann"}).status_code == 200  # no search by name
    assert client.get(reverse("admin:careers_opening_export", args=[mine.opening_id])).status_code == 403


# ---- Answering ------------------------------------------------------------------------------------------------------


def test_letter_is_seen_changed_and_sent_as_it_was_changed(staff, run_jobs, mailoutbox):
    application = known(name="Ann Lee", status="received")
    client = staff("Hiring")
    page = client.get(page_of(application, "to_review"))
    letter = page.context["form"].initial
    assert (letter["body"].startswith("Dear Ann Lee,"), "{link}" in letter["body"]) == (True, True)
    assert application.token not in page.text
    wrong = client.post(page_of(application, "to_review"), {"subject": "Hello", "body": "Here: {lnk}"})
    assert "We cannot fill in {lnk}." in str(wrong.context["form"].errors)
    wrong = client.post(page_of(application, "to_review"), {"subject": "Hello", "body": "Dear {name}"})
    assert "Nothing is filled in here but {link}; please write {name} out." in str(wrong.context["form"].errors)
    client.post(page_of(application, "to_review"), {"subject": "Hello", "body": "Only {link} this."})
    run_jobs()
    (mail,) = mailoutbox
    address = f"{settings.PUBLIC_ORIGIN}/careers/application/{application.token}/"
    assert (mail.subject, mail.body) == ("Hello", f"Only {address} this.")
    assert Letter.objects.get().body == "Only {link} this."


def test_blind_letter_is_the_offices_wording(staff, run_jobs, mailoutbox):
    application = blind()
    page = staff("Hiring").get(page_of(application, "decline"))
    assert list(page.context["form"].fields) == ["reason", "note", "at"]
    staff("Hiring").post(page_of(application, "decline"), {"reason": "filled"})
    run_jobs()
    assert [mail.body.startswith("Dear Ann Lee,") for mail in mailoutbox] == [True]


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"reason": ""}, "Choose the reason."),
        ({"reason": "other"}, "Say in a few words which other reason it is."),
        ({"reason": "filled", "at": "2020-01-01T10:00"}, "Choose a time within the next 30 days."),
        ({"reason": "filled", "at": "soon"}, "Choose a day and a time."),
    ],
)
def test_decline_says_what_is_wrong(staff, form, error):
    application = blind()
    response = staff("Hiring").post(page_of(application, "decline"), form)
    assert [text for texts in response.context["form"].errors.values() for text in texts] == [error]
    assert Application.objects.get().status == "received"


def test_rejection_is_scheduled_and_taken_back(staff):
    application = blind()
    client = staff("Hiring")
    at = timezone.localtime() + timedelta(days=2)
    response = client.post(
        page_of(application, "decline"), {"reason": "filled", "at": f"{at:%Y-%m-%dT%H:%M}"}, follow=True
    )
    assert [level for level, _text in said(response)] == ["success"]
    assert "declined on" in client.get(LIST).text
    client.post(page_of(application, "keep"))
    application.refresh_from_db()
    assert (application.decline_at, application.reason, Letter.objects.count()) == (None, "", 0)


def test_bulk_decline_names_nobody_who_is_hidden_and_asks_for_the_reason(staff, run_jobs, mailoutbox):
    application, other = blind(), known(name="Bo Ray")
    client = staff("Hiring")
    chosen = {"action": "to_declined", "_selected_action": [application.pk, other.pk]}
    page = client.post(LIST, chosen).text
    assert ("Ann Lee" in page, f"Application {application.pk}" in page, "Bo Ray" in page) == (False, True, True)
    assert client.post(LIST, chosen | {"sure": "yes"}).context["form"].errors == {"reason": ["Choose the reason."]}
    response = client.post(LIST, chosen | {"sure": "yes", "reason": "filled"}, follow=True)
    assert said(response) == [("success", "Declined: 2.")]
    run_jobs()
    assert (len(mailoutbox), LogEntry.objects.count()) == (2, 2)


def test_bulk_review_reports_who_could_not_go_there(staff, run_jobs, mailoutbox):
    application, other = ApplicationFactory(), ApplicationFactory(status="interview")
    response = staff("Hiring").post(
        LIST,
        {"action": "to_review", "_selected_action": [application.pk, other.pk], "sure": "yes"},
        follow=True,
    )
    assert said(response) == [
        ("success", "Moved on and told by e-mail: 1."),
        ("error", f"Application {other.pk} is “interview” and cannot become “in review”."),
    ]
    run_jobs()
    assert [mail.to for mail in mailoutbox] == [[application.email]]


def test_comment_is_there_with_its_author(staff):
    application = known()
    client = staff("Hiring", name="Hanna Ring")
    client.post(page_of(application, "comment"), {"text": "Ask about <b>call</b>."})
    text = client.get(page_of(application)).text
    assert ("Hanna Ring" in text, "Ask about &lt;b&gt;call&lt;/b&gt;." in text) == (True, True)
    assert Comment.objects.get().author.name == "Hanna Ring"


def test_invitation_offers_times(staff):
    application = known(status="in review")
    client = staff("Hiring")
    with time_machine.travel("2026-05-15 15:00Z", tick=False):
        client.get(page_of(application))
        form = {"first": "2026-05-20T10:00", "second": "2026-05-21T09:30", "minutes": "30", "place": "Main Street"}
        wrong = client.post(page_of(application, "invite"), form | {"second": "2026-05-20T10:00"})
        past = client.post(page_of(application, "invite"), form | {"first": "2026-05-14T10:00"})
        client.post(page_of(application, "invite"), form)
    assert wrong.context["form"].non_field_errors() == ["Two of the times are the same."]
    assert past.context["form"].non_field_errors() == ["Offer times in the future, within half a year."]
    application.refresh_from_db()
    slots = [(slot.starts_at.isoformat(), slot.minutes, slot.place) for slot in application.slots.all()]
    assert application.status == "interview"
    assert slots == [
        ("2026-05-20T14:00:00+00:00", 30, "Main Street"),
        ("2026-05-21T13:30:00+00:00", 30, "Main Street"),
    ]


def test_duplicate_is_merged(staff):
    into = known(email="ann@example.com")
    other = ApplicationFactory(email="ANN@example.com", opening=into.opening)
    ApplicationFactory(email="ann@example.com")  # for another opening
    client = staff("Hiring")
    page = client.get(page_of(into, "merge"))
    assert [row.pk for row in page.context["form"].fields["other"].queryset] == [other.pk]
    client.post(page_of(into, "merge"), {"other": other.pk})
    other.refresh_from_db()
    assert (other.status, other.merged_into) == ("merged", into)


def test_hold_and_erasure(staff):
    application = known(status="declined")
    client = staff("Hiring")
    client.post(page_of(application, "hold"), {"reason": "A charge"})
    assert page_of(application, "erase") not in client.get(page_of(application)).text
    client.post(page_of(application, "release"), {"once": "6e0d0a4b-5c5f-4f3c-8f5e-111111111111"})
    response = client.post(page_of(application, "erase"), {"once": "6e0d0a4b-5c5f-4f3c-8f5e-111111111112"}, follow=True)
    assert said(response)[-1] == (
        "success",
        f"Application {application.pk} is erased. Certificate {Certificate.objects.get().pk} says so.",
    )
    assert Application.objects.count() == 0


# ---- The pipeline and what is taken from it -------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 3])
def test_pipeline_does_not_ask_more_for_more_rows(staff, django_assert_num_queries, count):
    opening = OpeningFactory()
    ApplicationFactory.create_batch(count, opening=opening)
    client = staff("Hiring")
    address = reverse("admin:careers_opening_pipeline", args=[opening.pk])
    client.get(address)
    with django_assert_num_queries(14):
        client.get(address)


def test_pipeline_shows_everybody_where_they_are(staff):
    opening = OpeningFactory()
    for status in ("received", "in review", "interview", "hired"):
        ApplicationFactory(opening=opening, status=status, name=f"N-{status}")
    columns = staff("Hiring").get(reverse("admin:careers_opening_pipeline", args=[opening.pk])).context["columns"]
    numbers = [f"Application {row.pk}" for row in Application.objects.order_by("pk")]
    assert [[row.shown_as for row in rows] for _label, rows in columns] == [
        [numbers[0]], [numbers[1]], [numbers[2]], [numbers[3]],
    ]  # fmt: skip


def test_export_names_only_whom_one_may_see(staff):
    opening = OpeningFactory()
    hidden = ApplicationFactory(opening=opening, name="Ann Lee")
    shown_ = ApplicationFactory(opening=opening, name="=cmd()", status="hired", email="bo@example.com")
    client = staff("Hiring")
    shown_.scorecards.create(reviewer_id=client.session["_auth_user_id"], recommendation="yes")
    response = client.get(reverse("admin:careers_opening_export", args=[opening.pk]))
    rows = list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode())))
    assert [(row["application"], row["name"], row["email"]) for row in rows] == [
        (str(hidden.pk), "", ""),
        (str(shown_.pk), "'=cmd()", "bo@example.com"),
    ]
    assert response["Cache-Control"].startswith("no-store, private")


def test_export_asks_who_you_are_when_that_is_long_ago(staff):
    opening = OpeningFactory()
    client = staff("Hiring")
    with time_machine.travel(timezone.now() + timedelta(minutes=6)):
        response = client.get(reverse("admin:careers_opening_export", args=[opening.pk]))
    assert (response.status_code, "reauthenticate" in response["Location"]) == (302, True)


def test_opening_is_closed_in_its_form_only_when_nobody_waits(staff):
    application = ApplicationFactory()
    opening = application.opening
    client = staff("Hiring")
    address = reverse("admin:careers_opening_change", args=[opening.pk])
    form = opening_form(location=opening.location_id, slug=opening.slug, **{"criteria-TOTAL_FORMS": "0"})
    for status in ("closed", "draft"):
        response = client.post(address, form | {"status": status})
        assert response.context["errors"] == [["1 applicant still waits for an answer, so this opening cannot close."]]
    review.decline(application, "filled", by=UserFactory())
    assert client.post(address, form | {"status": "closed"}).status_code == 302
    opening.refresh_from_db()
    assert opening.status == OpeningStatus.CLOSED


def test_draft_is_previewed_without_data_for_search_engines(staff):
    opening = OpeningFactory(status="draft", title="CT chief", title_es="Jefe de TC")
    client = staff("Hiring")
    page = client.get(reverse("admin:careers_opening_preview", args=[opening.pk]) + "?language=es").text
    assert ("Jefe de TC" in page, "ld+json" in page, "Preview" in page or "Vista previa" in page) == (True, False, True)


def test_pipeline_shows_who_waits_however_many_are_decided(staff, monkeypatch):
    monkeypatch.setattr("careers.office.openings.MOST_CARDS", 2)
    opening = OpeningFactory()
    ApplicationFactory.create_batch(3, opening=opening, status="withdrawn")
    ApplicationFactory(opening=opening)
    columns = staff("Hiring").get(reverse("admin:careers_opening_pipeline", args=[opening.pk])).context["columns"]
    assert [len(rows) for _label, rows in columns] == [1, 0, 0, 2]


def test_merged_application_does_not_tell_of_another(staff):
    """One that is decided, of the same person, for another opening or this one."""
    mine = ApplicationFactory(name="Ann Lee", email="ann@example.com")
    for status in ("withdrawn", "declined"):
        ApplicationFactory(name="Ann Lee", email="ann@example.com", status=status)
    client = staff("Hiring")
    page = client.get(LIST, {"answer": "all"}).text
    assert "Ann Lee" not in page
    shown_ = Application.objects.exclude(pk=mine.pk).first()
    client.post(page_of(shown_, "reveal"), {"reason": "They called."})
    text = client.get(page_of(shown_)).text
    assert ("Ann Lee" in text, f"Application {mine.pk}" in text) == (True, False)
