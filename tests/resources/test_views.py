import re
from datetime import timedelta
from io import BytesIO

import pikepdf
import pytest
from django.core.files.base import ContentFile
from django.test import Client
from django.utils import timezone

from practice.accounts.models import AccessEntry
from practice.resources.audiences import Audience
from practice.resources.demo_pdf import one_page
from practice.resources.models import Document
from practice.resources.versions import add_version, withdraw_version
from tests.factories import CallServiceFactory, CollectionFactory, DocumentFactory, UserFactory
from tests.resources.test_models import MATRIX
from tests.signing_in import sign_in as signed_in

pytestmark = pytest.mark.usefixtures("identity")

PDF = one_page("Test", ["A line"])
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
AUDIENCES = sorted(Audience.values)


@pytest.fixture
def sign_in(db):
    def client_for(*roles, **facts):
        return signed_in(Client(), UserFactory(roles=roles, **facts))

    return client_for


def shelves(response):
    """The shelves as [(title, [titles of documents])]."""
    parts = re.findall(
        r'<section class="shelf">.*?<a href="[^"]+">([^<]+)</a>.*?</h2>(.*?)</section>', response.text, re.S
    )
    return [(heading, re.findall(r'<li><a href="[^"]+">([^<]+)</a>', items)) for heading, items in parts]


def readings():
    return list(AccessEntry.objects.order_by("pk").values_list("user__email", "what", "row", "how", "address"))


@pytest.mark.parametrize(
    "path",
    [
        "/resources/",
        "/resources/ct/",
        "/resources/ct/download/",
        "/resources/collections/shelf/",
        "/resources/on-call/",
        "/resources/ordering-guide/",
        "/resources/contacts/",
        "/resources/search/",
        "/es/resources/ct/",
    ],
)
def test_visitor_is_sent_to_sign_in(client, path):
    DocumentFactory(slug="ct", title="CT protocol")
    response = client.get(path)
    prefix = "/es" if path.startswith("/es") else ""
    assert (response.status_code, response["Location"]) == (302, f"{prefix}/accounts/login/?next={path}")
    assert readings() == []


@pytest.mark.parametrize("role", list(MATRIX))
@pytest.mark.parametrize("audience", AUDIENCES)
def test_document_is_there_for_its_audience_and_nowhere_for_others(sign_in, role, audience):
    shelf = CollectionFactory(title="Shelf", slug="shelf", audience=audience)
    DocumentFactory(slug="ct", title="CT protocol", summary="Doses", collection=shelf)
    client = sign_in(role)
    is_theirs = audience in MATRIX[role]
    pages = [client.get(f"/resources/{path}") for path in ("", "ct/", "ct/download/", "collections/shelf/")]
    assert [page.status_code for page in pages] == ([200, 200, 200, 200] if is_theirs else [200, 404, 404, 404])
    assert shelves(pages[0]) == ([("Shelf", ["CT protocol"])] if is_theirs else [])
    assert len(readings()) == int(is_theirs)
    contents = [page.getvalue() for page in pages]
    if is_theirs:
        assert contents[2].startswith(b"%PDF-")
    else:
        assert [
            word for content in contents for word in (b"CT protocol", b"Doses", b"%PDF-", b"Shelf") if word in content
        ] == []


@pytest.mark.parametrize("path", ["ct/", "ct/download/"])
def test_document_that_is_not_current_is_nowhere(sign_in, path):
    DocumentFactory(slug="ct", title="CT protocol", is_current=False)
    response = sign_in("Administrator", is_superuser=True).get(f"/resources/{path}")
    assert (response.status_code, readings()) == (404, [])


def test_shelves_and_documents_are_in_order(sign_in):
    for title, position, documents in (("Late", 2, "B"), ("Early", 1, "CA"), ("Empty", 0, "")):
        shelf = CollectionFactory(title=title, position=position)
        for document in documents:
            DocumentFactory(title=document, collection=shelf)
    response = sign_in("Hiring", name="Ann Lee").get("/resources/")
    assert shelves(response) == [("Early", ["A", "C"]), ("Late", ["B"])]
    assert '<p class="lead">Signed in as Ann Lee.</p>' in response.text


def test_long_shelf_is_cut_and_leads_to_the_whole(sign_in):
    shelf = CollectionFactory(title="Long", slug="long")
    DocumentFactory.create_batch(7, collection=shelf)
    client = sign_in("Hiring")
    response = client.get("/resources/")
    assert [len(titles) for _title, titles in shelves(response)] == [5]
    assert '<a href="/resources/collections/long/">All 7 in Long</a>' in response.text
    assert client.get("/resources/collections/long/").text.count("Protocol ·") == 7


