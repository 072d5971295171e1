import base64
import io
import zipfile

import pytest
from django.core.files.base import ContentFile
from PIL import Image

from practice import apart, document_pages
from practice.document_view import CannotShow, pictures_of, text_of
from practice.resources.demo_pdf import one_page

PDF = one_page("Ann Lee", ["Radiologist (MRI)"])
W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def docx(body):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as package:
        package.writestr("word/document.xml", f'<w:document xmlns:w="{W}"><w:body>{body}</w:body></w:document>')
    return target.getvalue()


def test_pdf_is_drawn_and_read_in_a_process_of_its_own():
    (picture,) = pictures_of(ContentFile(PDF, name="cv.pdf"))
    image = Image.open(io.BytesIO(base64.b64decode(picture)))
    assert (image.format, image.width) == ("JPEG", document_pages.WIDTH)
    assert text_of(ContentFile(PDF, name="cv.pdf")).split("\r\n") == ["Ann Lee", "Radiologist (MRI)"]


def test_word_file_is_read_with_its_tables():
    body = (
        "<w:p><w:r><w:t>Ann</w:t></w:r><w:r><w:tab/><w:t>Lee</w:t></w:r></w:p>"
        "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>In a table</w:t></w:r></w:p></w:tc></w:tr></w:tbl>"
    )
    assert document_pages.text_of_word(docx(body)) == ["Ann Lee\nIn a table"]


def test_only_so_much_is_shown(monkeypatch):
    monkeypatch.setattr(document_pages, "MOST_CHARACTERS", 3)
    assert document_pages.text(".pdf", PDF) == ["Ann"]
    monkeypatch.setattr(document_pages, "MOST_PAGES", 0)
    assert document_pages.pictures(PDF) == []


@pytest.mark.parametrize(("data", "name"), [(b"", "cv.pdf"), (b"%PDF-1.4 broken", "cv.pdf"), (b"PK", "cv.docx")])
def test_what_cannot_be_read_says_so(data, name):
    with pytest.raises(CannotShow):
        text_of(ContentFile(data, name=name))


def test_busy_site_says_so(monkeypatch):
    monkeypatch.setattr(apart, "LONGEST_WAIT", 0.01)
    with apart.AT_ONCE, pytest.raises(CannotShow):
        pictures_of(ContentFile(PDF, name="cv.pdf"))
