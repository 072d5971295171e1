import threading
from datetime import date, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django_tasks_db.models import DBTaskResult

from education import publishing
from education.models import Article
from education.reminders import AHEAD, remind, waiting
from practice.search.models import MissedSearch
from tests.education.test_publishing import publish, translate
from tests.factories import ArticleFactory, PhysicianFactory
from tests.practice.test_mail import inbox  # noqa: F401  (a fixture)

pytestmark = pytest.mark.usefixtures("identity")

TODAY = date(2026, 11, 26)


@pytest.fixture(autouse=True)
def editors(settings, time_machine):
    time_machine.move_to("2026-11-26T17:00:00Z", tick=False)
    settings.EDITORIAL_RECIPIENTS = ["editor@example.com", "second@example.com"]


def reviewed(title, due, **facts):
    return ArticleFactory(
        title=title,
        is_sample=False,
        reviewer=PhysicianFactory(),
        reviewed_on=date(2025, 1, 1),
        next_review_on=due,
        **facts,
    )


def nothing(**changes):
    return {"due": [], "stale": 0, "in_review": 0, "missed": 0} | changes


# ---- What waits -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("due", "expected"),
    [
        (TODAY - timedelta(days=400), True),
        (TODAY, True),
        (TODAY + timedelta(days=1), False),
        (TODAY + AHEAD, False),
        (TODAY + AHEAD + timedelta(days=1), None),
    ],
)
def test_review_waits_from_thirty_days_before_it_is_due(due, expected):
    reviewed("Knee", due)
    assert waiting() == nothing(due=[] if expected is None else [("Knee", "en", due, expected)])


def test_reviews_are_in_the_order_in_which_they_fall_due():
    for title, days in (("Zebra", 3), ("Knee", 1), ("Ankle", 3), ("Elbow", -2)):
        reviewed(title, TODAY + timedelta(days=days))
    assert [title for title, *_rest in waiting()["due"]] == ["Elbow", "Knee", "Ankle", "Zebra"]


def test_day_may_be_another():
    reviewed("Knee", date(2027, 6, 15))
    assert [waiting(date(2027, 5, day))["due"] for day in (15, 16)] == [[], [("Knee", "en", date(2027, 6, 15), False)]]


def test_sample_text_and_what_is_off_the_site_waits_for_nothing():
    ArticleFactory(title="Sample")
    reviewed("Retired", TODAY, status="retired")
    publishing.take_off(reviewed("Taken off", TODAY))
    assert waiting() == nothing()


def test_review_of_the_text_on_the_site_counts_and_not_that_of_a_draft():
    reviewed("Knee", TODAY)
    Article.objects.update(next_review_on=TODAY + timedelta(days=300))
    assert waiting()["due"] == [("Knee", "en", TODAY, True)]


def test_translations_drafts_in_review_and_missed_searches_wait():
    for title in ("Knee", "Elbow"):
        article = ArticleFactory(title=title, sections={"basic facts": "One.\n\nTwo."})
        translate(article, {"basic facts": "Uno.\n\nDos."})
        publish(article, basic_facts="Other.\n\nAnother.")
    ArticleFactory(status="in review")
    ArticleFactory(status="draft")
    for words, handled in (("zebra", None), ("lion", None), ("tiger", "2026-11-01T12:00:00Z")):
        MissedSearch.objects.create(language="en", words=words, count=9, handled_at=handled)
    assert waiting() == nothing(stale=2, in_review=1, missed=2)


# ---- The mail -------------------------------------------------------------------------------------------------------


