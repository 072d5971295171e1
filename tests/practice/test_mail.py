"""Mail goes through a real SMTP server on this machine; what is looked at is what came out of it."""

import email
import email.policy
import socket
from datetime import timedelta
from types import SimpleNamespace

import pytest
from aiosmtpd.controller import Controller
from django.conf import settings as project
from django.core import mail as django_mail
from django.core.exceptions import ObjectDoesNotExist
from django.core.management import call_command
from django.db import transaction
from django.template import TemplateDoesNotExist
from django.utils import timezone, translation
from django.utils.formats import date_format
from django_tasks_db.models import DBTaskResult

from billing.uploads import check_upload
from practice import mail
from practice.feedback import announce_feedback, answer_feedback, receive_feedback
from practice.jobs import take_up_dropped
from practice.models import Feedback, FeedbackStatus
from tests.factories import UserFactory

WRITTEN = {"topic": "visit", "message": "My biopsy was late.", "name": "Ana Testa", "email": "ana@example.com"}


class Inbox:
    """Keeps what arrives; refuses the recipients in `unknown`."""

    def __init__(self):
        self.arrived = []
        self.unknown = set()

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802  (aiosmtpd's name)
        if address in self.unknown:
            return "550 No such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.arrived.append(
            SimpleNamespace(
                sender=envelope.mail_from,
                recipients=envelope.rcpt_tos,
                headers=message,
                subject=message["Subject"],
                body=message.get_content(),
                raw=envelope.content,
            )
        )
        return "250 OK"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def inbox(settings):
    inbox = Inbox()
    server = Controller(inbox, hostname="127.0.0.1", port=free_port())
    server.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = server.hostname, server.port
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    settings.PUBLIC_ORIGIN = "https://practice.example"
    yield inbox
    server.stop()


@pytest.fixture
def templates(settings):
    """A function that puts mail templates in place: `templates(subject, body)`."""

    def put(subject, body):
        ours = {"test/mail.subject.txt": subject, "test/mail.txt": body}
        options = {key: value for key, value in project.TEMPLATES[0]["OPTIONS"].items() if key != "loaders"}
        options["loaders"] = [("django.template.loaders.locmem.Loader", ours)]
        settings.TEMPLATES = [project.TEMPLATES[0] | {"APP_DIRS": False, "DIRS": [], "OPTIONS": options}]

    return put


def feedback_row(**facts):
    return Feedback.objects.create(**WRITTEN | {"language": "en"} | facts)


def test_a_mail_arrives_with_subject_body_and_recipients(inbox, identity):
    feedback = feedback_row()
    mail.send("practice/email/feedback", ["desk@example.com", "second@example.com"], {"feedback": feedback})

    (arrived,) = inbox.arrived
    assert arrived.subject == f"Feedback {feedback.pk} arrived on the website"
    assert arrived.body.replace("\r\n", "\n") == (
        f"Feedback {feedback.pk} waits for an answer by {date_format(feedback.due_on)}. What was written stays in the "
        f"office, because it may be about somebody's health:\n\nhttps://practice.example/admin/practice/feedback/{feedback.pk}/change/\n"
    )
    assert arrived.recipients == ["desk@example.com", "second@example.com"]
    assert arrived.headers["To"] == "desk@example.com, second@example.com"


def test_a_mail_comes_from_one_address_with_the_practices_name(inbox, identity):
    mail.send("practice/email/feedback", ["desk@example.com"], {"feedback": feedback_row()})

    (sender,) = inbox.arrived[0].headers["From"].addresses
    assert (sender.display_name, sender.addr_spec) == ("Radiology, Inc.", "website@radiology.example")
    assert inbox.arrived[0].sender == "website@radiology.example"


def test_a_mail_is_written_in_the_readers_language(inbox, identity):
    feedback = feedback_row(name="Íñigo O'Brien", language="es")
    feedback.answer = "Sí, “claro” & gracias."
    mail.send("practice/email/feedback_answer", ["inigo@example.com"], {"feedback": feedback}, feedback.language)

    (arrived,) = inbox.arrived
    assert arrived.subject == "Test Radiology: respuesta a su mensaje"
    lines = arrived.body.replace("\r\n", "\n").split("\n")
    assert (lines[0], lines[4]) == ("Hola, Íñigo O'Brien:", "Sí, “claro” & gracias.")
    assert "https://practice.example/es/feedback/" in lines
    assert lines[-3:] == ["Test Radiology", "(574) 555-0100", ""]
    assert translation.get_language() == "en"


