"""Letters in the office's words, interviews, the applicant's own page, and what is published of our speed."""

import re
from datetime import UTC, datetime, timedelta

import icalendar
import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils import timezone

from careers import interviews, letters, review
from careers.interviews import Offer
from careers.mail_texts import SHIPPED
from careers.models import Application, LetterKind, MailText, SlotState
from careers.promises import DaysToAnswer, days_to_answer
from careers.review import ReviewError
from tests.factories import ApplicationFactory, UserFactory

pytestmark = pytest.mark.usefixtures("identity")

NOW = datetime(2026, 5, 15, 15, 30, tzinfo=UTC)
TEN = datetime(2026, 5, 20, 14, tzinfo=UTC)  # 10 in the morning in Indiana


# ---- Wording --------------------------------------------------------------------------------------------------------


def test_every_mail_has_shipped_words_in_both_languages_and_a_row():
    assert set(SHIPPED) == set(LetterKind.values)
    assert set(MailText.objects.values_list("kind", flat=True)) == set(LetterKind.values)
    for kind, facts in SHIPPED.items():
        for name, text in facts.items():
            letters.check_text(kind, text) if name.startswith("body") else letters.check_places(text)
        assert facts["body"] != facts["body_es"]


@pytest.mark.parametrize(
    ("kind", "text", "error"),
    [
        ("declined", "Dear {nmae}", "We cannot fill in {nmae}. Use one of: {name}, {opening}, {practice}, {phone}, {link}, {date}, {times}."),
        ("declined", "Dear {name", "A brace is alone: write {name}, with both."),
        ("declined", "Dear name}", "A brace is alone: write {name}, with both."),
        ("declined", "{name.__class__}", "We cannot fill in {name.__class__}. Use one of: {name}, {opening}, {practice}, {phone}, {link}, {date}, {times}."),
        ("received", "By {date}.", "This mail needs {link}."),
        ("booked", "{link}", "This mail needs {times}."),
        ("withdrawn", "Goodbye", "This mail needs {link}."),
    ],
)  # fmt: skip
def test_wording_that_could_not_be_filled_in_is_refused(kind, text, error):
    with pytest.raises(ValidationError) as refusal:
        letters.check_text(kind, text)
    assert refusal.value.messages == [error]


def test_office_words_the_mail_and_applicants_get_it_so(staff, run_jobs, mailoutbox):
    text = MailText.objects.get(kind="in review")
    address = reverse("admin:careers_mailtext_change", args=[text.pk])
    client = staff("Hiring")
    form = {
        "subject": "News from {practice}",
        "subject_es": "Noticias",
        "body": "Hi {name}: {link}",
        "body_es": "Hola {name}: {link}",
    }
    wrong = client.post(address, form | {"body": "Hi {nombre}"})
    assert [texts[0][:30] for texts in wrong.context["errors"]] == ["We cannot fill in {nombre}. Us"]
    assert client.post(address, form).status_code == 302
    for language in ("en", "es"):
        review.change_status(ApplicationFactory(name="Ann & Söns", language=language), "in review")
    run_jobs()
    subjects, firsts = zip(*[(mail.subject, mail.body.split(": ")[0]) for mail in mailoutbox], strict=True)
    assert subjects == ("News from Test Radiology", "Noticias")
    assert firsts == ("Hi Ann & Söns", "Hola Ann & Söns")


def test_preview_shows_what_is_typed_in_both_languages_and_saves_nothing(staff):
    text = MailText.objects.get(kind="booked")
    client = staff("Hiring")
    address = reverse("admin:careers_mailtext_preview", args=[text.pk])
    saved = client.get(address).context["mails"]
    typed = client.post(address, {"body": "Come {name}: {times}", "body_es": "Venga {name}"}).context["mails"]
    assert [language for language, _subject, _body in saved] == ["English", "Español"]
    assert ["Ann Example" in body for _language, _subject, body in saved] == [True, True]
    assert [body for _language, _subject, body in typed] == [
        "Come Ann Example: Monday, 10:00 AM, Main Street\n",
        "Venga Ann Example\n",
    ]
    text.refresh_from_db()
    assert text.body == SHIPPED["booked"]["body"]


def test_shipped_words_come_back(staff):
    text = MailText.objects.get(kind="hired")
    client = staff("Hiring")
    address = reverse("admin:careers_mailtext_restore", args=[text.pk])
    assert address not in client.get(reverse("admin:careers_mailtext_change", args=[text.pk])).text
    MailText.objects.filter(pk=text.pk).update(body="x", subject_es="y")
    client.post(address, {"once": "6e0d0a4b-5c5f-4f3c-8f5e-111111111111"})
    text.refresh_from_db()
    assert (text.body, text.subject_es) == (SHIPPED["hired"]["body"], SHIPPED["hired"]["subject_es"])


