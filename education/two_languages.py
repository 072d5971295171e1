"""Holds a translation against its English: which paragraph was made from which, and which have fallen behind.

A translation keeps, for each of its paragraphs, the digest of the English paragraph it was made from. When no English
paragraph has that digest any more, the translation is stale there, and the page says so.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher


@dataclass(frozen=True)
class Row:
    """A paragraph in both languages; `None` where one of them has no such paragraph."""

    translated: int | None
    english: int | None
    is_stale: bool = False


def rows(translated_from: list[str], english: list[str]) -> Iterator[Row]:
    """The paragraphs of a section side by side, in reading order, by the digests of the English ones.

    `translated_from` has one digest for each paragraph of the translation; "" for one that has no English.
    """
    for what, from_start, from_end, to_start, to_end in SequenceMatcher(
        None, translated_from, english, autojunk=False
    ).get_opcodes():
        here, there = list(range(from_start, from_end)), list(range(to_start, to_end))
        for position in range(max(len(here), len(there))):
            translated = here[position] if position < len(here) else None
            other = there[position] if position < len(there) else None
            own = translated is not None and not translated_from[translated] and other is None
            yield Row(translated, other, is_stale=what != "equal" and not own)


def section_rows(count: int, translated_from: list[str], english: list[str]) -> list[Row] | None:
    """Rows of a section whose translation has `count` paragraphs; None where it is not known which belong together."""
    if len(translated_from) == count:
        return list(rows(translated_from, english))
    if not translated_from and count == len(english):
        return [Row(position, position) for position in range(count)]
    return None


def stale_count(counts: dict[str, int], translated_from: dict[str, list[str]], english: dict[str, list[str]]) -> int:
    """How many paragraphs a translator must look at.

    `counts` is {section: paragraphs of the translation}, `english` {section: digests of the English ones}.
    """
    total = 0
    for kind in dict.fromkeys([*english, *counts]):
        found = section_rows(counts.get(kind, 0), translated_from.get(kind, []), english.get(kind, []))
        if found is None:
            total += 0 if set(translated_from.get(kind, [])) == set(english.get(kind, [])) else 1
        else:
            total += sum(row.is_stale for row in found)
    return total
