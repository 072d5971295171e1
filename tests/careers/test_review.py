from datetime import UTC, datetime
from itertools import product

import pytest
import time_machine
from django_tasks_db.models import DBTaskResult

from careers.models import NEXT_STATUSES, ApplicationStatus
from careers.review import ReviewError, change_status
from tests.factories import ApplicationFactory, OpeningFactory

pytestmark = pytest.mark.usefixtures("identity")

ALLOWED = {
    ("received", "in review"),
    ("received", "declined"),
    ("in review", "interview"),
    ("in review", "declined"),
    ("interview", "hired"),
    ("interview", "declined"),
}
LABELS = {"declined": "not chosen"}
LATER = datetime(2031, 1, 2, 15, 30, tzinfo=UTC)


def test_table_of_steps_is_the_documented_one():
    assert {(status.value, after.value) for status, steps in NEXT_STATUSES.items() for after in steps} == ALLOWED


@pytest.mark.parametrize(("before", "after"), list(product(ApplicationStatus.values, repeat=2)))
def test_application_goes_only_where_the_table_lets_it(before, after):
    application = ApplicationFactory(status=before)
    changed_at = application.status_changed_at
    if (before, after) in ALLOWED:
        with time_machine.travel(LATER, tick=False):
            assert change_status(application, after).status == after
        application.refresh_from_db()
        assert (application.status, application.status_changed_at) == (after, LATER)
        assert list(DBTaskResult.objects.values_list("task_path", "args_kwargs")) == [
            ("careers.review.tell_applicant", {"args": [application.pk, after], "kwargs": {}})
        ]
    else:
        with pytest.raises(ReviewError) as refusal:
            change_status(application, after)
        application.refresh_from_db()
        assert (application.status, application.status_changed_at) == (before, changed_at)
        assert DBTaskResult.objects.count() == 0
        assert str(refusal.value) == (
            f"Application {application.pk} is “{LABELS.get(before, before)}” and cannot become "
            f"“{LABELS.get(after, after)}”."
        )


ENGLISH = {
    "in review": "your application for “A & B” is now being reviewed.",
    "interview": "we would like to meet you about “A & B”. We will write or call to find a time.",
    "hired": "we would be glad to have you with us as “A & B”. We will write or call about the next steps.",
    "declined": (
        "thank you for your interest in “A & B”. We have chosen somebody else this time. We are grateful for the time "
        "you took."
    ),
}
SPANISH = {
    "in review": "Ya estamos revisando su solicitud para “Á y B”.",
    "interview": (
        "Nos gustaría conocerle y hablar sobre “Á y B”. Le escribiremos o le llamaremos para acordar la fecha y "
        "la hora."
    ),
    "hired": (
        "Nos dará mucho gusto contar con usted en el puesto “Á y B”. Le escribiremos o le llamaremos para explicarle "
        "los próximos pasos."
    ),
    "declined": (
        "Gracias por su interés en “Á y B”. Esta vez elegimos a otra persona. Le agradecemos el tiempo que nos dedicó."
    ),
}


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("status", list(ENGLISH))
def test_applicant_is_told_in_their_language(settings, run_jobs, mailoutbox, language, status):
    settings.PUBLIC_ORIGIN = "https://site.test"
    before = next(before for before, after in sorted(ALLOWED) if after == status)
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
    hello, link, subject, prefix = {
        "en": ("Dear Ann <Lee>,", "You can see at any time where it stands:", "news of your application", ""),
        "es": ("Hola, Ann <Lee>:", "En cualquier momento puede ver cómo va:", "noticias de su solicitud", "/es"),
    }[language]
    assert mail.to == ["ann@example.com"]
    assert mail.subject == f"Test Radiology: {subject}"
    assert mail.body.split("\n") == [
        hello,
        "",
        {"en": ENGLISH, "es": SPANISH}[language][status],
        "",
        link,
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
    change_status(application, ApplicationStatus.DECLINED)
    run_jobs()
    assert sorted(mail.body.split("\n")[2] for mail in mailoutbox) == [ENGLISH["declined"], ENGLISH["in review"]]


def test_change_status_looks_at_the_row_and_not_at_what_the_caller_holds():
    application = ApplicationFactory()
    change_status(application, ApplicationStatus.DECLINED)
    assert application.status == ApplicationStatus.RECEIVED  # stale
    with pytest.raises(ReviewError, match="is “not chosen” and cannot become “in review”"):
        change_status(application, ApplicationStatus.IN_REVIEW)
