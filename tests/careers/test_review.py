"""Every step an application can take, and what each does to the clocks, the letters and the mails."""

from datetime import UTC, date, datetime, timedelta
from itertools import product

import pytest
import time_machine
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from careers import review
from careers.models import (
    FINAL_STATUSES,
    NEXT_STATUSES,
    Application,
    ApplicationStatus,
    Letter,
    Opening,
    OpeningStatus,
    Scorecard,
    SlotState,
)
from careers.review import ReviewError, change_status
from tests.factories import ApplicationFactory, CriterionFactory, OpeningFactory, UserFactory

pytestmark = pytest.mark.usefixtures("identity")

ENDS = ("declined", "withdrawn", "merged")
ALLOWED = {
    ("received", "in review"),
    ("in review", "interview"),
    ("interview", "hired"),
    *product(("received", "in review", "interview"), ENDS),
}
LABELS = {"declined": "not chosen"}
NOW = datetime(2026, 5, 15, 15, 30, tzinfo=UTC)  # a Friday


def application_at(status, **facts):
    if status == "merged":
        facts["merged_into"] = ApplicationFactory(**({"opening": facts["opening"]} if "opening" in facts else {}))
    return ApplicationFactory(status=status, **facts)


def test_table_of_steps_is_the_documented_one():
    assert {(status.value, after.value) for status, steps in NEXT_STATUSES.items() for after in steps} == ALLOWED


@pytest.mark.parametrize("after", ["in review", "interview", "hired"])
@pytest.mark.parametrize("before", ApplicationStatus.values)
def test_application_goes_only_where_the_table_lets_it(before, after):
    application = application_at(before)
    if (before, after) in ALLOWED:
        with time_machine.travel(NOW, tick=False):
            change_status(application, after)
        application.refresh_from_db()
        assert (application.status, application.status_changed_at, application.answered_at) == (after, NOW, NOW)
        (letter,) = application.letters.all()
        assert letter.kind == after
        assert list(DBTaskResult.objects.values_list("task_path", "args_kwargs")) == [
            ("careers.letters.send", {"args": [letter.pk], "kwargs": {}})
        ]
    else:
        with pytest.raises(ReviewError) as refusal:
            change_status(application, after)
        application.refresh_from_db()
        assert (application.status, DBTaskResult.objects.count()) == (before, 0)
        assert str(refusal.value) == (
            f"Application {application.pk} is “{LABELS.get(before, before)}” and cannot become “{after}”."
        )


@pytest.mark.parametrize("before", ApplicationStatus.values)
def test_only_what_is_undecided_is_declined_or_withdrawn(before):
    by = UserFactory()
    for act in (lambda row: review.decline(row, "filled", by=by), review.withdraw):
        application = application_at(before)
        if before in FINAL_STATUSES:
            with pytest.raises(ReviewError):
                act(application)
            application.refresh_from_db()
            assert (application.status, application.letters.count()) == (before, 0)
        else:
            after = act(application)
            assert (before, after.status) in ALLOWED
            assert [letter.kind for letter in application.letters.all()] == [after.status]


def test_promised_day_counts_anew_from_each_step():
    with time_machine.travel(NOW, tick=False):
        application = ApplicationFactory(opening=OpeningFactory(answer_days=2))
        assert change_status(application, "in review").answer_by == date(2026, 5, 19)
    with time_machine.travel(NOW + timedelta(days=4), tick=False):
        moved = change_status(application, "interview")
    assert (moved.answer_by, moved.answered_at) == (date(2026, 5, 21), NOW)  # the first answer stays the first


def test_decision_ends_the_clock_and_says_who_and_why():
    by, application = UserFactory(), ApplicationFactory()
    with time_machine.travel(NOW, tick=False):
        review.decline(application, "licence", by=by, note="Lapsed")
    application.refresh_from_db()
    assert (application.decided_at, application.decided_by, application.answer_by) == (NOW, by, None)
    assert (application.reason, application.reason_note) == ("licence", "Lapsed")


