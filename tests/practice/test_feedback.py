"""Feedback finds its team, has its day, and is answered once."""

import pytest
from django.contrib.messages import get_messages
from django.core import mail
from django.db import IntegrityError, transaction

from practice.accounts.models import AccessEntry, Change
from practice.feedback import FeedbackError, answer_feedback, close_feedback, pass_on, receive_feedback
from practice.models import Feedback
from tests.factories import FeedbackFactory, UserFactory

pytestmark = pytest.mark.usefixtures("identity")

THURSDAY_BEFORE_A_WEEKEND = "2026-10-15T16:00:00Z"
OF_TEAM = {
    "visit": "front desk", "website": "website", "bill": "billing", "accessibility": "front desk", "other": "front desk",
}  # fmt: skip


def arrive(**facts):
    return receive_feedback(**{"topic": "visit", "message": "Hi", "name": "", "email": "", "language": "en"} | facts)


def page_of(feedback, act=""):
    return f"/admin/practice/feedback/{feedback.pk}/" + (f"act/{act}/" if act else "change/")


def said(response):
    return [str(message) for message in get_messages(response.wsgi_request)]


@pytest.mark.parametrize("topic", sorted(OF_TEAM))
def test_each_topic_goes_to_its_team_and_tells_nobody_else(topic, settings, run_jobs):
    settings.FEEDBACK_RECIPIENTS = ["front desk"]
    settings.BILLING_RECIPIENTS = ["billing"]
    settings.EDITORIAL_RECIPIENTS = ["website"]
    feedback = arrive(topic=topic)
    run_jobs()
    assert feedback.team == OF_TEAM[topic]
    assert [message.to for message in mail.outbox] == [[OF_TEAM[topic]]]


def test_it_is_due_three_business_days_later(time_machine):
    time_machine.move_to(THURSDAY_BEFORE_A_WEEKEND, tick=False)
    feedback = arrive()
    feedback.refresh_from_db()
    assert str(feedback.due_on) == "2026-10-20"


def test_it_is_overdue_the_day_after_and_never_when_answered(time_machine):
    time_machine.move_to(THURSDAY_BEFORE_A_WEEKEND, tick=False)
    late, answered = arrive(), arrive()
    close_feedback(answered, "Called.", by=UserFactory())
    time_machine.move_to("2026-10-20T23:00:00Z", tick=False)
    assert list(Feedback.objects.overdue()) == []
    time_machine.move_to("2026-10-21T16:00:00Z", tick=False)
    assert list(Feedback.objects.overdue()) == [late]


SEEN = {
    "Front desk": {"front desk", "billing", "website"},
    "Administrator": {"front desk", "billing", "website"},
    "Billing": {"billing"},
    "Billing lead": {"billing"},
    "Editor": {"website"},
}


@pytest.mark.parametrize("role", sorted(SEEN))
def test_each_team_sees_its_own_in_list_page_acts_and_queue(role, staff):
    rows = [FeedbackFactory(team=team) for team in ("front desk", "billing", "website")]
    client = staff(role)
    listed = {row.team for row in client.get("/admin/practice/feedback/").context["cl"].result_list}
    opened = {row.team for row in rows if client.get(page_of(row)).status_code == 200}
    acted = {row.team for row in rows if client.get(page_of(row, "close")).status_code == 200}
    waiting = {w.label: w.count for w in client.get("/admin/").context["waiting"]}
    assert listed == opened == acted == SEEN[role]
    assert waiting["Feedback to answer"] == len(SEEN[role])


@pytest.mark.parametrize("role", ["Hiring", "Clinical reviewer", "Resources editor"])
def test_others_see_none(role, staff):
    feedback = FeedbackFactory()
    client = staff(role)
    addresses = ["/admin/practice/feedback/", page_of(feedback), page_of(feedback, "answer")]
    assert [client.get(address).status_code for address in addresses] == [403, 403, 403]


def test_reading_it_is_logged_and_its_words_are_not(staff):
    feedback = FeedbackFactory(message="canary-message", email="ana@example.com")
    staff("Front desk").get(page_of(feedback))
    entry = AccessEntry.objects.get()
    assert (entry.what, entry.row) == ("practice.feedback", str(feedback.pk))
    answer_feedback(feedback, "canary-answer", by=UserFactory())
    told = Change.objects.filter(table_name="practice_feedback").values_list("before", flat=True)
    assert "canary" not in str(list(told))


def test_answer_by_mail_is_kept_sent_and_told(staff, run_jobs):
    feedback = FeedbackFactory(email="ana@example.com", language="es")
    response = staff("Front desk").post(page_of(feedback, "answer"), {"answer": "We are sorry."})
    run_jobs()
    feedback.refresh_from_db()
    assert said(response) == ["The answer is on its way."]
    assert (feedback.status, feedback.answer, feedback.is_answer_mailed) == ("answered", "We are sorry.", True)
    (sent,) = mail.outbox
    assert sent.to == ["ana@example.com"]
    assert "We are sorry." in sent.body


@pytest.mark.parametrize("text", ["", "Your card 4242 4242 4242 4242", "about 123-45-6789"])
def test_answer_with_a_private_number_or_nothing_is_refused_and_kept_on_the_page(staff, text):
    feedback = FeedbackFactory(email="ana@example.com")
    response = staff("Front desk").post(page_of(feedback, "answer"), {"answer": text})
    feedback.refresh_from_db()
    assert (response.status_code, feedback.status) == (200, "new")
    assert text in response.text


