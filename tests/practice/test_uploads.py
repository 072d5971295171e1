"""Hostile files are made here, byte by byte; none comes from outside."""

import base64
import io
import re
import stat
import struct
import warnings
import zipfile
import zlib
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import pikepdf
import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from pikepdf import Array, Dictionary, Name, String

from practice import apart, document_check, uploads
from practice.resources.demo_pdf import one_page
from practice.uploads import check_document

AS_PDF = "Please save it as a PDF and try again."
PDF_ACTIVE = "This PDF has active content (a script or an action). Please print it to a new PDF and send that."
PDF_ATTACHED = "This PDF has other files attached to it. Please print it to a new PDF and send that."
PDF_DAMAGED = f"This PDF is damaged and cannot be opened. {AS_PDF}"
PDF_LOCKED = "This PDF is locked. Please remove the password or protection and try again."
PDF_NOT = f"This file is named .pdf but is not a PDF. {AS_PDF}"
PDF_PAGES = "This PDF has no pages, or more than 300. Please send a shorter one."
TOO_MUCH = "This file takes far more work to open than a document does. Please print it to a new PDF and send that."
WORD_BOMB = f"This Word file unpacks to far more than a document holds. {AS_PDF}"
WORD_DAMAGED = f"This Word file is damaged and cannot be opened. {AS_PDF}"
WORD_EMBEDDED = f"This Word file has other files inside it. {AS_PDF}"
WORD_EXTERNAL = f"This Word file loads parts from elsewhere. {AS_PDF}"
WORD_LOCKED = f"This Word file is locked with a password. {AS_PDF}"
WORD_MACROS = f"This Word file has macros. {AS_PDF}"
WORD_NOT = f"This file is named .docx but is not a Word document. {AS_PDF}"
WORD_OLE = f"This Word file is locked with a password, or is an old .doc. {AS_PDF}"
WORD_UNCHECKABLE = f"This Word file has content we cannot check. {AS_PDF}"


def checked_here(ending, data):
    """What `_checked_apart` answers, without starting a process."""
    try:
        document_check.check(ending, data)
    except document_check.Refused as refused:
        return str(refused)
    return ""


def refusals(name, data):
    """What the sender is told: the sentences and the code."""
    with mock.patch.object(uploads, "_checked_apart", checked_here):
        return refusals_apart(name, data)


def refusals_apart(name, data):
    """The same, from the process of its own that the site starts."""
    try:
        check_document(SimpleUploadedFile(name, data))
    except ValidationError as refusal:
        return refusal.messages, refusal.code
    return []


# ---- PDF ------------------------------------------------------------------------------------------------------------


def make_pdf(change=None, pages=1, **save_options):
    with pikepdf.new() as pdf:
        for _number in range(pages):
            pdf.add_blank_page()
        if change:
            change(pdf)
        target = io.BytesIO()
        pdf.save(target, **save_options)
    return target.getvalue()


def script():
    return Dictionary(S=Name.JavaScript, JS=String("app.alert(1)"))


def link(action):
    return Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=[0, 0, 9, 9], A=action)


def file_specification(pdf):
    content = pdf.make_stream(b"MZ", Type=Name.EmbeddedFile)
    return Dictionary(Type=Name.Filespec, F=String("cv.exe"), EF=Dictionary(F=content))


def set_root(**entries):
    return lambda pdf: [pdf.Root.__setitem__(f"/{key}", value) for key, value in entries.items()]


def set_page(**entries):
    return lambda pdf: [pdf.pages[0].obj.__setitem__(f"/{key}", value) for key, value in entries.items()]


def with_action(action):
    return set_page(Annots=Array([link(action)]))


def with_web_link(address):
    return with_action(Dictionary(S=Name.URI, URI=String(address)))


def with_stream(content, **entries):
    """A page with this stream, whose bytes stay as they are."""
    return lambda pdf: pdf.pages[0].obj.__setitem__("/Contents", pdf.make_stream(content, **entries))


PLAIN_PDF = (
    b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"
    b"2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n"
    b"3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Resources << >> /Contents 4 0 R >>\nendobj\n"
    b"4 0 obj\n<< /Length 3 >>\nstream\nq Q\nendstream\nendobj\n"
    b"trailer\n<< /Root 1 0 R /Size 5 >>\nstartxref\n0\n%%EOF\n"
)


def with_an_added_part(catalog):
    """The first object is given anew behind the end, as readers do that save what changed."""
    added = b"1 0 obj\n" + catalog + b"\nendobj\n"
    return PLAIN_PDF + added + b"trailer\n<< /Root 1 0 R /Size 5 >>\nstartxref\n0\n%%EOF\n"


def attach(pdf):
    pdf.attachments["cv.exe"] = b"MZ"


def attach_to_an_annotation(pdf):
    pin = Dictionary(Type=Name.Annot, Subtype=Name.FileAttachment, Rect=[0, 0, 9, 9], FS=file_specification(pdf))
    pdf.pages[0].obj.Annots = Array([pin])


def numbered_open_action(pdf):
    pdf.Root.OpenAction = pdf.make_indirect(script())


def numbered_array_of_annotations(pdf):
    pdf.pages[0].obj.Annots = pdf.make_indirect(Array([link(script())]))


def deep_inside(pdf):
    nested = script()
    for _level in range(50):
        nested = Array([Dictionary(K=nested)])
    pdf.Root.PieceInfo = nested


def go_to(**more):
    return Dictionary(S=Name.GoTo, D=Array([0, Name.Fit]), **more)


def open_at_the_first_page(pdf):
    pdf.Root.OpenAction = Array([pdf.pages[0].obj, Name.Fit])