@pytest.mark.parametrize(("language", "month"), [("en", "January"), ("es", "enero")])
def test_a_mail_leaves_the_language_of_its_sender_alone(inbox, identity, templates, language, month):
    templates("{% load i18n %}{% translate 'January' %} año", "{% load i18n %}{% get_current_language as l %}{{ l }} ñ")
    with translation.override("es" if language == "en" else "en"):
        before = translation.get_language()
        mail.send("test/mail", ["desk@example.com"], {}, language)
        assert translation.get_language() == before

    assert [(arrived.subject, arrived.body.strip()) for arrived in inbox.arrived] == [
        (f"{month} año", f"{language} ñ"),
    ]


@pytest.mark.parametrize("separator", ["\n", "\r\n", "\r", "\u2028", "\x0b"])
def test_a_line_break_in_a_subject_adds_no_header(inbox, identity, templates, separator):
    templates("News of {{ name|safe }}", "Text.")
    mail.send("test/mail", ["desk@example.com"], {"name": f"Ana{separator}Bcc: thief@example.com{separator}X-A: b"})

    (arrived,) = inbox.arrived
    assert arrived.subject == "News of Ana Bcc: thief@example.com X-A: b"
    assert (arrived.headers["Bcc"], arrived.headers["X-A"]) == (None, None)
    assert arrived.recipients == ["desk@example.com"]


def test_a_long_subject_arrives_whole(inbox, identity, templates):
    templates("{{ words }}", "Text.")
    words = " ".join(["resonancia", "año"] * 30)
    mail.send("test/mail", ["desk@example.com"], {"words": words})
    assert inbox.arrived[0].subject.strip() == words


@pytest.mark.parametrize(
    "recipient", ["desk@example.com\nBcc: thief@example.com", "desk@example.com\r\n\r\nText", "a\n@example.com"]
)
def test_a_line_break_in_a_recipient_is_refused(inbox, identity, templates, recipient):
    templates("Subject", "Text.")
    with pytest.raises(ValueError, match=r"(?s)newlines|only .+ could be parsed"):
        mail.send("test/mail", [recipient], {})
    assert inbox.arrived == []


def test_a_body_that_looks_like_headers_or_an_ending_stays_a_body(inbox, identity, templates):
    templates("Subject", "{{ text|safe }}")
    mail.send("test/mail", ["desk@example.com"], {"text": "Bcc: thief@example.com\n.\nMAIL FROM:<x@example.com>\nEnd"})

    (arrived,) = inbox.arrived
    assert arrived.body.replace("\r\n", "\n") == "Bcc: thief@example.com\n.\nMAIL FROM:<x@example.com>\nEnd\n"
    assert arrived.recipients == ["desk@example.com"]


def test_a_mail_knows_the_practice_and_its_address(inbox, identity, templates):
    templates("{{ identity.name }}", "\n\n  {{ origin }}{% url 'practice:home' %}\n\n")
    mail.send("test/mail", ["desk@example.com"], {})
    assert [(arrived.subject, arrived.body.strip()) for arrived in inbox.arrived] == [
        ("Test Radiology", "https://practice.example/")
    ]


@pytest.mark.django_db
def test_a_mail_can_be_sent_before_the_practice_has_a_name(inbox, templates):
    templates("{{ identity.name }}", "{{ identity.main_phone }}")
    mail.send("test/mail", ["desk@example.com"], {})
    assert [(arrived.subject, arrived.body.strip()) for arrived in inbox.arrived] == [
        ("Our practice", "(000) 000-0000")
    ]


@pytest.mark.django_db
def test_nobody_to_write_to_means_no_mail(inbox):
    mail.send("test/there-is-no-such-template", [], {})
    assert inbox.arrived == []


def test_a_missing_template_sends_nothing(inbox, identity):
    with pytest.raises(TemplateDoesNotExist):
        mail.send("test/there-is-no-such-template", ["desk@example.com"], {})
    assert inbox.arrived == []


def test_what_the_mail_server_says_is_raised(inbox, identity, templates):
    templates("Subject", "Text.")
    inbox.unknown = {"gone@example.com"}
    with pytest.raises(OSError, match="No such mailbox"):
        mail.send("test/mail", ["gone@example.com"], {})
    assert inbox.arrived == []


def test_a_mail_server_that_is_down_is_an_error(settings, inbox, identity, templates):
    templates("Subject", "Text.")
    settings.EMAIL_PORT = free_port()
    with pytest.raises(ConnectionRefusedError):
        mail.send("test/mail", ["desk@example.com"], {})


# ---- Feedback -------------------------------------------------------------------------------------------------------


def receive(**facts):
    return receive_feedback(**WRITTEN | {"language": "es"} | facts)


