"""Who is on call, who comes next, and that there is never more than one at a time."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from practice.resources.audiences import Audience
from practice.resources.models import CallService, CallShift, CallTier
from practice.resources.on_call import RotationRefused, board, plan_rotation
from tests.factories import CallServiceFactory, CallShiftFactory, UserFactory
from tests.signing_in import sign_in

pytestmark = pytest.mark.usefixtures("identity")

NOON = datetime(2026, 3, 10, 17, tzinfo=UTC)


def shift(service, first, last, person="Ann", tier="first"):
    """From and to so many hours after NOON."""
    return CallShift.objects.create(
        service=service,
        tier=tier,
        person=person,
        starts_at=NOON + timedelta(hours=first),
        ends_at=NOON + timedelta(hours=last),
    )


@pytest.fixture
def service(db):
    return CallServiceFactory(name="Reading")


@pytest.fixture
def member(db):
    return UserFactory(roles=["Billing"])


def test_board_tells_who_is_on_call_now_and_next(service, member):
    shift(service, -10, -1, "Earlier")
    shift(service, -1, 5, "Ann")
    shift(service, -1, 5, "Bea", "backup")
    shift(service, 5, 9, "Carl")
    shift(service, 24 * 20, 24 * 21, "Far")
    (line,) = board(member, NOON)
    assert (line.now.person, line.backup.person, line.next.person) == ("Ann", "Bea", "Carl")
    assert [one.person for one in line.later] == ["Carl"]


@pytest.mark.parametrize(("hours", "person"), [(-0.01, "Ann"), (0, "Bea")])
def test_hand_over_is_at_the_moment_itself(service, member, hours, person):
    shift(service, -5, 0, "Ann")
    shift(service, 0, 5, "Bea")
    assert board(member, NOON + timedelta(hours=hours))[0].now.person == person


def test_gap_says_nobody_and_who_comes(service, member):
    shift(service, 2, 4, "Later")
    (line,) = board(member, NOON)
    assert (line.now, line.backup, line.next.person) == (None, None, "Later")


@pytest.mark.parametrize("count", [1, 3])
def test_board_asks_twice_for_any_number_of_services(member, count, django_assert_num_queries):
    for one in CallServiceFactory.create_batch(count):
        shift(one, -1, 1)
    with django_assert_num_queries(3):  # the roles, the services, the shifts
        assert len(board(member, NOON)) == count


def test_page_and_first_page_show_what_is_for_the_reader_only(client):
    for audience in Audience:
        CallShiftFactory(service__name=f"S {audience}", service__audience=audience, person=f"P {audience}")
    office = sign_in(Client(), UserFactory(roles=["Referring office"]))
    for path in ("/resources/", "/resources/on-call/"):
        page = office.get(path).text
        assert [word for word in ("S staff", "P staff", "S physicians", "P physicians") if word in page] == []
        assert "P referring offices" in page
    physician = sign_in(Client(), UserFactory(roles=["Physician"]))
    assert all(f"P {audience}" in physician.get("/resources/on-call/").text for audience in Audience)


def test_own_number_is_for_our_own_people(client):
    CallShiftFactory(service__audience=Audience.REFERRING_OFFICES, phone="(574) 555-0199")
    seen = {
        role: "555-0199" in sign_in(Client(), UserFactory(roles=[role])).get("/resources/on-call/").text
        for role in ("Referring office", "Physician", "Front desk")
    }
    assert seen == {"Referring office": False, "Physician": True, "Front desk": True}


# ---- Rules ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "last", "tier", "is_refused"),
    [
        (1, 2, "first", True),
        (-1, 1, "first", True),
        (3, 9, "first", True),
        (0, 4, "first", True),
        (-1, 9, "first", True),
        (4, 5, "first", False),
        (-1, 0, "first", False),
        (1, 2, "backup", False),
    ],
)
def test_one_at_a_time(service, first, last, tier, is_refused):
    shift(service, 0, 4)
    if is_refused:
        with pytest.raises(IntegrityError, match="resources_callshift_one_at_a_time"), transaction.atomic():
            shift(service, first, last, tier=tier)
    else:
        shift(service, first, last, tier=tier)
    shift(CallServiceFactory(), first, last)


@pytest.mark.parametrize(
    ("facts", "rule"),
    [
        ({"tier": "third"}, "resources_callshift_tier_known"),
        ({"ends_at": NOON}, "resources_callshift_ends_after_start"),
        ({"ends_at": NOON - timedelta(hours=1)}, "resources_callshift_ends_after_start|range lower bound"),
    ],
)
def test_database_refuses_a_shift(service, facts, rule):
    sound = {"service": service, "person": "Ann", "starts_at": NOON, "ends_at": NOON + timedelta(hours=1)}
    with pytest.raises(Exception, match=rule), transaction.atomic():
        CallShift.objects.create(**(sound | facts))


def test_service_is_for_somebody_known(service):
    with pytest.raises(IntegrityError, match="resources_callservice_audience_known"), transaction.atomic():
        CallService.objects.update(audience="all")


# ---- Cover ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shifts", "is_covered"),
    [
        ([], False),
        ([(-1, 200)], True),
        ([(-1, 50), (50, 200)], True),
        ([(-1, 50), (51, 200)], False),
        ([(1, 200)], False),
        ([(-1, 100)], False),
        ([(-9, -1), (-1, 168)], True),
    ],
)
def test_cover_of_the_week(service, shifts, is_covered):
    for first, last in shifts:
        shift(service, first, last)
    shift(service, -1, 500, tier="backup")  # a backup is no cover
    assert (list(CallService.objects.without_cover(NOON)) == []) is is_covered


# ---- Planning -------------------------------------------------------------------------------------------------------

WEEKS = {"first_on": date(2026, 3, 2), "last_on": date(2026, 3, 22), "hand_over_at": time(7)}


def local(shift):
    return tuple(f"{timezone.localtime(moment):%m-%d %H:%M}" for moment in (shift.starts_at, shift.ends_at))


def test_people_take_turns_over_the_change_to_summer_time(service):
    made = plan_rotation(service, ["Ann", "Bea"], **WEEKS)
    assert [(one.person, *local(one)) for one in made] == [
        ("Ann", "03-02 07:00", "03-09 07:00"),
        ("Bea", "03-09 07:00", "03-16 07:00"),
        ("Ann", "03-16 07:00", "03-23 07:00"),
    ]
    assert made[0].ends_at.timestamp() - made[0].starts_at.timestamp() == (7 * 24 - 1) * 3600


def test_last_shift_ends_with_the_last_day(service):
    made = plan_rotation(service, ["Ann"], **(WEEKS | {"last_on": date(2026, 3, 10)}))
    assert [local(one) for one in made] == [("03-02 07:00", "03-09 07:00"), ("03-09 07:00", "03-11 07:00")]


def test_planning_over_somebody_makes_nothing(service):
    plan_rotation(service, ["Ann"], **(WEEKS | {"first_on": date(2026, 3, 16)}))
    with pytest.raises(RotationRefused, match=r"March 16, 2026: Ann is on call then"):
        plan_rotation(service, ["Bea"], **WEEKS)
    assert CallShift.objects.count() == 1
    assert len(plan_rotation(service, ["Bea"], tier=CallTier.BACKUP, **WEEKS)) == 3


@pytest.mark.parametrize(
    ("people", "facts", "reason"),
    [
        ([], {}, "at least one person"),
        (["Ann"], {"last_on": date(2026, 3, 1)}, "last day"),
        (["Ann"], {"last_on": date(2099, 3, 1)}, "more than 400 shifts"),
    ],
)
def test_rotation_that_cannot_be_is_refused(service, people, facts, reason):
    with pytest.raises(RotationRefused, match=reason):
        plan_rotation(service, people, **(WEEKS | facts))
    assert CallShift.objects.count() == 0


FORM = {
    "people": " Ann \n\nBea  Lee\n", "tier": "first", "first_on": "2026-03-02", "last_on": "2026-03-22",
    "hand_over_at": "07:00", "days_each": "7",
}  # fmt: skip


def test_office_plans_a_rotation(service, staff):
    address = f"/admin/resources/callservice/{service.pk}/act/plan/"
    response = staff("Resources editor").post(address, FORM)
    assert response.status_code == 302
    assert list(CallShift.objects.values_list("person", flat=True)) == ["Ann", "Bea Lee", "Ann"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"people": "x" * 101}, "at most 100 characters"),
        ({"people": " \n "}, "This field is required."),
        ({"last_on": "2026-03-01"}, "The last day must not be before the first."),
        ({"days_each": "0"}, "greater than or equal to 1"),
        ({"tier": "third"}, "Select a valid choice"),
    ],
)
def test_office_is_told_what_is_wrong_and_keeps_what_it_typed(service, staff, wrong, said):
    address = f"/admin/resources/callservice/{service.pk}/act/plan/"
    response = staff("Resources editor").post(address, FORM | wrong)
    assert response.status_code == 200
    assert said in response.text
    assert CallShift.objects.count() == 0


def test_overlap_in_the_office_is_a_sentence(service, staff):
    now = timezone.localtime()
    CallShiftFactory(service=service)
    data = {
        "service": service.pk, "tier": "first", "person": "Bea", "phone": "",
        "starts_at_0": f"{now:%Y-%m-%d}", "starts_at_1": f"{now:%H:%M:%S}",
        "ends_at_0": f"{now + timedelta(days=1):%Y-%m-%d}", "ends_at_1": f"{now:%H:%M:%S}",
    }  # fmt: skip
    response = staff("Front desk").post("/admin/resources/callshift/add/", data)
    assert (response.status_code, " is on call then (" in response.text) == (200, True)
