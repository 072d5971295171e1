from html.parser import HTMLParser

import pytest
from django.utils.safestring import SafeString

from practice.markdown import render


def test_render_gives_safe_html():
    html = render("Plain *words*.")
    assert isinstance(html, SafeString)
    assert html == "<p>Plain <em>words</em>.</p>\n"


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("", ""),
        ("**bold** ~~gone~~ `code`", "<p><strong>bold</strong> <s>gone</s> <code>code</code></p>\n"),
        ("one\\\ntwo", "<p>one<br>\ntwo</p>\n"),
        ("---", "<hr>\n"),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n"),
        ("3. a\n4. b", '<ol start="3">\n<li>a</li>\n<li>b</li>\n</ol>\n'),
        ("> said", "<blockquote>\n<p>said</p>\n</blockquote>\n"),
        (
            "| a | b |\n|:-:|---|\n| 1 | 2 |",
            "<table>\n<thead>\n<tr>\n<th>a</th>\n<th>b</th>\n</tr>\n</thead>\n"
            "<tbody>\n<tr>\n<td>1</td>\n<td>2</td>\n</tr>\n</tbody>\n</table>\n",
        ),
        ("1 < 2 & 3", "<p>1 &lt; 2 &amp; 3</p>\n"),
        ("año, 年", "<p>año, 年</p>\n"),
    ],
)
def test_render_knows_the_markdown_editors_write(text, html):
    assert render(text) == html


@pytest.mark.parametrize(
    ("text", "top_heading", "html"),
    [
        ("# a", 2, "<h2>a</h2>\n"),
        ("## a", 2, "<h3>a</h3>\n"),
        ("### a", 2, "<h4>a</h4>\n"),
        ("#### a", 2, "<h4>a</h4>\n"),
        ("###### a", 2, "<h4>a</h4>\n"),
        ("a\n===", 2, "<h2>a</h2>\n"),
        ("a\n---", 2, "<h3>a</h3>\n"),
        ("# a", 3, "<h3>a</h3>\n"),
        ("## a", 3, "<h4>a</h4>\n"),
        ("### a", 3, "<h4>a</h4>\n"),
        ("# a", 4, "<h4>a</h4>\n"),
        ("> # a", 3, "<blockquote>\n<h3>a</h3>\n</blockquote>\n"),
    ],
)
def test_headings_move_down_once(text, top_heading, html):
    assert render(text, top_heading=top_heading) == html


@pytest.mark.parametrize(
    ("address", "href"),
    [
        ("https://example.com/a?b=c&d=e", "https://example.com/a?b=c&amp;d=e"),
        ("http://example.com", "http://example.com"),
        ("mailto:desk@example.com", "mailto:desk@example.com"),
        ("tel:+15745550100", "tel:+15745550100"),
        ("/locations/#north", "/locations/#north"),
        ("#part", "#part"),
    ],
)
def test_links_keep_harmless_addresses(address, href):
    assert render(f"[here]({address})") == f'<p><a href="{href}" rel="noopener">here</a></p>\n'


def test_links_keep_their_title_as_text():
    assert render("[here](/a 'b\" onclick=\"c')") == (
        '<p><a href="/a" title="b&quot; onclick=&quot;c" rel="noopener">here</a></p>\n'
    )


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java&#115;cript:alert(1)",
        "&#x6A;avascript:alert(1)",
        "javascript&colon;alert(1)",
        "vbscript:msgbox(1)",
        "data:text/html,x",
        "data:text/html;base64,PHNjcmlwdD4=",
        "file:///etc/passwd",
        "blob:https://example.com/1",
    ],
)
@pytest.mark.parametrize("form", ["[here]({})", "[here](<{}>)", "<{}>", "[here][1]\n\n[1]: {}", "![here]({})"])
def test_links_to_programs_are_no_links(address, form):
    html = render(form.format(address))
    assert "href" not in html
    assert "src" not in html
    assert "<img" not in html


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>\n"),
        ("a <b onclick=x>b</b>", "<p>a &lt;b onclick=x&gt;b&lt;/b&gt;</p>\n"),
        ("<img src=x onerror=alert(1)>", "<p>&lt;img src=x onerror=alert(1)&gt;</p>\n"),
        ("<!-- hidden -->", "<p>&lt;!-- hidden --&gt;</p>\n"),
        ("&lt;script&gt;", "<p>&lt;script&gt;</p>\n"),
        ("`<script>`", "<p><code>&lt;script&gt;</code></p>\n"),
        ("    <script>", "<code>&lt;script&gt;\n</code>\n"),
        ('```"><script>\na\n```', "<code>a\n</code>\n"),
        ("![dot](https://x.example/dot.png)", "<p></p>\n"),
        ("https://x.example", "<p>https://x.example</p>\n"),
    ],
)
def test_html_is_shown_not_obeyed(text, html):
    assert render(text) == html


class Tags(HTMLParser):
    """What a browser finds in a page: the names of its tags and of their attributes."""

    def __init__(self, html):
        super().__init__()
        self.found = set()
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.found |= {tag, *(f"{tag} {name}" for name, _value in attrs)}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("<svg/onload=alert(1)>", {"p"}),
        ("[a](https://x.example\"onmouseover='alert(1)')", {"p", "a", "a href", "a rel"}),
        ('[a](<https://x.example" onclick=alert(1) x=">)', {"p", "a", "a rel"}),
        ("[a](/b \"c' onclick='d\")", {"p", "a", "a href", "a title", "a rel"}),
        ('[a]: https://x.example "x" onclick="y"\n\n[a]', {"p"}),
        ('<https://x.example/?"onclick=alert(1)>', {"p", "a", "a href", "a rel"}),
        ("[<img src=x onerror=alert(1)>](/a)", {"p", "a", "a href", "a rel"}),
        ("| <iframe src=x> |\n|---|\n| <object data=x> |", {"table", "thead", "tbody", "tr", "th", "td"}),
        ("# <style>*{display:none}</style>", {"h2"}),
        ("a\n<form action=//x.example><input name=q>", {"p"}),
    ],
)
def test_attempts_bring_in_no_other_tags_or_attributes(text, found):
    assert Tags(render(text)).found == found
