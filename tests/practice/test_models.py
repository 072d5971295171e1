from datetime import date, time, timedelta
from functools import partial

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.utils import timezone, translation

from practice.models import (
    Feedback,
    FeedbackStatus,
    FeedbackTopic,
    Identity,
    Notice,
    NoticeVersion,
    OpeningHours,
    Physician,
    Subspecialty,
    Throttle,
    Weekday,
    validate_phone,
)
from tests.factories import (
    IdentityFactory,
    LocationFactory,
    NoticeFactory,
    NoticeVersionFactory,
    PhysicianFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

STAYS = "a notice that has been in force stays as it was: {} refused"


def refused(constraint):
    """The database refuses what is done inside, by this constraint and no other."""
    return pytest.raises(IntegrityError, match=f'constraint "{constraint}"')


def run(query, *values):
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return cursor.fetchone() if cursor.description else None


# ---- Identity -------------------------------------------------------------------------------------------------------


def test_there_is_only_one_identity(identity):
    with refused("practice_identity_only_one"), transaction.atomic():
        Identity.objects.bulk_create([Identity(pk=2, name="Another")])
    assert list(Identity.objects.values_list("pk", "name")) == [(1, "Test Radiology")]


def test_saving_another_identity_replaces_the_one(identity):
    IdentityFactory.build(name="New name", pk=7).save()
    assert list(Identity.objects.values_list("pk", "name")) == [(1, "New name")]


def test_an_identity_is_complete_and_valid(identity):
    identity.full_clean()
    assert (str(identity), identity.accent_colour) == ("Test Radiology", "#0b5563")


@pytest.mark.parametrize("colour", ["red", "#fff", "#0b5563;"])
def test_an_accent_must_be_a_colour(identity, colour):
    identity.accent_colour = colour
    with pytest.raises(ValidationError) as refusal:
        identity.clean_fields()
    assert list(refusal.value.message_dict) == ["accent_colour"]


@pytest.mark.parametrize("phone", ["(574) 555-0100", "(000) 000-0000"])
def test_a_phone_number_is_written_one_way(phone):
    assert validate_phone(phone) is None


@pytest.mark.parametrize(
    "phone", ["", "574-555-0100", "(574)555-0100", "(574) 555-0100\n", " (574) 555-0100", "(５７４) 555-0100"]
)
def test_a_phone_number_written_otherwise_is_refused(phone):
    with pytest.raises(ValidationError) as refusal:
        validate_phone(phone)
    assert refusal.value.messages == ["Write the number as (574) 555-0100."]


# ---- Texts in two languages -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("active", "spanish", "text", "language"),
    [
        ("en", "Un lema", "A tagline", "en"),
        ("es", "Un lema", "Un lema", "es"),
        ("es-mx", "Un lema", "Un lema", "es"),
        ("es", "", "A tagline", "en"),
        ("en", "", "A tagline", "en"),
        (None, "Un lema", "A tagline", "en"),
    ],
)
def test_a_text_is_told_in_the_readers_language_or_in_english(active, spanish, text, language):
    row = IdentityFactory.build(tagline="A tagline", tagline_es=spanish)
    with translation.override(active):
        assert (row.local("tagline"), row.language_of("tagline")) == (text, language)


# ---- Locations ------------------------------------------------------------------------------------------------------


def hours(location, **facts):
    stretch = {"weekday": Weekday.MONDAY, "opens_at": time(8), "closes_at": time(12)} | facts
    return OpeningHours(location=location, **stretch)


@pytest.mark.parametrize(
    ("facts", "constraint"),
    [
        ({"closes_at": time(8)}, "practice_openinghours_opens_before_closing"),
        ({"closes_at": time(7, 59)}, "practice_openinghours_opens_before_closing"),
        ({"weekday": 0}, "practice_openinghours_weekday_known"),
        ({"weekday": 8}, "practice_openinghours_weekday_known"),
    ],
)
def test_opening_hours_make_sense(facts, constraint):
    location = LocationFactory()
    with refused(constraint), transaction.atomic():
        hours(location, **facts).save()
    assert OpeningHours.objects.count() == 0