def test_editors_are_told_through_a_real_mail_server(inbox, run_jobs):  # noqa: F811
    reviewed("Knee & <leg>", TODAY)
    reviewed("Rodilla", TODAY + timedelta(days=30), language="es")
    ArticleFactory(status="in review", title="Secret plans")
    MissedSearch.objects.create(language="en", words="zebra")
    assert remind() is True
    assert inbox.arrived == []
    run_jobs()

    (arrived,) = inbox.arrived
    assert arrived.recipients == ["editor@example.com", "second@example.com"]
    assert arrived.subject == "Patient Information: 2 reviews fall due"
    assert arrived.body.replace("\r\n", "\n") == (
        "Regular reviews that are due, or will be within 30 days:\n\n"
        "- 2026-11-26 (due)  Knee & <leg> (en)\n"
        "- 2026-12-26  Rodilla (es)\n\n"
        "Articles in review: 1\nTranslations that have fallen behind: 0\nSearches without a result: 1\n\n"
        "https://practice.example/admin/education/article/\n"
    )


def test_mail_about_other_things_than_reviews_lists_none(inbox, run_jobs):  # noqa: F811
    ArticleFactory(status="in review")
    remind()
    run_jobs()

    (arrived,) = inbox.arrived
    assert arrived.subject == "Patient Information: what waits"
    assert arrived.body.replace("\r\n", "\n").startswith("Articles in review: 1\n")


def test_one_review_is_one_review(inbox, run_jobs):  # noqa: F811
    reviewed("Knee", TODAY)
    remind()
    run_jobs()
    assert inbox.arrived[0].subject == "Patient Information: 1 review falls due"


@pytest.mark.parametrize("due", [None, TODAY + AHEAD + timedelta(days=1)])
def test_where_nothing_waits_there_is_no_mail(inbox, run_jobs, due):  # noqa: F811
    if due:
        reviewed("Knee", due)
    assert remind() is False
    run_jobs()
    assert (inbox.arrived, DBTaskResult.objects.count()) == ([], 0)


def test_where_nobody_is_named_there_is_no_mail(inbox, settings, run_jobs):  # noqa: F811
    settings.EDITORIAL_RECIPIENTS = []
    reviewed("Knee", TODAY)
    assert remind() is False
    run_jobs()
    assert (inbox.arrived, DBTaskResult.objects.count()) == ([], 0)


def test_queue_holds_the_day_and_no_text():
    reviewed("Knee", TODAY)
    remind()
    (job,) = DBTaskResult.objects.values_list("args_kwargs", flat=True)
    assert job == {"args": ["2026-11-26"], "kwargs": {}}


def test_mail_is_of_the_day_it_was_asked_for(inbox, run_jobs, time_machine):  # noqa: F811
    reviewed("Knee", TODAY + timedelta(days=1))
    remind()
    time_machine.move_to("2026-11-28T17:00:00Z", tick=False)
    run_jobs()
    assert "- 2026-11-27  Knee (en)" in inbox.arrived[0].body


@pytest.mark.parametrize(
    ("waits", "sentence"),
    [(True, "A reminder is on its way.\n"), (False, "Nothing waits, or today's mail was sent already.\n")],
)
def test_command_says_what_it_did(capsys, waits, sentence):
    if waits:
        ArticleFactory(status="in review")
    call_command("send_review_reminders")
    assert (capsys.readouterr().out, DBTaskResult.objects.count()) == (sentence, int(waits))


def test_command_refuses_where_nobody_is_named(settings):
    settings.EDITORIAL_RECIPIENTS = []
    with pytest.raises(CommandError, match=r"^Nobody is named in EDITORIAL_RECIPIENTS\.$"):
        call_command("send_review_reminders")


@pytest.mark.django_db(transaction=True)
def test_two_machines_send_one_mail():
    ArticleFactory(status="in review")
    start, said = threading.Barrier(2), []

    def machine():
        start.wait()
        said.append(remind())
        connection.close()

    machines = [threading.Thread(target=machine) for _ in range(2)]
    for each in machines:
        each.start()
    for each in machines:
        each.join()
    assert (sorted(said), DBTaskResult.objects.count()) == ([False, True], 1)
    assert remind(TODAY + timedelta(days=7)) is True