def go_to_the_first_page(pdf):
    pdf.Root.OpenAction = pdf.make_indirect(Dictionary(S=Name.GoTo, D=Array([pdf.pages[0].obj, Name.Fit])))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(one_page("CV", ["A line"]), id="one page"),
        pytest.param(make_pdf(pages=300), id="300 pages"),
        pytest.param(b"\n \n" + one_page("CV", ["A line"]), id="empty lines first"),
        pytest.param(one_page("CV", ["A line"]) + b"\r\n\0\0 \n", id="empty lines last"),
        pytest.param(one_page("CV", ["A line"]) + b"\r\n\x1a", id="end of a file as DOS wrote it"),
        pytest.param(make_pdf(with_action(Dictionary(S=Name.URI, URI=String("https://example.com")))), id="web link"),
        pytest.param(make_pdf(with_action(go_to())), id="link inside"),
        pytest.param(make_pdf(open_at_the_first_page), id="opens at a page"),
        pytest.param(make_pdf(go_to_the_first_page), id="goes to a page"),
        pytest.param(make_pdf(object_stream_mode=pikepdf.ObjectStreamMode.generate), id="objects in streams"),
        pytest.param(make_pdf(linearize=True), id="for the web"),
        pytest.param(b"\xef\xbb\xbf" + one_page("CV", ["A line"]), id="byte order mark first"),
        pytest.param(make_pdf(set_root(OpenAction=String("first"))), id="opens at a named place"),
        pytest.param(make_pdf(set_root(AA=Dictionary())), id="empty list of actions"),
        pytest.param(make_pdf(with_web_link("mailto:ann@example.com")), id="mail link"),
        pytest.param(make_pdf(with_web_link("//www.example.com/in/ann")), id="web link without its beginning"),
        pytest.param(make_pdf(with_web_link("file:///C:/Users/Ann.Lee/www.example.com")), id="link to an own file"),
        pytest.param(make_pdf(with_web_link("file:///www.example.com/in/ann")), id="web link taken for a file"),
        pytest.param(make_pdf(with_stream(b"x", Filter=Name.DCTDecode)), id="content nobody can unpack"),
        pytest.param(make_pdf(with_stream(b"x", Filter=Name.FlateDecode)), id="damaged content"),
        pytest.param(make_pdf(with_stream(b"x", Subtype=Name.Image, Width=Name.W, Height=2)), id="odd picture"),
        pytest.param(make_pdf(with_stream(b"x", Subtype=Name.Image, Width=9921, Height=14031)), id="sharp picture"),
        pytest.param(one_page("CV", ["A line"]).replace(b"startxref\n", b"startxref\n9"), id="list of objects off"),
        pytest.param(with_an_added_part(b"<< /Type /Catalog /Pages 2 0 R >>"), id="added to"),
    ],
)
def test_a_harmless_pdf_is_accepted(data):
    assert refusals("cv.pdf", data) == []


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(set_root(OpenAction=script()), id="script on opening"),
        pytest.param(numbered_open_action, id="script on opening, as an object of its own"),
        pytest.param(set_root(OpenAction=go_to(Next=script())), id="page on opening, then a script"),
        pytest.param(
            set_root(OpenAction=go_to(Next=Dictionary(S=Name.URI, URI=String("https://x.example")))),
            id="page on opening, then the web",
        ),
        pytest.param(set_root(OpenAction=Dictionary(S=Name.Launch, F=String("cmd.exe"))), id="program on opening"),
        pytest.param(set_root(OpenAction=Dictionary(S=Name.URI, URI=String("https://x.example"))), id="web on opening"),
        pytest.param(set_root(AA=Dictionary(WC=script())), id="script on closing"),
        pytest.param(set_root(Names=Dictionary(JavaScript=Dictionary(Names=Array([])))), id="named scripts"),
        pytest.param(set_root(AcroForm=Dictionary(XFA=String("<xdp/>"), Fields=Array([]))), id="XFA form"),
        pytest.param(set_page(AA=Dictionary(O=script())), id="script of a page"),
        pytest.param(with_action(script()), id="script of a link"),
        pytest.param(numbered_array_of_annotations, id="script of a link in an array of its own"),
        pytest.param(
            with_action(Dictionary(S=Name.URI, URI=String("https://x.example"), Next=script())), id="link, then"
        ),
        pytest.param(with_action(Dictionary(S=Name.Launch, F=String("cmd.exe"))), id="program of a link"),
        pytest.param(with_action(Dictionary(S=Name.SubmitForm, F=String("https://x.example"))), id="form sent away"),
        pytest.param(with_action(Dictionary(S=Name.ImportData, F=String("a.fdf"))), id="data from elsewhere"),
        pytest.param(with_action(Dictionary(S=Name.GoToR, F=String("other.pdf"))), id="link to another file"),
        pytest.param(with_action(Dictionary(S=Name.GoToE, T=Dictionary())), id="link to an attached file"),
        pytest.param(with_action(Dictionary(S=Name.Rendition)), id="rendition"),
        pytest.param(with_action(Dictionary(S=Name.Movie)), id="film"),
        pytest.param(with_action(Dictionary(S=Name.Sound)), id="sound"),
        pytest.param(with_action(Dictionary(S=Name.Thread, F=String("a.pdf"))), id="article of another file"),
        pytest.param(with_web_link("javascript:alert(1)"), id="link that is a script"),
        pytest.param(with_web_link(" JavaScript:alert(1)"), id="link that is a script, spelled otherwise"),
        pytest.param(with_web_link("java\nscript:alert(1)"), id="link that is a script, in two lines"),
        pytest.param(with_web_link("ms-msdt:/id x"), id="link that starts a program"),
        pytest.param(with_web_link("search-ms:query=x"), id="link that searches elsewhere"),
        pytest.param(with_web_link("smb://x/share"), id="link to a share"),
        pytest.param(with_web_link("//x/share"), id="link to a share, without its beginning"),
        pytest.param(with_web_link("file://x/share"), id="link to a file server of a short name"),
        pytest.param(with_web_link("file://x.example/share/a"), id="link to a file server"),
        pytest.param(with_web_link("file:////x.example/share/a"), id="link to a file server, more slashes"),
        pytest.param(with_web_link(r"\\x.example\share\a"), id="link to a file server, as Windows writes it"),
        pytest.param(with_web_link(r"file:///\\x.example\share\a"), id="link to a file server, both ways"),
        pytest.param(set_page(Annots=Array([Dictionary(Subtype=Name.RichMedia, RichMedia=1)])), id="rich media"),
        pytest.param(set_page(Annots=Array([Dictionary(Subtype=Name.Screen)])), id="screen"),
        pytest.param(set_page(Annots=Array([Dictionary(Subtype=Name("/3D"))])), id="model"),
        pytest.param(with_stream(b"", F=String("a.bin")), id="content in another file"),
        pytest.param(deep_inside, id="script deep inside"),
    ],
)
@pytest.mark.parametrize("mode", [pikepdf.ObjectStreamMode.disable, pikepdf.ObjectStreamMode.generate])
def test_a_pdf_that_does_something_is_refused(change, mode):
    assert refusals("cv.pdf", make_pdf(change, object_stream_mode=mode)) == ([PDF_ACTIVE], "active")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(attach, id="by name"),
        pytest.param(attach_to_an_annotation, id="by a pin on the page"),
        pytest.param(lambda pdf: set_root(AF=Array([file_specification(pdf)]))(pdf), id="as an associated file"),
        pytest.param(set_root(Collection=Dictionary()), id="as a portfolio"),
        pytest.param(set_page(Annots=Array([Dictionary(Subtype=Name.FileAttachment)])), id="by a pin that lost it"),
    ],
)
def test_a_pdf_with_another_file_inside_is_refused(change):
    assert refusals("cv.pdf", make_pdf(change)) == ([PDF_ATTACHED], "active")


