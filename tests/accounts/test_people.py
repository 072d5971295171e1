"""How an administrator invites people, and what nobody can take from themselves; and how the logs are searched."""

import pytest
from django.contrib.auth.models import Group
from django.core import mail

from practice.accounts import roles
from practice.accounts.models import AccessEntry, Change, User
from tests.factories import FeedbackFactory, LocationFactory, PatientFactory, UserFactory
from tests.signing_in import sign_in

pytestmark = pytest.mark.usefixtures("identity")

ADD = "/admin/accounts/user/add/"


def group(role):
    return Group.objects.get(name=role).pk


@pytest.mark.parametrize(
    ("role", "is_staff"), [(roles.FRONT_DESK, True), (roles.PHYSICIAN, False), (roles.REFERRING_OFFICE, False)]
)
def test_role_of_the_office_makes_the_invited_person_staff(staff, run_jobs, role, is_staff):
    page = staff(roles.ADMINISTRATOR).post(
        ADD, {"email": "new@example.com", "name": "New", "groups": [group(role)]}, follow=True
    )
    run_jobs()
    assert User.objects.get(email="new@example.com").is_staff is is_staff
    assert "An invitation to new@example.com is on its way." in page.text
    assert [message.to for message in mail.outbox] == [["new@example.com"]]


@pytest.mark.parametrize("taken", ["is_active", "is_staff", "is_superuser"])
def test_nobody_shuts_themselves_out(client, taken):
    boss = UserFactory(is_staff=True, is_superuser=True, roles=[roles.ADMINISTRATOR])
    sign_in(client, boss)
    fields = {"email": boss.email, "name": boss.name, "is_active": "on", "is_staff": "on", "is_superuser": "on"}
    del fields[taken]
    page = client.post(f"/admin/accounts/user/{boss.pk}/change/", fields)
    boss.refresh_from_db()
    assert "You cannot take this from yourself. Ask another administrator." in page.text
    assert getattr(boss, taken) is True


@pytest.mark.parametrize("words", ["location", "Quill", "quill@example.com", "practice_location", "Location quill"])
def test_change_log_is_found_by_everyday_words(staff, client, words):
    editor = UserFactory(email="quill@example.com", name="Edith Quill", is_staff=True, roles=[roles.EDITOR])
    location = LocationFactory()
    facts = {"table_name": "practice_location", "row": location.pk, "count": 1, "action": "update", "route": "x"}
    Change.objects.create(**facts, user=editor, changed_at=editor.date_joined)
    page = staff(roles.ADMINISTRATOR).get("/admin/accounts/change/", {"q": words})
    assert editor.pk in {entry.user_id for entry in page.context["cl"].result_list}
    assert f'<a href="/admin/practice/location/{location.pk}/history/">' in page.text


def test_who_has_read_a_patients_row_is_one_button(staff):
    patient, other = PatientFactory.create_batch(2)
    reader = staff(roles.BILLING)
    for row in (patient, other):
        reader.get(f"/admin/patients/patient/{row.pk}/change/")
    boss = staff(roles.ADMINISTRATOR)
    page = boss.get(f"/admin/patients/patient/{patient.pk}/change/").text
    address = f"/admin/accounts/accessentry/?q=patients.patient+{patient.pk}"
    assert f'href="{address}"' in page
    assert {entry.row for entry in boss.get(address).context["cl"].result_list} == {str(patient.pk)}
    assert "accessentry" not in reader.get(f"/admin/patients/patient/{patient.pk}/change/").text


def test_log_is_taken_away_in_the_offices_own_time(staff):
    AccessEntry.objects.create(user=UserFactory(), what="x", row="1", how="y")
    lines = staff(roles.ADMINISTRATOR).get("/admin/accounts/accessentry/export/").getvalue().decode().splitlines()
    assert lines[1].split(",")[0].endswith(("-05:00", "-04:00"))


def test_administrator_does_not_drop_their_own_role(client):
    boss = UserFactory(is_staff=True, roles=[roles.ADMINISTRATOR])
    sign_in(client, boss)
    fields = {"email": boss.email, "name": boss.name, "is_active": "on", "is_staff": "on"}
    page = client.post(f"/admin/accounts/user/{boss.pk}/change/", fields | {"groups": [group(roles.EDITOR)]})
    assert "You cannot take this from yourself. Ask another administrator." in page.text
    assert list(boss.groups.values_list("name", flat=True)) == [roles.ADMINISTRATOR]


def test_page_that_asks_about_many_rows_is_a_reading_of_each(staff):
    rows = FeedbackFactory.create_batch(2)
    data = {"action": "close", "_selected_action": [row.pk for row in rows], "index": "0"}
    staff(roles.FRONT_DESK).post("/admin/practice/feedback/", data)
    assert sorted(AccessEntry.objects.values_list("row", flat=True)) == sorted(str(row.pk) for row in rows)
