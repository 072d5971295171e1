"""Threads between patients and the office, and requests for an estimate. Each has a clock in business days.

A question about a charge puts the statement on hold: nothing is due, no instalment is charged, and exports say so,
until the office has answered everything that is open on it.
"""

from datetime import date, datetime
from statistics import median

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone, translation

from billing.models import (
    EstimateRequest,
    Question,
    QuestionKind,
    QuestionMessage,
    QuestionState,
    Statement,
    StatementLine,
)
from billing.receipts import send_to_office
from practice.business_days import business_days_after, business_days_between
from practice.mail import mail_job, send

ANSWER_WITHIN = 3  # business days
# A good-faith estimate: within one business day of scheduling when the exam is three to nine business days away, within
# three when it is ten or more away or only asked for. Source: 45 CFR 149.610(b)(1)(vi).
ESTIMATE_SOON, ESTIMATE_WITHIN = 1, 3
SCHEDULED_FAR = 10


@transaction.atomic
def ask(
    statement: Statement,
    kind: QuestionKind,
    body: str,
    *,
    line: StatementLine | None = None,
    email: str = "",
    language: str = "en",
    at: datetime | None = None,
) -> Question:
    """Open a thread, start its clock, hold the bill, and tell the office. Sent twice, it is asked once."""
    at = at or timezone.now()
    Statement.objects.select_for_update(no_key=True).get(pk=statement.pk)
    for open_question in statement.questions.open().filter(kind=kind, line=line):
        if _was_just_said(open_question, None, body):
            return open_question
    question = Question.objects.create(
        statement=statement,
        line=line,
        kind=kind,
        email=email,
        language=language,
        asked_at=at,
        due_on=business_days_after(timezone.localdate(at), ANSWER_WITHIN),
    )
    QuestionMessage.objects.create(question=question, body=body, written_at=at)
    Statement.objects.filter(pk=statement.pk, held_since=None).update(held_since=at)
    send_to_office.enqueue("billing/email/new_question", str(question.pk))
    return question


def _lock(question: Question) -> Question:
    """The question, after its statement: in the order of the house, and so that a hold is not lost between two."""
    Statement.objects.select_for_update(no_key=True).get(pk=question.statement_id)
    return Question.objects.select_for_update(of=("self",)).get(pk=question.pk)


def _was_just_said(question: Question, by, body: str) -> bool:
    """Whether this is the thread's last message once more: a button pressed twice."""
    last = question.messages.last()
    return last is not None and (last.written_by_id, last.body) == (by and by.pk, body)


@transaction.atomic
def ask_on(question: Question, body: str, at: datetime | None = None) -> None:
    """The patient writes again: the thread waits for the office, with a new clock."""
    at = at or timezone.now()
    question = _lock(question)
    if _was_just_said(question, None, body):
        return
    QuestionMessage.objects.create(question=question, body=body, written_at=at)
    if question.state != QuestionState.OPEN:
        question.state = QuestionState.OPEN
        question.due_on = business_days_after(timezone.localdate(at), ANSWER_WITHIN)
        question.save(update_fields=["state", "due_on"])
    Statement.objects.filter(pk=question.statement_id, held_since=None).update(held_since=at)
    send_to_office.enqueue("billing/email/new_question", str(question.pk))


@transaction.atomic
def answer(question: Question, body: str, *, by, at: datetime | None = None) -> None:
    """The office answers; the bill is released when nothing else is open on it. Sent twice, it is said once."""
    at = at or timezone.now()
    question = _lock(question)
    if _was_just_said(question, by, body):
        return
    QuestionMessage.objects.create(question=question, body=body, written_by=by, written_at=at)
    question.state = QuestionState.ANSWERED
    question.answered_at = question.answered_at or at
    question.save(update_fields=["state", "answered_at"])
    _release(question.statement_id)
    if question.email:
        send_answer.enqueue(question.pk)


@transaction.atomic
def close_question(question: Question) -> None:
    """Nothing more is to be said; the bill is released when nothing else is open on it."""
    question = _lock(question)
    question.state = QuestionState.CLOSED
    question.save(update_fields=["state"])
    _release(question.statement_id)


def _release(statement_id: int) -> None:
    if not Question.objects.open().filter(statement=statement_id).exists():
        Statement.objects.filter(pk=statement_id).update(held_since=None)


@mail_job
def send_answer(question_id: int) -> None:
    """Tell the patient that an answer waits on the bill's page. The mail says nothing of either."""
    question = Question.objects.get(pk=question_id)
    with translation.override(question.language):
        url = settings.PUBLIC_ORIGIN + reverse("billing:look_up")
    send("billing/email/answer", [question.email], {"url": url}, question.language)


# ---- Estimates ------------------------------------------------------------------------------------------------------


@transaction.atomic
def request_estimate(
    *, name: str, contact: str, exam: str, scheduled_on: date | None, language: str, at: datetime | None = None
) -> EstimateRequest:
    """Write the request down with the day by which the estimate is due, and tell the office."""
    at = at or timezone.now()
    request = EstimateRequest.objects.create(
        name=name,
        contact=contact,
        exam=exam,
        scheduled_on=scheduled_on,
        language=language,
        asked_at=at,
        due_on=estimate_due_on(timezone.localdate(at), scheduled_on),
    )
    send_to_office.enqueue("billing/email/new_estimate", str(request.pk))
    return request


def estimate_due_on(asked_on: date, scheduled_on: date | None) -> date:
    """The day by which an estimate is due. An exam in less than three business days is treated like a near one."""
    is_far = scheduled_on is None or scheduled_on >= business_days_after(asked_on, SCHEDULED_FAR)
    return business_days_after(asked_on, ESTIMATE_WITHIN if is_far else ESTIMATE_SOON)


@transaction.atomic
def record_estimate(request: EstimateRequest, cents: int, *, by, at: datetime | None = None) -> None:
    """The estimate was given to the patient: so many cents, by whom and when. Once."""
    EstimateRequest.objects.filter(pk=request.pk, answered_at=None).update(
        answered_at=at or timezone.now(), answered_by=by, estimate_cents=cents
    )


# ---- Figures --------------------------------------------------------------------------------------------------------


def business_days_to_answer(since: datetime) -> list[int]:
    """Business days from asking to the first answer, of each answered question that was asked since."""
    asked = Question.objects.filter(~Q(answered_at=None), asked_at__gte=since).values_list("asked_at", "answered_at")
    return [business_days_between(timezone.localdate(first), timezone.localdate(last)) for first, last in asked]


def median_business_days_to_answer(since: datetime) -> float | None:
    """Their median; None where there are none."""
    days = business_days_to_answer(since)
    return float(median(days)) if days else None
