"""Understands what somebody typed: folded words, synonyms, and for a word nobody wrote the ones it may have meant.

A query becomes a list of slots that belong together by AND; a slot is a list of phrases that mean the same. `broken
back bone` is (broken | fracture) & (back bone | spine | vertebra).
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import reduce
from itertools import combinations, pairwise
from operator import or_

from django.db.models import Q
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from practice.folding import fold, singular
from practice.replica import reading_connection
from practice.search.models import SynonymGroup, Word
from practice.search.providers import PROVIDERS

MOST_CHARACTERS = 100
MOST_WORDS = 12
LONGEST_PHRASE = 4  # words
MOST_ALTERNATIVES = 12
MOST_LETTERS_APART = 4
WORD = re.compile(r"[^\W_]+(?:['’+-][^\W_]+)*")

Phrase = tuple[str, ...]

# Words that say nothing about what is looked for. The index has none of them either.
SMALL_ENGLISH = """
a about an and any are as at be before can could do does for from get have how i if in is it me my of on or should the
there this to was what when where which who why will with you your
"""
SMALL_SPANISH = """
a al como con cual cuando de del donde el en es esta este hay la las lo los me mi mis para por porque puedo que se si
sin son su sus te tengo un una unas unos y yo
"""
SMALL_WORDS = {"en": frozenset(SMALL_ENGLISH.split()), "es": frozenset(SMALL_SPANISH.split())}
# Words of every exam: a page need not have them, but one that does comes first.
GENERIC_ENGLISH = "test tests scan scans exam study procedure imaging image picture doctor result results"
GENERIC_SPANISH = "examen estudio prueba escaneo imagen imagenes procedimiento doctor medico resultado resultados"
GENERIC_WORDS = {"en": frozenset(GENERIC_ENGLISH.split()), "es": frozenset(GENERIC_SPANISH.split())}

# Words of names that are alike in letters (trigrams) or in sound. Others are not what somebody looks for.
ALIKE = """
SELECT asked.word, found.word, similarity(found.word, asked.word), dmetaphone(found.word) = dmetaphone(asked.word)
FROM unnest(%(words)s::text[]) AS asked (word)
CROSS JOIN LATERAL (
    SELECT word FROM search_word
    WHERE language = %(language)s AND is_name AND (word %% asked.word OR dmetaphone(word) = dmetaphone(asked.word))
        AND levenshtein_less_equal(word, asked.word, %(most)s) <= %(most)s
) AS found
"""


@dataclass
class Slot:
    """One thing somebody asked for, as phrases that mean the same; the first is what was typed, or meant."""

    phrases: list[Phrase]
    is_prefix: bool = False  # the beginning of a word
    is_optional: bool = False  # a word like `test`: better with it, and no reason to leave a page out

    def as_tsquery(self, *, weight: str = "") -> str:
        """For `to_tsquery`; a weight looks only at what has it."""
        marks = "*" * self.is_prefix + weight
        mark = f":{marks}" if marks else ""
        return " | ".join("(" + " & ".join(f"'{word}'{mark}" for word in phrase) + ")" for phrase in self.phrases)


@dataclass
class Query:
    """What somebody asked for, ready for every room's search."""

    text: str
    language: str
    words: list[str] = field(default_factory=list)
    slots: list[Slot] = field(default_factory=list)
    corrected: str = ""  # what was searched instead, where a word was taken for another

    def __bool__(self) -> bool:
        return bool(self.slots)

    @property
    def config(self) -> str:
        """The text search configuration of the language."""
        return f"library_{self.language}"

    @property
    def key(self) -> str:
        """The folded words as they were meant."""
        return fold(self.corrected) or " ".join(self.words)

    @property
    def phrases(self) -> list[str]:
        """Stretches of the words as they were meant, longest first: what may be the name of something."""
        return phrases_of(self.key.split())

    @property
    def needed(self) -> list[Slot]:
        """The slots that a page must have; all of them where every one is optional."""
        return [slot for slot in self.slots if not slot.is_optional] or self.slots

    def all_of(self, *, weight: str = "") -> str:
        return " & ".join(f"({slot.as_tsquery(weight=weight)})" for slot in self.needed)

    def all_but_one_of(self) -> str:
        parts = [f"({slot.as_tsquery()})" for slot in self.needed]
        return " | ".join(f"({' & '.join(some)})" for some in combinations(parts, len(parts) - 1))

    def any_of(self) -> str:
        return " | ".join(slot.as_tsquery() for slot in self.needed)

    def any_word(self) -> str:
        """The single words, also of phrases, and also of what a page need not have."""
        return " | ".join(dict.fromkeys(f"'{word}'" for slot in self.slots for word in slot.phrases[0]))

    def fits(self, *texts: str) -> bool:
        """Whether every slot stands in the texts; for rooms with few pages, which need no index."""
        words = fold(" ".join(texts)).split()
        return bool(self.slots) and all(
            any(all(any(_same(own, word) for word in words) for own in phrase) for phrase in slot.phrases)
            for slot in self.needed
        )

    def _is_asked(self, word: str) -> bool:
        """Whether a word of a text, folded, is one that was searched for."""
        return any(
            _same(own, word) or (slot.is_prefix and word.startswith(own))
            for slot in self.slots
            for phrase in slot.phrases
            for own in phrase
            if len(own) > 1
        )

    def matches(self, text: str) -> int:
        """How many of the text's words were searched for."""
        return sum(self._is_asked(fold(word)) for word in WORD.findall(text))

    def highlight(self, text: str) -> SafeString:
        """The text as HTML, with the words that were searched for marked."""
        done, parts = 0, []
        for match in WORD.finditer(text):
            if self._is_asked(fold(match.group())):
                parts += [escape(text[done : match.start()]), "<mark>", escape(match.group()), "</mark>"]
                done = match.end()
        return mark_safe("".join([*parts, escape(text[done:])]).replace("</mark> <mark>", " "))  # noqa: S308 (escaped)


