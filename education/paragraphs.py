"""An article's Markdown, cut into the paragraphs that the two languages are compared by."""

import hashlib
import re
from itertools import pairwise

from practice import markdown


def paragraphs(text: str) -> list[str]:
    """The blocks of the Markdown in order: a paragraph, a heading, a whole list or table each."""
    lines = text.replace("\r\n", "\n").split("\n")
    starts = [token.map[0] for token in markdown.PARSER.parse("\n".join(lines)) if token.level == 0 and token.map]
    starts = list(dict.fromkeys(starts))
    found = ["\n".join(lines[start:end]).strip("\n").rstrip() for start, end in pairwise([*starts, len(lines)])]
    return [block for block in found if block]


def digest_of(block: str) -> str:
    """16 hex digits that name a paragraph; how its lines are broken does not matter."""
    return hashlib.sha256(" ".join(block.split()).encode()).hexdigest()[:16]


def digests_of(text: str) -> list[str]:
    return [digest_of(block) for block in paragraphs(text)]


def plain_text(text: str) -> str:
    """The words of the Markdown without its marks, a line a block or list item."""
    found = []
    for token in markdown.PARSER.parse(text):
        if token.type == "inline":
            words = "".join(
                " " if child.type in ("softbreak", "hardbreak") else child.content for child in token.children or []
            )
            found.append(" ".join(words.split()))
        elif token.type in ("fence", "code_block"):
            found.append(" ".join(token.content.split()))
    return "\n".join(line for line in found if line)


def sentences(text: str) -> str:
    """The plain text with every block ended by a stop, as the reading formulas need it. Headings are left out."""
    tokens = markdown.PARSER.parse(text)
    found = []
    for before, token in pairwise(tokens):
        if token.type == "inline" and before.type != "heading_open":
            line = " ".join(plain_text(token.content).split()).replace(":", ".")
            if line:
                found.append(line if line[-1] in ".?!" else f"{line}.")
    return re.sub(r"\.(?:\s*\.)+", ".", " ".join(found))


def carried_over(old: str, new: str, translated_from: list[str], source: list[str]) -> list[str]:
    """Which English paragraphs a translation was made from, after its text went from `old` to `new`.

    `source` are the digests of the English paragraphs now. A paragraph that was rewritten counts as made from the
    English that stands in its place now; one that was left alone stays what it was.
    """
    was = digests_of(old)
    kept = dict(zip(was, translated_from, strict=False)) if len(was) == len(translated_from) else {}
    return [
        kept[digest] if digest in kept else source[position] if position < len(source) else ""
        for position, digest in enumerate(digests_of(new))
    ]
