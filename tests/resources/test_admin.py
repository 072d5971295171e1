import io
import zipfile

import pikepdf
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from practice.resources.demo_pdf import one_page
from practice.resources.models import Document
from tests.factories import DocumentFactory

pytestmark = pytest.mark.usefixtures("identity")

PDF = one_page("Test", ["A line"])
ADD = reverse("admin:resources_document_add")


def pdf_with(change):
    pdf = pikepdf.open(io.BytesIO(PDF))
    change(pdf)
    target = io.BytesIO()
    pdf.save(target)
    return target.getvalue()


def docx_with(**parts):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as package:
        for name, text in {"[Content_Types].xml": "<Types/>", "word/document.xml": "<document/>", **parts}.items():
            package.writestr(name, text)
    return target.getvalue()


def script(pdf):
    pdf.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)")


def attach(pdf):
    pdf.attachments["other.exe"] = b"MZ"


def form(file=None, **changes):
    data = {
        "title": "CT protocol",
        "slug": "ct",
        "kind": "protocol",
        "audience": "staff",
        "summary": "",
        "updated_on": "2026-03-01",
        "is_current": "on",
    } | changes
    return data | ({"file": SimpleUploadedFile(file[1], file[0])} if file else {})


def errors_of(response):
    return [str(error) for errors in response.context["errors"] for error in errors]


def private_files(settings):
    return [path for path in settings.PRIVATE_ROOT.rglob("*") if path.is_file()]


def change_address(document):
    return reverse("admin:resources_document_change", args=[document.pk])


@pytest.mark.parametrize("role", ["Resources editor", "Administrator"])
@pytest.mark.parametrize("file", [(PDF, "plan.pdf"), (docx_with(), "plan.docx")])
def test_document_is_added(staff, role, file):
    response = staff(role).post(ADD, form(file))
    assert response.status_code == 302
    document = Document.objects.get()
    assert (document.title, document.kind, document.audience, document.is_current) == (
        "CT protocol",
        "protocol",
        "staff",
        True,
    )
    with document.file.open() as kept:
        assert kept.read() == file[0]


@pytest.mark.parametrize(
    ("file", "error"),
    [
        (None, "This field is required."),
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


def test_hostile_file_does_not_replace_a_good_one(staff, settings):
    document = DocumentFactory()
    before = document.file.name
    response = staff("Resources editor").post(change_address(document), form((pdf_with(script), "a.pdf")))
    document.refresh_from_db()
    assert (response.status_code, document.file.name, len(private_files(settings))) == (200, before, 1)


def test_document_is_edited_without_a_new_file(staff):
    document = DocumentFactory()
    before = document.file.name
    response = staff("Resources editor").post(change_address(document), form(title="Newer", audience="physicians"))
    document.refresh_from_db()
    assert response.status_code == 302
    assert (document.title, document.audience, document.file.name) == ("Newer", "physicians", before)


def test_page_of_a_document_gives_no_address_of_the_file(staff):
    document = DocumentFactory()
    response = staff("Resources editor").get(change_address(document))
    assert (response.status_code, document.file.name in response.text, "/media/" in response.text) == (
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