def test_who_withdraws_was_not_answered():
    application = review.withdraw(ApplicationFactory())
    assert (application.answered_at, application.decided_by, application.status) == (None, None, "withdrawn")


ENGLISH = {
    "in review": "Your application for “A & B” is now being read by the people who would work with you.",
    "interview": "We would like to meet you about “A & B”.",
    "hired": "We would be glad to have you with us as “A & B”. We will call or write about the next steps.",
}
SPANISH = {
    "in review": "Las personas que trabajarían con usted están leyendo su solicitud para “Á y B”.",
    "interview": "Nos gustaría conocerle para hablar de “Á y B”.",
    "hired": (
        "Nos alegraría tenerle con nosotros como “Á y B”. Le llamaremos o le escribiremos sobre los próximos pasos."
    ),
}


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize(
    ("before", "status"), [("received", "in review"), ("in review", "interview"), ("interview", "hired")]
)
def test_applicant_is_told_in_their_language(settings, run_jobs, mailoutbox, language, before, status):
    settings.PUBLIC_ORIGIN = "https://site.test"
    application = ApplicationFactory(
        name="Ann <Lee>",
        email="ann@example.com",
        language=language,
        status=before,
        opening=OpeningFactory(title="A & B", title_es="Á y B"),
    )
    change_status(application, status)
    run_jobs()
    (mail,) = mailoutbox
    prefix = "" if language == "en" else "/es"
    lines = mail.body.split("\n")
    assert mail.to == ["ann@example.com"]
    assert lines[0] == {"en": "Dear Ann <Lee>,", "es": "Hola, Ann <Lee>:"}[language]
    assert lines[2] == {"en": ENGLISH, "es": SPANISH}[language][status]
    assert lines[-5:] == [
        f"https://site.test{prefix}/careers/application/{application.token}/",
        "",
        "Test Radiology",
        "(574) 555-0100",
        "",
    ]


def test_each_step_is_told_even_when_the_next_came_first(run_jobs, mailoutbox):
    """The mail says what was decided, not where the application stands by the time it is sent."""
    application = ApplicationFactory(opening=OpeningFactory(title="A & B"))
    change_status(application, ApplicationStatus.IN_REVIEW)
    review.decline(application, "filled", by=UserFactory())
    run_jobs()
    assert sorted(mail.subject for mail in mailoutbox) == [
        "Test Radiology: news of your application",
        "Test Radiology: your application is being read",
    ]


def test_change_status_looks_at_the_row_and_not_at_what_the_caller_holds():
    application = ApplicationFactory()
    review.decline(application, "filled", by=UserFactory())
    assert application.status == ApplicationStatus.RECEIVED  # stale
    with pytest.raises(ReviewError, match="is “not chosen” and cannot become “in review”"):
        change_status(application, ApplicationStatus.IN_REVIEW)


# ---- Rejections that are sent later ---------------------------------------------------------------------------------


def test_scheduled_rejection_is_sent_at_its_time_and_not_seen_before(client, run_jobs, mailoutbox):
    application = ApplicationFactory(status="in review")
    with time_machine.travel(NOW, tick=False) as clock:
        review.decline(application, "filled", by=UserFactory(), at=NOW + timedelta(days=2))
        run_jobs()
        application.refresh_from_db()
        assert (application.status, application.decline_at, mailoutbox) == ("in review", NOW + timedelta(days=2), [])
        assert "Not chosen" not in client.get(application.get_absolute_url()).text
        clock.move_to(NOW + timedelta(days=2, seconds=1))
        run_jobs()
    application.refresh_from_db()
    assert (application.status, application.decline_at) == ("declined", None)
    assert application.decided_at == NOW + timedelta(days=2, seconds=1)
    assert [mail.subject for mail in mailoutbox] == ["Test Radiology: news of your application"]


