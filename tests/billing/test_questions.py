"""Threads with the office: the clock, the hold, who is told, and how fast answers come."""

import threading
import time
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.db import DatabaseError, connection, transaction

from billing import questions
from billing.models import EstimateRequest, Question, QuestionKind, QuestionMessage, QuestionState
from billing.models.questions import NEXT_QUESTION_STATES
from tests import factories

pytestmark = pytest.mark.django_db
HERE = ZoneInfo("America/Indiana/Indianapolis")
SECRETS = ["Testa", "Patientson", "biopsy", "Chest X-ray", "1950"]


def at(day, hour=12):
    return datetime(*day, hour, tzinfo=HERE)


ASKED = at((2026, 11, 24))  # the Tuesday before Thanksgiving


@pytest.fixture
def statement(identity):
    return factories.StatementFactory(owes=10_000)


@pytest.fixture
def office(statement):
    return factories.UserFactory()


def ask(statement, body="Why a biopsy?", **facts):
    return questions.ask(statement, QuestionKind.CHARGE, body, **{"at": ASKED} | facts)


def held_since(statement):
    statement.refresh_from_db()
    return statement.held_since


def test_asking_starts_the_clock_holds_the_bill_and_keeps_what_was_written(statement):
    question = ask(statement, line=statement.lines.get())

    assert question.due_on == date(2026, 11, 30)  # Wednesday, Friday, Monday: not Thanksgiving, not the weekend
    assert (question.state, question.line, held_since(statement)) == (QuestionState.OPEN, statement.lines.get(), ASKED)
    assert [(message.body, message.written_by) for message in question.messages.all()] == [("Why a biopsy?", None)]
    assert list(type(statement).objects.on_hold()) == [statement]


@pytest.mark.parametrize(
    ("asked_at", "due_on"),
    [
        (at((2026, 10, 26), 9), date(2026, 10, 29)),
        (at((2026, 10, 26), 23), date(2026, 10, 29)),  # already Tuesday in London
        (at((2026, 10, 30), 9), date(2026, 11, 4)),
        (at((2026, 10, 31), 9), date(2026, 11, 4)),
        (at((2026, 12, 31), 9), date(2027, 1, 6)),
    ],
)
def test_the_answer_is_due_in_three_business_days_of_where_the_office_is(statement, asked_at, due_on):
    assert ask(statement, at=asked_at).due_on == due_on


def test_what_is_not_answered_in_time_is_overdue(statement):
    question = ask(statement)

    assert list(Question.objects.overdue(date(2026, 11, 30))) == []
    assert list(Question.objects.overdue(date(2026, 12, 1))) == [question]


def test_answering_releases_the_bill_and_tells_when_it_was_answered_first(statement, office):
    question = ask(statement)
    questions.answer(question, "It was for your doctor.", by=office, at=ASKED + timedelta(days=1))
    questions.answer(question, "And one more thing.", by=office, at=ASKED + timedelta(days=9))

    question.refresh_from_db()
    assert (question.state, question.answered_at) == (QuestionState.ANSWERED, ASKED + timedelta(days=1))
    assert held_since(statement) is None
    assert [message.written_by for message in question.messages.all()] == [None, office, office]
    assert list(Question.objects.open()) == []


def test_an_answer_sent_twice_is_said_once(statement, office, run_jobs, settings):
    settings.BILLING_RECIPIENTS = []
    question = ask(statement, email="testa@example.com")
    for _click in range(2):
        questions.answer(question, "So.", by=office)
    run_jobs()

    assert [message.body for message in question.messages.all()] == ["Why a biopsy?", "So."]
    assert len(mail.outbox) == 1


def test_the_bill_stays_on_hold_until_everything_is_answered(statement, office):
    first = ask(statement)
    second = questions.ask(statement, QuestionKind.INSURANCE, "Another thing", at=ASKED + timedelta(hours=1))

    questions.answer(first, "So.", by=office)
    assert held_since(statement) == ASKED
    questions.close_question(second)
    assert held_since(statement) is None


@pytest.mark.parametrize(
    "end", [questions.close_question, lambda q: questions.answer(q, "So.", by=factories.UserFactory())]
)
def test_writing_again_opens_the_thread_with_a_new_clock_and_holds_the_bill_again(statement, end):
    question = ask(statement)
    end(question)

    questions.ask_on(question, "I still do not see it.", at=at((2026, 12, 4)))

    question.refresh_from_db()
    assert (question.state, question.due_on) == (QuestionState.OPEN, date(2026, 12, 9))
    assert held_since(statement) == at((2026, 12, 4))