@pytest.mark.parametrize(
    "encryption",
    [
        pytest.param(pikepdf.Encryption(owner="owner", user="user"), id="password to open"),
        pytest.param(pikepdf.Encryption(owner="owner", user=""), id="password to change"),
        pytest.param(pikepdf.Encryption(owner="owner", user="user", R=4), id="old cipher"),
    ],
)
def test_a_locked_pdf_is_refused(encryption):
    assert refusals("cv.pdf", make_pdf(encryption=encryption)) == ([PDF_LOCKED], "locked")


@pytest.mark.parametrize("lock", [b"<< /Filter /Adobe.PubSec /V 4 >>", b"9"], ids=["by certificate", "meaningless"])
def test_a_pdf_with_a_lock_unknown_to_us_is_called_locked(lock):
    data = PLAIN_PDF.replace(b"/Size 5", b"/Size 5 /ID [<00> <00>] /Encrypt " + lock)
    assert refusals("cv.pdf", data) == ([PDF_LOCKED], "locked")


@pytest.mark.parametrize(
    "catalog",
    [
        b"<< /Type /Catalog /Pages 2 0 R /OpenAction << /S /JavaScript /JS (1) >> >>",
        b"<< /Type /Catalog /Pages 2 0 R /Open#41ction << /S /J#61vaScript >> >>",
        b"<< /Type /Catalog /Pages 2 0 R /Outlines << /First << /A << /S /URI /Next [<< /S /L#61unch >>] >> >> >> >>",
    ],
    ids=["plain", "spelled with numbers", "behind a bookmark's link"],
)
def test_a_script_in_a_part_added_later_is_found(catalog):
    assert refusals("cv.pdf", with_an_added_part(catalog)) == ([PDF_ACTIVE], "active")


def test_a_script_of_a_document_without_a_number_is_found():
    catalog = b"<< /Type /Catalog /Pages 2 0 R /OpenAction << /S /JavaScript /JS (1) >> >>"
    assert refusals("cv.pdf", PLAIN_PDF.replace(b"/Root 1 0 R", b"/Root " + catalog)) == ([PDF_ACTIVE], "active")


@pytest.mark.parametrize("pages", [0, 301])
def test_a_pdf_needs_between_1_and_300_pages(pages):
    assert refusals("cv.pdf", make_pdf(pages=pages)) == ([PDF_PAGES], "pages")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"Dear practice, this is my CV.", id="text"),
        pytest.param(b"<html><script>alert(1)</script></html>" + one_page("CV", ["A line"]), id="web page first"),
        pytest.param(b"MZ" + one_page("CV", ["A line"]), id="program first"),
        pytest.param(b" " * 2000 + one_page("CV", ["A line"]), id="header too late"),
    ],
)
def test_what_is_not_a_pdf_is_refused(data):
    assert refusals("cv.pdf", data) == ([PDF_NOT], "not_pdf")


def zipped():
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("run.class", b"\xca\xfe\xba\xbe")
    return target.getvalue()


def zipped_with_pdf_ending():
    """A ZIP whose comment ends as a PDF does."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("run.class", b"\xca\xfe\xba\xbe")
        archive.comment = b"startxref\n0\n%%EOF\n"
    return target.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"%PDF-1.7\n", id="header alone"),
        pytest.param(b"%PDF-1.7\n" + bytes(range(256)) * 40 + b"\n%%EOF", id="junk"),
        pytest.param(one_page("CV", ["A line"])[:-40], id="end cut off"),
        pytest.param(one_page("CV", ["A line"])[:300], id="most cut off"),
        pytest.param(one_page("CV", ["A line"])[:150] + b"\n%%EOF", id="middle cut out"),
        pytest.param(one_page("CV", ["A line"]) + b"<html><script>alert(1)</script></html>", id="web page last"),
        pytest.param(one_page("CV", ["A line"]) + b"MZ" + b"\0" * 2000, id="program last"),
        pytest.param(PLAIN_PDF.replace(b"4 0 obj", b"x 0 obj"), id="nothing left on the page"),
        pytest.param(PLAIN_PDF.replace(b"[3 0 R]", b"[2 0 R]"), id="pages that hold themselves"),
        pytest.param(PLAIN_PDF.replace(b"[3 0 R]", b"[3 0 R 4 0 R 2 0 R]"), id="pages in a ring"),
        pytest.param(one_page("CV", ["A line"]) + zipped(), id="ZIP last"),
        pytest.param(one_page("CV", ["A line"]) + zipped_with_pdf_ending(), id="ZIP last, with a PDF's ending"),
    ],
)
def test_a_damaged_pdf_or_one_with_a_tail_is_refused(data):
    assert refusals("cv.pdf", data) == ([PDF_DAMAGED], "damaged")


def test_a_pdf_that_unpacks_to_too_much_is_refused():
    """A number below qpdf's own limits, so that the test is quick."""
    data = make_pdf(set_root(PieceInfo=String("A" * 3_000_000)), object_stream_mode=pikepdf.ObjectStreamMode.generate)
    assert len(data) < 20_000
    assert refusals("cv.pdf", data) == ([PDF_DAMAGED], "damaged")


