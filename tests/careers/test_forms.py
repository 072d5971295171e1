import io
import zipfile

import pikepdf
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils.datastructures import MultiValueDict

from careers.forms import ApplicationForm
from careers.models import ApplicationFile
from practice.resources.demo_pdf import one_page

PDF = one_page("CV", ["A line"])
CARD = "This looks like it holds a card number. Please take it out: we never need it here."
SSN = "This looks like it holds a social security number. Please take it out: we never need it here."

ADVERTISEMENT = "Enter your name without a web or e-mail address."
BIRTH = "This looks like it holds a date of birth. Please take it out: we do not want to know it."


def docx():
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as package:
        package.writestr("[Content_Types].xml", "<Types/>")
        package.writestr(
            "_rels/.rels", '<R><R Type="https://x.example/officeDocument" Target="word/document.xml"/></R>'
        )
        package.writestr(
            "word/document.xml", '<document xmlns="http://schemas.openxmlformats.org/wordprocessingml/2006/main"/>'
        )
    return target.getvalue()


def scripted_pdf():
    pdf = pikepdf.open(io.BytesIO(PDF))
    pdf.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)")
    target = io.BytesIO()
    pdf.save(target)
    return target.getvalue()


def form(file=(PDF, "cv.pdf"), others=(), kept=(), later=False, **changes):
    data = {"name": "Ann Lee", "email": "ann@example.com", "phone": "", "message": "", "website": ""} | changes
    files = MultiValueDict({"others": [SimpleUploadedFile(name, content) for content, name in others]})
    if file:
        files["cv"] = SimpleUploadedFile(file[1], file[0])
    return ApplicationForm(MultiValueDict({key: [value] for key, value in data.items()}), files, kept=kept, later=later)


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
        ({"name": "WIN at http://x.example"}, {"name": [ADVERTISEMENT]}),
        ({"name": "www.x.example"}, {"name": [ADVERTISEMENT]}),
        ({"email": f"a@{'é' * 60}.com"}, {"email": ["Enter an e-mail address like name@example.com."]}),
        (
            {"email": f"{'a' * 20}@{'b' * 50}.{'c' * 60}.{'d' * 60}.{'e' * 60}.com"},
            {"email": ["Ensure this value has at most 254 characters (it has 258)."]},
        ),
        ({"email": "a@b.co\nBcc: x@y.co"}, {"email": ["Enter an e-mail address like name@example.com."]}),
        ({"phone": "4111 1111 1111 1111"}, {"phone": [CARD]}),
        ({"phone": "1" * 41}, {"phone": ["Ensure this value has at most 40 characters (it has 41)."]}),
        ({"message": "My SSN: 123 45 6789"}, {"message": [SSN]}),
        ({"message": "4111-1111-1111-1111"}, {"message": [CARD]}),
        ({"message": "DOB: 04/05/1980"}, {"message": [BIRTH]}),
        ({"name": "Ann, born April 5, 1980"}, {"name": [BIRTH]}),
        ({"phone": "Nací el 5 de abril de 1980"}, {"phone": [BIRTH]}),
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
        ((PDF, "SSN 123-45-6789.pdf"), SSN),
        ((PDF, "DOB 05-03-1980.pdf"), BIRTH),
        ((PDF, "cv.exe"), "We can take PDF and Word (.docx) files. Please save it as a PDF and try again."),
        ((PDF, "cv"), "We can take PDF and Word (.docx) files. Please save it as a PDF and try again."),
        ((b"MZ", "cv.pdf"), "This file is named .pdf but is not a PDF. Please save it as a PDF and try again."),
        (
            (scripted_pdf(), "cv.pdf"),
            "This PDF has active content (a script or an action). Please print it to a new PDF and send that.",
        ),
        (
            (PDF, "cv.docx"),
            "This file is named .docx but is not a Word document. Please save it as a PDF and try again.",
        ),
    ],
)
def test_form_says_what_is_wrong_with_the_file(file, error):
    assert form(file).errors == {"cv": [error]}


