"""Every change of every row is in the change log, however it was made, and nothing takes it out again."""

import time
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.test import Client

from practice.accounts import change_log
from practice.accounts.models import AccessEntry, Change, User
from practice.models import Feedback, Location, Physician
from practice.search.models import SynonymGroup
from tests.factories import LocationFactory, PatientFactory, PhysicianFactory, UserFactory
from tests.signing_in import sign_in

TABLE = "practice_location"


def changes(table=TABLE):
    """[(row, count, action, before)] of a table, the oldest first."""
    found = Change.objects.filter(table_name=table).order_by("pk")
    return list(found.values_list("row", "count", "action", "before"))


def sql(statement, *values):
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def test_every_table_is_tracked(db):
    assert change_log.untracked_tables() == []


def test_what_is_not_tracked_exists(db):
    assert change_log.UNTRACKED - set(connection.introspection.table_names()) == set()


def test_saving_adding_and_deleting_are_told(db):
    place = LocationFactory(name="North", phone="(574) 555-0101")
    key = str(place.pk)
    place.name = "South"
    place.save()
    place.save()  # changes nothing
    place.delete()
    told = changes()
    assert [entry[:3] for entry in told] == [(key, 1, "insert"), (key, 1, "update"), (key, 1, "delete")]
    assert (told[0][3], told[1][3], told[2][3]["name"]) == ({}, {"name": "North"}, "South")


def test_bulk_writes_are_told_row_by_row(db):
    places = [LocationFactory(position=number) for number in range(3)]
    keys = [str(place.pk) for place in places]
    Location.objects.update(position=F("position") + 1)
    Location.objects.all().delete()
    told = changes()[3:]
    assert [entry[0] for entry in told if entry[2] == "update"] == keys
    assert [entry[3] for entry in told if entry[2] == "update"] == [{"position": number} for number in range(3)]
    assert [entry[0] for entry in told if entry[2] == "delete"] == keys


def test_raw_writes_are_told(db):
    place = LocationFactory(name="North")
    sql("UPDATE practice_location SET name = 'Raw' WHERE id = %s", place.pk)
    sql("DELETE FROM practice_location WHERE id = %s", place.pk)
    assert [(entry[2], entry[3].get("name")) for entry in changes()[1:]] == [("update", "North"), ("delete", "Raw")]


def test_large_load_leaves_one_entry(db):
    SynonymGroup.objects.all().delete()
    before = Change.objects.count()
    rows = SynonymGroup.objects.bulk_create(
        SynonymGroup(language="en", text=f"a{number} = b", keys=[f"a{number}", "b"]) for number in range(1500)
    )
    entry = Change.objects.order_by("-pk")[0]
    assert (Change.objects.count() - before, entry.count) == (1, 1500)
    assert entry.row == f"{rows[0].pk} to {rows[-1].pk}"


def test_changed_key_is_told(db):
    place = LocationFactory()
    sql("UPDATE practice_location SET id = id + 1000 WHERE id = %s", place.pk)
    ((row, _count, action, before),) = changes()[1:]
    assert (row, action, before["id"]) == (str(place.pk), "update", place.pk)


def test_relations_are_told(db):
    user = UserFactory(roles=["Editor"])
    assert [entry[2] for entry in changes("accounts_user_groups")] == ["insert"]
    user.groups.clear()
    assert [entry[2] for entry in changes("accounts_user_groups")] == ["insert", "delete"]


def test_values_about_people_are_not_copied(db):
    patient = PatientFactory(account_number="ACC-SECRET")
    patient.set_names("Other", "Person")
    patient.save()
    patient.delete()
    told = changes("patients_patient")
    assert [set(before.values()) for _row, _count, _action, before in told] == [set(), {"…"}, {"…"}]
    feedback = Feedback.objects.create(topic="visit", message="canary-message", language="en")
    feedback.delete()
    (_added, deleted) = changes("practice_feedback")
    assert (deleted[3]["message"], deleted[3]["topic"]) == ("…", feedback.topic)
    user = UserFactory()
    user.set_password("a new long password")
    user.save()
    assert changes("accounts_user")[-1][3] == {"password": "…"}


def test_signing_in_is_no_change_of_the_account(db, client):
    client.force_login(UserFactory())
    assert [entry[2] for entry in changes("accounts_user")] == ["insert"]  # the last sign-in is no change


def test_change_that_is_rolled_back_is_not_told(db):
    with transaction.atomic():
        LocationFactory()
        transaction.set_rollback(True)
    assert changes() == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE accounts_change SET route = 'nobody'",
        "DELETE FROM accounts_change",
        "TRUNCATE accounts_change",
    ],
)
def test_log_cannot_be_changed(db, statement):
    LocationFactory()
    with pytest.raises(IntegrityError, match="keeps what was written"), transaction.atomic():
        sql(statement)
    assert len(changes()) == 1