def packed(content, times=1):
    for _time in range(times):
        content = zlib.compress(content, 9)
    return content


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(with_stream(packed(bytes(3_000_000)), Filter=Name.FlateDecode), id="once"),
        pytest.param(with_stream(packed(bytes(3_000_000), 2), Filter=Array([Name.FlateDecode] * 2)), id="twice"),
        pytest.param(with_stream(b"\x81\0" * 20_000 + b"\x80", Filter=Name.RunLengthDecode), id="by run lengths"),
        pytest.param(
            with_stream(base64.a85encode(packed(bytes(3_000_000))) + b"~>", Filter=Array([Name.A85, Name.Fl])),
            id="written in letters",
        ),
    ],
)
def test_a_page_that_unpacks_to_too_much_is_refused(monkeypatch, change):
    monkeypatch.setattr(document_check, "MAX_CONTENT_BYTES", 2_000_000)
    data = make_pdf(change, compress_streams=False, stream_decode_level=pikepdf.StreamDecodeLevel.none)
    assert len(data) < 50_000
    with pytest.raises(document_check.Refused, match=r"^too much$"):
        document_check.check_pdf(data)


def test_a_page_that_unpacks_to_too_much_for_our_memory_is_refused():
    """LZW, for which qpdf has no limit: each code stands for one space more than the code before it."""
    codes = "".join(f"{code:0{max(9, (code + 1).bit_length())}b}" for code in [32, *range(258, 4094)])
    bits = f"{256:09b}" + (codes + f"{256:012b}") * 96
    packed_spaces = int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")
    data = make_pdf(
        with_stream(packed_spaces, Filter=Name.LZWDecode),
        compress_streams=False,
        stream_decode_level=pikepdf.StreamDecodeLevel.none,
    )
    assert len(data) < 1_000_000
    assert refusals_apart("cv.pdf", data) == ([TOO_MUCH], "bomb")


def test_many_drawings_that_unpack_to_too_much_are_refused(monkeypatch):
    drawings = [Dictionary(Type=Name.XObject, Subtype=Name.Form)] * 3
    data = make_pdf(lambda pdf: set_root(PieceInfo=Array([pdf.make_stream(b"q " * 400, one) for one in drawings]))(pdf))
    document_check.check_pdf(data)
    monkeypatch.setattr(document_check, "MAX_ALL_CONTENT_BYTES", 2000)
    with pytest.raises(document_check.Refused, match=r"^too much$"):
        document_check.check_pdf(data)


def test_a_picture_of_endless_size_is_refused():
    data = make_pdf(with_stream(b"x", Subtype=Name.Image, Width=65_000, Height=65_000))
    assert refusals("cv.pdf", data) == ([TOO_MUCH], "bomb")


def many_dictionaries(count):
    """A PDF of a few kilobytes with an array of so many dictionaries."""
    with pikepdf.new() as pdf:
        pdf.add_blank_page()
        pdf.Root.PieceInfo = pdf.make_indirect(pikepdf.Object.parse(b"[" + b"<<>>" * count + b"]"))
        target = io.BytesIO()
        pdf.save(target, object_stream_mode=pikepdf.ObjectStreamMode.generate, recompress_flate=True)
    return target.getvalue()


def test_a_pdf_of_endless_objects_is_refused_soon():
    data = many_dictionaries(400_000)
    assert len(data) < 20_000
    assert refusals_apart("cv.pdf", data) == ([PDF_DAMAGED], "damaged")


def test_what_is_too_much_for_the_process_that_looks_is_refused_and_leaves_ours_alone(monkeypatch, tmp_path):
    greedy = tmp_path / "greedy.py"
    greedy.write_text("import resource; resource.setrlimit(resource.RLIMIT_AS, (2**28, 2**28)); bytearray(2**30)")
    monkeypatch.setattr(uploads, "document_check", SimpleNamespace(__file__=str(greedy)))
    assert refusals_apart("cv.pdf", one_page("CV", ["A line"])) == ([TOO_MUCH], "bomb")


def test_what_takes_too_long_is_refused(monkeypatch, tmp_path):
    slow = tmp_path / "slow.py"
    slow.write_text("import time; time.sleep(60)")
    monkeypatch.setattr(uploads, "document_check", SimpleNamespace(__file__=str(slow)))
    monkeypatch.setattr(apart, "LONGEST_SECONDS", 0.2)
    assert refusals_apart("cv.pdf", one_page("CV", ["A line"])) == ([TOO_MUCH], "bomb")


def test_the_process_that_looks_says_what_it_found():
    assert refusals_apart("cv.pdf", one_page("CV", ["A line"])) == []
    assert refusals_apart("cv.pdf", make_pdf(set_root(OpenAction=script()))) == ([PDF_ACTIVE], "active")
    assert refusals_apart("cv.docx", make_docx()) == []
    assert refusals_apart("cv.docx", make_docx({"word/vbaProject.bin": b""})) == ([WORD_MACROS], "active")


def test_every_reason_has_its_sentence():
    source = Path(document_check.__file__).read_text()
    reasons = set(re.findall(r'Refused\("([^"]+)"\)|return "([^"]+)"', source))
    assert {one or other for one, other in reasons} | {
            "too much", "busy", "virus", "not scanned", "no room",
        } == set(uploads.REFUSALS)  # fmt: skip


