import io
import zipfile
from datetime import date

import pikepdf
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from practice.accounts.models import AccessEntry
from practice.resources.demo_pdf import one_page
from practice.resources.models import Document, Version
from tests.factories import CollectionFactory, DocumentFactory

pytestmark = pytest.mark.usefixtures("identity")

PDF = one_page("Test", ["A line"])
ADD = reverse("admin:resources_document_add")


def pdf_with(change):
    pdf = pikepdf.open(io.BytesIO(PDF))
    change(pdf)
    target = io.BytesIO()
    pdf.save(target)
    return target.getvalue()


WORD = {
    "[Content_Types].xml": "<Types/>",
    "_rels/.rels": '<R><R Type="https://x.example/officeDocument" Target="word/document.xml"/></R>',
    "word/document.xml": '<document xmlns="http://schemas.openxmlformats.org/wordprocessingml/2006/main"/>',
}


def docx_with(**parts):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as package:
        for name, text in (WORD | parts).items():
            package.writestr(name, text)
    return target.getvalue()


def script(pdf):
    pdf.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)")


def attach(pdf):
    pdf.attachments["other.exe"] = b"MZ"


def version_form(file=None, **changes):
    data = {"url": "", "note": "", "effective_on": timezone.localdate().isoformat(), "expires_on": ""} | changes
    return data | ({"file": SimpleUploadedFile(file[1], file[0])} if file else {})


def form(file=None, **changes):
    data = {"title": "CT protocol", "slug": "ct", "kind": "protocol", "summary": "", "is_current": "on"}
    if "collection" not in changes:
        changes["collection"] = CollectionFactory().pk
    return data | version_form(file, **changes)


def errors_of(response):
    return [str(error) for errors in response.context["errors"] for error in errors]


def private_files(settings):
    return [path for path in settings.PRIVATE_ROOT.rglob("*") if path.is_file()]


def change_address(document):
    return reverse("admin:resources_document_change", args=[document.pk])


@pytest.mark.parametrize("role", ["Resources editor", "Administrator"])
@pytest.mark.parametrize("file", [(PDF, "plan.pdf"), (docx_with(), "plan.docx")])
def test_document_is_added_with_its_first_version(staff, role, file):
    response = staff(role, email="ed@example.com").post(ADD, form(file, note="First", is_must_read="on"))
    assert response.status_code == 302
    document = Document.objects.get()
    assert (document.title, document.kind, document.is_must_read, document.is_current) == (
        "CT protocol",
        "protocol",
        True,
        True,
    )
    version = document.versions.get()
    assert (version.number, version.note, version.added_by.email) == (1, "First", "ed@example.com")
    with version.file.open() as kept:
        assert kept.read() == file[0]


def test_link_is_added(staff):
    assert staff("Resources editor").post(ADD, form(url="https://example.com/a")).status_code == 302
    assert Document.objects.get().versions.get().url == "https://example.com/a"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"url": "https://example.com", "file": (PDF, "a.pdf")}, "Give a file or a link, one of the two."),
        ({"url": "http://example.com"}, "Enter a valid URL."),
        ({"url": "javascript:alert(1)"}, "Enter a valid URL."),
        (
            {"url": "https://example.com", "effective_on": "2020-01-01"},
            "A version takes effect today or later, never in the past.",
        ),
        ({"url": "https://example.com", "expires_on": "2020-01-01"}, "The last day must not be before the first."),
        (
            {"url": "https://example.com", "slug": "on-call"},
            "This address belongs to a page of the site. Please choose another.",
        ),
    ],
)
def test_wrong_input_is_a_sentence_and_nothing_is_made(staff, settings, changes, error):
    changes = dict(changes)
    response = staff("Resources editor").post(ADD, form(changes.pop("file", None), **changes))
    assert (response.status_code, errors_of(response)) == (200, [error])
    assert (Document.objects.count(), private_files(settings)) == (0, [])


@pytest.mark.parametrize(
    ("file", "error"),
    [
        (None, "Give a file or a link, one of the two."),
        ((b"", "a.pdf"), "The submitted file is empty."),
        ((b"<html>", "a.html"), "We can take PDF and Word (.docx) files. Please save it as a PDF and try again."),
        ((b"<html>", "a.pdf"), "This file is named .pdf but is not a PDF. Please save it as a PDF and try again."),
        (
            (pdf_with(script), "a.pdf"),
            "This PDF has active content (a script or an action). Please print it to a new PDF and send that.",
        ),
        (
            (pdf_with(attach), "a.pdf"),
            "This PDF has other files attached to it. Please print it to a new PDF and send that.",
        ),
        (
            (docx_with(**{"word/vbaProject.bin": "x"}), "a.docx"),
            "This Word file has macros. Please save it as a PDF and try again.",
        ),
    ],
)
def test_hostile_file_is_refused_with_a_sentence(staff, settings, file, error):
    response = staff("Resources editor").post(ADD, form(file))
    assert (response.status_code, errors_of(response)) == (200, [error])
    assert (Document.objects.count(), private_files(settings)) == (0, [])


