"""Which version readers get on which day, and what stays on record."""

import hashlib
from datetime import date, timedelta

import pytest
from django.core.files.base import ContentFile
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from practice.resources.models import Version
from practice.resources.versions import VersionRefused, add_version, set_last_day, withdraw_version
from tests.factories import DocumentFactory, UserFactory

TODAY = date(2026, 3, 10)


@pytest.fixture
def document(db):
    """A document whose only version began long ago."""
    document = DocumentFactory(version={"url": "https://example.com/1"})
    _set(document.versions.get(), effective_on=TODAY - timedelta(days=100))
    return document


def _set(version, **facts):
    """What the database refuses, for a past that no test can wait for."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        Version.objects.filter(pk=version.pk).update(**facts)
        cursor.execute("SET session_replication_role = DEFAULT")


def version_of(document, number, *, begins=0, ends=None, withdrawn=False):
    """The number-th version; days count from TODAY."""
    return Version.objects.create(
        document=document,
        number=number,
        url=f"https://example.com/{number}",
        effective_on=TODAY + timedelta(days=begins),
        expires_on=None if ends is None else TODAY + timedelta(days=ends),
        withdrawn_at=timezone.now() if withdrawn else None,
    )


def in_force(document, on=TODAY):
    return list(document.versions.in_force(on).values_list("number", flat=True))


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ([], [1]),
        ([{"begins": 0}], [2]),
        ([{"begins": 1}], [1]),
        ([{"begins": -1, "ends": 0}], [2]),  # the last day counts
        ([{"begins": -2, "ends": -1}], []),  # what ran out does not bring back what it replaced
        ([{"begins": -5}, {"begins": -1}], [3]),
        ([{"begins": -1}, {"begins": -5}], [2]),  # the day counts, not the number
        ([{"begins": -1}, {"begins": -1}], [3]),
        ([{"begins": -1, "withdrawn": True}], [1]),
    ],
)
def test_version_in_force(document, others, expected):
    for number, facts in enumerate(others, start=2):
        version_of(document, number, **facts)
    assert in_force(document) == expected


def test_each_document_has_its_own(document):
    other = DocumentFactory(version={"url": "https://example.com/other"})
    _set(other.versions.get(), effective_on=TODAY)
    version_of(document, 2, begins=-1)
    assert set(Version.objects.in_force(TODAY).values_list("document", "number")) == {(document.pk, 2), (other.pk, 1)}


def test_next_version_is_numbered_and_digested(db):
    document = DocumentFactory()
    ann = UserFactory()
    version = add_version(document, by=ann, file=ContentFile(b"%PDF-2", name="b.pdf"), note="Shorter")
    assert (version.number, version.note, version.added_by, version.effective_on) == (
        2, "Shorter", ann, timezone.localdate(),
    )  # fmt: skip
    assert version.sha256 == hashlib.sha256(b"%PDF-2").hexdigest()
    with version.file.open() as file:
        assert file.read() == b"%PDF-2"


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"url": "https://example.com", "effective_on": date(2020, 1, 1)}, "never in the past"),
        (
            {"url": "https://example.com", "effective_on": date(2999, 1, 2), "expires_on": date(2999, 1, 1)},
            "before the",
        ),
        ({}, "one of the two"),
        ({"url": "https://example.com", "file": ContentFile(b"x", name="x.pdf")}, "one of the two"),
    ],
)
def test_version_that_cannot_be_is_refused(db, facts, reason):
    document = DocumentFactory()
    with pytest.raises(VersionRefused, match=reason):
        add_version(document, **facts)
    assert document.versions.count() == 1


def test_withdrawing_brings_back_the_one_before(db):
    document = DocumentFactory()
    wrong = add_version(document, url="https://example.com/wrong")
    withdrawn = withdraw_version(wrong)
    assert list(document.versions.in_force().values_list("number", flat=True)) == [1]
    assert withdraw_version(wrong).withdrawn_at == withdrawn.withdrawn_at


def test_last_day_is_moved_and_taken_away(db):
    version = DocumentFactory().versions.get()
    day = timezone.localdate() + timedelta(days=3)
    assert set_last_day(version, day).expires_on == day
    assert set_last_day(version, None).expires_on is None
    with pytest.raises(VersionRefused, match="withdraw it"):
        set_last_day(version, timezone.localdate() - timedelta(days=1))


def test_new_since_is_what_came_to_readers_later(document):
    now = timezone.now()
    soon = version_of(document, 2, begins=5)
    _set(soon, added_at=now - timedelta(days=30), effective_on=timezone.localdate(now))
    assert list(Version.objects.new_since(now - timedelta(days=2))) == [soon, document.versions.get(number=1)]
    _set(document.versions.get(number=1), added_at=now - timedelta(days=90))
    assert list(Version.objects.new_since(now - timedelta(days=2))) == [soon]
    assert list(Version.objects.new_since(now)) == []


@pytest.mark.parametrize(
    ("facts", "rule"),
    [
        ({"number": 0}, "resources_version_number_from_one"),
        ({"url": ""}, "resources_version_file_or_link"),
        ({"file": "resources/a.pdf"}, "resources_version_file_or_link"),
        ({"url": "http://example.com"}, "resources_version_file_or_link"),
        ({"url": "javascript:alert(1)"}, "resources_version_file_or_link"),
        ({"expires_on": date(2020, 1, 1)}, "resources_version_ends_after_it_began"),
    ],
)
def test_database_refuses_a_version(document, facts, rule):
    sound = {"number": 2, "url": "https://example.com", "effective_on": TODAY}
    with pytest.raises(IntegrityError, match=rule), transaction.atomic():
        Version.objects.create(document=document, **(sound | facts))


def test_numbers_are_used_once(document):
    with pytest.raises(IntegrityError, match="resources_version_number_unique"), transaction.atomic():
        version_of(document, 1)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE resources_version SET url = 'https://example.com/other'",
        "UPDATE resources_version SET effective_on = '2030-01-01', expires_on = NULL",
        "UPDATE resources_version SET note = 'x'",
        "UPDATE resources_version SET number = 7",
        "UPDATE resources_version SET withdrawn_at = NULL WHERE withdrawn_at IS NOT NULL",
        "UPDATE resources_version SET withdrawn_at = now() + interval '1 day' WHERE withdrawn_at IS NOT NULL",
        "DELETE FROM resources_version",
        "TRUNCATE resources_version CASCADE",
    ],
)
def test_version_is_a_record(document, statement):
    version_of(document, 2, withdrawn=True)
    with pytest.raises(IntegrityError, match="stays"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET CONSTRAINTS ALL IMMEDIATE; {statement}")


@pytest.mark.parametrize("statement", ["expires_on = '2999-01-01'", "expires_on = NULL", "withdrawn_at = now()"])
def test_only_the_end_of_a_version_moves(document, statement):
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE resources_version SET {statement}")
        assert cursor.rowcount == 1