def test_emptying_a_table_is_told(db):
    sql("TRUNCATE announcements_announcement_physicians")
    assert changes("announcements_announcement_physicians") == [("", 0, "truncate", {})]


# ---- By whom --------------------------------------------------------------------------------------------------------


def who(table):
    return list(Change.objects.filter(table_name=table).order_by("-pk").values_list("user", "route", "address")[:1])


def test_page_tells_who_how_and_from_where(staff, identity):
    client = staff("Administrator")
    form = {"name": "Ann Lee", "credentials": "MD", "slug": "ann-lee", "biography": "Reads.", "position": 0}
    assert client.post("/admin/practice/physician/add/", form, REMOTE_ADDR="192.0.2.7").status_code == 302
    person = int(client.session["_auth_user_id"])
    assert who("practice_physician") == [(person, "admin:practice_physician_add", "192.0.2.7")]


def test_next_on_the_connection_is_not_taken_for_the_last(staff, identity):
    staff("Administrator").post("/admin/practice/physician/add/", {"name": "x"})
    PhysicianFactory()
    ((user, route, address),) = who("practice_physician")
    assert (user, address) == (None, None)
    assert route == connection.settings_dict["USER"] or route != "admin:practice_physician_add"


def test_guest_is_told_by_the_page_alone(client, identity):
    client.post("/feedback/", {"topic": "visit", "message": "Hello"}, REMOTE_ADDR="192.0.2.7")
    assert who("practice_feedback") == [(None, "practice:feedback", None)]


def test_reading_asks_the_database_nothing_more(client, identity, django_assert_num_queries):
    LocationFactory()
    with django_assert_num_queries(3):  # places, hours, the practice
        client.get("/locations/")


def test_person_who_is_gone_stays_named(db):
    sql("SELECT set_config('practice.person', '987654', true)")
    LocationFactory()
    ((user, _route, _address),) = who(TABLE)
    assert (user, User.objects.filter(pk=987654).exists()) == (987654, False)


def test_numbers_keep_their_value(db):
    PhysicianFactory(position=7)
    Physician.objects.update(position=8)
    assert changes("practice_physician")[-1][3] == {"position": Decimal(7)}


# ---- In the office --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("log", ["change", "accessentry"])
@pytest.mark.parametrize("role", ["Editor", "Billing lead", "Hiring", "Clinical reviewer", "Front desk"])
def test_logs_are_the_administrators(staff, identity, log, role):
    client = staff(role)
    answers = [client.get(f"/admin/accounts/{log}/{path}").status_code for path in ("", "export/")]
    assert answers == [403, 403]


def test_administrator_searches_and_takes_the_log_away(staff, identity):
    place = LocationFactory(name="=North")
    Location.objects.update(name="South")
    client = staff("Administrator")
    page = client.get("/admin/accounts/change/", {"q": TABLE, "action__exact": "update"})
    assert [entry.row for entry in page.context["cl"].result_list] == [str(place.pk)]
    response = client.get("/admin/accounts/change/export/", {"q": TABLE, "action__exact": "update"})
    lines = b"".join(response.streaming_content).decode().splitlines()
    assert (response["Cache-Control"].startswith("no-store, private"), len(lines)) == (True, 2)
    assert ["practice_location" in line for line in lines] == [False, True]
    assert list(AccessEntry.objects.values_list("what", "row")) == [("accounts.change", "export")]


def test_taking_a_log_away_asks_who_you_are_again(identity, db):
    client = sign_in(Client(), UserFactory(is_staff=True, roles=["Administrator"]), at=time.time() - 600)
    response = client.get("/admin/accounts/change/export/")
    assert (response.status_code, "/accounts/" in response["Location"]) == (302, True)


def test_nobody_writes_in_the_log(staff, identity):
    LocationFactory()
    entry = Change.objects.filter(table_name=TABLE).get()
    client = staff("Administrator", is_superuser=True)
    answers = [
        client.get("/admin/accounts/change/add/").status_code,
        client.post(f"/admin/accounts/change/{entry.pk}/change/", {"route": "x"}).status_code,
        client.post(f"/admin/accounts/change/{entry.pk}/delete/", {"post": "yes"}).status_code,
    ]
    assert answers == [403, 403, 403]


def test_every_tracked_table_takes_each_kind_of_write(db):
    """A column may be called like a variable of the trigger's function. The function is read also for no rows at all."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE tgname LIKE 'change_log_%'")
        tables = sorted(table for (table,) in cursor.fetchall())
        for table in tables:
            cursor.execute("SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum = 1", [table])
            (column,) = cursor.fetchone()
            cursor.execute(f"INSERT INTO {table} SELECT * FROM {table} WHERE false")
            cursor.execute(f"UPDATE {table} SET {column} = {column} WHERE false")
            cursor.execute(f"DELETE FROM {table} WHERE false")
    assert len(tables) > 50