# ---- Word -----------------------------------------------------------------------------------------------------------

RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
TYPES = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">{}</Types>'
)
RELATIONS = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{}</Relationships>'
)
DOCUMENT = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
    '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r>'
    "<w:t>I have read images for nine years.</w:t></w:r></w:p></w:body></w:document>"
)
PLAIN = {
    "[Content_Types].xml": TYPES.format(f'<Override PartName="/word/document.xml" ContentType="{CONTENT_TYPE}"/>'),
    "_rels/.rels": RELATIONS.format(
        f'<Relationship Id="rId1" Type="{RELATION}/officeDocument" Target="word/document.xml"/>'
    ),
    "word/document.xml": DOCUMENT,
}


def make_docx(changes=None, without=(), compression=zipfile.ZIP_DEFLATED):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", compression) as package:
        for name, content in (PLAIN | (changes or {})).items():
            if name not in without:
                package.writestr(name, content)
    return target.getvalue()


def related(attributes):
    return {"word/_rels/document.xml.rels": RELATIONS.format(f"<Relationship {attributes}/>")}


def typed(attributes):
    return {"[Content_Types].xml": TYPES.format(f"<Override {attributes}/>")}


def begun_with(template):
    return {"word/_rels/settings.xml.rels": RELATIONS.format(TEMPLATE.format(template))}


TEMPLATE = f'<Relationship Id="rId1" Type="{RELATION}/attachedTemplate" Target="{{}}" TargetMode="External"/>'
TRANSITIONAL = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
STRICT = "http://purl.oclc.org/ooxml/wordprocessingml/main"


def field(*words):
    """A field as Word writes it, its words in as many runs; a word that is a field itself is put between them."""
    runs = "".join(word if word.startswith("<") else f"<w:r><w:instrText>{word}</w:instrText></w:r>" for word in words)
    mark = '<w:r><w:fldChar w:fldCharType="{}"/></w:r>'
    return mark.format("begin") + runs + mark.format("separate") + "<w:t>1</w:t>" + mark.format("end")


def with_fields(*fields):
    return f'<w:ftr xmlns:w="{TRANSITIONAL}"><w:p>{"".join(fields)}</w:p></w:ftr>'


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="plain"),
        pytest.param({"word/media/image1.png": b"\x89PNG\r\n\x1a\n" + bytes(99)}, id="picture"),
        pytest.param(
            related(f'Id="rId1" Type="{RELATION}/hyperlink" Target="https://example.com" TargetMode="External"'),
            id="web link",
        ),
        pytest.param(
            related(f'Id="rId1" Type="{RELATION}/hyperlink" Target="file:///C:\\x.example" TargetMode="External"'),
            id="web link taken for a file",
        ),
        pytest.param(related(f'Id="rId1" Type="{RELATION}/image" Target="media/image1.png"'), id="relation inside"),
        pytest.param({"word/media/image1.bmp": b"\xff" * 5_000_000}, id="white picture"),
        pytest.param({"word/document.xml": "\ufeff" + DOCUMENT}, id="byte order mark"),
        pytest.param({"word/comments.xml": "<w>año, 年</w>"}, id="no declaration"),
        pytest.param({"word/": b""}, id="folder entry"),
        pytest.param({"customXml/item1.xml": DOCUMENT.replace("UTF-8", "UTF-16").encode("utf-16")}, id="UTF-16"),
        pytest.param({"customXml/item1.xml": "<own xmlns='x'>data</own>"}, id="a program's own data"),
        pytest.param({"word/media/image1.svg": '<!DOCTYPE svg [<!ENTITY a "b">]><svg/>'}, id="drawing"),
        pytest.param({"word/document.xml": DOCUMENT.replace(TRANSITIONAL, STRICT)}, id="strict"),
        pytest.param(
            {
                "_rels/.rels": PLAIN["_rels/.rels"].replace("document.xml", "document2.xml"),
                "word/document2.xml": DOCUMENT,
            },
            id="another name of the text",
        ),
        pytest.param(begun_with(r"file:///C:\Users\Ann\AppData\Roaming\Microsoft\Templates\CV.dotx"), id="template"),
        pytest.param(begun_with("Normal.dotm"), id="template beside it"),
        pytest.param(begun_with("file:////Users/ann/Library/CV.dotx"), id="template on a Mac"),
        pytest.param(
            begun_with("file://localhost/Applications/Microsoft%20Office/CV.dotx"), id="template on an old Mac"
        ),
        pytest.param({"word/footer1.xml": with_fields(field("PAGE"), field("DATE"))}, id="fields"),
        pytest.param({"word/footer1.xml": with_fields(field("HYPERLINK ", '"https://x.example/DDE"'))}, id="web field"),
        pytest.param({"word/document.xml": DOCUMENT.replace("images", "DDEAUTO IMPORT")}, id="words that are no field"),
    ],
)
def test_a_harmless_word_file_is_accepted(changes):
    assert refusals("cv.docx", make_docx(changes)) == []


def test_a_word_file_that_is_not_compressed_is_accepted():
    assert refusals("cv.docx", make_docx(compression=zipfile.ZIP_STORED)) == []


MACRO_TYPE = "application/vnd.ms-word.document.macroEnabled.main+xml"


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"word/vbaProject.bin": b"\xd0\xcf"}, id="macros"),
        pytest.param({"word/VBAPROJECT.BIN": b"\xd0\xcf"}, id="macros in capitals"),
        pytest.param({"word/vbaData.xml": "<w/>"}, id="what macros keep"),
        pytest.param(typed(f'PartName="/word/document.xml" ContentType="{MACRO_TYPE}"'), id="type"),
        pytest.param(typed(f'PartName="/word/document.xml" ContentType="{MACRO_TYPE.upper()}"'), id="type in capitals"),
        pytest.param(typed('PartName="/word/a.bin" ContentType="application/vnd.ms-office.vbaProject"'), id="renamed"),
        pytest.param(
            typed('PartName="/word/a.bin" ContentType="application/vnd.ms-office.&#118;ba&#80;roject"'), id="spelled"
        ),
        pytest.param(
            related('Id="rId1" Type="http://schemas.microsoft.com/office/2006/relationships/vbaProject" Target="a"'),
            id="relation",
        ),
    ],
)
def test_a_word_file_with_macros_is_refused(changes):
    assert refusals("cv.docx", make_docx(changes)) == ([WORD_MACROS], "active")