def test_writing_again_before_the_answer_keeps_the_clock(statement):
    question = ask(statement)

    questions.ask_on(question, "Please.", at=at((2026, 11, 27)))

    question.refresh_from_db()
    assert (question.due_on, held_since(statement)) == (date(2026, 11, 30), ASKED)
    assert question.messages.count() == 2


def waits_for_a_lock():
    """Whether a connection to this database comes to wait for another's lock within four seconds."""
    for _look in range(80):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if cursor.fetchone() != (0,):
                return True
        time.sleep(0.05)
    return False


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("end", ["answer", "close_question"])
@pytest.mark.parametrize("write", ["ask", "ask_on"])
def test_a_hold_is_not_lost_when_the_patient_writes_while_another_thread_ends(identity, write, end):
    statement, office = factories.StatementFactory(owes=10_000), factories.UserFactory()
    other = questions.ask(statement, QuestionKind.INSURANCE, "Another thing", at=ASKED)
    questions.close_question(other)
    first = ask(statement)
    written, may_commit, errors = threading.Event(), threading.Event(), []

    def patient_writes():
        with transaction.atomic():
            if write == "ask":
                questions.ask(statement, QuestionKind.ASSISTANCE, "And help", at=ASKED + timedelta(hours=1))
            else:
                questions.ask_on(other, "Once more", at=ASKED + timedelta(hours=1))
            written.set()
            may_commit.wait(10)

    def office_ends():
        if end == "answer":
            questions.answer(first, "So.", by=office)
        else:
            questions.close_question(first)

    def run(job):
        try:
            job()
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[job]) for job in (patient_writes, office_ends)]
    threads[0].start()
    assert written.wait(10)
    threads[1].start()
    waited = waits_for_a_lock()
    may_commit.set()
    for thread in threads:
        thread.join(20)

    assert (errors, waited, [thread.is_alive() for thread in threads]) == ([], True, [False, False])
    assert (Question.objects.open().count(), held_since(statement)) == (1, ASKED)


def test_another_bill_of_the_patient_is_not_held(statement):
    other = factories.StatementFactory(patient=statement.patient)
    ask(statement)

    assert held_since(other) is None


def test_every_state_of_a_thread_has_its_next_ones():
    assert set(NEXT_QUESTION_STATES) == set(QuestionState)
    assert {after for next_states in NEXT_QUESTION_STATES.values() for after in next_states} == set(QuestionState)


@pytest.mark.parametrize("field", ["kind", "state"])
def test_the_database_knows_no_other_kind_or_state(statement, field):
    question = ask(statement)

    with pytest.raises(DatabaseError, match=f"billing_question_{field}_known"), transaction.atomic():
        Question.objects.filter(pk=question.pk).update(**{field: "other"})


def test_what_was_said_stays_said(statement):
    message = ask(statement).messages.get()

    for change in (lambda: QuestionMessage.objects.update(body="x"), message.delete):
        with pytest.raises(DatabaseError, match="keeps what was written"), transaction.atomic():
            change()


def test_messages_and_addresses_are_unreadable_in_the_database(statement):
    ask(statement, email="testa@example.com")

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT q::text || m::text FROM billing_question q JOIN billing_questionmessage m ON m.question_id = q.id"
        )
        (row,) = cursor.fetchone()
    assert [secret for secret in ("biopsy", "testa@example.com") if secret in row] == []


# ---- Mail -----------------------------------------------------------------------------------------------------------


def leaks(message, *more):
    text = f"{message.subject} {message.body}"
    return [secret for secret in [*SECRETS, *more] if secret in text]


def test_the_office_learns_that_a_question_waits_and_nothing_of_it(statement, run_jobs, settings):
    settings.BILLING_RECIPIENTS = ["billing@example.com"]
    question = ask(statement, line=statement.lines.get(), email="testa@example.com")
    run_jobs()

    (told,) = mail.outbox
    assert (told.to, told.subject) == (["billing@example.com"], "A question about a bill waits")
    assert f"/admin/billing/question/{question.pk}/change/" in told.body
    assert leaks(told, statement.number, "testa@example.com") == []