def test_opening_hours_start_once_at_a_time():
    location = LocationFactory()
    hours(location).save()
    with refused("practice_openinghours_unique_start"), transaction.atomic():
        hours(location, closes_at=time(13)).save()
    hours(location, opens_at=time(13), closes_at=time(17)).save()
    hours(location, weekday=Weekday.TUESDAY).save()
    hours(LocationFactory()).save()
    assert [str(stretch) for stretch in location.opening_hours.all()] == [
        "Monday 08:00–12:00",
        "Monday 13:00–17:00",
        "Tuesday 08:00–12:00",
    ]


@pytest.mark.parametrize("weekday", Weekday.values)
def test_every_weekday_is_known_to_the_database(weekday):
    hours(LocationFactory(), weekday=weekday).save()
    assert OpeningHours.objects.get().weekday == weekday


def test_opening_hours_say_what_is_wrong():
    with pytest.raises(ValidationError) as refusal:
        hours(LocationFactory(), closes_at=time(7)).full_clean()
    assert refusal.value.messages == ["The closing time must be after the opening time."]


def test_a_location_has_its_place_on_the_page():
    assert LocationFactory(slug="north").get_absolute_url() == "/locations/#north"


@pytest.mark.parametrize(
    ("factory", "table"),
    [
        (LocationFactory, "practice_location"),
        (PhysicianFactory, "practice_physician"),
        (partial(Notice.objects.create, title="A notice"), "practice_notice"),
    ],
)
def test_addresses_on_the_site_are_unique(factory, table):
    factory(slug="north")
    with refused(f"{table}_slug_key"), transaction.atomic():
        factory(slug="north")


# ---- Physicians -----------------------------------------------------------------------------------------------------


def test_practising_leaves_out_those_who_left():
    here = PhysicianFactory()
    PhysicianFactory(is_practising=False)
    assert list(Physician.objects.practising()) == [here]


def test_physicians_come_by_position_then_name():
    rows = [PhysicianFactory(name=name, position=position) for name, position in [("B", 1), ("C", 0), ("A", 1)]]
    assert list(Physician.objects.all()) == [rows[1], rows[2], rows[0]]


@pytest.mark.parametrize(
    ("name", "initials"),
    [
        ("Adaeze Thornbury", "AT"),
        ("Ana de la Cruz", "AC"),
        ("Calloway Reyes-Burke", "CR"),
        ("María José Pérez Gil", "MJ"),
        ("Plato", "P"),
        ("Íñigo Ñandú", "ÍÑ"),
        ("  Two   Spaces ", "TS"),
        ("lower case", ""),
    ],
)
def test_initials_are_of_the_words_that_start_large(name, initials):
    assert PhysicianFactory.build(name=name).initials == initials


def test_a_physician_is_named_with_credentials():
    physician = PhysicianFactory.build(name="Ana Cruz", credentials="DO", slug="ana-cruz")
    assert (str(physician), physician.get_absolute_url()) == ("Ana Cruz, DO", "/physicians/ana-cruz/")


def test_a_subspecialty_is_named_once():
    Subspecialty.objects.create(name="Neuroradiology")
    with refused("practice_subspecialty_name_key"), transaction.atomic():
        Subspecialty.objects.create(name="Neuroradiology")


# ---- Notices --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("slug", "address"),
    [
        ("terms", "/terms/"),
        ("privacy", "/privacy/"),
        ("accessibility", "/accessibility/"),
        ("no-surprises", "/notices/no-surprises/"),
    ],
)
def test_a_notice_has_its_address(slug, address):
    assert NoticeFactory.build(slug=slug).get_absolute_url() == address