@pytest.mark.parametrize(
    "attributes",
    [
        f'Id="rId1" Type="{RELATION}/attachedTemplate" Target="https://x.example/a.dotm" TargetMode="External"',
        f"Id='rId1' TargetMode = 'External' Type='{RELATION}/image' Target='https://x.example/pixel.png'",
        f'Id="rId1" Type="{RELATION}/attachedTemplate" Target="https://x.example/hyperlink" TargetMode="External"',
        f'Id=">" Type="{RELATION}/attachedTemplate" Target="https://x.example/a.dotm" TargetMode="External"',
        f'Id="rId1" Type="{RELATION}/attachedTemplate" Target="https://x.example/a.dotm" TargetMode="&#69;xternal"',
        f'Id="rId1" Type="{RELATION}/oleObject" Target="file:///c:/a.exe" TargetMode="External"',
        'Id="rId1" Target="https://x.example/a.dotm" TargetMode="External"',
        f'Id="rId1" Type="{RELATION}/hyperlink" Target="javascript:alert(1)" TargetMode="External"',
        f'Id="rId1" Type="{RELATION}/hyperlink" Target="file:///\\\\x.example\\a" TargetMode="External"',
        f'Id="rId1" Type="{RELATION}/mailMergeSource" Target="file:///C:\\a.docx" TargetMode="External"',
    ],
    ids=[
        "template",
        "picture",
        "hyperlink as address",
        "angle bracket",
        "spelled",
        "object",
        "no type",
        "script",
        "file server",
        "letter data",
    ],
)
@pytest.mark.parametrize("part", ["word/_rels/document.xml.rels", "_rels/.rels", "WORD/_RELS/SETTINGS.XML.RELS"])
def test_a_word_file_that_loads_parts_is_refused(attributes, part):
    changes = {part: RELATIONS.format(f"<Relationship {attributes}/>")}
    assert refusals("cv.docx", make_docx(changes)) == ([WORD_EXTERNAL], "external")


@pytest.mark.parametrize(
    "template",
    [
        "https://x.example/a.dotm",
        "file://x.example/share/a.dotm",
        "file:////x.example/share/a.dotm",
        r"\\x.example\share\a.dotm",
        r"file:///\\x.example\share\a.dotm",
        "%5C%5Cx.example%5Cshare%5Ca.dotm",
        "mhtml:https://x.example/a.dotm",
    ],
)
def test_a_template_on_another_computer_is_refused(template):
    assert refusals("cv.docx", make_docx(begun_with(template))) == ([WORD_EXTERNAL], "external")


@pytest.mark.parametrize(
    "fields",
    [
        field(r"DDEAUTO c:\\windows\\system32\\cmd.exe"),
        field(" dde ", "c:\\cmd.exe"),
        field("DD", "EAU", "TO c:\\cmd.exe"),
        field("DD", field("PAGE"), "E c:\\cmd.exe"),
        field("IF 1 = 1 ", field("INCLUDETEXT https://x.example/a")),
        field('INCLUDEPICTURE "https://x.example/pixel.png"'),
        f'<w:fldSimple w:instr="&#68;DEAUTO c:\\cmd.exe" xmlns:w="{TRANSITIONAL}"/>',
        "<w:instrText>DDE c:\\cmd.exe</w:instrText>",
    ],
    ids=["auto", "by hand", "in pieces", "around a field", "inside a field", "picture", "simple", "without marks"],
)
@pytest.mark.parametrize("part", ["word/header1.xml", "word/document.xml"])
def test_a_word_file_whose_fields_fetch_something_is_refused(fields, part):
    assert refusals("cv.docx", make_docx({part: with_fields(fields)})) == ([WORD_EXTERNAL], "external")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"word/document.xml": '<!DOCTYPE w [<!ENTITY a "b">]>' + DOCUMENT}, id="entity"),
        pytest.param(
            {"word/text.bin": '<!DOCTYPE w [<!ENTITY a "b">]>' + DOCUMENT}, id="entity in another kind of part"
        ),
        pytest.param({"docProps/core.xml": '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>'}, id="doctype of properties"),
        pytest.param({"[Content_Types].xml": '<!DOCTYPE a [<!ENTITY b "c">]><a/>'}, id="doctype of the list"),
        pytest.param({"customXml/item1.xml": '<!DOCTYPE a [<!ENTITY b "c">]><a/>'.encode("utf-16")}, id="wide entity"),
        pytest.param({"word/document.xml": '<!doctype w SYSTEM "https://x.example/w.dtd">' + DOCUMENT}, id="doctype"),
        pytest.param({"_rels/.rels": '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>'}, id="doctype of relations"),
        pytest.param({"word/document.xml": DOCUMENT.encode("utf-16")}, id="UTF-16 that says UTF-8"),
        pytest.param({"word/document.xml": DOCUMENT.encode("utf-16-le")}, id="UTF-16 undeclared"),
        pytest.param({"word/document.xml": DOCUMENT.encode("utf-32")}, id="UTF-32"),
        pytest.param({"word/document.xml": DOCUMENT.replace("UTF-8", "UTF-7")}, id="UTF-7"),
        pytest.param({"word/document.xml": "\ufeff" + DOCUMENT.replace("UTF-8", "UTF-7")}, id="UTF-7 behind a mark"),
        pytest.param({"word/document.xml": DOCUMENT.encode("cp037")}, id="EBCDIC"),
        pytest.param({"word/document.xml": DOCUMENT.replace("images", "imágenes").encode("latin-1")}, id="Latin-1"),
    ],
)
def test_a_word_file_that_hides_its_words_is_refused(changes):
    assert refusals("cv.docx", make_docx(changes)) == ([WORD_UNCHECKABLE], "entities")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"word/embeddings/oleObject1.bin": b"\xd0\xcf"}, id="object"),
        pytest.param({"WORD/EMBEDDINGS/book.xlsx": b"PK"}, id="workbook"),
        pytest.param({"word/activeX/activeX1.xml": "<a/>"}, id="ActiveX"),
        pytest.param({"word/media/image1.png": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"}, id="object named as a picture"),
        pytest.param({"word/media/image1.png": zipped()}, id="ZIP named as a picture"),
        pytest.param(related(f'Id="rId1" Type="{RELATION}/oleObject" Target="../picture.png"'), id="renamed object"),
        pytest.param(related(f'Id="rId1" Type="{RELATION}/package" Target="../picture.png"'), id="renamed workbook"),
        pytest.param(related(f'Id="rId1" Type="{RELATION}/control" Target="a.xml"'), id="control"),
        pytest.param(related(f'Id="rId1" Type="{RELATION}/aFChunk" Target="a.htm"'), id="web page"),
    ],
)
def test_a_word_file_with_files_inside_is_refused(changes):
    assert refusals("cv.docx", make_docx(changes)) == ([WORD_EMBEDDED], "embedded")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"word/media/a.bin": bytes(11_000_000)}, id="zeros"),
        pytest.param({"word/a.xml": b"<a>" + b" " * 11_000_000 + b"</a>"}, id="spaces"),
        pytest.param({f"word/a{number}.txt": b"" for number in range(2000)}, id="entries"),
        pytest.param(related("Id='" + "x" * 1_100_000 + "'"), id="long list"),
    ],
)
def test_a_word_file_that_unpacks_to_too_much_is_refused(changes):
    assert refusals("cv.docx", make_docx(changes)) == ([WORD_BOMB], "bomb")


