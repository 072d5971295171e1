"""Looks inside an uploaded PDF or Word file. It knows nothing of the site, because it runs apart from it:

    python document_check.py .pdf < file

prints the reason for a refusal (a key of `practice.uploads.REFUSALS`), or nothing. It has little memory and time of its
own, so that a file made to exhaust them ends this process and nobody's page.
"""

import codecs
import io
import lzma
import re
import resource
import stat
import sys
import zipfile
import zlib
from pathlib import PurePosixPath
from urllib.parse import unquote
from xml.etree.ElementTree import ParseError

import pikepdf
import pikepdf.settings
from defusedxml.ElementTree import DefusedXMLParser, fromstring, iterparse

MOST_MEMORY_BYTES = 512 * 1024 * 1024
MOST_CPU_SECONDS = 3
MAX_PAGES = 300
MAX_ENTRIES = 2000
MAX_UNPACKED_BYTES = 100 * 1024 * 1024  # of a Word file
MAX_STRUCTURE_BYTES = 2 * 1024 * 1024  # of one packed stream of a PDF's objects
MAX_CONTENT_BYTES = 64 * 1024 * 1024  # of one packed text, font or drawing of a PDF
MAX_ALL_CONTENT_BYTES = 256 * 1024 * 1024  # of all of them
MAX_PIXELS = 200_000_000  # of a picture in a PDF, which is not unpacked: a page at 1200 dots per inch has 140 million
MAX_RATIO = 150  # of a part of a Word file that is not small: an empty picture packs as well as a bomb
SMALL_PART_BYTES = 10 * 1024 * 1024
MAX_LIST_BYTES = 1024 * 1024  # of all of a Word file's lists of parts and of relations, which are read as XML
MAX_OBJECTS = 200_000  # of a PDF, looked at one by one
OLE_HEADER = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # an old .doc, or a .docx locked with a password
ZIP_HEADER, ZIP_END, ZIP_END_BYTES = b"PK\x03\x04", b"PK\x05\x06", 22
BLANK = b"\0\t\n\v\f\r\x1a "
XML_MARKS = codecs.BOM_UTF8 + codecs.BOM_UTF16_LE  # bytes that may stand before the first word of XML

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
    "/Sound",
    "/Thread",
    "/RichMediaExecute",
    "/GoTo3DView",
}
ACTIVE_PDF_ANNOTATIONS = {"/RichMedia", "/3D", "/Screen", "/Movie", "/Sound"}
# Links that are a script, or make the reader's computer sign in to a stranger's file server.
# What a link may begin with; others start a program of the reader's, or fetch from a stranger's file server.
LINK_SCHEMES = {"http", "https", "mailto", "tel", "sms", "ftp", "skype", "callto", "doi", "urn"}
SCHEME = re.compile(r"([a-z][a-z0-9+-]+):")  # one letter is a disk of Windows, one with a dot a host
WEB_HOST = re.compile(r"//[a-z0-9-]+(?:\.[a-z0-9-]+)+(?:[/:?#]|\Z)")
FILE_ELSEWHERE = re.compile(r"file:(?://(?!/|localhost/)|/{4,}|/*\\{2})")
# Last words of the relation types by which Word finds macros and files inside a document, whatever their names are.
MACRO_RELATIONS = {"vbaProject", "wordVbaData"}
EMBEDDING_RELATIONS = {"oleObject", "package", "control", "activeXControlBinary", "aFChunk"}
# Word notes which template a document was begun with. A place on the sender's own computer is nothing to be afraid of.
OWN_PLACE = re.compile(
    r"(?:file:/{0,3})?[a-z]:/|file:///(?!/)|file:////(?:users|applications|library|volumes)/|file://localhost/"
    r"|(?!//)[^:]*\Z"
)
# Fields for which Word opens another file or program, perhaps without asking.
FETCHING_FIELDS = {"DDE", "DDEAUTO", "INCLUDE", "INCLUDETEXT", "INCLUDEPICTURE", "IMPORT", "LINK", "DATABASE", "RD"}
WORD_DOCUMENTS = {
    "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}document",
    "{http://purl.oclc.org/ooxml/wordprocessingml/main}document",  # "Strict Open XML Document"
}
XML_ENCODING = re.compile(r"""\s*<\?xml[^>]*\bencoding\s*=\s*["']([^"']*)""", re.IGNORECASE)
XML_DECLARATIONS = re.compile(r"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)


def _allow(most_bytes: int) -> None:
    """How far one packed stream of a PDF may unpack. The limit holds in the whole process."""
    pikepdf.settings.set_qpdf_limits(flate_max_memory=most_bytes, run_length_max_memory=most_bytes)


_allow(MAX_STRUCTURE_BYTES)
pikepdf.settings.set_qpdf_limits(parser_max_container_size=100_000)

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
    """Raises Refused unless this is a readable, unlocked PDF that only shows pages.

    A file that a reader repairs without asking (a list of objects that is a few bytes off) is taken.
    """
    if not data[:1024].lstrip(BLANK + codecs.BOM_UTF8).startswith(b"%PDF-"):
        raise Refused("not a pdf")
    # What other programs would read as something else (a web page, a ZIP) hangs behind the end.
    __, end, tail = data.rpartition(b"%%EOF")
    if not end or tail.strip(BLANK) or zipfile.is_zipfile(io.BytesIO(data)):
        raise Refused("damaged pdf")
    try:
        with pikepdf.open(io.BytesIO(data)) as pdf:
            if pdf.is_encrypted:
                raise Refused("locked pdf")
            if not 1 <= len(pdf.pages) <= MAX_PAGES:
                raise Refused("pages")
            reason = _active_content(pdf)
            if reason:
                raise Refused(reason)
            _unpack(pdf)
            repaired = any("file is damaged" in warning for warning in pdf.get_warnings())
            if repaired and not any("/Contents" in page or "/Annots" in page for page in pdf.pages):
                raise Refused("damaged pdf")  # nothing is left of it but empty pages
    except pikepdf.PasswordError:
        raise Refused("locked pdf") from None
    except (pikepdf.PikepdfError, RecursionError, ValueError, TypeError) as error:
        raise Refused("locked pdf" if "encrypt" in str(error).lower() else "damaged pdf") from None


def _active_content(pdf: pikepdf.Pdf) -> str | None:
    """The reason for which this PDF does more than show pages, or None."""
    if pdf.attachments or "/AF" in pdf.Root or "/Collection" in pdf.Root:
        return "attached"
    for thing in _dictionaries(pdf):
        keys = set(thing.keys())
        if "/EF" in keys or thing.get("/Subtype") == "/FileAttachment":
            return "attached"
        if any(not _does_nothing(key, thing[key]) for key in keys & ACTIVE_PDF_KEYS):
            return "active pdf"
        if str(thing.get("/S", "")) in ACTIVE_PDF_ACTIONS or str(thing.get("/Subtype", "")) in ACTIVE_PDF_ANNOTATIONS:
            return "active pdf"
        if not _is_harmless_link(str(thing.get("/URI", ""))):
            return "active pdf"
        if isinstance(thing, pikepdf.Stream) and "/F" in keys:  # its bytes are in another file
            return "active pdf"
    return None


def _unpack(pdf: pikepdf.Pdf) -> None:
    """Raises Refused where a few bytes of a page become far more than a page holds, which a reader would choke on."""
    _allow(MAX_CONTENT_BYTES)
    unpacked = 0
    try:
        for thing in pdf.objects:
            if not isinstance(thing, pikepdf.Stream):
                continue
            if thing.get("/Subtype") == "/Image":
                if _pixels(thing) > MAX_PIXELS:
                    raise Refused("too much")
                continue
            try:
                unpacked += len(thing.read_bytes(pikepdf.StreamDecodeLevel.specialized))
            except (pikepdf.PdfError, UnicodeDecodeError) as error:  # a damaged drawing; readers show the rest
                if "limit exceeded" in str(error) or "bad_alloc" in str(error):
                    raise Refused("too much") from None
            if unpacked > MAX_ALL_CONTENT_BYTES:
                raise Refused("too much")
    finally:
        _allow(MAX_STRUCTURE_BYTES)


def _pixels(picture: pikepdf.Stream) -> int:
    width, height = picture.get("/Width"), picture.get("/Height")
    return width * height if isinstance(width, int) and isinstance(height, int) else 0


def _dictionaries(pdf: pikepdf.Pdf):
    """Every dictionary of the file, also those written inside other objects instead of standing by themselves."""
    looked_at = 0
    for numbered in [*pdf.objects, pdf.trailer]:
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


def _does_nothing(key: str, value) -> bool:
    """An empty list of actions; or a place in this document, which word processors write to choose the first view."""
    if key == "/AA":
        return isinstance(value, pikepdf.Dictionary) and not value.keys()
    if key != "/OpenAction":
        return False
    if isinstance(value, pikepdf.Array | pikepdf.Name | pikepdf.String):
        return True
    return isinstance(value, pikepdf.Dictionary) and str(value.get("/S", "")) == "/GoTo" and "/Next" not in value


def check_docx(data: bytes) -> None:
    """Raises Refused unless this is an unlocked Word file without macros, inner files or outside parts."""
    if data.startswith(OLE_HEADER):
        raise Refused("locked or old word")
    if not data.startswith(b"PK"):
        raise Refused("not a word file")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            # Something else hangs behind the end, or a PDF stands within the first bytes, where its readers look.
            tail = data[data.rindex(ZIP_END) + ZIP_END_BYTES :]
            if tail.strip(BLANK) or b"%PDF-" in data[:1024]:
                raise Refused("damaged word file")
            entries = package.infolist()
            if len(entries) > MAX_ENTRIES or sum(entry.file_size for entry in entries) > MAX_UNPACKED_BYTES:
                raise Refused("word bomb")
            lists = [entry for entry in entries if _is_list(entry.filename)]
            if sum(entry.file_size for entry in lists) > MAX_LIST_BYTES:
                raise Refused("word bomb")
            for entry in entries:
                _check_entry(package, entry)
            names = {entry.filename for entry in entries}
            if len({name.lower() for name in names}) < len(entries):  # readers differ in which of two they take
                raise Refused("damaged word file")
            if "[Content_Types].xml" not in names or not _has_text(package, names):
                raise Refused("not a word file")
    except UNREADABLE:
        raise Refused("damaged word file") from None


def _has_text(package: zipfile.ZipFile, names: set[str]) -> bool:
    """Whether the part that the package calls its document is one of Word. It is mostly named word/document.xml."""
    if "_rels/.rels" not in names:
        return False
    for relation in fromstring(package.read("_rels/.rels"), forbid_dtd=True):
        if _last_word(relation) == "officeDocument":
            main = relation.get("Target", "").lstrip("/")
            return main in names and _outermost(package, main) in WORD_DOCUMENTS
    return False


def _outermost(package: zipfile.ZipFile, name: str) -> str:
    with package.open(name) as part:
        _event, element = next(iterparse(part, events=("start",), forbid_dtd=True))
    return element.tag


def _check_entry(package: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    path = PurePosixPath(entry.filename)
    if entry.flag_bits & 0x1:
        raise Refused("locked word file")
    if path.is_absolute() or ".." in path.parts or "\\" in entry.filename or stat.S_ISLNK(entry.external_attr >> 16):
        raise Refused("damaged word file")
    if entry.file_size > max(SMALL_PART_BYTES, entry.compress_size * MAX_RATIO):
        raise Refused("word bomb")
    lowered = entry.filename.lower()
    if "vbaproject" in lowered or "vbadata" in lowered:
        raise Refused("macros")
    if "/embeddings/" in lowered or "/activex/" in lowered:
        raise Refused("files inside")
    with package.open(entry) as opened:
        start = opened.read(100)
    if start.startswith((OLE_HEADER, ZIP_HEADER)):
        raise Refused("files inside")
    # A part may have any name; only what is a picture for Word cannot be one.
    looks_like_xml = start.strip(BLANK + XML_MARKS).startswith(b"<") and not lowered.startswith("word/media/")
    if lowered.endswith((".xml", ".rels")) or looks_like_xml:
        part = package.read(entry)
        _check_text(part)
        if _is_list(entry.filename):
            _check_list(part)
        else:
            _check_fields(part)


def _is_list(name: str) -> bool:
    """Whether the entry of this name says which parts there are, or how they hang together."""
    return name.lower().endswith(".rels") or name.lower() == "[content_types].xml"


def _check_text(part: bytes) -> None:
    """Raises Refused where XML could say more than it seems to: entities, or an encoding that hides its words."""
    wide = part.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = part.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError:
        raise Refused("uncheckable") from None
    encoding = XML_ENCODING.match(text)
    if encoding and encoding[1].lower() not in (("utf-16",) if wide else ("utf-8", "us-ascii")):
        raise Refused("uncheckable")
    if "\x00" in text or XML_DECLARATIONS.search(text):
        raise Refused("uncheckable")


def _is_harmless_link(place: str) -> bool:
    """Whether following it can only open a page, a mail or a call, or a file of the reader's own."""
    bare = "".join(c for c in place if c > " " and c != "\x7f").lower()
    if bare.startswith(("//", "\\\\")):  # a file server, or a page whose beginning was left out
        return WEB_HOST.match(bare) is not None
    scheme = SCHEME.match(bare)
    if scheme is None or scheme[1] in LINK_SCHEMES:
        return True
    return scheme[1] == "file" and FILE_ELSEWHERE.match(bare) is None


def _last_word(relation) -> str:
    return relation.get("Type", "").rpartition("/")[2]


def _check_list(part: bytes) -> None:
    """What a list of parts or of relations says: read as XML, since the same word can be spelled in many ways there."""
    for element in fromstring(part, forbid_dtd=True).iter():
        relation = _last_word(element)
        content = element.get("ContentType", "").lower()
        if relation in MACRO_RELATIONS or "macroenabled" in content or "vbaproject" in content:
            raise Refused("macros")
        if element.get("TargetMode", "").lower() == "external" and not _may_lead_outside(relation, element):
            raise Refused("outside parts")
        if relation in EMBEDDING_RELATIONS:
            raise Refused("files inside")


def _may_lead_outside(relation: str, element) -> bool:
    """A web link, which nobody follows unasked; or the template this was begun with, unless it has to be fetched."""
    place = unquote(element.get("Target", "")).strip()
    if relation == "hyperlink":
        return _is_harmless_link(place)
    return relation == "attachedTemplate" and OWN_PLACE.match(place.replace("\\", "/").lower()) is not None


class _Fields:
    """What the fields of a part are told to do. A field's words may be in several runs, with other fields between."""

    def __init__(self):
        self.open: list[list[str]] = [[]]
        self.told: list[str] = []
        self.in_words = False

    def start(self, tag, attributes):
        name = tag.rpartition("}")[2]
        self.in_words = name == "instrText"
        for key, value in attributes.items():
            if key.endswith("instr"):
                self.told.append(value)
            elif name == "fldChar" and value == "begin":
                self.open.append([])
            elif name == "fldChar" and value == "end" and len(self.open) > 1:
                self.told.append("".join(self.open.pop()))

    def data(self, text):
        if self.in_words:
            self.open[-1].append(text)

    def end(self, _tag):
        self.in_words = False

    def close(self):
        return self.told + ["".join(words) for words in self.open]


def _check_fields(part: bytes) -> None:
    parser = DefusedXMLParser(target=_Fields(), forbid_dtd=True)
    parser.feed(part)
    for words in parser.close():
        if FETCHING_FIELDS.intersection(words.upper().split(maxsplit=1)[:1]):
            raise Refused("outside parts")


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY_BYTES, MOST_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_CPU_SECONDS, MOST_CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        check(sys.argv[1], sys.stdin.buffer.read())
    except Refused as refused:
        sys.stdout.write(str(refused))
