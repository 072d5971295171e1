"""Looks inside an uploaded PDF or Word file. It knows nothing of the site, because it runs apart from it:

    python document_check.py .pdf < file

prints the reason for a refusal (a key of `practice.uploads.REFUSALS`), or nothing. It has little memory and time of its
own, so that a file made to exhaust them ends this process and nobody's page.
"""

import io
import lzma
import re
import resource
import sys
import zipfile
import zlib
from pathlib import PurePosixPath
from xml.etree.ElementTree import ParseError

import pikepdf
import pikepdf.settings
from defusedxml.ElementTree import fromstring

MOST_MEMORY_BYTES = 512 * 1024 * 1024
MOST_CPU_SECONDS = 3
MAX_PAGES = 300
MAX_ENTRIES = 2000
MAX_UNPACKED_BYTES = 100 * 1024 * 1024  # of a Word file
MAX_STRUCTURE_BYTES = 2 * 1024 * 1024  # of one packed stream of a PDF's objects; pictures and text are not unpacked
MAX_RATIO = 150
MAX_LIST_BYTES = 1024 * 1024  # of all of a Word file's lists of parts and of relations, which are read as XML
MAX_OBJECTS = 200_000  # of a PDF, looked at one by one
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

pikepdf.settings.set_qpdf_limits(
    flate_max_memory=MAX_STRUCTURE_BYTES, run_length_max_memory=MAX_STRUCTURE_BYTES, parser_max_container_size=100_000
)

# What zipfile and the XML parser raise for a damaged file.
UNREADABLE = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, lzma.LZMAError, ParseError,
    NotImplementedError, RuntimeError, EOFError, OSError, ValueError,
)  # fmt: skip


class Refused(Exception):
    """The file is not taken; the text is the reason."""


def check(ending: str, data: bytes) -> None:
    """Raises Refused unless this is a harmless PDF (`ending` ".pdf") or Word file (".docx")."""
    check_pdf(data) if ending == ".pdf" else check_docx(data)


def check_pdf(data: bytes) -> None:
    """Raises Refused unless this is a readable, unlocked PDF that only shows pages."""
    if not data[:1024].lstrip().startswith(b"%PDF-"):
        raise Refused("not a pdf")
    # What other programs would read as something else (a web page, a ZIP) hangs behind the end.
    __, end, tail = data.rpartition(b"%%EOF")
    if not end or tail.strip(b"\0\t\n\f\r ") or zipfile.is_zipfile(io.BytesIO(data)):
        raise Refused("damaged pdf")
    try:
        with pikepdf.open(io.BytesIO(data)) as pdf:
            if pdf.is_encrypted:
                raise Refused("locked pdf")
            if not 1 <= len(pdf.pages) <= MAX_PAGES:
                raise Refused("pages")
            reason = _active_content(pdf)
    except pikepdf.PasswordError:
        raise Refused("locked pdf") from None
    except (pikepdf.PdfError, RecursionError, ValueError, TypeError):
        raise Refused("damaged pdf") from None
    if reason:
        raise Refused(reason)


def _active_content(pdf: pikepdf.Pdf) -> str | None:
    """The reason for which this PDF does more than show pages, or None."""
    if pdf.attachments or "/AF" in pdf.Root:
        return "attached"
    for thing in _dictionaries(pdf):
        keys = set(thing.keys())
        if "/EF" in keys:
            return "attached"
        for key in keys & ACTIVE_PDF_KEYS:
            if key == "/OpenAction" and _only_opens_a_page(thing[key]):
                continue
            return "active pdf"
        if str(thing.get("/S", "")) in ACTIVE_PDF_ACTIONS:
            return "active pdf"
    return None


def _dictionaries(pdf: pikepdf.Pdf):
    """Every dictionary of the file, also those written inside other objects instead of standing by themselves."""
    looked_at = 0
    for numbered in pdf.objects:
        waiting = [numbered]
        while waiting:
            thing = waiting.pop()
            looked_at += 1
            if looked_at + len(waiting) > MAX_OBJECTS:
                raise Refused("too much")
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
    """Raises Refused unless this is an unlocked Word file without macros, inner files or outside parts."""
    if data.startswith(OLE_HEADER):
        raise Refused("locked or old word")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            if not data.startswith(b"PK"):
                raise zipfile.BadZipFile("something else stands before the ZIP")
            entries = package.infolist()
            if len(entries) > MAX_ENTRIES or sum(entry.file_size for entry in entries) > MAX_UNPACKED_BYTES:
                raise Refused("word bomb")
            lists = [entry for entry in entries if _is_list(entry.filename)]
            if sum(entry.file_size for entry in lists) > MAX_LIST_BYTES:
                raise Refused("word bomb")
            for entry in entries:
                _check_entry(package, entry)
            names = {entry.filename for entry in entries}
            if not {"[Content_Types].xml", "word/document.xml"} <= names:
                raise Refused("not a word file")
    except UNREADABLE:
        raise Refused("damaged word file") from None


def _check_entry(package: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    path = PurePosixPath(entry.filename)
    if entry.flag_bits & 0x1:
        raise Refused("locked word file")
    if path.is_absolute() or ".." in path.parts or "\\" in entry.filename:
        raise Refused("damaged word file")
    if entry.compress_size and entry.file_size / entry.compress_size > MAX_RATIO and entry.file_size > 1024 * 1024:
        raise Refused("word bomb")
    lowered = entry.filename.lower()
    if "vbaproject" in lowered or "vbadata" in lowered:
        raise Refused("macros")
    if "/embeddings/" in lowered or "/activex/" in lowered:
        raise Refused("files inside")
    if lowered.endswith((".xml", ".rels")):
        text = package.read(entry)
        # Other encodings would hide the words looked for; Word itself always writes UTF-8.
        encoding = XML_ENCODING.search(text)
        if (encoding and encoding[1].lower() not in (b"utf-8", b"us-ascii")) or not _is_utf8(text):
            raise Refused("uncheckable")
        if b"\x00" in text or b"<!DOCTYPE" in text.upper() or b"<!ENTITY" in text.upper():
            raise Refused("uncheckable")
        if _is_list(entry.filename):
            _check_list(text)


def _is_list(name: str) -> bool:
    """Whether the entry of this name says which parts there are, or how they hang together."""
    return name.lower().endswith(".rels") or name.lower() == "[content_types].xml"


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _check_list(text: bytes) -> None:
    """What a list of parts or of relations says: read as XML, since the same word can be spelled in many ways there."""
    for element in fromstring(text, forbid_dtd=True).iter():
        relation = element.get("Type", "").rpartition("/")[2]
        content = element.get("ContentType", "").lower()
        if relation in MACRO_RELATIONS or "macroenabled" in content or "vbaproject" in content:
            raise Refused("macros")
        if element.get("TargetMode", "").lower() == "external" and relation != "hyperlink":
            raise Refused("outside parts")
        if relation in EMBEDDING_RELATIONS:
            raise Refused("files inside")


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY_BYTES, MOST_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_CPU_SECONDS, MOST_CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        check(sys.argv[1], sys.stdin.buffer.read())
    except Refused as refused:
        sys.stdout.write(str(refused))