def _same(asked: str, word: str) -> bool:
    """Whether a word of a text is the one asked for, or a form of it."""
    if asked == word:
        return True
    stem = asked[: max(len(asked) - 2, 4)]
    return len(asked) > 3 and word.startswith(stem) and abs(len(word) - len(asked)) <= 3


def phrases_of(words: list[str]) -> list[str]:
    """All stretches of up to four words, the longest first, each once."""
    found = [
        " ".join(words[start : start + length])
        for length in range(min(LONGEST_PHRASE, len(words)), 0, -1)
        for start in range(len(words) - length + 1)
    ]
    return list(dict.fromkeys(found))


def understand(text: str, language: str, names: Collection[str] = ()) -> Query:
    """Anything may be typed. What holds no word gives an empty query.

    `names` are folded words that stand in pages of the caller's own, so that they are not taken for misspelled.
    """
    text = " ".join(text.replace("\0", " ").split())[:MOST_CHARACTERS]
    folded = [word.strip("-+") for word in fold(text).split()]
    words = [word[:40] for word in folded if word][:MOST_WORDS]
    query = Query(text, language, words)
    if not words:
        return query
    joined = ["".join(pair) for pair in pairwise(words)]
    singulars = [singular(word, language) for word in words]
    known = set(
        Word.objects.filter(language=language, word__in=[*words, *singulars, *joined, *_halves(words)]).values_list(
            "word", flat=True
        )
    )
    synonyms = _synonyms(phrases_of(words), language)
    known |= {word for word, one in zip(words, singulars, strict=True) if one in known}
    unknown = [word for word in words if word not in known and word not in synonyms and not word.isdigit()]
    split = {word: halves for word in unknown if (halves := _split(word, known))}
    unknown = [word for word in unknown if word not in split and len(word) > 2 and word not in SMALL_WORDS[language]]
    public = {name for provider in PROVIDERS if unknown for name in provider.names()}
    unknown = [word for word in unknown if word not in public and word not in names]
    half_typed = [word for word in unknown if len(word) > 3 or word == words[-1]]
    beginnings = _beginnings(half_typed, language)
    meant = _meant([word for word in unknown if word not in beginnings], language)
    words = [part for word in words for part in split.get(word) or meant.get(word, [word])[:1]]
    if words != query.words:
        query.corrected = " ".join(words)
        synonyms = _synonyms(phrases_of(words), language)
    slots = list(_slots(words, synonyms, meant, beginnings, set(joined) & known))
    small = SMALL_WORDS[language]
    query.slots = [slot for slot in slots if len(slot.phrases) > 1 or not small.issuperset(slot.phrases[0])] or slots
    for slot in query.slots:
        slot.is_optional = GENERIC_WORDS[language].issuperset(slot.phrases[0])
    return query


