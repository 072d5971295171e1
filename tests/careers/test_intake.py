from datetime import UTC, datetime
from uuid import uuid4

import pytest
import time_machine
from django.core.files.base import ContentFile
from django.db import DataError
from django_tasks_db.models import DBTaskResult

from careers import intake
from careers.files import NoRoom, stray_files, sweep_loose, take_in
from careers.intake import OpeningClosed, receive_application
from careers.models import Application, ApplicationFile, FileKind, Letter
from practice.resources.demo_pdf import one_page
from tests.factories import ApplicationFactory, OpeningFactory

pytestmark = pytest.mark.usefixtures("identity")

PDF = one_page("CV", ["A line"])


def apply(opening=None, *, files=(("cv", "Ann Lee.PDF"),), **changes):
    taken = take_in([(FileKind(kind), ContentFile(PDF, name=name)) for kind, name in files])
    facts = {
        "name": "Ann O'Lee & Söns",
        "email": "ann@example.com",
        "phone": "(574) 555-0199",
        "message": "Hello.",
        "language": "en",
        "files": taken,
    }
    return receive_application(
        opening or OpeningFactory(title="CT “chief” & more", title_es="Jefe de TC"), **facts | changes
    )


def nothing_is_left(private_files):
    rows = (Application, ApplicationFile, Letter, DBTaskResult)
    return [model.objects.count() for model in rows] == [0] * 4 and private_files.names() == []


def test_application_is_kept_with_its_files(private_files):
    opening = OpeningFactory(answer_days=3)
    with time_machine.travel(datetime(2026, 5, 15, 16, tzinfo=UTC), tick=False):
        application = apply(opening, files=[("cv", "Ann Lee.PDF"), ("other", "ñ letter.docx")])
    application.refresh_from_db()
    assert (application.opening, application.name, application.email) == (
        opening,
        "Ann O'Lee & Söns",
        "ann@example.com",
    )
    assert (application.phone, application.message, application.language) == ("(574) 555-0199", "Hello.", "en")
    assert (application.status, str(application.answer_by)) == ("received", "2026-05-20")
    cv, letter = application.files.all()
    assert [(file.kind, file.name, file.size) for file in (cv, letter)] == [
        ("cv", "Ann Lee.PDF", len(PDF)),
        ("other", "ñ letter.docx", len(PDF)),
    ]
    names = private_files.names()
    assert names == sorted([cv.stored.name, letter.stored.name])
    assert [private_files.read(name) for name in names] == [PDF, PDF]
    assert ("Ann" in str(names), cv.ending, letter.ending) == (False, "pdf", "docx")


def test_queue_holds_numbers_only():
    application = apply()
    letter = application.letters.get()
    assert sorted(DBTaskResult.objects.values_list("task_path", "args_kwargs"), key=lambda job: job[0]) == [
        ("careers.intake.announce_application", {"args": [application.pk], "kwargs": {}}),
        ("careers.letters.send", {"args": [letter.pk], "kwargs": {}}),
    ]


ENGLISH = (
    "Test Radiology: we have received your application",
    [
        "Dear Ann O'Lee & Söns,",
        "",
        "Thank you for applying for “CT “chief” & more”. Your application has arrived, and people here will read it.",
        "",
        "You will hear from us by June 1, 2026. We answer every application, whatever the outcome.",
        "",
        "You can see at any time where your application stands:",
        "https://site.test/careers/application/{token}/",
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
        "Gracias por enviar su solicitud para “Jefe de TC”. La recibimos y nuestro equipo la leerá.",
        "",
        "Tendrá noticias nuestras a más tardar el 1 de junio de 2026. Respondemos a todas las solicitudes, sea cual sea "
        "el resultado.",
        "",
        "En cualquier momento puede ver cómo va su solicitud:",
        "https://site.test/es/careers/application/{token}/",
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
    with time_machine.travel(datetime(2026, 5, 15, 16, tzinfo=UTC), tick=False):
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


def test_sent_twice_from_one_page_it_is_there_once(private_files):
    opening, once = OpeningFactory(), uuid4()
    first = apply(opening, once=once)
    assert (apply(opening, once=once), Application.objects.count()) == (first, 1)
    assert (ApplicationFile.objects.count(), len(private_files.names()), Letter.objects.count()) == (1, 1, 1)
    assert apply(opening) != apply(opening)  # two pages: two applications


def test_opening_that_closed_meanwhile_takes_nothing(private_files):
    opening = OpeningFactory()
    type(opening).objects.update(status="closed")
    with pytest.raises(OpeningClosed):
        apply(opening)
    assert nothing_is_left(private_files)


# ---- Nothing half ---------------------------------------------------------------------------------------------------


def test_failure_of_the_database_leaves_no_file(private_files):
    with pytest.raises(DataError):
        apply(name="x" * 101)
    assert nothing_is_left(private_files)


@pytest.mark.parametrize("job", ["announce_application", "letters"])
def test_failure_of_the_queue_leaves_neither_row_nor_file(monkeypatch, job, private_files):
    class Full:
        def enqueue(self, application_id):
            raise KeyboardInterrupt

        def write(self, application, kind):
            raise KeyboardInterrupt

    opening = OpeningFactory()
    monkeypatch.setattr(intake, job, Full())
    with pytest.raises(KeyboardInterrupt):
        apply(opening)
    assert nothing_is_left(private_files)


class Breaks(ContentFile):
    """A file whose reading ends in the middle, the second time."""

    read_once = False

    def chunks(self, chunk_size=None):
        yield PDF[:10]
        if self.read_once:
            raise OSError(28, "No space left on device")
        self.read_once = True

    def read(self, *size):
        raise OSError(28, "No space left on device")


def test_full_disk_leaves_neither_row_nor_file(private_files):
    good = ContentFile(PDF, name="cv.pdf")
    with pytest.raises(NoRoom):
        take_in([(FileKind.CV, good), (FileKind.OTHER, Breaks(PDF, name="letter.pdf"))])
    assert nothing_is_left(private_files)


def test_loose_files_are_swept_when_nobody_can_be_working_on_them(private_files):
    kept = ApplicationFactory()
    with time_machine.travel("2026-01-01 12:00Z", tick=False) as clock:
        take_in([(FileKind.CV, ContentFile(PDF, name="cv.pdf"))])
        clock.shift(3600)
        assert (sweep_loose(), ApplicationFile.objects.count()) == (0, 2)
        clock.shift(1)
        assert (sweep_loose(), list(ApplicationFile.objects.all())) == (1, list(kept.files.all()))
    assert len(private_files.names()) == 1


def test_row_without_its_file_is_swept_too():
    """A worker was killed between the two."""
    with time_machine.travel("2026-01-01"):
        (file,) = take_in([(FileKind.CV, ContentFile(PDF, name="cv.pdf"))])
    file.stored.storage.delete(file.stored.name)
    assert (sweep_loose(), ApplicationFile.objects.count()) == (1, 0)


def test_stray_files_are_named_and_not_deleted(private_files):
    ApplicationFactory()
    assert stray_files() == []
    private_files.write("applications/somebody.pdf", PDF)
    assert (stray_files(), len(private_files.names())) == (["applications/somebody.pdf"], 2)