def test_a_notice_has_one_version_a_day():
    notice = NoticeFactory()
    NoticeVersionFactory(notice=notice, effective_on=date(2026, 1, 1))
    with refused("practice_noticeversion_one_per_day"), transaction.atomic():
        NoticeVersionFactory(notice=notice, effective_on=date(2026, 1, 1), body="Another.")
    NoticeVersionFactory(notice=notice, effective_on=date(2026, 1, 2))
    NoticeVersionFactory(effective_on=date(2026, 1, 1))
    assert NoticeVersion.objects.count() == 3


def test_a_notice_with_versions_is_never_deleted():
    version = NoticeVersionFactory(effective_on=date(2099, 1, 1))
    with pytest.raises(IntegrityError, match="protected foreign keys"):
        version.notice.delete()
    assert Notice.objects.filter(pk=version.notice.pk).count() == 1


@pytest.mark.parametrize(
    ("on", "bodies"),
    [
        (date(2025, 12, 31), []),
        (date(2026, 1, 1), ["first"]),
        (date(2026, 5, 31), ["first"]),
        (date(2026, 6, 1), ["second"]),
        (date(2026, 6, 15), ["second", "other"]),
        (date(2199, 1, 1), ["third", "other"]),
    ],
)
def test_in_force_is_the_last_version_that_has_taken_effect(on, bodies):
    notice, other = NoticeFactory(), NoticeFactory()
    for body, day in [("second", date(2026, 6, 1)), ("first", date(2026, 1, 1)), ("third", date(2199, 1, 1))]:
        NoticeVersionFactory(notice=notice, effective_on=day, body=body)
    NoticeVersionFactory(notice=other, effective_on=date(2026, 6, 15), body="other")
    assert [version.body for version in NoticeVersion.objects.in_force(on)] == bodies


def test_in_force_goes_by_the_practices_own_day(time_machine, settings):
    """At 03:00 UTC on the 24th it is still the 23rd in Indiana."""
    version = NoticeVersionFactory(effective_on=date(2026, 11, 24))
    time_machine.move_to("2026-11-24T03:00:00Z", tick=False)
    assert list(NoticeVersion.objects.in_force()) == []
    time_machine.move_to("2026-11-24T05:00:00Z", tick=False)
    assert list(NoticeVersion.objects.in_force()) == [version]


def database_day(days):
    """The day so many days from what the database, which keeps the trigger, calls today."""
    return run("SELECT current_date + %s", days)[0]


@pytest.mark.parametrize("days", [0, -1, -400])
@pytest.mark.parametrize(
    ("operation", "query"),
    [
        ("UPDATE", "UPDATE practice_noticeversion SET body = 'It never said so.' WHERE id = %s"),
        ("UPDATE", "UPDATE practice_noticeversion SET effective_on = '2199-01-01' WHERE id = %s"),
        ("UPDATE", "UPDATE practice_noticeversion SET body = body WHERE id = %s"),
        ("DELETE", "DELETE FROM practice_noticeversion WHERE id = %s"),
    ],
)
def test_a_version_in_force_stays_as_it_was(days, operation, query):
    version = NoticeVersionFactory(effective_on=database_day(days), body="What it says.")
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        run(query, version.pk)
    assert str(refusal.value).split("\n", 1)[0] == STAYS.format(operation)
    assert refusal.value.__cause__.diag.constraint_name == "practice_noticeversion_stays"
    assert list(NoticeVersion.objects.values_list("body", "effective_on")) == [("What it says.", database_day(days))]


def test_a_version_in_force_stays_also_by_way_of_the_models():
    version = NoticeVersionFactory(effective_on=database_day(0))
    version.body = "It never said so."
    for attempt in (version.save, version.delete, lambda: NoticeVersion.objects.update(body_es="Nunca.")):
        with pytest.raises(IntegrityError, match=STAYS.partition(":")[0]), transaction.atomic():
            attempt()
    assert NoticeVersion.objects.get().body == "What it says."


def test_a_version_that_is_still_to_come_cannot_be_moved_into_the_past():
    version = NoticeVersionFactory(effective_on=database_day(5))
    with pytest.raises(IntegrityError, match="stays as it was: UPDATE refused"), transaction.atomic():
        NoticeVersion.objects.filter(pk=version.pk).update(effective_on=database_day(-1))