def test_letter_that_was_erased_before_it_was_sent_is_not_sent(run_jobs, mailoutbox):
    application = ApplicationFactory(status="received")
    review.decline(application, "filled", by=UserFactory())
    application.letters.all().delete()
    run_jobs()
    assert mailoutbox == []


# ---- Interviews -----------------------------------------------------------------------------------------------------


def invited(**facts):
    application = ApplicationFactory(status="in review", **facts)
    with time_machine.travel(NOW, tick=False):
        offers = [Offer(TEN, 45, "Main Street, room 2", "Dr. Test"), Offer(TEN + timedelta(days=1), 30, "By phone")]
        return interviews.invite(application, offers, by=UserFactory())


def test_invitation_names_the_times_in_the_applicants_language(run_jobs, mailoutbox):
    invited(opening__title="CT chief")
    invited(language="es")
    run_jobs()
    english, spanish = (mail.body for mail in mailoutbox)
    assert "- Wednesday, May 20, 2026, 10 a.m. (EDT), 45 minutes, Main Street, room 2, with Dr. Test\n" in english
    assert "- miércoles, 20 de mayo de 2026, 10:00 (EDT), 45 minutos, Main Street, room 2, con Dr. Test\n" in spanish


def test_applicant_takes_a_time_and_both_have_it_in_their_calendar(client, run_jobs, mailoutbox, settings):
    settings.HIRING_RECIPIENTS = ["hiring@site.test"]
    application = invited(name="Ann Lee", email="ann@example.com", opening__title="CT chief")
    run_jobs()
    mailoutbox.clear()
    first, second = application.slots.all()
    with time_machine.travel(NOW, tick=False):
        page = client.get(application.get_absolute_url())
        assert re.findall(r'name="slot" value="(\d+)"', page.text) == [str(first.pk), str(second.pk)]
        client.post(f"{application.get_absolute_url()}time/", {"slot": second.pk})
        run_jobs()
    assert list(application.slots.values_list("state", flat=True)) == [SlotState.GONE, SlotState.CHOSEN]
    theirs, ours = sorted(mailoutbox, key=lambda mail: mail.to)
    entries = []
    for mail in (theirs, ours):
        (name, content, kind) = mail.attachments[0]
        assert (name, kind) == ("interview.ics", "text/calendar")
        entries.append(icalendar.Calendar.from_ical(content).walk("VEVENT")[0])
    assert [entry["DTSTART"].dt for entry in entries] == [TEN + timedelta(days=1)] * 2
    assert [entry["DTEND"].dt for entry in entries] == [TEN + timedelta(days=1, minutes=30)] * 2
    assert entries[0]["UID"] == entries[1]["UID"]
    assert str(entries[0]["SUMMARY"]) == "Interview: CT chief, Test Radiology"
    assert ("Ann" in str(ours.message()), f"Application {application.pk}" in ours.subject) == (False, True)
    response = client.get(f"{application.get_absolute_url()}interview.ics")
    assert (response.status_code, response["Content-Type"]) == (200, "text/calendar; charset=utf-8")
    assert icalendar.Calendar.from_ical(response.content).walk("VEVENT")[0]["UID"] == entries[0]["UID"]


@pytest.mark.parametrize("slot", ["", "x", "999999"])
def test_time_that_is_none_is_explained(client, slot):
    application = invited()
    with time_machine.travel(NOW, tick=False):
        response = client.post(f"{application.get_absolute_url()}time/", {"slot": slot})
    assert response.context["slot_form"].errors == {"slot": ["Choose one of the times."]}


def test_time_of_somebody_else_or_of_the_past_is_not_taken():
    application, other = invited(), invited()
    with time_machine.travel(NOW, tick=False), pytest.raises(ReviewError, match="no longer free"):
        interviews.choose(application, other.slots.first().pk)
    with time_machine.travel(TEN, tick=False), pytest.raises(ReviewError, match="no longer free"):
        interviews.choose(application, application.slots.first().pk)


def test_time_that_is_over_is_not_offered(client):
    application = invited()
    with time_machine.travel(TEN, tick=False):
        page = client.get(application.get_absolute_url()).text
    assert re.findall(r'name="slot" value="(\d+)"', page) == [str(application.slots.last().pk)]


def test_when_none_suits_the_office_offers_others(client, run_jobs, mailoutbox, settings):
    settings.HIRING_RECIPIENTS = ["hiring@site.test"]
    application = invited()
    client.post(f"{application.get_absolute_url()}time/", {"none": "1"})
    run_jobs()
    assert f"None of the times suits Application {application.pk}" in [mail.subject for mail in mailoutbox]
    assert list(Application.objects.without_time()) == [application]
    with time_machine.travel(NOW, tick=False):
        interviews.invite(application, [Offer(TEN, 45, "Here")], by=UserFactory())
    assert list(application.slots.values_list("state", flat=True)).count(SlotState.OFFERED) == 1
    assert list(Application.objects.without_time()) == []
    with pytest.raises(ReviewError, match="No times are on offer"):
        interviews.refuse_all(ApplicationFactory())