def test_a_word_file_of_many_middling_parts_is_refused(monkeypatch):
    monkeypatch.setattr(document_check, "MAX_UNPACKED_BYTES", 5000)
    document_check.check_docx(make_docx({"a.txt": b"a" * 3000}))
    with pytest.raises(document_check.Refused, match=r"^word bomb$"):
        document_check.check_docx(make_docx({"a.txt": b"a" * 3000, "b.txt": b"b" * 3000}))


def central_entry(data, name):
    """Where the entry of this name starts in the list at the end of a ZIP."""
    return data.index(name, data.index(b"PK\x01\x02")) - 46


def test_a_word_file_that_understates_its_size_is_refused():
    data = bytearray(make_docx({"word/z.xml": b"<a>" + b" " * 500_000 + b"</a>"}))
    struct.pack_into("<L", data, central_entry(data, b"word/z.xml") + 24, 10)
    assert refusals("cv.docx", bytes(data)) == ([WORD_DAMAGED], "damaged")


def test_a_word_file_with_a_locked_entry_is_refused():
    data = bytearray(make_docx())
    data[central_entry(data, b"word/document.xml") + 8] |= 1
    assert refusals("cv.docx", bytes(data)) == ([WORD_LOCKED], "locked")


@pytest.mark.parametrize("name", ["cv.docx", "CV.DOCX"])
def test_a_word_file_with_a_password_is_refused(name):
    data = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)
    assert refusals(name, data) == ([WORD_OLE], "locked")


@pytest.mark.parametrize(
    "name", ["../../etc/cron.d/job", "/etc/passwd", "word/../../../a.txt", "..\\..\\a.txt", "word\\document.xml", ".."]
)
def test_a_word_file_with_paths_that_climb_is_refused(name):
    assert refusals("cv.docx", make_docx({name: b"x"})) == ([WORD_DAMAGED], "damaged")


def test_a_word_file_with_a_link_to_a_path_is_refused():
    link = zipfile.ZipInfo("word/media/image1.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    target = io.BytesIO(make_docx())
    with zipfile.ZipFile(target, "a") as package:
        package.writestr(link, "/etc/passwd")
    assert refusals("cv.docx", target.getvalue()) == ([WORD_DAMAGED], "damaged")


@pytest.mark.parametrize("name", ["word/document.xml", "WORD/Document.xml"])
def test_a_word_file_with_a_part_twice_is_refused(name):
    target = io.BytesIO(make_docx())
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(target, "a") as package:
        package.writestr(name, DOCUMENT)
    assert refusals("cv.docx", target.getvalue()) == ([WORD_DAMAGED], "damaged")


@pytest.mark.parametrize("missing", ["[Content_Types].xml", "_rels/.rels", "word/document.xml"])
def test_a_zip_that_is_no_word_file_is_refused(missing):
    assert refusals("cv.docx", make_docx(without=[missing])) == ([WORD_NOT], "not_docx")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"word/document.xml": "<workbook/>"}, id="the text is something else"),
        pytest.param({"_rels/.rels": RELATIONS.format("")}, id="nothing leads to the text"),
    ],
)
def test_another_office_file_is_refused(changes):
    assert refusals("cv.docx", make_docx(changes)) == ([WORD_NOT], "not_docx")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"Dear practice, this is my CV.", id="text"),
        pytest.param(make_docx()[60:], id="start cut off"),
        pytest.param(b"MZ" + bytes(200) + make_docx(), id="program first"),
        pytest.param(one_page("CV", ["A line"]), id="PDF"),
        pytest.param(one_page("CV", ["A line"]) + make_docx(), id="PDF first"),
        pytest.param(rb"{\rtf1 Dear practice}", id="rich text"),
    ],
)
def test_what_is_no_zip_is_refused_as_no_word_file(data):
    assert refusals("cv.docx", data) == ([WORD_NOT], "not_docx")


