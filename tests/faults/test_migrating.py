"""Kill -9 while the database is migrated: to migrate again ends as if nothing had been. So do two at once."""

from types import SimpleNamespace

import pytest
from django.core.management import call_command
from django.db import connection, connections

from practice import one_at_a_time
from practice.management.commands import migrate
from tests.databases import another_database, schema

pytestmark = pytest.mark.django_db
NOBODY = SimpleNamespace(origin="")  # the card processor has no part in this
BACK_TO = [("billing", "0007"), ("careers", "0018"), ("practice", "0008")]


@pytest.fixture(scope="module")
def older(django_db_setup, django_db_blocker):
    """The name of a database as it was some migrations ago, and what it must become."""
    with django_db_blocker.unblock():
        connection.close()
        home = connections["default"]
        with another_database("older") as name:
            wanted = schema()
            for app, migration in BACK_TO:
                call_command("migrate", app, migration, verbosity=0)
            assert schema() != wanted
            connection.close()
            connections["default"] = home
            yield name, wanted


def test_migrating_again_after_a_kill_ends_in_the_same_schema(undertaker, older):
    template, wanted = older
    with another_database("copy", template) as database:
        assert not undertaker.run(NOBODY, "migrate", 0, database=database)
        assert schema() == wanted
    steps = undertaker.steps
    # Noted in a transaction of its own, a migration could be done and not be known as done.
    assert [step for step in steps if "django_migrations" in step] == []
    committed = [int(step.split()[0]) for step in steps if step.endswith("after a commit")]
    assert len(committed) > 10

    for die_at in (committed[1], committed[len(committed) // 3] - 1, committed[len(committed) // 2]):
        with another_database("copy", template) as database:
            assert undertaker.run(NOBODY, "migrate", die_at, database=database)
            assert schema() != wanted
            assert not undertaker.run(NOBODY, "migrate", 0, database=database), steps[die_at - 1]
            assert schema() == wanted, steps[die_at - 1]


def test_second_that_migrates_waits_for_the_first_and_finds_nothing_to_do(older, monkeypatch):
    template, wanted = older
    with another_database("copy", template):
        first = connections["default"].copy()
        with first.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [migrate.ONE_MIGRATION])
        before, met = schema(), []

        def first_ends(_seconds):
            met.append(schema())
            first.close()

        monkeypatch.setattr(one_at_a_time.time, "sleep", first_ends)
        call_command("migrate", verbosity=0)

        assert (met[0], schema()) == (before, wanted)
