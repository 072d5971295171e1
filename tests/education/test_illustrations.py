from itertools import pairwise

import pytest
from lxml import etree

from education.illustrations import ATTRIBUTES, LARGEST, SHAPES, DrawingRefused, read_drawing, write_drawing

OPEN = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10">'
TITLES = '<title xml:lang="en">A knee &amp; more</title><title xml:lang="es">Una rodilla</title>'
SHAPE = '<path d="M0 0h10" stroke="currentColor"/>'


def svg(inside=SHAPE, opening=OPEN):
    return f"{opening}{inside}</svg>"


def refusal(text):
    with pytest.raises(DrawingRefused) as refused:
        read_drawing(text)
    return str(refused.value)


def test_drawing_is_taken_apart_from_its_titles():
    text = svg(
        f'\n  {TITLES}\n  <!-- drawn by hand -->\n  <g fill="none" stroke="currentColor" stroke-width="2">\n'
        '    <circle cx="5" cy="5" r="4"/>\n    <path d="M1 1\n C2,2 3.5,-3 4 4z" transform="rotate(45 5 5)"></path>\n  </g>\n'
    )
    assert read_drawing(text) == (
        f'{OPEN}<g fill="none" stroke="currentColor" stroke-width="2"><circle cx="5" cy="5" r="4"/>'
        '<path d="M1 1 C2,2 3.5,-3 4 4z" transform="rotate(45 5 5)"/></g></svg>',
        {"en": "A knee & more", "es": "Una rodilla"},
    )


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_every_shape_is_taken(name):
    assert read_drawing(svg(f"<{name}/>")) == (svg(f"<{name}/>"), {})


@pytest.mark.parametrize("name", sorted(ATTRIBUTES))
def test_every_attribute_of_a_shape_is_taken(name):
    value = "currentColor" if name in ("fill", "stroke") else "1.5"
    assert read_drawing(svg(f'<g><path {name}="{value}"/></g>'))[0] == svg(f'<g><path {name}="{value}"/></g>')


@pytest.mark.parametrize("box", ["0 0 10 10", "-5 -5.5 10.25 10", "0 0 200 120"])
def test_box_has_four_numbers(box):
    assert read_drawing(svg(opening=OPEN.replace("0 0 10 10", box)))[0].split('"')[3] == box


@pytest.mark.parametrize(
    ("inside", "sentence"),
    [
        ("<script>alert(1)</script>", "<script> is not taken"),
        ("<g><script/></g>", "<script> is not taken"),
        ("<style>g{fill:red}</style>", "<style> is not taken"),
        ('<image href="https://a.example/x.png"/>', "<image> is not taken"),
        ('<use href="#a"/>', "<use> is not taken"),
        ("<a><path/></a>", "<a> is not taken"),
        ("<foreignObject/>", "<foreignObject> is not taken"),
        ("<text>Knee</text>", "<text> is not taken"),
        ("<animate/>", "<animate> is not taken"),
        ("<set/>", "<set> is not taken"),
        ("<filter/>", "<filter> is not taken"),
        ("<defs><path/></defs>", "<defs> is not taken"),
        ("<SCRIPT/>", "<SCRIPT> is not taken"),
        ('<script xmlns="http://www.w3.org/1999/xhtml"/>', "<{http://www.w3.org/1999/xhtml}script> is not taken"),
        ("<g><svg/></g>", "<svg> is not taken"),
        ("<g><title>A knee</title></g>", "<title> is not taken"),
        ("<desc>A knee</desc>", "<desc> is not taken"),
    ],
)
def test_element_that_is_no_shape_is_refused(inside, sentence):
    assert refusal(svg(inside)).startswith(sentence)