@pytest.mark.parametrize(
    ("language", "start"),
    [("en", "/pay/"), ("es", "/es/pay/")],
)
def test_the_patient_learns_that_an_answer_waits_and_nothing_of_it(
    statement, office, run_jobs, settings, language, start
):
    settings.BILLING_RECIPIENTS = []
    question = ask(statement, email="testa@example.com", language=language)
    questions.answer(question, "The biopsy was ordered.", by=office)
    run_jobs()

    (told,) = mail.outbox
    assert told.to == ["testa@example.com"]
    assert f"{settings.PUBLIC_ORIGIN}{start}\n" in told.body
    assert leaks(told, statement.number, "ordered", office.name, office.email) == []


def test_without_an_address_nobody_is_written_to(statement, office, run_jobs, settings):
    settings.BILLING_RECIPIENTS = []
    questions.answer(ask(statement), "So.", by=office)
    run_jobs()

    assert mail.outbox == []


# ---- Estimates ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked_on", "scheduled_on", "due_on"),
    [
        (date(2026, 11, 24), None, date(2026, 11, 30)),  # not scheduled: three, over Thanksgiving and a weekend
        (date(2026, 11, 25), date(2026, 12, 1), date(2026, 11, 27)),  # near: one, over Thanksgiving
        (date(2026, 10, 26), date(2026, 11, 6), date(2026, 10, 27)),  # nine business days away
        (date(2026, 10, 26), date(2026, 11, 9), date(2026, 10, 29)),  # ten business days away
        (date(2026, 10, 30), date(2026, 11, 13), date(2026, 11, 2)),  # ten weekdays, but one is Veterans Day
        (date(2026, 10, 30), date(2026, 11, 16), date(2026, 11, 4)),
        (date(2026, 10, 30), date(2026, 10, 30), date(2026, 11, 2)),  # today: as soon as can be
    ],
)
def test_an_estimate_is_due_by_the_rule(asked_on, scheduled_on, due_on):
    assert questions.estimate_due_on(asked_on, scheduled_on) == due_on


def test_an_estimate_is_recorded_once(office):
    request = questions.request_estimate(
        name="N", contact="n@example.com", exam="MRI", scheduled_on=None, language="en", at=ASKED
    )
    questions.record_estimate(request, 45_000, by=office, at=ASKED + timedelta(days=1))
    questions.record_estimate(request, 99_000, by=None, at=ASKED + timedelta(days=2))

    request.refresh_from_db()
    assert (request.estimate_cents, request.answered_by, request.answered_at) == (
        45_000, office, ASKED + timedelta(days=1),
    )  # fmt: skip
    assert list(EstimateRequest.objects.unanswered()) == []


@pytest.mark.parametrize(
    "facts",
    [{"answered_at": ASKED}, {"estimate_cents": 1}, {"answered_at": ASKED, "estimate_cents": -1}],
)
def test_an_answered_estimate_has_its_sum(identity, facts):
    request = questions.request_estimate(name="N", contact="1", exam="MRI", scheduled_on=None, language="en")

    with pytest.raises(DatabaseError, match="answered_with_sum"), transaction.atomic():
        EstimateRequest.objects.filter(pk=request.pk).update(**facts)


# ---- Figures --------------------------------------------------------------------------------------------------------


def test_time_to_answer_is_the_median_in_business_days(statement, office):
    assert questions.median_business_days_to_answer(ASKED - timedelta(days=1)) is None
    for days in (0, 1, 6):  # 0, 1 and 3 business days: Thanksgiving and a weekend are in between
        questions.answer(ask(statement), "So.", by=office, at=ASKED + timedelta(days=days))
    ask(statement)  # not answered: not counted
    assert questions.median_business_days_to_answer(ASKED) == 1.0

    questions.answer(ask(statement), "So.", by=office, at=ASKED + timedelta(days=6))
    assert questions.median_business_days_to_answer(ASKED) == 2.0
    assert questions.median_business_days_to_answer(ASKED + timedelta(days=1)) is None


def test_a_message_sent_twice_is_said_once(statement):
    first = ask(statement)
    again = ask(statement, at=ASKED + timedelta(seconds=1))
    questions.ask_on(first, "Why a biopsy?")
    questions.ask_on(first, "And one more thing.")
    questions.ask_on(first, "And one more thing.")

    assert again == first
    assert [message.body for message in first.messages.all()] == ["Why a biopsy?", "And one more thing."]
