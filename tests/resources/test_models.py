import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, transaction

from practice.resources.models import Audience, Document, audiences_of
from tests.factories import DocumentFactory, UserFactory

STAFF, PHYSICIANS, OFFICES = "staff", "physicians", "referring offices"
MATRIX = {
    "Editor": {STAFF, OFFICES},
    "Clinical reviewer": {STAFF, OFFICES},
    "Billing": {STAFF, OFFICES},
    "Billing lead": {STAFF, OFFICES},
    "Hiring": {STAFF, OFFICES},
    "Front desk": {STAFF, OFFICES},
    "Resources editor": {STAFF, PHYSICIANS, OFFICES},
    "Administrator": {STAFF, PHYSICIANS, OFFICES},
    "Physician": {STAFF, PHYSICIANS, OFFICES},
    "Referring office": {OFFICES},
}


def see(user):
    return set(Document.objects.visible_to(user).values_list("audience", flat=True))


@pytest.fixture
def one_for_each(db):
    for audience in Audience.values:
        DocumentFactory(audience=audience)
        DocumentFactory(audience=audience, is_current=False)


@pytest.mark.parametrize(
    ("facts", "constraint"),
    [
        ({"kind": "poem"}, "resources_document_kind_known"),
        ({"audience": "everybody"}, "resources_document_audience_known"),
    ],
)
def test_database_refuses(db, facts, constraint):
    document = DocumentFactory()
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Document.objects.filter(pk=document.pk).update(**facts)


def test_addresses_are_unique(db):
    DocumentFactory(slug="same")
    with pytest.raises(IntegrityError, match="_slug_"), transaction.atomic():
        DocumentFactory(slug="same")


@pytest.mark.usefixtures("one_for_each")
@pytest.mark.parametrize(("role", "audiences"), list(MATRIX.items()))
@pytest.mark.parametrize("is_staff", [True, False])
def test_role_sees_its_audiences(role, audiences, is_staff):
    """What a person sees follows from the role; the staff mark opens the admin and nothing here."""
    assert see(UserFactory(roles=[role], is_staff=is_staff)) == audiences


@pytest.mark.usefixtures("one_for_each")
def test_two_roles_see_what_each_sees():
    assert see(UserFactory(roles=["Referring office", "Hiring"])) == {STAFF, OFFICES}


@pytest.mark.usefixtures("one_for_each")
@pytest.mark.parametrize(
    ("facts", "audiences"),
    [
        ({}, set()),
        ({"is_staff": True}, set()),
        ({"is_superuser": True}, {STAFF, PHYSICIANS, OFFICES}),
        ({"is_superuser": True, "is_active": False}, set()),
        ({"roles": ["Administrator", "Physician"], "is_active": False}, set()),
    ],
)
def test_person_without_a_role_sees_nothing_unless_superuser(facts, audiences):
    assert see(UserFactory(**facts)) == audiences


@pytest.mark.usefixtures("one_for_each")
def test_visitor_sees_nothing():
    assert (see(AnonymousUser()), audiences_of(AnonymousUser())) == (set(), set())


def test_roles_are_asked_once(db, django_assert_num_queries):
    user = UserFactory(roles=["Physician"])
    with django_assert_num_queries(1):
        assert audiences_of(user) == audiences_of(user) == {STAFF, PHYSICIANS, OFFICES}


def test_document_names_itself_and_its_download(db, settings):
    document = DocumentFactory(title="CT protocol", slug="ct")
    assert (str(document), document.get_absolute_url()) == ("CT protocol", "/resources/ct/")
    assert document.download_name == "ct.pdf"
    folder, _, name = document.file.name.partition("/")
    assert (folder, len(name), name[-4:]) == ("resources", 36, ".pdf")
    assert [file.name for file in (settings.PRIVATE_ROOT / "resources").iterdir()] == [name]
