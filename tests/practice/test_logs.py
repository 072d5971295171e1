import logging
import sys

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import UUIDField
from django.test import Client, RequestFactory
from django.views.debug import ExceptionReporter, get_exception_reporter_filter

from practice.logs import NoPeopleFilter
from practice.models import Feedback

# Named here and nowhere below, since a traceback shows the lines of the code it went through.
TOPIC = "sports"
TEXT = "My biopsy\nwas on Tuesday.\n\nPlease call Ana."
NAME = "Ana Testa"
SECRETS = ["sports", "biopsy", "Tuesday", "Ana"]
QUERY = "SELECT * FROM patients WHERE name = 'Ana Testa'"
ADDRESS = "/search/?q=biopsy"


def written(message, *args, error=None):
    """What the log shows of a record."""
    record = logging.LogRecord("billing", logging.ERROR, __file__, 1, message, args, None)
    if error is not None:
        record.exc_info = (type(error), error, error.__traceback__)
    assert NoPeopleFilter().filter(record) is True
    return logging.Formatter("%(message)s").format(record)


@pytest.fixture
def refusal(db):
    """The database's refusal of a row in which somebody wrote about their health."""
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        Feedback.objects.create(topic=TOPIC, message=TEXT, name=NAME, language="en")
    assert TEXT[:15] in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("message", "args", "shown"),
    [
        ("Started.", (), "Started."),
        ("Not Found: %s", ("/search/?q=biopsy",), "Not Found: /search/?…"),
        ("Not Found: /search/?q=Ana%20Testa&next=1 (404)", (), "Not Found: /search/?… (404)"),
        ('"GET /pay/?code=AB12 HTTP/1.1" 200', (), '"GET /pay/?… HTTP/1.1" 200'),
        ("/a?x=1 and /b?y=2", (), "/a?… and /b?…"),
        ("%s of %d%%", ("half", 50), "half of 50%"),
        ("100% done", (), "100% done"),
    ],
)
def test_query_strings_are_left_out(message, args, shown):
    assert written(message, *args) == shown


def test_a_record_is_safe_for_every_handler_that_follows():
    record = logging.LogRecord("a", logging.INFO, __file__, 1, "%s", ("/search/?q=biopsy",), None)
    NoPeopleFilter().filter(record)
    assert (record.msg, record.args, record.getMessage()) == ("/search/?…", (), "/search/?…")


def test_the_values_of_a_refused_row_are_left_out_of_the_traceback(refusal):
    shown = written("A job failed.", error=refusal)
    assert shown.startswith("A job failed.\nTraceback (most recent call last):")
    assert 'violates check constraint "practice_feedback_topic_known"' in shown
    assert [secret for secret in SECRETS if secret in shown] == []


def test_both_exceptions_of_a_chain_stay_without_their_values(refusal):
    shown = written("A job failed.", error=refusal)
    assert shown.count("DETAIL: (left out)") == 2
    assert shown.count("The above exception was the direct cause of the following exception:") == 1


def test_the_values_of_a_refused_row_are_left_out_of_the_message(refusal):
    first_line = str(refusal).split("\n", 1)[0]
    assert written("Refused: %s", refusal) == f"Refused: {first_line}\nDETAIL: (left out)"


@pytest.mark.django_db
def test_the_text_of_a_failed_query_is_left_out():
    with pytest.raises(Exception, match="does not exist") as caught, transaction.atomic():
        connection.cursor().execute(QUERY)
    assert QUERY in str(caught.value)
    shown = written("A query failed.", error=caught.value)
    assert 'relation "patients" does not exist\nLINE 1: (left out)' in shown
    assert QUERY not in shown


@pytest.mark.django_db
@pytest.mark.parametrize(
    "fail",
    [
        lambda: int(NAME),
        lambda: {}[NAME],
        lambda: UUIDField().to_python(NAME),
        lambda: connection.cursor().execute("SELECT %s::inet", [NAME]),
        lambda: connection.cursor().execute("SELECT %s::int", [NAME]),
        lambda: connection.cursor().execute("SELECT %s::date", [NAME]),
    ],
)
def test_values_that_an_error_quotes_are_left_out(fail):
    with pytest.raises(Exception) as caught, transaction.atomic():  # noqa: PT011  (each raises its own)
        fail()
    assert NAME in str(caught.value)
    shown = written("Failed.", error=caught.value)
    assert (NAME in shown, type(caught.value).__name__ in shown) == (False, True)