def test_a_version_that_is_still_to_come_can_be_changed_and_deleted():
    version = NoticeVersionFactory(effective_on=database_day(1))
    version.body = "What it will say."
    version.save()
    assert NoticeVersion.objects.get().body == "What it will say."
    NoticeVersion.objects.all().delete()
    assert NoticeVersion.objects.count() == 0


@pytest.mark.parametrize("days", [0, 1, 400])
def test_a_new_version_starts_today_or_later(days):
    assert NoticeVersionFactory.build(effective_on=timezone.localdate() + timedelta(days=days)).clean() is None


@pytest.mark.parametrize("days", [1, 400])
def test_a_new_version_never_starts_in_the_past(days):
    with pytest.raises(ValidationError) as refusal:
        NoticeVersionFactory.build(effective_on=timezone.localdate() - timedelta(days=days)).clean()
    assert refusal.value.message_dict == {
        "effective_on": ["A new version takes effect today or later, never in the past."]
    }


def test_a_version_without_a_day_says_only_that():
    with pytest.raises(ValidationError) as refusal:
        NoticeVersionFactory.build(notice=NoticeFactory(), effective_on=None).full_clean()
    assert refusal.value.message_dict == {"effective_on": ["This field cannot be null."]}


# ---- Feedback -------------------------------------------------------------------------------------------------------


def feedback(**facts):
    return Feedback.objects.create(**{"topic": "visit", "message": "Kind people.", "language": "en"} | facts)


@pytest.mark.parametrize("topic", ["", "sports", "Visit"])
def test_feedback_is_about_something_known(topic):
    with refused("practice_feedback_topic_known"), transaction.atomic():
        feedback(topic=topic)
    assert Feedback.objects.count() == 0


@pytest.mark.parametrize("topic", FeedbackTopic.values)
def test_every_topic_is_known_to_the_database(topic):
    assert feedback(topic=topic).topic == topic


@pytest.mark.parametrize("status", ["new", "answered", "lost"])
@pytest.mark.parametrize("has_time", [True, False])
@pytest.mark.parametrize("has_member", [True, False])
def test_feedback_is_answered_by_somebody_at_some_time_or_not_at_all(status, has_time, has_member):
    facts = {
        "status": status,
        "answered_at": timezone.now() if has_time else None,
        "answered_by": UserFactory() if has_member else None,
    }
    if (status, has_time, has_member) in {("new", False, False), ("answered", True, True)}:
        assert feedback(**facts).status == status
    else:
        with refused("practice_feedback_answered_by_somebody"), transaction.atomic():
            feedback(**facts)
        assert Feedback.objects.count() == 0


def test_unanswered_is_what_is_new():
    new = feedback()
    feedback(status=FeedbackStatus.ANSWERED, answered_at=timezone.now(), answered_by=UserFactory())
    assert list(Feedback.objects.unanswered()) == [new]


def test_feedback_is_named_by_its_number():
    row = feedback(name="Ana Testa")
    assert str(row) == f"Feedback {row.pk}"


def test_somebody_who_has_answered_cannot_be_deleted():
    member = UserFactory()
    feedback(status=FeedbackStatus.ANSWERED, answered_at=timezone.now(), answered_by=member)
    with pytest.raises(IntegrityError, match="protected foreign keys"):
        member.delete()


# ---- Limits ---------------------------------------------------------------------------------------------------------


def test_a_count_is_never_negative():
    with refused("practice_throttle_count_check"), transaction.atomic():
        Throttle.objects.create(key="a", count=-1, window_ends_at=timezone.now())


def test_a_key_is_counted_in_one_row():
    Throttle.objects.create(key="a", count=1, window_ends_at=timezone.now())
    with refused("practice_throttle_pkey"), transaction.atomic():
        Throttle.objects.create(key="a", count=1, window_ends_at=timezone.now())