def test_without_an_address_no_answer_by_mail_is_offered(staff):
    feedback = FeedbackFactory()
    client = staff("Front desk")
    page = client.get(page_of(feedback)).text
    assert ("act/answer/" in page, "act/close/" in page, "act/pass-on/" in page) == (False, True, True)
    client.post(page_of(feedback, "answer"), {"answer": "Hello"})
    feedback.refresh_from_db()
    assert feedback.status == "new"
    with pytest.raises(FeedbackError, match="No e-mail address was left"):
        answer_feedback(feedback, "Hello", by=UserFactory())


@pytest.mark.parametrize("again", [answer_feedback, close_feedback])
def test_it_is_answered_once(again, time_machine, run_jobs):
    time_machine.move_to(THURSDAY_BEFORE_A_WEEKEND, tick=False)
    feedback = FeedbackFactory(email="ana@example.com")
    answer_feedback(feedback, "First.", by=UserFactory(email="first@example.com"))
    with pytest.raises(FeedbackError, match=r"^first@example.com has answered this on 2026-10-15 already\.$"):
        again(feedback, "Second.", by=UserFactory())
    run_jobs()
    feedback.refresh_from_db()
    assert (feedback.answer, len(mail.outbox)) == ("First.", 1)


def test_passing_on_tells_the_other_team_and_may_take_it_out_of_sight(staff, run_jobs, settings):
    settings.FEEDBACK_RECIPIENTS = ["desk@example.com"]
    feedback = FeedbackFactory(team="billing")
    due_on = feedback.due_on
    client = staff("Billing")
    response = client.post(page_of(feedback, "pass-on"), {"team": "front desk"}, follow=True)
    run_jobs()
    feedback.refresh_from_db()
    assert (feedback.team, feedback.due_on) == ("front desk", due_on)
    assert (response.status_code, response.redirect_chain) == (200, [("/admin/practice/feedback/", 302)])
    assert [message.to for message in mail.outbox] == [["desk@example.com"]]
    assert client.get(page_of(feedback)).status_code == 302  # "does not exist", to the office's first page


def test_passing_on_to_the_same_team_or_after_the_answer_does_nothing(run_jobs):
    feedback = FeedbackFactory()
    pass_on(feedback, "front desk")
    close_feedback(feedback, "Called.", by=UserFactory())
    with pytest.raises(FeedbackError):
        pass_on(feedback, "billing")
    run_jobs()
    assert mail.outbox == []


@pytest.mark.parametrize(
    ("facts", "rule"),
    [
        ({"team": "sports"}, "practice_feedback_team_known"),
        ({"answer": "Too early."}, "practice_feedback_answered_by_somebody"),
        ({"is_answer_mailed": True}, "practice_feedback_mailed_where_there_is_an_address"),
    ],
)
def test_the_database_refuses(facts, rule):
    with pytest.raises(IntegrityError, match=rule), transaction.atomic():
        FeedbackFactory(**facts)


# ---- Many at once ---------------------------------------------------------------------------------------------------


def in_bulk(client, rows, **facts):
    data = {"action": "close", "_selected_action": [row.pk for row in rows], "index": "0"} | facts
    return client.post("/admin/practice/feedback/", data)


def test_bulk_act_asks_first_and_changes_nothing(staff):
    rows = FeedbackFactory.create_batch(2)
    response = in_bulk(staff("Front desk"), rows)
    assert (response.status_code, Feedback.objects.unanswered().count()) == (200, 2)
    assert [str(row) in response.text for row in rows] == [True, True]


def test_bulk_act_reports_what_it_did_and_what_it_could_not(staff):
    rows = FeedbackFactory.create_batch(3)
    close_feedback(rows[0], "Called.", by=UserFactory(email="first@example.com"))
    client = staff("Front desk")
    data = {"action": "close", "_selected_action": [row.pk for row in rows], "sure": "yes", "what_was_done": "Spam."}
    response = client.post("/admin/practice/feedback/?status=all", data)
    told = said(response)
    assert (told[0], len(told)) == ("Done: 2.", 2)
    assert told[1].startswith(f"{rows[0]}: first@example.com has answered this on")
    assert list(Feedback.objects.order_by("pk").values_list("answer", flat=True)) == ["Called.", "Spam.", "Spam."]


def test_bulk_act_keeps_what_was_typed_when_something_is_missing(staff):
    response = in_bulk(staff("Front desk"), [FeedbackFactory()], sure="yes", what_was_done="")
    assert "This field is required." in response.text
    assert Feedback.objects.unanswered().count() == 1


def test_bulk_act_reaches_no_other_teams_rows(staff):
    mine, theirs = FeedbackFactory(team="billing"), FeedbackFactory(team="front desk")
    in_bulk(staff("Billing"), [mine, theirs], sure="yes", what_was_done="Called.")
    assert list(Feedback.objects.unanswered()) == [theirs]


def test_bulk_act_takes_a_hundred_rows_at_most(staff):
    rows = FeedbackFactory.create_batch(101)
    client = staff("Front desk")
    data = {"action": "close", "_selected_action": [rows[0].pk], "select_across": "1", "index": "0"}
    response = client.post("/admin/practice/feedback/", data)
    assert said(response) == ["Choose 100 rows or fewer. Nothing was changed."]
