import io
import zipfile

import pikepdf
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from careers.forms import ApplicationForm
from practice.resources.demo_pdf import one_page

PDF = one_page("CV", ["A line"])
CARD = "This looks like it holds a card number. Please take it out: we never need it here."
SSN = "This looks like it holds a social security number. Please take it out: we never need it here."


def docx():
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as package:
        package.writestr("[Content_Types].xml", "<Types/>")
        package.writestr("word/document.xml", "<document/>")
    return target.getvalue()


def scripted_pdf():
    pdf = pikepdf.open(io.BytesIO(PDF))
    pdf.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)")
    target = io.BytesIO()
    pdf.save(target)
    return target.getvalue()


def form(file=(PDF, "cv.pdf"), **changes):
    data = {"name": "Ann Lee", "email": "ann@example.com", "phone": "", "message": "", "website": ""} | changes
    files = {"cv": SimpleUploadedFile(file[1], file[0])} if file else {}
    return ApplicationForm(data, files)


@pytest.mark.parametrize("file", [(PDF, "cv.pdf"), (PDF, "CV.PDF"), (docx(), "cv.docx")])
def test_form_takes_pdf_and_word(file):
    filled = form(file, phone="(574) 555-0199", message="Hello")
    assert filled.errors == {}
    assert filled.cleaned_data["cv"].read() == file[0]


@pytest.mark.parametrize(
    ("changes", "errors"),
    [
        ({"name": ""}, {"name": ["Enter your name."]}),
        ({"name": "x" * 101}, {"name": ["Ensure this value has at most 100 characters (it has 101)."]}),
        ({"name": "123-45-6789"}, {"name": [SSN]}),
        ({"email": ""}, {"email": ["Enter your e-mail address."]}),
        ({"email": "ann@"}, {"email": ["Enter an e-mail address like name@example.com."]}),
        ({"email": "a@b.co\nBcc: x@y.co"}, {"email": ["Enter an e-mail address like name@example.com."]}),
        ({"phone": "4111 1111 1111 1111"}, {"phone": [CARD]}),
        ({"phone": "1" * 41}, {"phone": ["Ensure this value has at most 40 characters (it has 41)."]}),
        ({"message": "My SSN: 123 45 6789"}, {"message": [SSN]}),
        ({"message": "4111-1111-1111-1111"}, {"message": [CARD]}),
        ({"message": "x" * 4001}, {"message": ["Ensure this value has at most 4000 characters (it has 4001)."]}),
        ({"message": "a\0b"}, {"message": ["Null characters are not allowed."]}),
    ],
)
def test_form_says_what_is_wrong_with_the_text(changes, errors):
    assert form(**changes).errors == errors


@pytest.mark.parametrize(
    ("file", "error"),
    [
        (None, "Choose your CV file."),
        ((b"", "cv.pdf"), "This file is empty. Please choose it again."),
        ((PDF, f"{'x' * 197}.pdf"), "The name of this file is too long. Please rename it and try again."),
        ((PDF, "cv.exe"), "We can take PDF and Word (.docx) files. Please save it as a PDF and try again."),
        ((PDF, "cv"), "We can take PDF and Word (.docx) files. Please save it as a PDF and try again."),
        ((b"MZ", "cv.pdf"), "This file is named .pdf but is not a PDF. Please save it as a PDF and try again."),
        (
            (scripted_pdf(), "cv.pdf"),
            "This PDF has active content (a script or an action). Please print it to a new PDF and send that.",
        ),
        ((PDF, "cv.docx"), "This Word file is damaged and cannot be opened. Please save it as a PDF and try again."),
    ],
)
def test_form_says_what_is_wrong_with_the_file(file, error):
    assert form(file).errors == {"cv": [error]}


def test_form_says_when_the_file_is_too_large(settings):
    settings.MAX_UPLOAD_BYTES = len(PDF) - 1
    assert form().errors == {"cv": ["This file is larger than 10 MB. Please send a smaller one."]}


def test_form_asks_for_nothing_that_could_be_held_against_somebody():
    assert list(ApplicationForm().fields) == ["name", "email", "phone", "cv", "message", "website"]
