"""The voluntary questions: an answer is added where nobody can read it, and leaves only as counts of five or more."""

from dataclasses import dataclass

from django.db import connection, transaction
from django.utils import timezone

from careers.models import Application, Ethnicity, Role, Sex, SurveyAnswer

QUESTIONS = {"sex": Sex, "ethnicity": Ethnicity}


@dataclass(frozen=True)
class Count:
    """How many of those who applied for one kind of job gave one answer: five or more, rounded down to fives."""

    role: str
    question: str
    answer: str
    answers: int


@transaction.atomic
def answer_survey(application: Application, sex: str, ethnicity: str) -> None:
    """Keep what this applicant said, once, and nothing of whose answer it is."""
    first = Application.objects.filter(pk=application.pk, has_seen_survey=False).update(has_seen_survey=True)
    if first:
        SurveyAnswer.objects.create(
            role=application.opening.role, year=timezone.localdate().year, sex=sex, ethnicity=ethnicity
        )


def survey_counts() -> list[Count]:
    """The counts the database gives out, in the order of the questions."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT role, question, answer, answers FROM careers_survey_counts()")
        counts = [Count(*row) for row in cursor.fetchall()]
    return sorted(
        counts,
        key=lambda count: (
            Role.values.index(count.role),
            list(QUESTIONS).index(count.question),
            QUESTIONS[count.question].values.index(count.answer),
        ),
    )
