import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from practice.accounts.models import AccessEntry, User
from tests.factories import UserFactory


def test_database_refuses_an_address_in_upper_case(db):
    user = UserFactory()
    with pytest.raises(IntegrityError, match="accounts_user_email_lower_case"), transaction.atomic():
        User.objects.filter(pk=user.pk).update(email="Ann@example.com")


def test_address_is_unique_whatever_its_case(db):
    User.objects.create_user("ann@example.com", name="Ann")
    with pytest.raises(IntegrityError, match="accounts_user_email"), transaction.atomic():
        User.objects.create_user(" ANN@Example.com", name="Another")


def test_create_user(db):
    user = User.objects.create_user(" Ann.Lee@Example.COM ", "a long test password", name="Ann Lee")
    user.refresh_from_db()
    assert (user.email, user.name, user.is_active, user.is_staff, user.is_superuser) == (
        "ann.lee@example.com",
        "Ann Lee",
        True,
        False,
        False,
    )
    assert (user.check_password("a long test password"), "a long" in user.password) == (True, False)


def test_create_user_without_a_password_cannot_sign_in(db):
    assert User.objects.create_user("ann@example.com", name="Ann").has_usable_password() is False


def test_create_superuser(db):
    user = User.objects.create_superuser("Root@example.com", "a long test password", name="Root")
    assert (user.email, user.is_staff, user.is_superuser) == ("root@example.com", True, True)


def test_user_is_found_by_address_in_any_case(db):
    user = UserFactory(email="ann@example.com")
    assert User.objects.get_by_natural_key(" ANN@example.com") == user


def test_clean_writes_the_address_in_lower_case():
    user = User(email="Ann@Example.com", name="Ann")
    user.clean()
    assert user.email == "ann@example.com"


def test_taken_address_is_explained(db):
    UserFactory(email="ann@example.com")
    again = User(email="Ann@example.com", name="Ann", password="x")
    with pytest.raises(ValidationError) as refusal:
        again.full_clean()
    assert refusal.value.message_dict == {"email": ["This address is taken."]}


def test_names():
    user = User(email="ann@example.com", name="Ann Lee")
    assert (str(user), user.get_full_name(), user.get_short_name()) == ("ann@example.com", "Ann Lee", "Ann Lee")


@pytest.mark.parametrize(
    ("asked", "holds"),
    [
        (["Hiring"], True),
        (["Editor", "Hiring"], True),
        (["Editor"], False),
        (["hiring"], False),
        ([], False),
    ],
)
def test_holds_role(db, asked, holds):
    assert UserFactory(roles=["Hiring", "Billing"]).holds_role(*asked) is holds


def test_holds_role_asks_once(db, django_assert_num_queries):
    user = UserFactory(roles=["Hiring"])
    with django_assert_num_queries(1):
        assert [user.holds_role(role) for role in ("Hiring", "Editor", "Hiring")] == [True, False, True]


def test_person_in_the_access_log_stays(db):
    user = UserFactory()
    AccessEntry.objects.create(user=user, what="patients.patient", row="1", how="admin:x")
    with pytest.raises(ProtectedError):
        user.delete()
