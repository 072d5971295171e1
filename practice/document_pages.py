"""Turns an accepted PDF or Word file into what can be shown without opening it: pictures of its pages, or its text.

Like `document_check` it knows nothing of the site and runs apart, with little memory and time of its own:

    python document_pages.py pictures .pdf < file    JSON: a list of JPEG files in base64
    python document_pages.py text .docx < file       JSON: a list of texts, one for a page

PDFs are drawn by PDFium, of which only the pages' look comes back; no script of a PDF is run.
"""

import base64
import io
import json
import resource
import sys
import zipfile

import pypdfium2
from defusedxml.ElementTree import fromstring

MOST_MEMORY_BYTES = 1024 * 1024 * 1024
MOST_CPU_SECONDS = {"text": 3, "pictures": 10}
MOST_PAGES = 12  # that are shown; a CV of more is downloaded
MOST_CHARACTERS = 60_000
WIDTH = 1100  # pixels of a page's picture
TALLEST = 3000
WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


def pictures(data: bytes) -> list[str]:
    """The pages of a PDF as JPEG in base64."""
    drawn = []
    with pypdfium2.PdfDocument(data) as document:
        for number in range(min(len(document), MOST_PAGES)):
            page = document[number]
            width, height = page.get_size()
            scale = min(WIDTH / max(width, 1), TALLEST / max(height, 1))
            picture = io.BytesIO()
            page.render(scale=scale).to_pil().convert("RGB").save(picture, "JPEG", quality=72)
            drawn.append(base64.b64encode(picture.getvalue()).decode())
    return drawn


def text_of_pdf(data: bytes) -> list[str]:
    with pypdfium2.PdfDocument(data) as document:
        return [document[number].get_textpage().get_text_bounded() for number in range(min(len(document), MOST_PAGES))]


def text_of_word(data: bytes) -> list[str]:
    """The paragraphs of a Word file as one text; those of tables, headers and boxes too, as they come."""
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        root = fromstring(package.read("word/document.xml"), forbid_dtd=True)
    lines = []
    for paragraph in root.iter(f"{WORD}p"):
        said = ""
        for part in paragraph.iter():
            if part.tag == f"{WORD}t":
                said += part.text or ""
            elif part.tag in (f"{WORD}tab", f"{WORD}br"):
                said += " "
        lines.append(said)
    return ["\n".join(lines)]


def text(ending: str, data: bytes) -> list[str]:
    pages = text_of_pdf(data) if ending == ".pdf" else text_of_word(data)
    return [page[:MOST_CHARACTERS] for page in pages]


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY_BYTES, MOST_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    wanted, ending = sys.argv[1:3]
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_CPU_SECONDS[wanted], MOST_CPU_SECONDS[wanted]))
    sent = sys.stdin.buffer.read()
    json.dump(pictures(sent) if wanted == "pictures" else text(ending, sent), sys.stdout)
