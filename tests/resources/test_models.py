import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, transaction

from practice.resources.audiences import ADDRESSED, Audience, addressed_by, audiences_of, people_addressed_by
from practice.resources.models import Collection, Document
from practice.resources.models.documents import RESERVED_SLUGS
from practice.resources.urls import urlpatterns
from tests.factories import CollectionFactory, DocumentFactory, UserFactory

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
    return set(Document.objects.visible_to(user).values_list("collection__audience", flat=True))


@pytest.fixture
def one_for_each(db):
    for audience in Audience.values:
        DocumentFactory(audience=audience)
        DocumentFactory(audience=audience, is_current=False)


@pytest.mark.parametrize(
    ("facts", "constraint"),
    [
        ({"kind": "poem"}, "resources_document_kind_known"),
        *(
            ({"slug": slug}, "resources_document_address_free")
            for slug in ("collections", "contacts", "on-call", "ordering-guide", "search")
        ),
    ],
)
def test_database_refuses(db, facts, constraint):
    document = DocumentFactory()
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Document.objects.filter(pk=document.pk).update(**facts)


def test_collection_is_for_somebody_known(db):
    shelf = CollectionFactory()
    with pytest.raises(IntegrityError, match="resources_collection_audience_known"), transaction.atomic():
        Collection.objects.filter(pk=shelf.pk).update(audience="everybody")


@pytest.mark.parametrize("make", [DocumentFactory, CollectionFactory])
def test_addresses_are_unique(db, make):
    make(slug="same")
    with pytest.raises(IntegrityError, match="_slug_"), transaction.atomic():
        make(slug="same")


def test_every_page_of_the_room_is_a_reserved_address():
    pages = {str(pattern.pattern).split("/")[0] for pattern in urlpatterns}
    assert pages - {"", "<slug:slug>"} == set(RESERVED_SLUGS)


def test_must_reads_are_asked_of_those_they_are_for(db):
    """Staff see what is for referring offices, and are not asked to confirm it."""
    people = {role: UserFactory(roles=[role]) for role in MATRIX}
    UserFactory(roles=["Physician"], is_active=False)
    UserFactory(is_superuser=True)
    for audience in Audience:
        asked = set(people_addressed_by(audience))
        assert asked == {person for role, person in people.items() if role in ADDRESSED[audience]}
        assert asked == {person for person in people.values() if audience in addressed_by(person)}
        assert all(audience in audiences_of(person) for person in asked)


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
    version = document.versions.get()
    assert (str(document), document.get_absolute_url()) == ("CT protocol", "/resources/ct/")
    assert (str(version), version.download_name) == ("CT protocol, 1", "ct.pdf")
    folder, _, name = version.file.name.partition("/")
    assert (folder, len(name), name[-4:]) == ("resources", 36, ".pdf")
    assert [file.name for file in (settings.PRIVATE_ROOT / "resources").iterdir()] == [name]
