from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.db import IntegrityError, transaction
from django.db.models import F, ProtectedError
from django.utils import timezone

from careers.models import (
    Application,
    ApplicationFile,
    ApplicationStatus,
    Draft,
    InterviewSlot,
    LegalHold,
    Letter,
    MailText,
    Opening,
    OpeningStatus,
    Scorecard,
    SurveyAnswer,
)
from tests.factories import ApplicationFactory, LocationFactory, OpeningFactory, UserFactory

TODAY = date(2026, 5, 15)


def of_an_application(model, **facts):
    """Makes a row of the model that belongs to an application; classes among the facts are factories."""
    return lambda: model.objects.create(
        application=ApplicationFactory(),
        **{name: fact() if isinstance(fact, type) else fact for name, fact in facts.items()},
    )


MADE = {
    Opening: OpeningFactory,
    Application: ApplicationFactory,
    ApplicationFile: lambda: ApplicationFile.objects.get(application=ApplicationFactory()),
    InterviewSlot: of_an_application(InterviewSlot, starts_at=datetime(2026, 5, 15, tzinfo=UTC), place="Here"),
    Letter: of_an_application(Letter, kind="received", subject="x", body="x"),
    MailText: lambda: MailText.objects.get(kind="received"),
    LegalHold: of_an_application(LegalHold, reason="x", placed_by=UserFactory),
    SurveyAnswer: lambda: SurveyAnswer.objects.create(role="nurse", year=2026, sex="female", ethnicity="asian"),
    Scorecard: of_an_application(Scorecard, reviewer=UserFactory, recommendation="yes"),
}


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
        (Opening, {"productivity": "luck"}, "careers_opening_productivity_known"),
        (Opening, {"visa": "o1"}, "careers_opening_visa_known"),
        (Opening, {"answer_days": 0}, "careers_opening_answer_days"),
        (Opening, {"answer_days": 61}, "careers_opening_answer_days"),
        (Application, {"status": "lost"}, "careers_application_status_known"),
        (Application, {"reason": "whim"}, "careers_application_reason_known"),
        (Application, {"status": "hired"}, "careers_application_decided_when_final"),
        (Application, {"answer_by": None}, "careers_application_decided_when_final"),
        (Application, {"decided_at": timezone.now()}, "careers_application_decided_when_final"),
        (
            Application,
            {"status": "declined", "decided_at": timezone.now(), "answer_by": None},
            "careers_application_declined_with_a_reason",
        ),
        (Application, {"decline_at": timezone.now()}, "careers_application_declined_with_a_reason"),
        (Application, {"merged_into": F("pk")}, "careers_application_merged_into_another"),
        (
            Application,
            {"status": "merged", "decided_at": timezone.now(), "answer_by": None},
            "careers_application_merged_into_another",
        ),
        (ApplicationFile, {"kind": "photo"}, "careers_file_kind_known"),
        (InterviewSlot, {"state": "maybe"}, "careers_slot_state_known"),
        (InterviewSlot, {"minutes": 9}, "careers_slot_minutes"),
        (InterviewSlot, {"minutes": 481}, "careers_slot_minutes"),
        (InterviewSlot, {"starts_at": datetime(2100, 1, 1, tzinfo=UTC)}, "careers_slot_years"),
        (Letter, {"kind": "love"}, "careers_letter_kind_known"),
        (MailText, {"kind": "love"}, "careers_mailtext_kind_known"),
        (LegalHold, {"released_at": timezone.now()}, "careers_legalhold_released_by_somebody"),
        (SurveyAnswer, {"role": "pilot"}, "careers_surveyanswer_role_known"),
        (SurveyAnswer, {"sex": "x"}, "careers_surveyanswer_sex_known"),
        (SurveyAnswer, {"ethnicity": "x"}, "careers_surveyanswer_ethnicity_known"),
        (Scorecard, {"recommendation": "maybe"}, "careers_scorecard_recommendation_known"),
    ],
)
def test_database_refuses(db, model, facts, constraint):
    row = MADE[model]()
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
    [
        ("received", True), ("in review", True), ("interview", True), ("hired", False), ("declined", False),
        ("withdrawn", False),
    ],
)  # fmt: skip
def test_unanswered_are_those_who_still_wait(db, status, waits):
    application = ApplicationFactory(status=status)
    expected = [application] if waits else []
    assert list(Application.objects.unanswered()) == expected


def test_every_status_is_in_the_table_above():
    assert ApplicationStatus.values == [
        "received", "in review", "interview", "hired", "declined", "withdrawn", "merged",
    ]  # fmt: skip


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
    folder, _, name = application.files.get().stored.name.partition("/")
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


@pytest.mark.parametrize("slug", ["feed", "application"])
def test_opening_does_not_take_the_address_of_another_page(db, slug):
    with pytest.raises(ValidationError, match="This address is another page"):
        OpeningFactory.build(slug=slug, location=LocationFactory()).full_clean()


def test_overdue_are_those_whose_promised_day_is_over(db):
    day = timezone.localdate()
    late = ApplicationFactory(answer_by=day - timedelta(days=1))
    ApplicationFactory(answer_by=day)
    ApplicationFactory(status="hired")
    assert list(Application.objects.overdue()) == [late]


def test_one_time_is_chosen_and_one_hold_is_active(db):
    application, by = ApplicationFactory(), UserFactory()
    for make in (
        lambda: InterviewSlot.objects.create(
            application=application, starts_at=timezone.now(), place="x", state="chosen"
        ),
        lambda: LegalHold.objects.create(application=application, reason="x", placed_by=by),
        lambda: Scorecard.objects.create(application=application, reviewer=by, recommendation="yes"),
    ):
        make()
        with pytest.raises(IntegrityError, match="careers_"), transaction.atomic():
            make()


def test_application_does_not_leave_its_files_behind(db):
    with pytest.raises(ProtectedError):
        ApplicationFactory().delete()


def test_file_belongs_to_one_thing(db):
    draft = Draft.objects.create(opening=OpeningFactory(), language="en")
    files = ApplicationFactory().files
    with pytest.raises(IntegrityError, match="careers_file_of_one_thing"), transaction.atomic():
        files.update(draft=draft)