def test_a_message_about_a_request_names_its_page_and_not_its_address(client, identity, caplog):
    """Whoever reads the log must not be able to open the private links of payers and applicants."""
    strict = Client(enforce_csrf_checks=True)
    strict.post("/pay/plan/canary-token/")
    strict.post("/no-such-page/canary-token/")
    shown = []
    for record in caplog.records:
        NoPeopleFilter().filter(record)
        shown.append(record.getMessage())
    assert [text for text in shown if "canary" in text] == []
    assert "Forbidden (CSRF cookie not set.): (billing:plan)" in shown


def test_query_strings_are_left_out_of_a_traceback():
    try:
        raise ValueError(f"cannot read {ADDRESS}")
    except ValueError as error:
        shown = written("Failed.", error=error)
    assert shown.endswith("ValueError: cannot read /search/?…")


def test_a_traceback_that_was_written_before_is_cleaned_too():
    record = logging.LogRecord("a", logging.ERROR, __file__, 1, "Failed.", (), None)
    record.exc_text = "IntegrityError: refused\nDETAIL:  Key (email)=(ana@example.com) already exists."
    NoPeopleFilter().filter(record)
    assert record.exc_text == "IntegrityError: refused\nDETAIL: (left out)"


def test_an_ordinary_traceback_stays_as_it_is():
    try:
        raise ValueError("no such statement")
    except ValueError as error:
        shown = written("Failed.", error=error)
        expected = logging.Formatter().formatException(sys.exc_info())
    assert shown == f"Failed.\n{expected}"


def test_the_console_of_the_settings_uses_the_filter(settings):
    assert settings.LOGGING["filters"] == {"no_people": {"()": "practice.logs.NoPeopleFilter"}}
    assert [handler["filters"] for handler in settings.LOGGING["handlers"].values()] == [["no_people"]]
    assert settings.LOGGING["root"]["handlers"] == ["console"]


@pytest.fixture
def report(settings):
    """The error report of a request in which somebody typed something."""

    def make(kind, debug):
        settings.DEBUG = debug
        request = RequestFactory().post("/feedback/", {"message": TEXT, "name": NAME})
        typed = request.POST["message"] + " of " + request.POST["name"]
        try:
            raise ValueError(f"cannot store {len(typed)} letters")
        except ValueError:
            reporter = ExceptionReporter(request, *sys.exc_info(), is_email=not debug)
        return getattr(reporter, f"get_traceback_{kind}")()

    return make


@pytest.mark.parametrize("kind", ["html", "text"])
@pytest.mark.parametrize("debug", [True, False])
def test_an_error_report_holds_nothing_that_was_typed(report, kind, debug):
    text = report(kind, debug)
    assert f"cannot store {len(TEXT) + len(NAME) + 4} letters" in text
    assert "message" in text
    assert [secret for secret in SECRETS if secret in text] == []


def test_the_error_report_hides_the_values_of_a_form():
    request = RequestFactory().post("/feedback/", {"message": TEXT, "name": NAME})
    reports = get_exception_reporter_filter(request)
    hidden = reports.cleansed_substitute
    assert reports.get_post_parameters(request) == {"message": hidden, "name": hidden}
    assert reports.get_post_parameters(None) == {}
    assert reports.is_active(request) is True
    assert reports.get_traceback_frame_variables(request, sys._getframe()) == []


@pytest.mark.parametrize(
    ("name", "message", "shown"),
    [
        ("django.security.DisallowedModelAdminToField", "The field TYPED cannot be referenced.", "Refused."),
        ("django.security.csrf", "Forbidden (Referer checking failed - https://a.example/secret/ ...): /x/",
         "Forbidden (Referer checking failed - (an address) ...): /x/"),
        ("django.security.csrf", "Forbidden (Origin checking failed - http://evil/SECRET does not match)",
         "Forbidden (Origin checking failed - (an address) does not match)"),
    ],
)  # fmt: skip
def test_refusals_repeat_nothing_that_was_sent(name, message, shown):
    record = logging.LogRecord(name, logging.WARNING, __file__, 1, message, (), None)
    NoPeopleFilter().filter(record)
    assert record.getMessage() == shown
