"""Looks inside an uploaded PDF or Word file before it is kept. A name and a content type are only what a sender says.

Every refusal is a sentence for the person who sent the file: what is wrong, and what to do.
"""

import io
import lzma
import re
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from xml.etree.ElementTree import ParseError

import pikepdf
import pikepdf.settings
from defusedxml.ElementTree import fromstring
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

MAX_PAGES = 300
MAX_ENTRIES = 2000
MAX_UNPACKED_BYTES = 100 * 1024 * 1024
MAX_RATIO = 150
MAX_LIST_BYTES = 1024 * 1024  # of a Word file's lists of parts and of relations, which are read as XML
OLE_HEADER = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # an old .doc, or a .docx locked with a password

ACTIVE_PDF_KEYS = {"/JS", "/JavaScript", "/Launch", "/OpenAction", "/AA", "/XFA", "/RichMedia", "/EmbeddedFiles"}
ACTIVE_PDF_ACTIONS = {
    "/JavaScript",
    "/Launch",
    "/ImportData",
    "/SubmitForm",
    "/GoToE",
    "/GoToR",
    "/Rendition",
    "/Movie",
}
# Last words of the relation types by which Word finds macros and files inside a document, whatever their names are.
MACRO_RELATIONS = {"vbaProject", "wordVbaData"}
EMBEDDING_RELATIONS = {"oleObject", "package", "control", "activeXControlBinary", "aFChunk"}
XML_ENCODING = re.compile(rb"""\A(?:\xef\xbb\xbf)?\s*<\?xml[^>]*\bencoding\s*=\s*["']([^"']*)""", re.IGNORECASE)

# Process-wide: a small upload must not unpack to all the memory there is.
pikepdf.settings.set_qpdf_limits(flate_max_memory=MAX_UNPACKED_BYTES, run_length_max_memory=MAX_UNPACKED_BYTES)

# What zipfile and the XML parser raise for a damaged file.
UNREADABLE = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, lzma.LZMAError, ParseError,
    NotImplementedError, RuntimeError, EOFError, OSError, ValueError,
)  # fmt: skip

SAVE_AS_PDF = gettext_lazy("Please save it as a PDF and try again.")


def refuse(problem: str, code: str) -> ValidationError:
    return ValidationError(problem, code=code)


def check_document(upload: UploadedFile) -> None:
    """Accept a harmless PDF or DOCX. Raises ValidationError with the reason for everything else."""
    name = upload.name or ""
    ending = Path(name).suffix.lower()
    if ending not in (".pdf", ".docx"):
        raise refuse(_("We can take PDF and Word (.docx) files. ") + SAVE_AS_PDF, "ending")
    if not upload.size:
        raise refuse(_("This file is empty. Please choose it again."), "empty")
    if upload.size > settings.MAX_UPLOAD_BYTES:
        raise refuse(_("This file is larger than 10 MB. Please send a smaller one."), "size")
    upload.seek(0)
    data = upload.read()
    upload.seek(0)
    if ending == ".pdf":
        check_pdf(data)
    else:
        check_docx(data)


def check_pdf(data: bytes) -> None:
    """Raises ValidationError unless this is a readable, unlocked PDF that only shows pages."""
    if not data[:1024].lstrip().startswith(b"%PDF-"):
        raise refuse(_("This file is named .pdf but is not a PDF. ") + SAVE_AS_PDF, "not_pdf")
    # What other programs would read as something else (a web page, a ZIP) hangs behind the end.
    __, end, tail = data.rpartition(b"%%EOF")
    if not end or tail.strip(b"\0\t\n\f\r ") or zipfile.is_zipfile(io.BytesIO(data)):
        raise refuse(_("This PDF is damaged and cannot be opened. ") + SAVE_AS_PDF, "damaged")
    try:
        with pikepdf.open(io.BytesIO(data)) as pdf:
            if pdf.is_encrypted:
                raise refuse(_("This PDF is locked. Please remove the password or protection and try again."), "locked")
            if not 1 <= len(pdf.pages) <= MAX_PAGES:
                raise refuse(_("This PDF has no pages, or more than 300. Please send a shorter one."), "pages")
            reason = _active_content(pdf)
    except pikepdf.PasswordError:
        raise refuse(
            _("This PDF is locked. Please remove the password or protection and try again."), "locked"
        ) from None
    except (pikepdf.PdfError, RecursionError, ValueError, TypeError):
        raise refuse(_("This PDF is damaged and cannot be opened. ") + SAVE_AS_PDF, "damaged") from None
    if reason:
        raise refuse(reason, "active")


def _active_content(pdf: pikepdf.Pdf) -> str | None:
    """The sentence that says what in this PDF does more than show pages, or None."""
    if pdf.attachments or "/AF" in pdf.Root:
        return _("This PDF has other files attached to it. Please print it to a new PDF and send that.")
    for thing in _dictionaries(pdf):
        keys = set(thing.keys())
        if "/EF" in keys:
            return _("This PDF has other files attached to it. Please print it to a new PDF and send that.")
        for key in keys & ACTIVE_PDF_KEYS:
            if key == "/OpenAction" and _only_opens_a_page(thing[key]):
                continue
            return _("This PDF has active content (a script or an action). Please print it to a new PDF and send that.")
        if str(thing.get("/S", "")) in ACTIVE_PDF_ACTIONS:
            return _("This PDF has active content (a script or an action). Please print it to a new PDF and send that.")
    return None


