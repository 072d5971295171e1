"""Markdown that editors write, as HTML that cannot do harm: parsed by markdown-it, then cleaned by an allow-list."""

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

PARSER = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable(["table", "strikethrough"])
TAGS = {
    "p", "br", "hr", "strong", "em", "s", "ul", "ol", "li", "blockquote", "code", "a",
    "h2", "h3", "h4", "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}}
SCHEMES = {"https", "http", "mailto", "tel"}


def references(text: str) -> dict:
    """The link references that the Markdown defines, for rendering parts of it by themselves."""
    found: dict = {}
    PARSER.parse(text, found)
    return found


def render(text: str, *, top_heading: int = 2, within: dict | None = None) -> SafeString:
    """HTML of the Markdown. A `#` becomes a heading of level `top_heading`, but none is an h1: a page has its own.

    `within` are the `references` of the text that this is a part of.
    """
    env = dict(within or {})
    tokens = PARSER.parse(text, env)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(max(int(token.tag[1]) - 1 + top_heading, 2), 4)}"
    html = PARSER.renderer.render(tokens, PARSER.options, env)
    return mark_safe(  # noqa: S308  (nh3 has just cleaned it)
        nh3.clean(html, tags=TAGS, attributes=ATTRIBUTES, url_schemes=SCHEMES, link_rel="noopener")
    )
