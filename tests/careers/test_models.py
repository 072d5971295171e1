from datetime import date

import pytest
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from careers.models import Application, ApplicationStatus, Opening, OpeningStatus
from tests.factories import ApplicationFactory, LocationFactory, OpeningFactory

TODAY = date(2026, 5, 15)


@pytest.mark.parametrize(
    ("model", "facts", "constraint"),
    [
        (Opening, {"role": "pilot"}, "careers_opening_role_known"),
        (Opening, {"employment": "never"}, "careers_opening_employment_known"),
        (Opening, {"status": "paused"}, "careers_opening_status_known"),
        (Opening, {"pay_period": "day"}, "careers_opening_pay_period_known"),
        (Opening, {"pay_from_cents": None, "pay_to_cents": None}, "careers_opening_pay_before_posting"),
        (
            Opening,
            {"status": "closed", "pay_from_cents": None, "pay_to_cents": None},
            "careers_opening_pay_before_posting",
        ),
        (Opening, {"pay_from_cents": 40_000_001}, "careers_opening_pay_range"),
        (Opening, {"pay_from_cents": 0}, "careers_opening_pay_range"),
        (Opening, {"status": "draft", "pay_from_cents": None}, "careers_opening_pay_range"),
        (Opening, {"status": "draft", "pay_to_cents": None}, "careers_opening_pay_range"),
        (Opening, {"remote_percent": 101}, "careers_opening_remote_percent"),
        (Application, {"status": "lost"}, "careers_application_status_known"),
    ],
)
def test_database_refuses(db, model, facts, constraint):
    row = {Opening: OpeningFactory, Application: ApplicationFactory}[model]()
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        model.objects.filter(pk=row.pk).update(**facts)


@pytest.mark.parametrize(
    "facts",
    [
        {"status": "draft", "pay_from_cents": None, "pay_to_cents": None},
        {"pay_from_cents": 1, "pay_to_cents": 1},
        {"remote_percent": 100},
    ],
)
def test_database_takes(db, facts):
    opening = OpeningFactory()
    assert Opening.objects.filter(pk=opening.pk).update(**facts) == 1


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        (
            {"pay_from_cents": None, "pay_to_cents": None},
            "Give the pay range before you post this opening.",
        ),
        (
            {"status": "draft", "pay_to_cents": None},
            "The pay range must run from a smaller to a larger amount.",
        ),
        ({"pay_from_cents": 9, "pay_to_cents": 8}, "The pay range must run from a smaller to a larger amount."),
        ({"remote_percent": 101}, "Remote reading is between 0 and 100 percent."),
    ],
)
def test_people_read_what_is_wrong(db, facts, sentence):
    opening = OpeningFactory()
    for field, value in facts.items():
        setattr(opening, field, value)
    with pytest.raises(ValidationError) as refusal:
        opening.full_clean()
    assert refusal.value.messages == [sentence]


@pytest.mark.parametrize(
    ("status", "closes_on", "is_open"),
    [
        (OpeningStatus.OPEN, None, True),
        (OpeningStatus.OPEN, date(2026, 5, 16), True),
        (OpeningStatus.OPEN, date(2026, 5, 15), True),  # the last day counts
        (OpeningStatus.OPEN, date(2026, 5, 14), False),
        (OpeningStatus.DRAFT, None, False),
        (OpeningStatus.CLOSED, None, False),
        (OpeningStatus.CLOSED, date(2026, 5, 16), False),
    ],
)
def test_open_is_what_one_can_apply_for_on_that_day(db, status, closes_on, is_open):
    opening = OpeningFactory(status=status, closes_on=closes_on)
    expected = [opening] if is_open else []
    assert opening.is_open(on=TODAY) is is_open
    assert list(Opening.objects.open(on=TODAY)) == expected


@pytest.mark.parametrize(
    ("status", "waits"),
    [("received", True), ("in review", True), ("interview", True), ("hired", False), ("declined", False)],
)
def test_unanswered_are_those_who_still_wait(db, status, waits):
    application = ApplicationFactory(status=status)
    expected = [application] if waits else []
    assert list(Application.objects.unanswered()) == expected


def test_every_status_is_in_the_table_above():
    assert ApplicationStatus.values == ["received", "in review", "interview", "hired", "declined"]


def test_tokens_are_long_and_all_different(db):
    tokens = [ApplicationFactory().token for _number in range(5)]
    assert [len(token) for token in tokens] == [32] * 5
    assert len(set(tokens)) == 5
    assert all(token.isascii() and token.isalnum() for token in tokens)


@pytest.mark.parametrize(
    ("make", "field"),
    [(lambda: OpeningFactory(slug="same"), "slug"), (lambda: ApplicationFactory(token="same"), "token")],
)
def test_addresses_are_unique(db, make, field):
    make()
    with pytest.raises(IntegrityError, match=f"_{field}_"), transaction.atomic():
        make()


def test_opening_with_applications_stays(db):
    application = ApplicationFactory()
    with pytest.raises(ProtectedError):
        application.opening.delete()
    with pytest.raises(ProtectedError):
        application.opening.location.delete()


def test_names_of_files_tell_nothing(db, settings):
    application = ApplicationFactory(cv=ContentFile(b"%PDF-", name="Ann Lee CV.PDF"))
    folder, _, name = application.cv.name.partition("/")
    assert folder == "applications"
    assert name.endswith(".pdf")
    assert len(name) == 36
    assert [path.name for path in (settings.PRIVATE_ROOT / "applications").iterdir()] == [name]


def test_rows_tell_no_name(db):
    application = ApplicationFactory(name="Ann Lee", token="t" * 32)
    assert str(application) == f"Application {application.pk}"
    assert application.get_absolute_url() == f"/careers/application/{'t' * 32}/"
    opening = OpeningFactory(title="CT technologist", slug="ct", location=LocationFactory())
    assert (str(opening), opening.get_absolute_url()) == ("CT technologist", "/careers/ct/")