def act(row, name):
    return reverse(f"admin:resources_{row._meta.model_name}_{name.replace('-', '_')}", args=[row.pk])


def test_version_is_added(staff):
    document = DocumentFactory()
    response = staff("Resources editor").post(
        act(document, "new-version"), version_form((PDF, "b.pdf"), note="Shorter")
    )
    assert response.status_code == 302
    assert list(document.versions.values_list("number", "note")) == [(2, "Shorter"), (1, "")]


def test_hostile_file_does_not_become_a_version(staff, settings):
    document = DocumentFactory()
    response = staff("Resources editor").post(act(document, "new-version"), version_form((pdf_with(script), "a.pdf")))
    assert (response.status_code, "active content" in response.text) == (200, True)
    assert (document.versions.count(), len(private_files(settings))) == (1, 1)


def test_document_is_edited_and_its_versions_stay(staff):
    document = DocumentFactory()
    shelf = CollectionFactory(audience="physicians")
    page = form(title="Newer", collection=shelf.pk) | formset(document)
    response = staff("Resources editor").post(change_address(document), page)
    document.refresh_from_db()
    assert response.status_code == 302
    assert (document.title, document.collection, document.versions.count()) == ("Newer", shelf, 1)


def formset(document):
    count = document.versions.count()
    return {"versions-TOTAL_FORMS": count, "versions-INITIAL_FORMS": count} | {
        f"versions-{number}-{name}": getattr(version, name)
        for number, version in enumerate(document.versions.all())
        for name in ("id", "document_id")
    }


def test_version_is_withdrawn_after_a_question(staff):
    version = DocumentFactory().versions.get()
    client = staff("Resources editor")
    assert (client.get(act(version, "withdraw")).status_code, Version.objects.get().withdrawn_at) == (200, None)
    client.post(act(version, "withdraw"))
    assert Version.objects.get().withdrawn_at is not None


def test_last_day_is_changed(staff):
    version = DocumentFactory().versions.get()
    client = staff("Resources editor")
    client.post(act(version, "last-day"), {"expires_on": "2099-01-01"})
    assert Version.objects.get().expires_on == date(2099, 1, 1)
    refused = client.post(act(version, "last-day"), {"expires_on": "2020-01-01"})
    assert "To end it at once, withdraw it." in refused.text


def test_editor_gets_every_version_and_it_is_logged(staff):
    version = DocumentFactory().versions.get()
    address = reverse("admin:resources_version_file", args=[version.pk])
    assert staff("Resources editor").get(address).getvalue() == PDF
    assert AccessEntry.objects.values_list("what", "row").get() == ("resources.version", str(version.pk))
    assert [staff(role).get(address).status_code for role in ("Editor", "Front desk")] == [403, 403]


def test_lists_show_what_is_on_the_site_first(staff):
    DocumentFactory(title="Here")
    DocumentFactory(title="Off", is_current=False)
    DocumentFactory(title="Soon", version={"effective_on": date(2999, 1, 1)})
    client = staff("Resources editor")
    shown = {
        query: sorted(row.title for row in client.get(f"/admin/resources/document/{query}").context["cl"].result_list)
        for query in ("", "?state=off", "?state=all", "?q=soon")
    }
    assert shown == {
        "": ["Here"],
        "?state=off": ["Off", "Soon"],
        "?state=all": ["Here", "Off", "Soon"],
        "?q=soon": ["Soon"],
    }


def test_page_of_a_document_gives_no_address_of_the_file(staff):
    document = DocumentFactory()
    response = staff("Resources editor").get(change_address(document))
    assert (response.status_code, document.versions.get().file.name in response.text, "/media/" in response.text) == (
        200,
        False,
        False,
    )


@pytest.mark.parametrize("role", ["Editor", "Clinical reviewer", "Billing", "Billing lead", "Hiring", "Front desk"])
def test_other_roles_add_and_change_nothing(staff, role):
    document = DocumentFactory(title="Before")
    client = staff(role)
    assert [client.post(address, form((PDF, "a.pdf"))).status_code for address in (ADD, change_address(document))] == [
        403,
        403,
    ]
    assert list(Document.objects.values_list("title", flat=True)) == ["Before"]


@pytest.mark.parametrize("role", ["Resources editor", "Administrator"])
def test_nobody_deletes_a_document(staff, role):
    document = DocumentFactory()
    address = reverse("admin:resources_document_delete", args=[document.pk])
    assert staff(role).post(address, {"post": "yes"}).status_code == 403
    assert Document.objects.count() == 1