@pytest.mark.parametrize(
    "attribute",
    [
        'onload="alert(1)"',
        'onclick="1"',
        'style="fill:red"',
        'class="a"',
        'id="a"',
        'href="#a"',
        'clip-path="url(#a)"',
        'filter="url(https://a.example/)"',
        'mask="url(#a)"',
        'marker-end="url(#a)"',
        'font-family="x"',
        'tabindex="0"',
        'xml:base="https://a.example/"',
        'xmlns:xlink="http://www.w3.org/1999/xlink" xlink:href="https://a.example/"',
        'D="M0 0"',
    ],
)
def test_attribute_that_is_not_on_the_list_is_refused(attribute):
    sentence = refusal(svg(f"<g><path {attribute}/></g>"))
    assert (sentence.startswith("the attribute "), sentence.endswith(" is not taken")) == (True, True)


@pytest.mark.parametrize("name", ["fill", "stroke"])
@pytest.mark.parametrize(
    "colour",
    ["red", "#0b5563", "rgb(0 0 0)", "url(#a)", "url(https://a.example/)", "inherit", "currentcolor", "", " none"],
)
def test_drawing_has_the_colour_of_the_page_only(name, colour):
    assert refusal(svg(f'<path {name}="{colour}"/>')) == f"{name} is currentColor or none, not {colour}"


@pytest.mark.parametrize(
    "value",
    ["url(#a)", "javascript:alert(1)", "1;2", "&lt;script&gt;", "&quot; onload=&quot;", "a/b", "100%", "&#233;", "1'"],
)
@pytest.mark.parametrize("name", ["d", "transform", "width", "points"])
def test_value_that_is_no_number_or_shape_is_refused(name, value):
    assert refusal(svg(f'<path {name}="{value}"/>')) == f"{name} has a value that is no number or shape"


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE svg [<!ENTITY a "x">]>' + svg(),
        '<!DOCTYPE svg SYSTEM "https://a.example/svg.dtd">' + svg(),
        '<!doctype svg [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + svg("<g>&a;</g>"),
        "<!DOCTYPE l [<!ENTITY a0 'ha'>"
        + "".join(f"<!ENTITY a{to} '{f'&a{of};' * 10}'>" for of, to in pairwise(range(10)))
        + "]>"
        + svg('<path d="&a9;"/>'),
        svg("<![CDATA[<script>]]>" + SHAPE),
        svg("<!-- a --><!ENTITY>" + SHAPE),
    ],
)
def test_doctype_entities_and_cdata_are_refused(text):
    assert refusal(text) == "a drawing has no DOCTYPE, entities or CDATA"


@pytest.mark.parametrize(
    "encoding",
    [
        "UTF-7",
        "UTF-16",
        "EBCDIC-CP-US",
        "nonsense",
    ],
)
def test_entities_are_not_smuggled_in_by_another_encoding(encoding):
    text = '<!DOCTYPE svg [<!ENTITY a "1">]>' + svg('<path d="&a;"/>')
    hidden = text.replace("<", "+ADw-")
    assert refusal(f'<?xml version="1.0" encoding="{encoding}"?>{hidden}').startswith("is not XML: ")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "A knee",
        svg()[:-1],
        svg("<g>"),
        svg("<g></path>"),
        svg('<path d="1" d="2"/>'),
        svg("<g>&unknown;</g>"),
        svg("<path d='&lt'/>"),
        svg("a\0b"),
        svg("\x01"),
        svg("\ud800"),
        svg("<g>" * 300 + SHAPE + "</g>" * 300),
        svg() + svg(),
    ],
)
def test_what_is_not_xml_is_refused(text):
    assert refusal(text).startswith("is not XML: ")


@pytest.mark.parametrize(
    "text",
    [
        "<svg viewBox='0 0 10 10'><path/></svg>",
        "<g xmlns='http://www.w3.org/2000/svg' viewBox='0 0 10 10'><path/></g>",
        "<html xmlns='http://www.w3.org/1999/xhtml'><body/></html>",
        "<SVG xmlns='http://www.w3.org/2000/svg' viewBox='0 0 10 10'><path/></SVG>",
        "<svg xmlns='https://www.w3.org/2000/svg' viewBox='0 0 10 10'><path/></svg>",
    ],
)
def test_outermost_element_is_an_svg(text):
    assert refusal(text) == 'the outermost element must be <svg xmlns="http://www.w3.org/2000/svg">'