@pytest.mark.parametrize(
    "instead",
    [
        lambda row, by: review.keep_after_all(row),
        lambda row, by: change_status(row, "interview"),
        lambda row, by: review.withdraw(row),
        lambda row, by: review.decline(row, "other", by=by, note="x"),
    ],
    ids=["taken back", "invited", "withdrawn", "declined at once"],
)
def test_what_is_decided_meanwhile_takes_the_place_of_what_was_scheduled(run_jobs, mailoutbox, instead):
    application, by = ApplicationFactory(status="in review"), UserFactory()
    with time_machine.travel(NOW, tick=False) as clock:
        review.decline(application, "filled", by=by, at=NOW + timedelta(days=2))
        instead(application, by)
        status = Application.objects.get().status
        clock.move_to(NOW + timedelta(days=3))
        run_jobs()
    application.refresh_from_db()
    assert (application.status, application.decline_at) == (status, None)
    sent = [letter.kind for letter in application.letters.exclude(sent_at=None)]
    assert len(mailoutbox) == len(sent)
    assert sent.count("declined") == (status == "declined")


def test_rejection_whose_job_failed_is_sent_by_the_nightly_command(run_jobs, mailoutbox, capsys):
    application = ApplicationFactory()
    with time_machine.travel(NOW, tick=False) as clock:
        review.decline(application, "filled", by=UserFactory(), at=NOW + timedelta(days=2))
        DBTaskResult.objects.all().delete()
        clock.move_to(NOW + timedelta(days=2, minutes=59))
        assert review.decline_missed() == 0  # its job may be about to run
        clock.move_to(NOW + timedelta(days=2, minutes=61))
        call_command("purge_applications")
        run_jobs()
    application.refresh_from_db()
    assert (application.status, len(mailoutbox)) == ("declined", 1)
    assert capsys.readouterr().err.startswith("Rejections that were scheduled and had not been sent: 1.")


@pytest.mark.parametrize("at", [NOW, NOW - timedelta(days=1), NOW + timedelta(days=30, seconds=1)])
def test_rejection_is_scheduled_within_a_month(at):
    application = ApplicationFactory()
    with time_machine.travel(NOW, tick=False), pytest.raises(ReviewError, match="within the next 30 days"):
        review.decline(application, "filled", by=UserFactory(), at=at)
    assert Letter.objects.count() == 0


def test_nothing_scheduled_cannot_be_taken_back():
    with pytest.raises(ReviewError, match="No decision is waiting to be sent"):
        review.keep_after_all(ApplicationFactory())


# ---- Openings close when everybody has an answer --------------------------------------------------------------------


@pytest.mark.parametrize("status", ApplicationStatus.values)
def test_opening_closes_only_when_nobody_waits(status):
    opening = OpeningFactory()
    if status == "merged":
        ApplicationFactory(opening=opening, status=status, merged_into=ApplicationFactory())
    else:
        ApplicationFactory(opening=opening, status=status)
    if status in FINAL_STATUSES:
        assert review.close_opening(opening).status == OpeningStatus.CLOSED
    else:
        with pytest.raises(ReviewError, match="1 applicant still waits for an answer, so this opening cannot close"):
            review.close_opening(opening)
        for hidden in ("closed", "draft"):
            with pytest.raises(IntegrityError, match="waits for an answer"), transaction.atomic():
                Opening.objects.filter(pk=opening.pk).update(status=hidden)


def test_refusal_to_close_counts_what_goes_out_later():
    opening = OpeningFactory()
    ApplicationFactory(opening=opening)
    review.decline(
        ApplicationFactory(opening=opening), "filled", by=UserFactory(), at=timezone.now() + timedelta(days=1)
    )
    with pytest.raises(ReviewError) as refusal:
        review.close_opening(opening)
    assert str(refusal.value) == (
        "2 applicants still wait for an answer, so this opening cannot close. Decided and not sent yet: 1."
    )


