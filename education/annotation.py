"""Explains the glossary's words inside an article: each where it is first used.

Done when an article is published, not when it is read. A word becomes a button that opens its meaning without any
script; the meanings stand together after the text, where a printed page shows them.
"""

import re
from dataclasses import dataclass

from education.models import Name
from practice import markdown
from practice.folding import fold, stem

TAG = re.compile(r'(<(?:[^<>"]|"[^"]*")*>)')
WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
UNEXPLAINED = ("a", "h2", "h3", "h4", "code")  # a button there would be in the way
ABBREVIATION = re.compile(r"[A-Z0-9][A-Z0-9 /-]+")
LONGEST_NAME = 6  # words


def normal(text: str, language: str) -> tuple[str, ...]:
    """The words of a name or of a stretch of text, as they are compared."""
    return tuple(stem(word, language) for part in WORD.findall(text) for word in fold(part).split())


@dataclass(frozen=True)
class Meaning:
    """What a word of the glossary means, ready for a page."""

    slug: str
    name: str
    pronunciation: str
    html: str

    def as_json(self) -> dict[str, str]:
        return {"slug": self.slug, "name": self.name, "say": self.pronunciation, "html": self.html}


class Explainer:
    """The glossary of one language, as it is now. Built once for any number of articles."""

    def __init__(self, language: str):
        self.language = language
        self.entries: dict[tuple[str, ...], int] = {}
        self.first_words: set[str] = set()
        self.abbreviations: set[tuple[str, ...]] = set()  # `US` is ultrasound, `us` is not
        self.words: set[str] = set()  # all that stand in any name
        names = Name.objects.filter(entry__language=language).select_related("entry__term").order_by("is_synonym", "pk")
        self._rows = {}
        for name in names:
            key = normal(name.text, language)
            self.words.update(key)
            if not name.entry.term.is_explained_in_text:
                continue
            if not key or len(key) > LONGEST_NAME or len("".join(key)) < 2:
                continue
            if name.is_synonym and not _is_technical(name.text, name.entry.name, language):
                continue
            self._rows[name.entry_id] = name.entry
            if key not in self.entries:
                self.entries[key] = name.entry_id
                self.first_words.add(key[0])
                if ABBREVIATION.fullmatch(name.text):
                    self.abbreviations.add(key)
        self._meanings: dict[int, Meaning] = {}

    def knows(self, word: str) -> bool:
        """Whether the word, or each part of it, stands in a name of the glossary."""
        return all(part in self.words for part in normal(word, self.language))

    def meaning(self, entry_id: int) -> Meaning:
        if entry_id not in self._meanings:
            entry = self._rows[entry_id]
            html = markdown.render(entry.definition, top_heading=4)
            self._meanings[entry_id] = Meaning(entry.term.slug, entry.name, entry.pronunciation, str(html))
        return self._meanings[entry_id]

    def explain(self, html: str, used: dict[int, Meaning]) -> str:
        """The HTML with a button on the first use of each word. `used` gains the words found, and keeps out the rest.

        `html` must be what `practice.markdown` returns: clean, with every tag closed.
        """
        closed: list[str] = []  # elements we are inside of and leave alone
        parts = TAG.split(html)
        for position, part in enumerate(parts):
            if position % 2:
                tag = part.strip("</>").split()[0] if part.strip("</>") else ""
                if tag in UNEXPLAINED:
                    closed.pop() if part.startswith("</") else closed.append(tag)
            elif not closed and part.strip():
                parts[position] = self._explain_text(part, used)
        return "".join(parts)

    def _explain_text(self, text: str, used: dict[int, Meaning]) -> str:
        words = [(match.start(), match.end(), normal(match.group(), self.language)) for match in WORD.finditer(text)]
        written, done, at = [], 0, 0
        while at < len(words):
            found = self._longest(words, at, text)
            if found is None:
                at += 1
                continue
            entry_id, count = found
            start, end = words[at][0], words[at + count - 1][1]
            if entry_id not in used and not _is_entity(text, start):
                used[entry_id] = self.meaning(entry_id)
                written.append(text[done:start])
                slug = used[entry_id].slug
                written.append(
                    f'<button class="word" type="button" popovertarget="w-{slug}">{text[start:end]}</button>'
                )
                done = end
            at += count
        return "".join([*written, text[done:]])

    def _longest(self, words, at: int, text: str) -> tuple[int, int] | None:
        """The entry of the longest name that starts at this word, and how many words of the text it takes."""
        if not words[at][2] or words[at][2][0] not in self.first_words:
            return None
        best, key = None, ()
        for count in range(1, LONGEST_NAME + 1):
            if at + count > len(words):
                break
            if count > 1 and not re.fullmatch(r"\s+|-", text[words[at + count - 2][1] : words[at + count - 1][0]]):
                break
            key = (*key, *words[at + count - 1][2])
            stretch = text[words[at][0] : words[at + count - 1][1]]
            if key in self.entries and (key not in self.abbreviations or ABBREVIATION.match(stretch)):
                best = (self.entries[key], count)
        return best


def _is_entity(text: str, start: int) -> bool:
    """`amp` of `&amp;` is no word."""
    return text[max(start - 1, 0) : start] in ("&", "#")


def _is_technical(synonym: str, name: str, language: str) -> bool:
    """Whether a synonym is worth explaining where it stands: an abbreviation, or a form of the name itself.

    Everyday synonyms (`belly` of `abdomen`) serve those who look a word up; readers know them.
    """
    if ABBREVIATION.fullmatch(synonym):
        return True
    starts = {word[:5] for word in normal(name, language) if len(word) > 3}
    return any(word[:5] in starts for word in normal(synonym, language) if len(word) > 3)