def _halves(words: list[str]) -> list[str]:
    """The parts into which a long word may fall: `catscan`."""
    cuts = [(word, cut) for word in words if 4 < len(word) < 20 for cut in range(2, len(word) - 1)]
    return [part for word, cut in cuts for part in (word[:cut], word[cut:])]


def _split(word: str, known: set[str]) -> list[str]:
    cuts = [
        [word[:cut], word[cut:]]
        for cut in range(2, len(word) - 1)
        if word[:cut] in known and word[cut:] in known and len(word[cut:]) > 2
    ]
    return max(cuts, key=lambda halves: len(halves[1]), default=[])


def _synonyms(phrases: list[str], language: str) -> dict[str, list[str]]:
    """{phrase: others that mean the same}, from the editors' groups and from the names of the rooms' pages."""
    found: dict[str, list[str]] = {}
    typed = {" ".join(singular(word, language) for word in phrase.split()): phrase for phrase in phrases}
    typed |= {phrase: phrase for phrase in phrases}  # `kidney stones` is also found by `kidney stone`
    for keys in SynonymGroup.objects.filter(language=language, keys__overlap=list(typed)).values_list(
        "keys", flat=True
    ):
        for key in typed.keys() & set(keys):
            found.setdefault(typed[key], []).extend(other for other in keys if other != key)
    for provider in PROVIDERS:
        for key, others in provider.synonyms(list(typed), language).items():
            found.setdefault(typed[key], []).extend(others)
    return {key: list(dict.fromkeys(others))[:MOST_ALTERNATIVES] for key, others in found.items()}


def _beginnings(words: list[str], language: str) -> set[str]:
    """Those that begin a known word: somebody typed half of it."""
    if not words:
        return set()
    starts = reduce(or_, (Q(word__startswith=word) for word in words))
    found = Word.objects.filter(starts, language=language).values_list("word", flat=True)[:500]
    return {word for word in words if any(longer.startswith(word) for longer in found)}


def _meant(words: list[str], language: str) -> dict[str, list[str]]:
    """{unknown word: the likeliest known ones, best first}."""
    if not words:
        return {}
    candidates: dict[str, list[tuple[float, str]]] = {}
    with reading_connection().cursor() as cursor:
        cursor.execute(ALIKE, {"words": words, "language": language, "most": MOST_LETTERS_APART})
        for asked, word, similarity, sounds_alike in cursor.fetchall():
            apart = letters_apart(asked, word)
            if apart <= (1 if len(asked) < 6 else 2 if len(asked) < 9 else 3) + (sounds_alike and len(asked) > 4):
                unlike = apart / max(len(asked), len(word))
                score = similarity - unlike + 0.1 * (asked[0] == word[0]) + 0.2 * sounds_alike
                candidates.setdefault(asked, []).append((score, word))
    found = {}
    for asked, scored in candidates.items():
        best = sorted(scored, reverse=True)
        found[asked] = [word for score, word in best[:3] if score > best[0][0] - 0.15]
    return found


def letters_apart(one: str, other: str) -> int:
    """How many letters must be put in, left out, changed, or swapped with the next (optimal string alignment)."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for at, letter in enumerate(one, start=1):
        earlier, before, row = before, row, [at]
        for place, own in enumerate(other, start=1):
            row.append(min(before[place] + 1, row[-1] + 1, before[place - 1] + (letter != own)))
            if at > 1 and place > 1 and letter == other[place - 2] and one[at - 2] == own:
                row[-1] = min(row[-1], earlier[place - 2] + 1)
    return row[-1]


def _slots(
    words: list[str],
    synonyms: dict[str, list[str]],
    meant: dict[str, list[str]],
    beginnings: set[str],
    joined: set[str],
) -> Iterator[Slot]:
    alike = {others[0]: [(word,) for word in others[1:]] for others in meant.values()}
    at = 0
    while at < len(words):
        for length in range(min(LONGEST_PHRASE, len(words) - at), 0, -1):
            phrase = tuple(words[at : at + length])
            others = [tuple(other.split()) for other in synonyms.get(" ".join(phrase), [])]
            if length == 2 and "".join(phrase) in joined:  # two words for one: `ultra sound`
                others.append(("".join(phrase),))
            if others or length == 1:
                break
        if length == 1:
            others = alike.get(phrase[0], []) + others
        yield Slot([phrase, *others], is_prefix=length == 1 and phrase[0] in beginnings)
        at += length
