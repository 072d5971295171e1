from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from practice.announcements.models import Announcement, AnnouncementKind
from tests.factories import AnnouncementFactory

pytestmark = pytest.mark.django_db

FROM = datetime(2026, 11, 23, 8, tzinfo=UTC)
UNTIL = datetime(2026, 11, 30, 8, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)


def refused(constraint):
    """The database refuses what is done inside, by this constraint and no other."""
    return pytest.raises(IntegrityError, match=f'constraint "{constraint}"')


@pytest.mark.parametrize("kind", ["", "advert", "Welcome"])
def test_an_announcement_is_of_a_known_kind(kind):
    with refused("announcements_announcement_kind_known"), transaction.atomic():
        AnnouncementFactory(kind=kind)
    assert Announcement.objects.count() == 0


@pytest.mark.parametrize("kind", AnnouncementKind.values)
def test_every_kind_is_known_to_the_database(kind):
    assert AnnouncementFactory(kind=kind).kind == kind


@pytest.mark.parametrize("publish_until", [FROM, FROM - MOMENT, FROM - timedelta(days=1)])
def test_an_announcement_ends_after_its_start(publish_until):
    with refused("announcements_announcement_ends_after_start"), transaction.atomic():
        AnnouncementFactory(publish_from=FROM, publish_until=publish_until)
    assert Announcement.objects.count() == 0


@pytest.mark.parametrize("publish_until", [None, FROM + MOMENT])
def test_an_announcement_may_end_a_moment_after_its_start_or_never(publish_until):
    assert AnnouncementFactory(publish_from=FROM, publish_until=publish_until).publish_until == publish_until


def test_an_announcement_that_ends_too_soon_says_so():
    with pytest.raises(ValidationError) as refusal:
        AnnouncementFactory.build(publish_from=FROM, publish_until=FROM).full_clean()
    assert refusal.value.messages == ["The end must be after the start."]


def test_addresses_of_announcements_are_unique():
    AnnouncementFactory(slug="open-house")
    with refused("announcements_announcement_slug_key"), transaction.atomic():
        AnnouncementFactory(slug="open-house")


@pytest.mark.parametrize(
    ("at", "titles"),
    [
        (FROM - MOMENT, []),
        (FROM, ["stays", "ends"]),
        (FROM + MOMENT, ["stays", "ends"]),
        (UNTIL - MOMENT, ["stays", "ends"]),
        (UNTIL, ["stays"]),
        (UNTIL + MOMENT, ["stays"]),
        (UNTIL + timedelta(days=3650), ["stays"]),
    ],
)
def test_published_starts_with_its_first_instant_and_ends_before_its_last(at, titles):
    AnnouncementFactory(title="ends", publish_from=FROM, publish_until=UNTIL)
    AnnouncementFactory(title="stays", publish_from=FROM, publish_until=None, is_pinned=True)
    assert [row.title for row in Announcement.objects.published(at)] == titles


def test_published_goes_by_the_clock_when_not_told(time_machine):
    AnnouncementFactory(publish_from=FROM, publish_until=UNTIL)
    counts = []
    for now in (FROM - timedelta(seconds=1), FROM, UNTIL - timedelta(seconds=1), UNTIL):
        time_machine.move_to(now, tick=False)
        counts.append(Announcement.objects.published().count())
    assert counts == [0, 1, 1, 0]


def test_published_can_be_narrowed_to_the_community():
    AnnouncementFactory(kind=AnnouncementKind.WELCOME)
    AnnouncementFactory(kind=AnnouncementKind.COMMUNITY, publish_from=timezone.now() + timedelta(days=1))
    shown = AnnouncementFactory(kind=AnnouncementKind.COMMUNITY)
    assert list(Announcement.objects.published().about_community()) == [shown]


def test_the_pinned_come_first_then_the_newest():
    rows = [
        AnnouncementFactory(is_pinned=is_pinned, publish_from=FROM + timedelta(days=day))
        for is_pinned, day in [(False, 0), (True, -2), (False, 1), (True, -1)]
    ]
    assert list(Announcement.objects.all()) == [rows[3], rows[1], rows[2], rows[0]]


def test_an_announcement_has_its_address_and_title():
    row = AnnouncementFactory.build(slug="open-house", title="Open house")
    assert (row.get_absolute_url(), str(row)) == ("/announcements/open-house/", "Open house")
