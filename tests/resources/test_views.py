import re

import pytest
from django.core.files.base import ContentFile
from django.test import Client

from practice.accounts.models import AccessEntry
from practice.resources.demo_pdf import one_page
from practice.resources.models import Audience
from tests.factories import DocumentFactory, UserFactory
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


def listed(response):
    """The list as [(heading, [titles])]."""
    parts = re.findall(r"<h2>([^<]+)</h2>\s*<ul class=\"listing text\">(.*?)</ul>", response.text, re.DOTALL)
    return [(heading, re.findall(r'<li><a href="[^"]+">([^<]+)</a>', items)) for heading, items in parts]


def readings():
    return list(AccessEntry.objects.order_by("pk").values_list("user__email", "what", "row", "how", "address"))


@pytest.mark.parametrize("path", ["/resources/", "/resources/ct/", "/resources/ct/download/", "/es/resources/ct/"])
def test_visitor_is_sent_to_sign_in(client, path):
    DocumentFactory(slug="ct", title="CT protocol")
    response = client.get(path)
    prefix = "/es" if path.startswith("/es") else ""
    assert (response.status_code, response["Location"]) == (302, f"{prefix}/accounts/login/?next={path}")
    assert readings() == []


@pytest.mark.parametrize("role", list(MATRIX))
@pytest.mark.parametrize("audience", AUDIENCES)
def test_document_is_there_for_its_audience_and_nowhere_for_others(sign_in, role, audience):
    DocumentFactory(slug="ct", title="CT protocol", summary="Doses", audience=audience)
    client = sign_in(role)
    is_theirs = audience in MATRIX[role]
    pages = [client.get(f"/resources/{path}") for path in ("", "ct/", "ct/download/")]
    assert [page.status_code for page in pages] == ([200, 200, 200] if is_theirs else [200, 404, 404])
    assert listed(pages[0]) == ([("Protocol", ["CT protocol"])] if is_theirs else [])
    assert len(readings()) == int(is_theirs)
    contents = [page.getvalue() for page in pages]
    if is_theirs:
        assert contents[2].startswith(b"%PDF-")
    else:
        assert [word for content in contents for word in (b"CT protocol", b"Doses", b"%PDF-") if word in content] == []


@pytest.mark.parametrize("path", ["ct/", "ct/download/"])
def test_document_that_is_not_current_is_nowhere(sign_in, path):
    DocumentFactory(slug="ct", title="CT protocol", is_current=False)
    response = sign_in("Administrator", is_superuser=True).get(f"/resources/{path}")
    assert (response.status_code, readings()) == (404, [])


def test_list_is_sorted_by_kind_and_title(sign_in):
    for kind, title in (("policy", "B"), ("form", "Z"), ("protocol", "C"), ("policy", "A")):
        DocumentFactory(kind=kind, title=title)
    response = sign_in("Hiring", name="Ann Lee").get("/resources/")
    assert listed(response) == [("Protocol", ["C"]), ("Form", ["Z"]), ("Policy", ["A", "B"])]
    assert '<p class="lead">Signed in as Ann Lee.</p>' in response.text


def test_empty_list_says_so(sign_in):
    DocumentFactory(audience=Audience.PHYSICIANS)
    response = sign_in("Referring office").get("/resources/")
    assert "There is no document for you yet. If you expected one, please ask the practice." in response.text


@pytest.mark.parametrize("count", [1, 3])
def test_list_does_not_ask_more_for_more_rows(sign_in, django_assert_num_queries, count):
    for _number in range(count):
        DocumentFactory()
    client = sign_in("Hiring")
    # the session, the person, their roles, the documents, who the practice is; and the session is kept alive by three
    with django_assert_num_queries(8):
        response = client.get("/resources/")
    assert [len(titles) for _heading, titles in listed(response)] == [count]


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


@pytest.mark.parametrize(
    ("name", "content", "content_type"),
    [("Secret name.PDF", PDF, "application/pdf"), ("Secret name.docx", b"PK", DOCX)],
)
def test_download_is_an_attachment_with_our_name(sign_in, name, content, content_type):
    DocumentFactory(slug="ct", file=ContentFile(content, name=name))
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
    assert response["X-Accel-Redirect"] == f"/protected/{document.file.name}"
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