def new_titles(response):
    part = response.text.split('id="new"')[1].split("</section>")[0]
    return re.findall(r'<li><a href="[^"]+">([^<]+)</a>', part)


def test_new_is_what_came_since_the_last_visit(sign_in, monkeypatch):
    DocumentFactory(title="Old")
    client = sign_in("Hiring")
    assert new_titles(client.get("/resources/")) == ["Old"]
    monkeypatch.setattr("practice.resources.visits.VISIT_ENDS_AFTER", timedelta(0))
    DocumentFactory(title="New")
    DocumentFactory(title="Not for you", audience=Audience.PHYSICIANS)
    assert new_titles(client.get("/resources/")) == ["New"]
    assert new_titles(client.get("/resources/")) == []


def test_looking_at_the_head_of_a_page_only_is_no_change_of_a_document(sign_in):
    document = DocumentFactory(slug="ct")
    sign_in("Hiring").head("/resources/ct/")
    assert Document.objects.get() == document


def test_person_without_a_role_is_told_that_nothing_is_here(sign_in):
    CallServiceFactory()
    response = sign_in().get("/resources/")
    assert "There is nothing for you here yet." in response.text
    assert "On call" not in response.text


# ---- Versions -------------------------------------------------------------------------------------------------------


def title_of(response):
    with pikepdf.open(BytesIO(response.getvalue())) as file:
        return str(file.docinfo["/Title"])


def pdf(text):
    return ContentFile(one_page(text, [text]), name="a.pdf")


def test_readers_get_the_version_in_force_and_read_of_the_others(sign_in):
    document = DocumentFactory(slug="ct", version={"file": pdf("One")})
    add_version(document, file=pdf("Two"), note="Doses are lower")
    add_version(document, file=pdf("Three"), note="Not yet", effective_on=timezone.localdate() + timedelta(days=1))
    client = sign_in("Hiring")
    page = client.get("/resources/ct/").text
    assert re.search(r"<dt>Version</dt><dd>(\d)</dd>", page)[1] == "2"
    assert ("What is new:</strong> Doses are lower" in page, "version 1," in page, "Not yet" in page) == (
        True,
        True,
        False,
    )
    assert title_of(client.get("/resources/ct/download/")) == "Two"


def test_withdrawn_version_is_given_to_nobody_and_named_nowhere(sign_in):
    document = DocumentFactory(slug="ct", version={"file": pdf("One")})
    withdraw_version(add_version(document, file=pdf("Two"), note="A mistake"))
    client = sign_in("Hiring")
    assert "A mistake" not in client.get("/resources/ct/").text
    assert title_of(client.get("/resources/ct/download/")) == "One"


def test_document_before_its_first_day_is_nowhere(sign_in):
    DocumentFactory(slug="ct", title="Soon", version={"effective_on": timezone.localdate() + timedelta(days=1)})
    client = sign_in("Administrator", is_superuser=True)
    assert [client.get(f"/resources/ct/{path}").status_code for path in ("", "download/")] == [404, 404]
    assert "Soon" not in client.get("/resources/").text


def test_link_opens_on_its_own_site_and_is_no_download(sign_in):
    DocumentFactory(slug="link", version={"url": "https://example.com/rules"})
    client = sign_in("Hiring")
    assert (
        '<a class="button" href="https://example.com/rules" rel="noreferrer external">'
        in client.get("/resources/link/").text
    )
    assert (client.get("/resources/link/download/").status_code, readings()) == (404, [])


@pytest.mark.usefixtures("private_files")
@pytest.mark.parametrize(("asked", "status", "start"), [("bytes=0-3", 206, b"%PDF"), ("bytes=999999-", 416, b"")])
def test_part_of_a_file_is_checked_and_logged_like_the_whole(sign_in, asked, status, start):
    DocumentFactory(slug="ct")
    DocumentFactory(slug="no", audience=Audience.PHYSICIANS)
    client = sign_in("Hiring")
    response = client.get("/resources/ct/download/", headers={"Range": asked})
    assert (response.status_code, response.getvalue()) == (status, start)
    assert len(readings()) == 1
    assert client.get("/resources/no/download/", headers={"Range": asked}).status_code == 404


def test_unchanged_file_is_not_told_to_who_may_no_longer_have_it(sign_in):
    DocumentFactory(slug="ct")
    user = UserFactory(roles=["Hiring"])
    client = signed_in(Client(), user)
    first = client.get("/resources/ct/download/")
    etag, _content = first["ETag"], first.getvalue()
    assert client.get("/resources/ct/download/", headers={"If-None-Match": etag}).status_code == 304
    user.groups.clear()
    assert client.get("/resources/ct/download/", headers={"If-None-Match": etag}).status_code == 404