@pytest.mark.parametrize("status", ["draft", "closed"])
def test_nobody_waits_at_an_opening_that_is_not_open(status):
    opening = OpeningFactory(status=status)
    with pytest.raises(IntegrityError, match="not open"), transaction.atomic():
        ApplicationFactory(opening=opening)
    decided = ApplicationFactory(opening=opening, status="hired")
    with pytest.raises(IntegrityError, match="not open"), transaction.atomic():
        Application.objects.filter(pk=decided.pk).update(
            status="received", decided_at=None, answer_by=timezone.localdate()
        )


def test_who_waited_at_an_opening_closed_long_ago_can_still_be_answered():
    """Before the rule there were such openings."""
    application = ApplicationFactory()
    with connection.cursor() as cursor:
        cursor.execute(
            "SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE careers_opening DISABLE TRIGGER careers_refuse_closing"
        )
        cursor.execute("UPDATE careers_opening SET status = 'closed'")
        cursor.execute("ALTER TABLE careers_opening ENABLE TRIGGER careers_refuse_closing")
    assert change_status(application, "in review").status == "in review"
    assert review.decline(application, "filled", by=UserFactory()).status == "declined"


# ---- Scorecards, comments, and who sees the name --------------------------------------------------------------------


def test_scorecard_is_written_once_and_remembers_whether_the_name_was_seen():
    by, application = UserFactory(), ApplicationFactory()
    criteria = CriterionFactory.create_batch(2, opening=application.opening)
    card = review.score(application, dict(zip(criteria, (1, 4), strict=True)), "yes", by=by, note="Good")
    assert [(score.criterion, score.points) for score in card.scores.all()] == [(criteria[0], 1), (criteria[1], 4)]
    assert (card.was_blind, card.recommendation, card.note) == (True, "yes", "Good")
    with pytest.raises(ReviewError, match="You have scored this application already"):
        review.score(application, {}, "no", by=by)
    other = UserFactory()
    review.reveal(application, "They called.", by=other)
    assert review.score(application, {}, "no", by=other).was_blind is False
    assert Scorecard.objects.count() == 2


def test_decided_application_is_not_scored():
    with pytest.raises(ReviewError, match="decided already"):
        review.score(ApplicationFactory(status="hired"), {}, "yes", by=UserFactory())


@pytest.mark.parametrize("facts", [{"points": 0}, {"points": 5}])
def test_points_are_one_to_four(facts):
    criterion = CriterionFactory()
    card = review.score(ApplicationFactory(opening=criterion.opening), {criterion: 3}, "yes", by=UserFactory())
    with pytest.raises(IntegrityError, match="careers_score_points"), transaction.atomic():
        card.scores.update(**facts)


@pytest.mark.parametrize(
    ("status", "is_read_blind", "act", "is_blind"),
    [
        ("received", True, None, True),
        ("in review", True, None, True),
        ("interview", True, None, True),
        ("interview", True, "score", False),
        ("withdrawn", True, None, True),  # it could tell of another
        ("hired", True, None, True),
        ("hired", False, None, False),
        ("received", False, None, False),
        ("received", True, "score", False),
        ("received", True, "reveal", False),
    ],
)
def test_name_is_hidden_until_one_has_scored(status, is_read_blind, act, is_blind):
    by = UserFactory()
    application = ApplicationFactory(status=status, opening__is_read_blind=is_read_blind, name="Ann Lee")
    if act == "score":
        review.score(application, {}, "yes", by=by)
    if act == "reveal":
        review.reveal(application, "Why", by=by)
        review.reveal(application, "Again", by=by)
    (listed,) = Application.objects.with_known_to(by)
    assert (application.is_blind_for(by), listed.is_blind_for(by)) == (is_blind, is_blind)
    assert application.name_for(by) == (f"Application {application.pk}" if is_blind else "Ann Lee")
    if is_read_blind:
        assert application.is_blind_for(UserFactory()) is True  # another's scorecard opens nothing


def test_decision_takes_offered_times_away():
    application = ApplicationFactory(status="interview")
    slot = application.slots.create(starts_at=NOW, place="Here")
    review.decline(application, "interview", by=UserFactory())
    slot.refresh_from_db()
    assert slot.state == SlotState.GONE
