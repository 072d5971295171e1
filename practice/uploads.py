"""Looks inside an uploaded PDF or Word file before it is kept. A name and a content type are only what a sender says.

Every refusal is a sentence for the person who sent the file: what is wrong, and what to do.
"""

import io
import re
import zipfile
from pathlib import Path, PurePosixPath

import pikepdf
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

MAX_PAGES = 300
MAX_ENTRIES = 2000
MAX_UNPACKED_BYTES = 100 * 1024 * 1024
MAX_RATIO = 150
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
EXTERNAL_RELATION = re.compile(rb'<[^>]*TargetMode\s*=\s*["\']External["\'][^>]*>', re.IGNORECASE)

SAVE_AS_PDF = _("Please save it as a PDF and try again.")


def refuse(problem, code: str) -> ValidationError:
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


def _active_content(pdf: pikepdf.Pdf):
    """The sentence that says what in this PDF does more than show pages, or None."""
    if pdf.attachments or "/AF" in pdf.Root:
        return _("This PDF has other files attached to it. Please print it to a new PDF and send that.")
    for thing in pdf.objects:
        if not isinstance(thing, pikepdf.Dictionary | pikepdf.Stream):
            continue
        keys = set(thing.keys())
        for key in keys & ACTIVE_PDF_KEYS:
            if key == "/OpenAction" and _only_opens_a_page(thing[key]):
                continue
            return _("This PDF has active content (a script or an action). Please print it to a new PDF and send that.")
        if str(thing.get("/S", "")) in ACTIVE_PDF_ACTIONS:
            return _("This PDF has active content (a script or an action). Please print it to a new PDF and send that.")
    return None


def _only_opens_a_page(action) -> bool:
    """A plain destination, or a GoTo in this document: what word processors write to choose the first view."""
    if isinstance(action, pikepdf.Array):
        return True
    return isinstance(action, pikepdf.Dictionary) and str(action.get("/S", "")) == "/GoTo" and "/Next" not in action


def check_docx(data: bytes) -> None:
    """Raises ValidationError unless this is an unlocked Word document without macros, embedded files or outside parts."""
    if data.startswith(OLE_HEADER):
        raise refuse(_("This Word file is locked with a password, or is an old .doc. ") + SAVE_AS_PDF, "locked")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            entries = package.infolist()
            if len(entries) > MAX_ENTRIES or sum(entry.file_size for entry in entries) > MAX_UNPACKED_BYTES:
                raise refuse(_("This Word file unpacks to far more than a document holds. ") + SAVE_AS_PDF, "bomb")
            for entry in entries:
                _check_entry(package, entry)
            names = {entry.filename for entry in entries}
            if not {"[Content_Types].xml", "word/document.xml"} <= names:
                raise refuse(_("This file is named .docx but is not a Word document. ") + SAVE_AS_PDF, "not_docx")
            types = package.read("[Content_Types].xml")
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError):
        raise refuse(_("This Word file is damaged and cannot be opened. ") + SAVE_AS_PDF, "damaged") from None
    if b"macroEnabled" in types or b"vbaProject" in types:
        raise refuse(_("This Word file has macros. ") + SAVE_AS_PDF, "active")


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
        # UTF-16 would hide the words looked for; Word itself always writes UTF-8.
        if b"\x00" in text or b"<!DOCTYPE" in text.upper() or b"<!ENTITY" in text.upper():
            raise refuse(_("This Word file has content we cannot check. ") + SAVE_AS_PDF, "entities")
        for relation in EXTERNAL_RELATION.findall(text):
            if b"/hyperlink" not in relation:
                raise refuse(_("This Word file loads parts from elsewhere. ") + SAVE_AS_PDF, "external")