def test_feedback_is_kept_and_the_front_desk_is_told_without_what_was_written(settings, inbox, identity, run_jobs):
    settings.FEEDBACK_RECIPIENTS = ["desk@example.com"]
    feedback = receive()
    assert inbox.arrived == []
    run_jobs()

    feedback.refresh_from_db()
    kept = (feedback.topic, feedback.message, feedback.name, feedback.email, feedback.language, feedback.status)
    assert kept == ("visit", "My biopsy was late.", "Ana Testa", "ana@example.com", "es", FeedbackStatus.NEW)
    (arrived,) = inbox.arrived
    assert arrived.recipients == ["desk@example.com"]
    assert arrived.subject == f"Feedback {feedback.pk} arrived on the website"
    leaked = [text for text in ("biopsy", "Ana", "ana@example.com", "visit") if text.encode() in arrived.raw]
    assert leaked == []


@pytest.mark.django_db
def test_the_queue_holds_the_number_of_the_row_and_nothing_of_it():
    feedback = receive()
    assert list(DBTaskResult.objects.values_list("task_path", "args_kwargs")) == [
        ("practice.feedback.announce_feedback", {"args": [feedback.pk], "kwargs": {}})
    ]


@pytest.mark.django_db
def test_feedback_and_its_job_come_together_or_not_at_all():
    with transaction.atomic():
        receive()
        transaction.set_rollback(True)
    assert (Feedback.objects.count(), DBTaskResult.objects.count()) == (0, 0)


@pytest.mark.django_db
def test_feedback_is_not_kept_when_the_queue_is_not_there(monkeypatch):
    def fail(*_arguments):
        raise ConnectionError

    monkeypatch.setattr("practice.feedback.announce_feedback", SimpleNamespace(enqueue=fail))
    with pytest.raises(ConnectionError):
        receive()
    assert Feedback.objects.count() == 0


def test_an_answer_reaches_the_writer_in_their_language_and_does_not_repeat_what_they_wrote(inbox, identity, run_jobs):
    feedback = feedback_row(language="es", name="Íñigo O'Brien")
    answer_feedback(feedback, "Lo sentimos & gracias.", by=UserFactory())
    run_jobs()

    (arrived,) = inbox.arrived
    body = arrived.body.replace("\r\n", "\n")
    assert (arrived.recipients, arrived.subject) == (["ana@example.com"], "Test Radiology: respuesta a su mensaje")
    assert body.startswith("Hola, Íñigo O'Brien:\n\n")
    assert "\n\nLo sentimos & gracias.\n\n" in body
    assert "https://practice.example/es/feedback/" in body
    assert "biopsy" not in body


def test_feedback_without_anybody_to_tell_is_kept(settings, identity, run_jobs):
    settings.FEEDBACK_RECIPIENTS = []
    receive()
    run_jobs()
    assert (Feedback.objects.unanswered().count(), django_mail.outbox) == (1, [])


def test_feedback_that_is_gone_makes_its_job_fail(identity):
    with pytest.raises(ObjectDoesNotExist):
        announce_feedback.call(0)
    assert django_mail.outbox == []


def test_a_mail_server_that_is_away_gets_the_mail_later(db, monkeypatch, settings):
    settings.FEEDBACK_RECIPIENTS = ["desk@example.com"]
    tries = []
    monkeypatch.setattr("django_tasks_db.management.commands.db_worker.close_old_connections", lambda: None)

    def away(*_arguments, **_options):
        tries.append(1)
        raise ConnectionRefusedError

    monkeypatch.setattr("practice.mail.send", away)
    receive_feedback(topic="visit", message="x", name="", email="", language="en")

    for waited in (None, *mail.WAITS):
        if waited:
            (waiting,) = DBTaskResult.objects.filter(status="READY")
            assert abs(waiting.run_after - timezone.now() - waited) < timedelta(minutes=1)
            DBTaskResult.objects.filter(pk=waiting.pk).update(run_after=timezone.now())
        call_command("db_worker", "--batch", "--interval", "0", "--no-startup-delay", verbosity=0)

    assert len(tries) == len(mail.WAITS) + 1
    assert DBTaskResult.objects.filter(status="READY").count() == 0
    assert DBTaskResult.objects.filter(status="FAILED").count() == 1


def test_only_mails_that_cannot_be_at_work_any_more_are_taken_up_again(db):
    long_ago, just_now = timezone.now() - timedelta(minutes=11), timezone.now() - timedelta(minutes=9)

    def running(job, since, *arguments):
        row = job.enqueue(*arguments)
        DBTaskResult.objects.filter(pk=row.id).update(status="RUNNING", started_at=since)
        return row.id

    left = running(announce_feedback, long_ago, 1)
    at_work = running(announce_feedback, just_now, 2)
    no_mail = running(check_upload, long_ago, "x")

    assert (take_up_dropped(), take_up_dropped()) == (1, 0)
    states = {str(job.pk): job.status for job in DBTaskResult.objects.all()}
    assert states == {str(left): "READY", str(at_work): "RUNNING", str(no_mail): "RUNNING"}
