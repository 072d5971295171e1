"""Reads drawings: SVG of plain shapes, in one colour that follows the page, with its alternative text in titles.

Only what is on the lists below is taken, so a drawing can stand in a page as it is. What is not on them is refused
with the line, never silently dropped.
"""

import re
from xml.sax.saxutils import escape, quoteattr

from django.conf import settings
from lxml import etree

SVG = "{http://www.w3.org/2000/svg}"
LANGUAGES = tuple(code for code, _name in settings.LANGUAGES)
XML_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
SHAPES = {"g", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon"}
ATTRIBUTES = {
    "d", "x", "y", "x1", "y1", "x2", "y2", "cx", "cy", "r", "rx", "ry", "width", "height", "points", "transform",
    "fill", "stroke", "stroke-width", "stroke-linecap", "stroke-linejoin", "stroke-dasharray", "stroke-miterlimit",
    "fill-opacity", "stroke-opacity", "opacity", "fill-rule",
}  # fmt: skip
COLOURS = {"currentColor", "none"}
BOX = re.compile(r"-?\d+(\.\d+)?( -?\d+(\.\d+)?){3}", re.ASCII)
PLAIN_VALUE = re.compile(r"[A-Za-z0-9 ,.()\n+-]*")
LARGEST = 20_000  # characters: it is sent with every page that shows it


class DrawingRefused(Exception):
    """The drawing is not one we show; `line` is where."""

    def __init__(self, message: str, line: int = 1):
        super().__init__(message)
        self.line = line


def read_drawing(text: str) -> tuple[str, dict[str, str]]:
    """The drawing in our own writing, without titles, and {language: what it shows}. Raises DrawingRefused."""
    if len(text) > LARGEST:
        raise DrawingRefused(f"a drawing has at most {LARGEST:,} characters")
    text = re.sub(r"\A\s*<\?xml[^>]*\?>", "", text)  # it would choose how the rest is read
    if "<!" in text.replace("<!--", ""):
        raise DrawingRefused("a drawing has no DOCTYPE, entities or CDATA")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(text.encode(), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise DrawingRefused(f"is not XML: {error}", getattr(error, "lineno", None) or 1) from error
    if root.tag != f"{SVG}svg":
        raise DrawingRefused('the outermost element must be <svg xmlns="http://www.w3.org/2000/svg">')
    box = root.get("viewBox", "")
    if set(root.attrib) != {"viewBox"} or not BOX.fullmatch(box) or min(map(float, box.split()[2:])) <= 0:
        raise DrawingRefused("svg has the attributes xmlns and viewBox (four numbers), and no others")
    alt, shapes = {}, []
    if (root.text or "").strip():
        raise DrawingRefused("a drawing has no text of its own", root.sourceline or 1)
    for child in root:
        if child.tag == f"{SVG}title" and (len(child) or (child.tail or "").strip()):
            raise DrawingRefused("a drawing has no text of its own", child.sourceline or 1)
        if child.tag == f"{SVG}title":
            language = child.get(XML_LANGUAGE, "")
            if language not in LANGUAGES or language in alt:
                raise DrawingRefused(
                    'a title has xml:lang="en" or xml:lang="es", and there is one of each', child.sourceline or 1
                )
            alt[language] = " ".join((child.text or "").split())
        else:
            shapes.append(_shape(child))
    if not shapes:
        raise DrawingRefused("the drawing is empty")
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}">{"".join(shapes)}</svg>', alt


def _shape(element) -> str:
    name = str(element.tag).removeprefix(SVG)
    if name not in SHAPES:
        raise DrawingRefused(f"<{name}> is not taken; known: {', '.join(sorted(SHAPES))}", element.sourceline or 1)
    for key, value in element.attrib.items():
        if key not in ATTRIBUTES:
            raise DrawingRefused(f"the attribute {key} is not taken", element.sourceline or 1)
        if key in ("fill", "stroke") and value not in COLOURS:
            raise DrawingRefused(f"{key} is currentColor or none, not {value}", element.sourceline or 1)
        if not PLAIN_VALUE.fullmatch(value):
            raise DrawingRefused(f"{key} has a value that is no number or shape", element.sourceline or 1)
    if (element.text or "").strip() or (element.tail or "").strip():
        raise DrawingRefused("a drawing has no text of its own", element.sourceline or 1)
    attributes = "".join(f" {key}={quoteattr(' '.join(value.split()))}" for key, value in element.attrib.items())
    inner = "".join(map(_shape, element))
    return f"<{name}{attributes}>{inner}</{name}>" if inner else f"<{name}{attributes}/>"


def write_drawing(drawing: str, alt: dict[str, str]) -> str:
    """The drawing as a file: the titles come first."""
    opening, rest = drawing.split(">", 1)
    titles = "".join(f'\n<title xml:lang="{language}">{escape(alt[language])}</title>' for language in LANGUAGES)
    return f"{opening}>{titles}\n{rest}\n"