@pytest.mark.parametrize(
    "attributes",
    [
        "",
        'viewBox=""',
        'viewBox="0 0 10"',
        'viewBox="0 0 10 10 10"',
        'viewBox="0,0,10,10"',
        'viewBox="0 0 a b"',
        'viewBox="0 0 1e3 1e3"',
        'viewBox="0 0 10 10" width="10"',
        'viewBox="0 0 10 10" onload="alert(1)"',
        'viewBox="0 0 10 10" style="position:fixed"',
        'viewbox="0 0 10 10"',
        'viewBox="0 0 . ."',
        'viewBox="0 0 0 0"',
        'viewBox="0 0 -5 5"',
    ],
)
def test_svg_has_a_box_and_nothing_else(attributes):
    opening = f'<svg xmlns="http://www.w3.org/2000/svg" {attributes}>'
    assert refusal(svg(opening=opening)) == "svg has the attributes xmlns and viewBox (four numbers), and no others"


@pytest.mark.parametrize(
    "inside",
    [
        "<g>Knee</g>",
        "<g><path/>Knee</g>",
        "<path>Knee</path>",
        "<path/>Knee",
        f"Knee{SHAPE}",
        f"{TITLES}Knee{SHAPE}",
    ],
)
def test_drawing_has_no_text_of_its_own(inside):
    assert refusal(svg(inside)) == "a drawing has no text of its own"


@pytest.mark.parametrize(
    "titles",
    [
        "<title>A knee</title>",
        '<title xml:lang="fr">Un genou</title>',
        '<title xml:lang="en">A knee</title><title xml:lang="en">Again</title>',
        '<title lang="en">A knee</title>',
    ],
)
def test_titles_are_one_in_each_language(titles):
    assert refusal(svg(titles + SHAPE)) == 'a title has xml:lang="en" or xml:lang="es", and there is one of each'


@pytest.mark.parametrize("inside", ["", TITLES, "<!-- path -->", " \n"])
def test_drawing_without_shapes_is_refused(inside):
    assert refusal(svg(inside)) == "the drawing is empty"


@pytest.mark.parametrize("excess", [0, 1])
def test_drawing_has_twenty_thousand_characters_at_most(excess):
    text = svg(SHAPE + " " * (LARGEST - len(svg()) + excess))
    if excess:
        assert refusal(text) == "a drawing has at most 20,000 characters"
    else:
        assert read_drawing(text) == (svg(), {})


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (svg(f"\n\n{SHAPE}\n<text/>"), 4),
        (svg(f'\n<g>\n<path onload="x"/></g>{SHAPE}'), 3),
        (svg("\n<g>\n<path fill='red'/></g>"), 3),
        (svg("\n\n<g>"), 3),
        (svg(f"\n<title>A</title>{SHAPE}"), 2),
    ],
)
def test_refusal_names_the_line(text, line):
    with pytest.raises(DrawingRefused) as refused:
        read_drawing(text)
    assert refused.value.line == line


def test_nothing_outside_is_asked_for(monkeypatch):
    def asked(*_arguments, **_options):
        raise AssertionError("something outside was asked for")

    monkeypatch.setattr("socket.socket.connect", asked)
    monkeypatch.setattr("builtins.open", asked)
    text = '<?xml-stylesheet href="https://a.example/x.css"?>' + svg()
    assert read_drawing(text) == (svg(), {})


@pytest.mark.parametrize(
    "alt", [{"en": "A knee", "es": "Una rodilla"}, {"en": 'A < B & "C"', "es": "]]> ñ 年"}, {"en": "", "es": "x"}]
)
@pytest.mark.parametrize("inside", [SHAPE, f'<g fill="none">{SHAPE}<rect x="1" y="-1"/></g>'])
def test_drawing_that_is_written_is_read_back(inside, alt):
    written = write_drawing(svg(inside), alt)
    assert read_drawing(written) == (svg(inside), alt)
    assert write_drawing(*read_drawing(written)) == written
    assert etree.fromstring(written).tag == "{http://www.w3.org/2000/svg}svg"