def _dictionaries(pdf: pikepdf.Pdf):
    """Every dictionary of the file, also those written inside other objects instead of standing by themselves."""
    for numbered in pdf.objects:
        waiting = [numbered]
        while waiting:
            thing = waiting.pop()
            if isinstance(thing, pikepdf.Array):
                inner = list(thing)
            elif isinstance(thing, pikepdf.Dictionary | pikepdf.Stream):
                yield thing
                inner = [value for _key, value in thing.items()]
            else:
                continue
            waiting += [value for value in inner if isinstance(value, pikepdf.Object) and not value.is_indirect]


def _only_opens_a_page(action) -> bool:
    """A plain destination, or a GoTo in this document: what word processors write to choose the first view."""
    if isinstance(action, pikepdf.Array):
        return True
    return isinstance(action, pikepdf.Dictionary) and str(action.get("/S", "")) == "/GoTo" and "/Next" not in action


def check_docx(data: bytes) -> None:
    """Raises ValidationError unless this is an unlocked Word file without macros, inner files or outside parts."""
    if data.startswith(OLE_HEADER):
        raise refuse(_("This Word file is locked with a password, or is an old .doc. ") + SAVE_AS_PDF, "locked")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            if not data.startswith(b"PK"):
                raise zipfile.BadZipFile("something else stands before the ZIP")
            entries = package.infolist()
            if len(entries) > MAX_ENTRIES or sum(entry.file_size for entry in entries) > MAX_UNPACKED_BYTES:
                raise refuse(_("This Word file unpacks to far more than a document holds. ") + SAVE_AS_PDF, "bomb")
            for entry in entries:
                _check_entry(package, entry)
            names = {entry.filename for entry in entries}
            if not {"[Content_Types].xml", "word/document.xml"} <= names:
                raise refuse(_("This file is named .docx but is not a Word document. ") + SAVE_AS_PDF, "not_docx")
    except UNREADABLE:
        raise refuse(_("This Word file is damaged and cannot be opened. ") + SAVE_AS_PDF, "damaged") from None


def _check_entry(package: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    path = PurePosixPath(entry.filename)
    if entry.flag_bits & 0x1:
        raise refuse(_("This Word file is locked with a password. ") + SAVE_AS_PDF, "locked")
    if path.is_absolute() or ".." in path.parts or "\\" in entry.filename:
        raise refuse(_("This Word file is damaged and cannot be opened. ") + SAVE_AS_PDF, "damaged")
    if entry.compress_size and entry.file_size / entry.compress_size > MAX_RATIO and entry.file_size > 1024 * 1024:
        raise refuse(_("This Word file unpacks to far more than a document holds. ") + SAVE_AS_PDF, "bomb")
    lowered = entry.filename.lower()
    if "vbaproject" in lowered or "vbadata" in lowered:
        raise refuse(_("This Word file has macros. ") + SAVE_AS_PDF, "active")
    if "/embeddings/" in lowered or "/activex/" in lowered:
        raise refuse(_("This Word file has other files inside it. ") + SAVE_AS_PDF, "embedded")
    if lowered.endswith((".xml", ".rels")):
        text = package.read(entry)
        # Other encodings would hide the words looked for; Word itself always writes UTF-8.
        encoding = XML_ENCODING.search(text)
        if (encoding and encoding[1].lower() not in (b"utf-8", b"us-ascii")) or not _is_utf8(text):
            raise refuse(_("This Word file has content we cannot check. ") + SAVE_AS_PDF, "entities")
        if b"\x00" in text or b"<!DOCTYPE" in text.upper() or b"<!ENTITY" in text.upper():
            raise refuse(_("This Word file has content we cannot check. ") + SAVE_AS_PDF, "entities")
        if lowered.endswith(".rels") or lowered == "[content_types].xml":
            _check_list(text)


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _check_list(text: bytes) -> None:
    """What a list of parts or of relations says: read as XML, since the same word can be spelled in many ways there."""
    if len(text) > MAX_LIST_BYTES:
        raise refuse(_("This Word file unpacks to far more than a document holds. ") + SAVE_AS_PDF, "bomb")
    for element in fromstring(text, forbid_dtd=True).iter():
        relation = element.get("Type", "").rpartition("/")[2]
        content = element.get("ContentType", "").lower()
        if relation in MACRO_RELATIONS or "macroenabled" in content or "vbaproject" in content:
            raise refuse(_("This Word file has macros. ") + SAVE_AS_PDF, "active")
        if element.get("TargetMode", "").lower() == "external" and relation != "hyperlink":
            raise refuse(_("This Word file loads parts from elsewhere. ") + SAVE_AS_PDF, "external")
        if relation in EMBEDDING_RELATIONS:
            raise refuse(_("This Word file has other files inside it. ") + SAVE_AS_PDF, "embedded")
