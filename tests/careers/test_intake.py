import pytest
from django.core.files.base import ContentFile
from django.db import DataError
from django_tasks_db.models import DBTaskResult

from careers import intake
from careers.intake import receive_application
from careers.models import Application
from practice.resources.demo_pdf import one_page
from tests.factories import OpeningFactory

pytestmark = pytest.mark.usefixtures("identity")

PDF = one_page("CV", ["A line"])


def apply(opening=None, **changes):
    facts = {
        "name": "Ann O'Lee & Söns",
        "email": "ann@example.com",
        "phone": "(574) 555-0199",
        "message": "Hello.",
        "cv": ContentFile(PDF, name="Ann Lee.PDF"),
        "language": "en",
    }
    return receive_application(
        opening or OpeningFactory(title="CT “chief” & more", title_es="Jefe de TC"), **facts | changes
    )


def private_files(settings):
    return [path for path in settings.PRIVATE_ROOT.rglob("*") if path.is_file()]


def test_application_is_kept_with_its_file(settings):
    opening = OpeningFactory()
    application = apply(opening)
    application.refresh_from_db()
    assert (application.opening, application.name, application.email) == (
        opening,
        "Ann O'Lee & Söns",
        "ann@example.com",
    )
    assert (application.phone, application.message, application.language) == ("(574) 555-0199", "Hello.", "en")
    assert application.status == "received"
    (file,) = private_files(settings)
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (PDF, 0o600)
    assert application.cv.name == f"applications/{file.name}"
    assert "Ann" not in file.name


def test_queue_holds_numbers_only():
    application = apply()
    assert sorted(DBTaskResult.objects.values_list("task_path", "args_kwargs"), key=lambda job: job[0]) == [
        ("careers.intake.announce_application", {"args": [application.pk], "kwargs": {}}),
        ("careers.intake.confirm_application", {"args": [application.pk], "kwargs": {}}),
    ]


ENGLISH = (
    "Test Radiology: we have received your application",
    [
        "Dear Ann O'Lee & Söns,",
        "",
        "thank you for applying for “CT “chief” & more”. Your application and your CV have arrived, and people here "
        "will read them.",
        "",
        "You can see at any time where it stands:",
        "https://site.test/careers/application/{token}/",
        "",
        "We answer every application, whatever the outcome.",
        "",
        "Test Radiology",
        "(574) 555-0100",
        "",
    ],
)
SPANISH = (
    "Test Radiology: recibimos su solicitud",
    [
        "Hola, Ann O'Lee & Söns:",
        "",
        "Gracias por enviar su solicitud para “Jefe de TC”. Recibimos su solicitud y su currículum, y nuestro equipo "
        "los leerá.",
        "",
        "En cualquier momento puede ver cómo va:",
        "https://site.test/es/careers/application/{token}/",
        "",
        "Respondemos a todas las solicitudes, sea cual sea el resultado.",
        "",
        "Test Radiology",
        "(574) 555-0100",
        "",
    ],
)


@pytest.mark.parametrize(("language", "mail"), [("en", ENGLISH), ("es", SPANISH)])
def test_both_sides_hear_of_it(settings, run_jobs, mailoutbox, language, mail):
    settings.PUBLIC_ORIGIN = "https://site.test"
    settings.HIRING_RECIPIENTS = ["hiring@site.test", "second@site.test"]
    application = apply(language=language)
    assert mailoutbox == []  # not while the applicant waits
    run_jobs()
    confirmation, announcement = sorted(mailoutbox, key=lambda mail: mail.to)
    subject, lines = mail
    assert (confirmation.to, confirmation.subject) == (["ann@example.com"], subject)
    assert confirmation.body.split("\n") == [line.format(token=application.token) for line in lines]
    assert announcement.to == ["hiring@site.test", "second@site.test"]
    assert announcement.subject == f"Application {application.pk} arrived on the website"
    assert announcement.body.split("\n") == [
        f"Application {application.pk} for “CT “chief” & more” waits to be read:",
        "",
        f"https://site.test/admin/careers/application/{application.pk}/change/",
        "",
    ]


def test_nobody_is_told_where_nobody_is_named(settings, run_jobs, mailoutbox):
    settings.HIRING_RECIPIENTS = []
    apply()
    run_jobs()
    assert [mail.to for mail in mailoutbox] == [["ann@example.com"]]


def test_failure_of_the_database_leaves_no_file(settings):
    with pytest.raises(DataError):
        apply(name="x" * 101)
    assert private_files(settings) == []


@pytest.mark.parametrize("job", ["confirm_application", "announce_application"])
def test_failure_of_the_queue_leaves_neither_row_nor_file(settings, monkeypatch, job):
    class Full:
        def enqueue(self, application_id):
            raise KeyboardInterrupt

    opening = OpeningFactory()
    monkeypatch.setattr(intake, job, Full())
    with pytest.raises(KeyboardInterrupt):
        apply(opening)
    assert (Application.objects.count(), DBTaskResult.objects.count(), private_files(settings)) == (0, 0, [])


def test_failure_of_the_disk_leaves_neither_row_nor_file(settings, monkeypatch):
    class Breaks(ContentFile):
        def chunks(self, chunk_size=None):
            yield PDF[:10]
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        apply(cv=Breaks(PDF, name="cv.pdf"))
    assert (Application.objects.count(), DBTaskResult.objects.count(), private_files(settings)) == (0, 0, [])