def test_empty_list_says_so(sign_in):
    DocumentFactory(audience=Audience.PHYSICIANS)
    response = sign_in("Referring office").get("/resources/")
    assert "There is no document for you yet. If you expected one, please ask the practice." in response.text


@pytest.mark.parametrize("count", [1, 3])
def test_list_does_not_ask_more_for_more_rows(sign_in, django_assert_num_queries, count):
    for _number in range(count):
        DocumentFactory()
    client = sign_in("Hiring")
    client.get("/resources/")
    # the session, the person, their roles, the visit, documents, shelves, what to read, who is on call, what is new,
    # who the practice is; and the session is kept alive by three
    with django_assert_num_queries(13):
        response = client.get("/resources/")
    assert sum(len(titles) for _heading, titles in shelves(response)) == count


@pytest.mark.parametrize(("facts", "has_link"), [({"is_staff": True}, True), ({"is_staff": False}, False)])
def test_list_leads_staff_to_the_office(sign_in, facts, has_link):
    response = sign_in("Physician", **facts).get("/resources/")
    assert ('<a class="button" href="/admin/">To the practice office</a>' in response.text) is has_link


@pytest.mark.parametrize("path", ["", "ct/"])
def test_pages_are_kept_by_nobody_and_found_by_no_search_engine(sign_in, path):
    DocumentFactory(slug="ct")
    response = sign_in("Hiring").get(f"/resources/{path}")
    assert response["Cache-Control"] == "private, no-store"
    assert '<meta name="robots" content="noindex">' in response.text


@pytest.mark.usefixtures("private_files")
@pytest.mark.parametrize(
    ("name", "content", "content_type"),
    [("Secret name.PDF", PDF, "application/pdf"), ("Secret name.docx", b"PK", DOCX)],
)
def test_download_is_an_attachment_with_our_name(sign_in, name, content, content_type):
    DocumentFactory(slug="ct", version={"file": ContentFile(content, name=name)})
    response = sign_in("Hiring").get("/resources/ct/download/")
    assert b"".join(response.streaming_content) == content
    ending = name.rsplit(".", 1)[1].lower()
    assert {
        header: response.get(header)
        for header in (
            "Content-Type",
            "Content-Disposition",
            "Content-Length",
            "Cache-Control",
            "X-Content-Type-Options",
            "Content-Security-Policy",
            "X-Accel-Redirect",
        )
    } == {
        "Content-Type": content_type,
        "Content-Disposition": f'attachment; filename="ct.{ending}"',
        "Content-Length": str(len(content)),
        "Cache-Control": "no-store, private",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Accel-Redirect": None,
    }


@pytest.mark.parametrize("folder", ["/protected", "/protected/"])
def test_download_is_handed_to_nginx_where_there_is_one(sign_in, settings, folder):
    settings.X_ACCEL_REDIRECT = folder
    document = DocumentFactory(slug="ct")
    response = sign_in("Hiring").get("/resources/ct/download/")
    assert (response.status_code, response.content, response.streaming) == (200, b"", False)
    assert response["X-Accel-Redirect"] == f"/protected/{document.versions.get().file.name}"
    assert response["Content-Disposition"] == 'attachment; filename="ct.pdf"'
    assert response["Content-Type"] == "application/pdf"
    assert (len(readings()), response["Cache-Control"]) == (1, "no-store, private")


def test_nginx_is_not_told_of_what_somebody_may_not_have(sign_in, settings):
    settings.X_ACCEL_REDIRECT = "/protected/"
    DocumentFactory(slug="ct", audience=Audience.PHYSICIANS)
    response = sign_in("Hiring").get("/resources/ct/download/")
    assert (response.status_code, response.has_header("X-Accel-Redirect"), readings()) == (404, False, [])


def test_every_download_is_logged(sign_in):
    document = DocumentFactory(slug="ct")
    client = sign_in("Hiring", email="hiring@example.com")
    client.get("/resources/")
    client.get("/resources/ct/")
    assert readings() == []
    list(client.get("/resources/ct/download/", REMOTE_ADDR="192.0.2.7"))
    assert readings() == [
        ("hiring@example.com", "resources.document", str(document.pk), "resources:download", "192.0.2.7")
    ]


def test_role_that_was_taken_away_sees_nothing_at_once(sign_in):
    DocumentFactory(slug="ct")
    user = UserFactory(roles=["Hiring"])
    client = signed_in(Client(), user)
    assert client.get("/resources/ct/").status_code == 200
    user.groups.clear()
    assert client.get("/resources/ct/").status_code == 404


@pytest.mark.parametrize("path", ["", "ct/", "ct/download/"])
def test_pages_are_for_reading_only(sign_in, path):
    DocumentFactory(slug="ct")
    assert sign_in("Hiring").post(f"/resources/{path}").status_code == 405
