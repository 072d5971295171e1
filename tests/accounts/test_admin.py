import pytest
from django.contrib.auth.models import Group
from django.urls import reverse

from practice.accounts.models import AccessEntry, User
from tests.factories import UserFactory

pytestmark = pytest.mark.usefixtures("identity")

ADD = reverse("admin:accounts_user_add")


def address(name, row):
    return reverse(f"admin:{name}", args=[row.pk])


def form_of(user, **changes):
    form = {
        "email": user.email,
        "name": user.name,
        "is_active": "on" if user.is_active else "",
        "is_staff": "on" if user.is_staff else "",
        "is_superuser": "on" if user.is_superuser else "",
        "groups": [group.pk for group in user.groups.all()],
    } | changes
    return {name: value for name, value in form.items() if value != ""}


def errors_of(response):
    return [str(error) for errors in response.context["errors"] for error in errors]


def test_administrator_makes_an_account_without_a_password(staff):
    data = {"email": "Ann.Lee@Example.com", "name": "Ann Lee", "password1": "correct horse staple"}
    assert staff("Administrator").post(ADD, data).status_code == 302
    user = User.objects.get(name="Ann Lee")
    assert (user.email, user.is_staff, user.is_superuser) == ("ann.lee@example.com", False, False)
    assert user.has_usable_password() is False


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"email": "TAKEN@example.com"}, "This address is taken."),
        ({"email": "ann"}, "Enter a valid email address."),
        ({"name": ""}, "This field is required."),
    ],
)
def test_account_form_says_what_is_wrong(staff, changes, error):
    UserFactory(email="taken@example.com")
    data = {"email": "ann@example.com", "name": "Ann Lee"} | changes
    response = staff("Administrator").post(ADD, data)
    assert errors_of(response) == [error]
    assert User.objects.filter(name="Ann Lee").count() == 0


def test_administrator_gives_roles(staff):
    user = UserFactory(name="Before")
    hiring = Group.objects.get(name="Hiring")
    data = form_of(user, name="After", is_staff="on", groups=[hiring.pk])
    assert staff("Administrator").post(address("accounts_user_change", user), data).status_code == 302
    user.refresh_from_db()
    assert (user.name, user.is_staff, list(user.groups.all())) == ("After", True, [hiring])


def test_administrator_makes_nobody_a_superuser(staff):
    user = UserFactory()
    staff("Administrator").post(address("accounts_user_change", user), form_of(user, is_superuser="on", name="After"))
    user.refresh_from_db()
    assert (user.name, user.is_superuser) == ("After", False)


def test_superuser_makes_a_superuser(staff):
    user = UserFactory()
    staff(is_superuser=True).post(address("accounts_user_change", user), form_of(user, is_superuser="on"))
    user.refresh_from_db()
    assert user.is_superuser is True


@pytest.mark.parametrize(
    ("page", "data"),
    [
        ("accounts_user_change", {"email": "mine@example.com", "name": "Mine", "is_active": "on"}),
        (
            "auth_user_password_change",
            {"usable_password": "true", "password1": "correct horse staple", "password2": "correct horse staple"},
        ),
    ],
)
def test_administrator_does_not_become_a_superuser_by_changing_one(staff, page, data):
    superuser = UserFactory(email="root@example.com", name="Root", is_superuser=True)
    assert staff("Administrator").post(address(page, superuser), data).status_code == 403
    superuser.refresh_from_db()
    assert (superuser.email, superuser.name) == ("root@example.com", "Root")
    assert superuser.check_password("a long test password")


@pytest.mark.parametrize("role", ["Editor", "Hiring", "Billing lead", "Front desk"])
def test_other_roles_see_no_accounts_and_no_log(staff, role):
    user = UserFactory(name="Before")
    client = staff(role)
    assert [
        client.get(reverse("admin:accounts_user_changelist")).status_code,
        client.post(address("accounts_user_change", user), form_of(user, name="Mine")).status_code,
        client.post(ADD, {}).status_code,
        client.get(reverse("admin:accounts_accessentry_changelist")).status_code,
        client.get(reverse("admin:auth_group_changelist")).status_code,
    ] == [403] * 5
    user.refresh_from_db()
    assert user.name == "Before"


@pytest.mark.parametrize("model", ["accounts_user", "accounts_accessentry", "auth_group"])
def test_people_log_and_roles_are_deleted_by_nobody(staff, model):
    user = UserFactory()
    entry = AccessEntry.objects.create(user=user, what="patients.patient", row="1", how="x")
    row = {"accounts_user": user, "accounts_accessentry": entry, "auth_group": Group.objects.first()}[model]
    client = staff("Administrator", is_superuser=True)
    assert client.post(address(f"{model}_delete", row), {"post": "yes"}).status_code == 403
    selected = {"action": "delete_selected", "_selected_action": row.pk, "post": "yes"}
    client.post(reverse(f"admin:{model}_changelist"), selected)
    assert type(row).objects.filter(pk=row.pk).exists()


@pytest.mark.parametrize("model", ["accounts_accessentry", "auth_group"])
def test_log_and_roles_are_written_by_nobody(staff, model):
    entry = AccessEntry.objects.create(user=UserFactory(), what="patients.patient", row="1", how="x")
    row = entry if model == "accounts_accessentry" else Group.objects.first()
    client = staff("Administrator", is_superuser=True)
    assert client.get(address(f"{model}_change", row)).status_code == 200
    assert [
        client.post(address(f"{model}_change", row), {"name": "Mine", "row": "2"}).status_code,
        client.post(reverse(f"admin:{model}_add"), {"name": "Mine", "row": "2"}).status_code,
    ] == [403, 403]


@pytest.mark.parametrize("count", [1, 3])
def test_log_does_not_ask_more_for_more_rows(staff, django_assert_num_queries, count):
    for number in range(count):
        AccessEntry.objects.create(user=UserFactory(), what="patients.patient", row=str(number), how="x")
    client, address = staff("Administrator"), reverse("admin:accounts_accessentry_changelist")
    client.get(address)  # from now on the content types are known
    with django_assert_num_queries(11):
        page = client.get(address)
    assert page.context["cl"].result_count == count