def test_form_says_when_the_file_is_too_large(settings):
    settings.MAX_UPLOAD_BYTES = len(PDF) - 1
    assert form().errors == {"cv": ["This file is larger than 10 MB. Please send a smaller one."]}


def test_form_asks_for_nothing_that_could_be_held_against_somebody():
    assert list(ApplicationForm().fields) == [
        "name", "email", "phone", "drop", "cv", "others", "message", "once", "website",
    ]  # fmt: skip


LETTER, MACRO = (PDF, "letter.pdf"), (b"PK", "letter.docm")


def names(filled):
    return [(str(kind), upload.name) for kind, upload in filled.usable_files()]


def test_form_takes_three_more_files():
    filled = form(others=[LETTER, (docx(), "b.docx"), LETTER])
    assert filled.errors == {}
    assert names(filled) == [("cv", "cv.pdf"), ("other", "letter.pdf"), ("other", "b.docx"), ("other", "letter.pdf")]


def test_form_says_which_of_the_files_is_wrong_and_keeps_the_cv():
    filled = form(others=[LETTER, MACRO])
    sentence = "letter.docm: We can take PDF and Word (.docx) files. Please save it as a PDF and try again."
    assert filled.errors == {"others": [sentence]}
    assert names(filled) == [("cv", "cv.pdf")]


@pytest.mark.parametrize(
    ("count", "sentence"),
    [
        (4, "Besides your CV we can take 3 files; this is 1 too many. Please choose them again."),
        (5, "Besides your CV we can take 3 files; these are 2 too many. Please choose them again."),
    ],
)
def test_form_takes_no_more_than_three(count, sentence):
    filled = form(others=[LETTER] * count)
    assert filled.errors == {"others": [sentence]}
    assert names(filled) == [("cv", "cv.pdf")]


KEPT_CV = ApplicationFile(pk=7, kind="cv", name="old.pdf")
KEPT_OTHER = ApplicationFile(pk=8, kind="other", name="letter.pdf")


def test_kept_cv_need_not_be_chosen_again():
    filled = form(None, kept=[KEPT_CV, KEPT_OTHER])
    assert (filled.errors, filled.cleaned_data["dropped"], names(filled)) == ({}, [], [])
    assert str(filled["cv"].label) == "Another CV instead (optional)"


def test_new_cv_takes_the_place_of_the_kept_one():
    filled = form(kept=[KEPT_CV, KEPT_OTHER])
    assert (filled.errors, filled.cleaned_data["dropped"], filled.replaced()) == ({}, [7], [7])


def test_cv_that_is_taken_out_is_missed():
    filled = form(None, kept=[KEPT_CV, KEPT_OTHER], drop="7")
    assert filled.errors == {"cv": ["Choose your CV file."]}


def test_kept_files_count():
    kept = [KEPT_CV, *[ApplicationFile(pk=pk, kind="other", name="x.pdf") for pk in (8, 9)]]
    assert form(None, kept=kept, others=[LETTER]).errors == {}
    assert list(form(None, kept=kept, others=[LETTER] * 2).errors) == ["others"]
    assert form(None, kept=kept, others=[LETTER] * 2, drop="9").errors == {}


def test_file_that_is_not_kept_cannot_be_taken_out():
    assert list(form(kept=[KEPT_CV], drop="99").errors) == ["drop"]


def test_nothing_is_required_to_be_saved_for_later_but_nothing_wrong_is_saved():
    assert form(None, later=True, name="").errors == {}
    assert form(None, later=True, email="").errors == {"email": ["Enter your e-mail address."]}
    assert list(form(None, later=True, email="ann@", message="SSN 123-45-6789").errors) == ["email", "message"]


@pytest.mark.parametrize("once", ["", "x", "\ud800", "0" * 400])
def test_number_of_the_page_is_no_reason_to_refuse(once):
    assert form(once=once).errors == {}


def test_of_too_many_files_none_is_looked_into(monkeypatch):
    looked = []
    monkeypatch.setattr("careers.forms.check_document", lambda upload: looked.append(upload.name))
    assert list(form(others=[LETTER] * 100).errors) == ["others"]
    assert looked == ["cv.pdf"]
