"""Who is asked to read what, who has confirmed it, and how the office learns."""

import csv
import io

import pytest
from django.core import mail
from django.db import IntegrityError, connection, transaction
from django.test import Client

from practice.accounts.models import AccessEntry, User
from practice.models import Identity
from practice.resources import must_reads
from practice.resources.audiences import Audience
from practice.resources.models import Acknowledgement, Version
from practice.resources.versions import add_version
from tests.factories import DocumentFactory, UserFactory
from tests.signing_in import sign_in

pytestmark = pytest.mark.usefixtures("identity")


@pytest.fixture
def document(db):
    return DocumentFactory(title="Safety", slug="safety", is_must_read=True)


@pytest.fixture
def ann(db):
    return UserFactory(name="Ann", email="ann@example.com", roles=["Hiring"])


def to_read(user):
    return [(version.document.title, version.number) for version in Version.objects.to_read_by(user)]


def test_must_read_waits_until_it_is_confirmed(document, ann):
    DocumentFactory(title="Optional")
    assert to_read(ann) == [("Safety", 1)]
    must_reads.confirm(document.versions.get(), ann)
    must_reads.confirm(document.versions.get(), ann)
    assert (to_read(ann), Acknowledgement.objects.count()) == ([], 1)


def test_next_version_waits_anew(document, ann):
    must_reads.confirm(document.versions.get(), ann)
    add_version(document, url="https://example.com")
    assert to_read(ann) == [("Safety", 2)]


@pytest.mark.parametrize("facts", [{"is_current": False}, {"is_must_read": False}])
def test_what_is_not_on_the_site_or_no_must_read_waits_for_nobody(ann, facts):
    DocumentFactory(**({"is_must_read": True} | facts))
    assert to_read(ann) == []
    assert list(must_reads.unconfirmed_documents()) == []


def test_who_only_sees_it_is_not_asked(ann):
    DocumentFactory(is_must_read=True, audience=Audience.REFERRING_OFFICES)
    assert to_read(ann) == []


def test_person_confirms_on_the_page_of_the_document(document, ann):
    client = sign_in(Client(), ann)
    assert "I have read this version" in client.get("/resources/safety/").text
    response = client.post("/resources/safety/read/", {"version": "1"})
    assert (response.status_code, response["Location"]) == (302, "/resources/safety/")
    assert "You confirmed on" in client.get("/resources/safety/").text
    assert "Safety" not in client.get("/resources/").text.split("On call")[0].split("Contrast")[0].split("New since")[0]
    assert list(Acknowledgement.objects.values_list("user", "version__number")) == [(ann.pk, 1)]


@pytest.mark.parametrize("sent", [{"version": "1"}, {}, {"version": "2000"}, {"version": "x"}])
def test_version_that_was_not_on_the_page_is_not_confirmed(document, ann, sent):
    """Somebody had the page of the first version open when the second came."""
    add_version(document, url="https://example.com")
    sign_in(Client(), ann).post("/resources/safety/read/", sent)
    assert Acknowledgement.objects.count() == 0


def test_what_somebody_may_not_see_cannot_be_confirmed(document):
    client = sign_in(Client(), UserFactory(roles=["Referring office"]))
    assert client.post("/resources/safety/read/", {"version": "1"}).status_code == 404
    assert Acknowledgement.objects.count() == 0


def test_report_tells_who_has_and_who_has_not(document, ann, staff):
    bea = UserFactory(name="Bea", email="bea@example.com", roles=["Physician"])
    UserFactory(name="Carl", roles=["Referring office"])
    must_reads.confirm(document.versions.get(), bea)
    client = staff("Resources editor", name="Ed", email="ed@example.com")
    page = client.get(f"/admin/resources/document/{document.pk}/readers/")
    told = {name: [(r.name) for r in page.context[name]] for name in ("missing", "read")}
    assert told == {"missing": ["Ann", "Ed"], "read": ["Bea"]}
    export = client.get(f"/admin/resources/document/{document.pk}/readers/export/")
    rows = list(csv.reader(io.StringIO(export.content.decode("utf-8-sig"))))
    assert [row[:3] for row in rows[1:]] == [
        ["Ann", "ann@example.com", "1"],
        ["Ed", "ed@example.com", "1"],
        ["Bea", "bea@example.com", "1"],
    ]
    assert [bool(row[3]) for row in rows[1:]] == [False, False, True]
    assert AccessEntry.objects.values_list("what", "row").get() == (
        "resources.document",
        f"readers of {document.pk}",
    )


@pytest.mark.parametrize("role", ["Editor", "Billing", "Hiring", "Front desk"])
@pytest.mark.parametrize("page", ["", "export/"])
def test_report_is_for_editors_of_resources(document, staff, role, page):
    assert staff(role).get(f"/admin/resources/document/{document.pk}/readers/{page}").status_code == 403


def test_reminder_goes_to_those_who_have_not(document, ann, staff, run_jobs):
    bea = UserFactory(email="bea@example.com", roles=["Billing"])
    must_reads.confirm(document.versions.get(), bea)
    client = staff("Resources editor", email="ed@example.com")
    client.post(f"/admin/resources/document/{document.pk}/act/remind/")
    must_reads.confirm(document.versions.get(), User.objects.get(pk=ann.pk))  # read between click and mail
    run_jobs()
    assert [(message.to, message.subject) for message in mail.outbox] == [
        (["ed@example.com"], "Test Radiology: a document waits for you to read")
    ]
    assert "/resources/safety/" in mail.outbox[0].body


def test_reminder_says_the_practice_s_name_as_it_is_written(document, ann, run_jobs):
    Identity.objects.update(name="Ann & Bob's Radiology")
    must_reads.remind(document.versions.get())
    run_jobs()

    assert mail.outbox[0].subject == "Ann & Bob's Radiology: a document waits for you to read"


def test_somebody_who_left_gets_no_reminder(document, ann, run_jobs):
    must_reads.remind(document.versions.get())
    ann.is_active = False
    ann.save()
    run_jobs()
    assert mail.outbox == []


def test_office_sees_what_not_all_have_confirmed(document, ann, staff):
    client = staff("Resources editor")
    address = "/admin/resources/document/?state=unread"
    assert [row.title for row in client.get(address).context["cl"].result_list] == ["Safety"]
    for reader in must_reads.readers_of(document.versions.get()):
        must_reads.confirm(document.versions.get(), User.objects.get(pk=reader.user_id))
    assert list(client.get(address).context["cl"].result_list) == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE resources_acknowledgement SET made_at = now()",
        "DELETE FROM resources_acknowledgement",
        "TRUNCATE resources_acknowledgement",
    ],
)
def test_confirmation_is_a_record(document, ann, statement):
    must_reads.confirm(document.versions.get(), ann)
    with pytest.raises(IntegrityError, match="stays"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET CONSTRAINTS ALL IMMEDIATE; {statement}")


def test_confirmation_is_made_once(document, ann):
    version = document.versions.get()
    must_reads.confirm(version, ann)
    with pytest.raises(IntegrityError, match="resources_acknowledgement_once"), transaction.atomic():
        Acknowledgement.objects.create(version=version, user=ann)
