"""Keeps the list of the site's words, which misspelled ones are compared with."""

import re
from collections.abc import Iterable

from practice.folding import fold
from practice.search.models import Word

LONGEST_WORD = 60


def words_of(texts: Iterable[str]) -> set[str]:
    """The folded words of the texts that somebody may look for: with a letter, two characters or more."""
    found = {word.strip("-+") for text in texts for word in fold(text).split()}
    return {word for word in found if 1 < len(word) <= LONGEST_WORD and re.search(r"[^\W\d]", word)}


def remember_words(language: str, names: set[str], others: set[str]) -> None:
    """Add to the list of words. Those that stand in a name are marked; a mark is never taken off here."""
    Word.objects.bulk_create(
        [Word(language=language, word=word, is_name=True) for word in sorted(names)],
        update_conflicts=True,
        unique_fields=["word", "language"],
        update_fields=["is_name"],
        batch_size=5000,
    )
    Word.objects.bulk_create(
        [Word(language=language, word=word) for word in sorted(others)], ignore_conflicts=True, batch_size=5000
    )