def test_no_interview_no_calendar(client):
    assert client.get(f"{ApplicationFactory().get_absolute_url()}interview.ics").status_code == 404


# ---- The applicant's page -------------------------------------------------------------------------------------------


def steps(response):
    return re.findall(
        r'<li class="([a-z-]+)"[^>]*>(\w[\w ]*)', response.text.split('class="steps')[1].split("</ol>")[0]
    )


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("received", [("now", "Received"), ("to-come", "In review"), ("to-come", "Interview"), ("to-come", "Decided")]),
        ("in review", [("done", "Received"), ("now", "In review"), ("to-come", "Interview"), ("to-come", "Decided")]),
        ("interview", [("done", "Received"), ("done", "In review"), ("now", "Interview"), ("to-come", "Decided")]),
        ("declined", [("done", "Received"), ("now", "Decided")]),
        ("withdrawn", [("done", "Received"), ("now", "Decided")]),
    ],
)
def test_page_shows_the_four_steps_and_the_day_promised(client, status, expected):
    application = ApplicationFactory(status=status)
    response = client.get(application.get_absolute_url())
    assert steps(response) == expected
    assert ("You hear from us by" in response.text) is (application.answer_by is not None)


def test_page_of_a_decided_one_shows_the_steps_it_went(client):
    application = ApplicationFactory()
    review.change_status(application, "in review")
    review.decline(application, "filled", by=UserFactory())
    response = client.get(application.get_absolute_url())
    assert steps(response) == [("done", "Received"), ("done", "In review"), ("now", "Decided")]


def test_page_admits_that_we_are_late(client):
    application = ApplicationFactory(answer_by=timezone.localdate() - timedelta(days=1))
    assert "and are late. We are sorry." in client.get(application.get_absolute_url()).text


def test_applicant_withdraws_after_being_asked(client, run_jobs, mailoutbox):
    application = ApplicationFactory()
    address = f"{application.get_absolute_url()}withdraw/"
    assert (client.get(address).status_code, Application.objects.get().status) == (200, "received")
    client.post(address)
    client.post(address)  # a second tab
    run_jobs()
    assert (Application.objects.get().status, len(mailoutbox)) == ("withdrawn", 1)
    assert client.get(address)["Location"] == application.get_absolute_url()


def test_applicant_asks_to_be_erased_and_the_office_answers(client, staff):
    application = ApplicationFactory(status="declined", decided_at=NOW)
    assert client.get(f"{application.get_absolute_url()}erase/").status_code == 200
    assert Application.objects.to_erase().count() == 0
    client.post(f"{application.get_absolute_url()}erase/")
    assert "You asked on" in client.get(application.get_absolute_url()).text
    assert list(Application.objects.to_erase()) == [application]
    keep = reverse("admin:careers_application_keep_for_its_time", args=[application.pk])
    staff("Hiring").post(keep, {"once": "6e0d0a4b-5c5f-4f3c-8f5e-111111111111"})
    assert (
        "We must keep it for a time. It is deleted on May 14, 2028." in client.get(application.get_absolute_url()).text
    )
    assert list(Application.objects.to_erase()) == []


# ---- How fast we are ------------------------------------------------------------------------------------------------


def decided(days, first, status="declined", ago=10):
    received = NOW - timedelta(days=ago + days)
    return ApplicationFactory(
        status=status,
        received_at=received,
        answered_at=received + timedelta(days=first),
        decided_at=received + timedelta(days=days),
    )


def test_days_to_answer_are_the_medians_of_the_last_year(client):
    for days, first in [(2, 1), (4, 2), (6, 3), (30, 29)]:
        decided(days, first)
    decided(3, 2, status="withdrawn")
    decided(100, 90, ago=366)
    with time_machine.travel(NOW, tick=False):
        assert days_to_answer() is None  # four are too few
        assert "half of our" not in client.get("/careers/").text
        decided(8, 4, status="hired")
        assert days_to_answer() == DaysToAnswer(applications=5, first=3, decision=6)
        page = " ".join(client.get("/careers/").text.split())
    assert "half of our 5 applicants had a first answer within 3 days and our decision within 6 days" in page


def test_same_day_is_one_day():
    for _number in range(5):
        decided(0, 0)
    assert days_to_answer(NOW) == DaysToAnswer(applications=5, first=1, decision=1)


def test_invitation_clicked_twice_is_one():
    application = invited()
    offers, by = [Offer(slot.starts_at, 45, "Here") for slot in application.slots.all()], UserFactory()
    with time_machine.travel(NOW, tick=False), pytest.raises(ReviewError, match="offered already"):
        interviews.invite(application, offers, by=by)
    assert review.comment(application, "x", by=by) == review.comment(application, "x", by=by)