def with_comment(comment):
    target = io.BytesIO(make_docx())
    with zipfile.ZipFile(target, "a") as package:
        package.comment = comment
    return target.getvalue()


def with_broken_stream():
    """The compressed bytes of one part are overwritten, so that they mean nothing."""
    data = bytearray(make_docx())
    start = data.index(b"word/document.xml") + len(b"word/document.xml")
    data[start : start + 20] = b"\xff" * 20
    return bytes(data)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"PK\x03\x04" + bytes(range(256)), id="junk"),
        pytest.param(make_docx()[:-30], id="end cut off"),
        pytest.param(make_docx()[:100], id="most cut off"),
        pytest.param(with_broken_stream(), id="broken stream"),
        pytest.param(make_docx({"_rels/.rels": "<Relationships><"}), id="relations that are not XML"),
        pytest.param(make_docx({"_rels/.rels": ""}), id="empty relations"),
        pytest.param(make_docx() + b"<html><script>alert(1)</script></html>", id="web page last"),
        pytest.param(with_comment(b"<html><script>alert(1)</script></html>"), id="web page as a comment"),
        pytest.param(
            make_docx({"[Content_Types].xml": TYPES.format("<!-- %PDF-1.7 -->")}, compression=zipfile.ZIP_STORED),
            id="PDF inside, at the start",
        ),
        pytest.param(make_docx({"word/document.xml": DOCUMENT[:-20]}), id="text cut off"),
    ],
)
def test_a_damaged_word_file_is_refused(data):
    assert refusals("cv.docx", data) == ([WORD_DAMAGED], "damaged")


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_word_file_with_rare_compression_is_read_or_refused_never_an_error(compression):
    data = bytearray(make_docx(compression=compression))
    assert refusals("cv.docx", bytes(data)) == []
    start = data.index(b"word/document.xml") + len(b"word/document.xml")
    data[start + 4 : start + 60] = b"\xff" * 56
    assert refusals("cv.docx", bytes(data)) == ([WORD_DAMAGED], "damaged")


# ---- Any file -------------------------------------------------------------------------------------------------------


TURNED = "\u202e"  # what follows is shown from right to left


@pytest.mark.parametrize(
    "name",
    [
        "cv.exe.pdf", "\N{PAGE FACING UP}.pdf", "CON.pdf", "<script>.pdf", "a'b\"c.pdf", "..pdf", "-rf.pdf", "a\0b.pdf",
        "a\nb.pdf", "../../etc/passwd.pdf", f"cv{TURNED}exe.pdf", "x" * 300 + ".pdf",
    ],
)  # fmt: skip
def test_an_odd_name_is_no_reason_to_refuse_a_file(name):
    assert refusals(name, one_page("CV", ["A line"])) == []


@pytest.mark.parametrize(
    "name",
    [
        "cv.doc", "cv.exe", "cv", "cv.pdf.exe", ".pdf", "cv.docm", "cv.pdf ", "cv.pdf.", "cv.pdf\0.exe", "cv.pdf::$DATA",
        f"cv{TURNED}fdp.exe", "cv\N{FULLWIDTH FULL STOP}pdf",
    ],
)  # fmt: skip
def test_other_endings_are_refused(name):
    sentence = f"We can take PDF and Word (.docx) files. {AS_PDF}"
    assert refusals(name, one_page("CV", ["A line"])) == ([sentence], "ending")


@pytest.mark.parametrize("name", ["cv.pdf", "cv.docx"])
def test_an_empty_file_is_refused(name):
    assert refusals(name, b"") == (["This file is empty. Please choose it again."], "empty")


@pytest.mark.parametrize("name", ["cv.pdf", "cv.docx"])
def test_a_large_file_is_refused(settings, name):
    settings.MAX_UPLOAD_BYTES = 100
    assert refusals(name, b"x" * 101) == (["This file is larger than 10 MB. Please send a smaller one."], "size")
    assert refusals(name, b"x" * 100)[1] != "size"


def test_the_largest_file_is_ten_megabytes(settings):
    assert settings.MAX_UPLOAD_BYTES == 10 * 1024 * 1024


@pytest.mark.parametrize(
    ("name", "data"),
    [("CV of José.PDF", one_page("CV", ["A line"])), ("CV.Docx", make_docx())],
)
def test_the_name_may_be_written_in_capitals_and_the_file_is_left_at_its_start(name, data):
    upload = SimpleUploadedFile(name, data)
    upload.read(10)
    check_document(upload)
    assert upload.read() == data


@pytest.mark.parametrize("name", ["cv.pdf", "cv.docx"])
def test_the_ending_decides_what_is_looked_for(name):
    other = {"cv.pdf": make_docx(), "cv.docx": one_page("CV", ["A line"])}[name]
    assert refusals(name, other)[1] == {"cv.pdf": "not_pdf", "cv.docx": "not_docx"}[name]


def test_a_word_file_of_many_long_lists_is_refused_soon():
    part = b"<a>" + b"<b/>" * 20_000 + b"</a>"
    data = make_docx({f"word/_rels/a{number}.rels": part for number in range(30)})
    assert refusals("cv.docx", data) == ([WORD_BOMB], "bomb")


def test_a_pdf_of_many_plain_objects_is_refused():
    row = b"[" + b"<<>>" * 40_000 + b"]"
    data = make_pdf(set_root(PieceInfo=pikepdf.Object.parse(b"[" + row * 6 + b"]")))
    assert refusals_apart("cv.pdf", data) == ([TOO_MUCH], "bomb")


def test_one_file_is_looked_at_at_a_time_and_the_next_is_asked_to_wait(monkeypatch):
    monkeypatch.setattr(apart, "LONGEST_WAIT", 0.01)
    with apart.AT_ONCE:
        told, code = refusals_apart("cv.pdf", one_page("CV", ["A line"]))
    assert (told, code) == (["Other files are being looked at just now. Please send it again in a minute."], "busy")
    assert refusals_apart("cv.pdf", one_page("CV", ["A line"])) == []
