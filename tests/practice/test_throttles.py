import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from practice.models import Throttle
from practice.throttles import Limit, count_try, forget, forget_ended, forget_subject, one_host, subnet

LIMIT = Limit("test.code", 3, timedelta(hours=1))
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def tries(*minutes, limit=LIMIT, value="AB12"):
    """Whether each try, so many minutes after noon, is within the limit."""
    return [count_try(limit, value, NOON + timedelta(minutes=minute)) for minute in minutes]


@pytest.mark.django_db
def test_a_limit_allows_so_many_tries_and_no_more():
    assert tries(0, 1, 2, 3, 4) == [True, True, True, False, False]
    assert list(Throttle.objects.values_list("count", "window_ends_at")) == [(5, NOON + timedelta(hours=1))]


@pytest.mark.django_db
def test_a_limit_of_none_allows_nothing():
    assert tries(0, limit=Limit("test.none", 0, timedelta(hours=1))) == [False]


@pytest.mark.django_db
def test_the_window_starts_with_the_first_try_and_ends_to_the_second():
    assert tries(0, 10, 20, 59) == [True, True, True, False]
    assert count_try(LIMIT, "AB12", NOON + timedelta(minutes=59, seconds=59)) is False
    assert tries(60, 61, 62, 63) == [True, True, True, False]
    assert Throttle.objects.get().window_ends_at == NOON + timedelta(hours=2)


@pytest.mark.django_db
def test_tries_beyond_the_limit_do_not_lengthen_the_window():
    tries(0, 1, 2, 3, 30, 58)
    assert Throttle.objects.get().window_ends_at == NOON + timedelta(hours=1)


@pytest.mark.django_db
def test_values_and_limits_are_counted_apart():
    other = Limit("test.other", 3, timedelta(hours=1))
    assert tries(0, 0, 0, 0) == [True, True, True, False]
    assert tries(0, value="CD34") == [True]
    assert tries(0, limit=other) == [True]
    assert sorted(Throttle.objects.values_list("count", flat=True)) == [1, 1, 4]


@pytest.mark.django_db
def test_the_table_names_nobody():
    count_try(LIMIT, "ana@example.com")
    row = Throttle.objects.get()
    assert len(row.key) == 64
    assert set(row.key) <= set("0123456789abcdef")
    assert str(row) == row.key[:12]


@pytest.mark.django_db
def test_without_a_time_the_window_starts_now(time_machine):
    time_machine.move_to(NOON, tick=False)
    assert [count_try(LIMIT, "AB12") for _ in range(4)] == [True, True, True, False]
    assert Throttle.objects.get().window_ends_at == NOON + timedelta(hours=1)


@pytest.mark.django_db
def test_forget_lets_one_value_start_anew():
    tries(0, 0, 0, 0)
    tries(0, 0, 0, 0, value="CD34")
    forget(LIMIT, "AB12")
    assert [tries(1), tries(1, value="CD34")] == [[True], [False]]


@pytest.mark.django_db
def test_forget_of_what_was_never_counted_is_nothing():
    forget(LIMIT, "AB12")
    assert Throttle.objects.count() == 0


@pytest.mark.django_db
def test_forget_subject_lets_all_that_is_about_it_start_anew():
    places = ["AB12 192.0.2.0/24", "AB12 198.51.100.0/24"]
    for value, subject in [*((place, "a" * 64) for place in places), ("CD34", "b" * 64), ("192.0.2.7", "")]:
        for _time in range(4):
            count_try(LIMIT, value, NOON, subject=subject)

    assert forget_subject("a" * 64) == 2
    assert forget_subject("a" * 64) == 0
    assert [tries(1, value=value)[0] for value in [*places, "CD34", "192.0.2.7"]] == [True, True, False, False]


@pytest.mark.django_db
def test_a_subject_does_not_part_what_is_counted():
    """The count belongs to the value; about what it is, the first try says."""
    answers = [count_try(LIMIT, "AB12", NOON, subject=subject) for subject in ("a" * 64, "", "b" * 64, "a" * 64)]

    assert answers == [True, True, True, False]
    assert list(Throttle.objects.values_list("subject", "count")) == [("a" * 64, 4)]


@pytest.mark.django_db
def test_a_subject_is_no_wildcard():
    """What is about nothing is not forgotten with something else."""
    tries(0, 0, 0, 0)

    assert (forget_subject("a" * 64), tries(1)) == (0, [False])


@pytest.mark.django_db
def test_forget_ended_deletes_only_what_is_over():
    tries(0)
    tries(1, value="CD34")
    assert forget_ended(NOON + timedelta(minutes=59, seconds=59)) == 0
    assert forget_ended(NOON + timedelta(minutes=60)) == 1
    assert Throttle.objects.get().key == LIMIT.key("CD34")


@pytest.mark.django_db
def test_forget_ended_goes_by_the_clock_when_not_told():
    count_try(LIMIT, "old", timezone.now() - timedelta(hours=2))
    count_try(LIMIT, "new")
    assert forget_ended() == 1
    assert Throttle.objects.get().key == LIMIT.key("new")


@pytest.mark.parametrize(
    ("address", "neighbourhood"),
    [
        ("192.0.2.7", "192.0.2.0/24"),
        ("192.0.2.255", "192.0.2.0/24"),
        ("192.0.3.7", "192.0.3.0/24"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8:0:0:ffff::1", "2001:db8::/64"),
        ("2001:db8:0:1::1", "2001:db8:0:1::/64"),
    ],
)
def test_subnet_is_the_neighbourhood(address, neighbourhood):
    assert subnet(address) == neighbourhood


@pytest.mark.parametrize("address", ["", "192.0.2", "192.0.2.256", "example.com", "192.0.2.7/24"])
def test_subnet_refuses_what_is_no_address(address):
    with pytest.raises(ValueError, match="does not appear to be an IPv4 or IPv6 address"):
        subnet(address)


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:0:1::7", "2001:db8:0:1::/64"),
        ("2001:db8:0:1:ffff::", "2001:db8:0:1::/64"),
    ],
)
def test_one_host_is_counted_as_one(address, counted):
    assert one_host(address) == counted


@pytest.mark.django_db(transaction=True)
def test_tries_of_many_threads_at_once_are_all_counted():
    limit = Limit("test.crowd", 25, timedelta(hours=1))
    start = threading.Barrier(8, timeout=20)
    answers = []

    def guess():
        try:
            start.wait()
            answers.extend(count_try(limit, "AB12") for _ in range(10))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=guess) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (answers.count(True), answers.count(False)) == (25, 55)
    assert Throttle.objects.get().count == 80


@pytest.mark.django_db(transaction=True)
def test_a_try_waits_for_one_that_is_being_counted():
    """The second transaction sees what the first has counted, not what was there when it began."""
    limit = Limit("test.pair", 1, timedelta(hours=1))
    counted, answers = threading.Event(), {}

    def second():
        try:
            counted.wait(20)
            answers["second"] = count_try(limit, "AB12")
        finally:
            connections.close_all()

    thread = threading.Thread(target=second)
    thread.start()
    with transaction.atomic():
        answers["first"] = count_try(limit, "AB12")
        counted.set()
        is_waiting = False
        while thread.is_alive() and not is_waiting:
            with connection.cursor() as cursor:
                cursor.execute("SELECT bool_or(pg_backend_pid() = ANY(pg_blocking_pids(pid))) FROM pg_locks")
                (is_waiting,) = cursor.fetchone()
        assert is_waiting
        assert "second" not in answers
    thread.join()

    assert answers == {"first": True, "second": False}
