"""How hard a text is to read: a school grade by a formula for each language, and the words that make it hard.

English: Flesch-Kincaid. Spanish: Fernández-Huerta, whose 0 to 100 is turned into a grade by its own table. Both are
counted by textstat. A grade alone proves nothing; it shows where to look again.
"""

import re
from functools import cache
from itertools import pairwise

from education.paragraphs import sentences

AIM_GRADE = 8
HIGHEST_GRADE = 12
# Fernández-Huerta: the middle of each band, and the school grade that reads it.
SPANISH_GRADES = [(100, 4.5), (95, 5), (85, 6), (75, 7), (65, 8.5), (55, 11), (40, 14.5), (15, 18), (0, 20)]
HARD_SYLLABLES = {"en": 3, "es": 5}
# Long words that everybody who comes here knows.
FAMILIAR_ENGLISH = """
afterward afternoon allergies allergy already animal another anyone anything appointment appointments area camera
cameras comfortable company computer different doctor emergency evening everyone everything exactly example examples
family finally general hospital however important insurance jewelry medicine medicines natural physician pictures
pregnant probably radiologist radiology reaction remember several special telephone together tomorrow usual usually
yesterday
"""
FAMILIAR_SPANISH = """
computadora embarazada embarazadas enfermedades especialista especialmente generalmente información inmediatamente
medicamento medicamentos normalmente radióloga radiólogo rápidamente
"""
FAMILIAR = {"en": frozenset(FAMILIAR_ENGLISH.split()), "es": frozenset(FAMILIAR_SPANISH.split())}


@cache
def _meter(language: str):
    """textstat with its own language: the module's shared one would change under another thread."""
    from textstat.textstat import textstatistics  # noqa: PLC0415  (loads a dictionary that pages never need)

    meter = textstatistics()
    meter.set_lang(language)
    return meter


def grade_of(texts: list[str], language: str) -> float:
    """The school grade, with one decimal, of Markdown texts taken together; 0 where there are no words."""
    prose = " ".join(filter(None, map(sentences, texts)))
    if not re.search(r"\w", prose):
        return 0.0
    if language == "en":
        return max(round(float(_meter("en").flesch_kincaid_grade(prose)), 1), 0.0)
    return _spanish_grade(float(_meter("es").fernandez_huerta(prose)))


def _spanish_grade(score: float) -> float:
    score = min(max(score, 0.0), 100.0)
    for (high, low_grade), (low, high_grade) in pairwise(SPANISH_GRADES):
        if score >= low:
            return round(low_grade + (high - score) / (high - low) * (high_grade - low_grade), 1)
    return 20.0


def hard_words(texts: list[str], language: str) -> list[str]:
    """The long words of the texts, each once, in small letters, in order of appearance."""
    meter, familiar = _meter(language), FAMILIAR[language]
    words = re.findall(r"[^\W\d_]+(?:-[^\W\d_]+)*", " ".join(map(sentences, texts)).casefold())
    long_words = [word for word in dict.fromkeys(words) if len(word) > 6 and word not in familiar]
    return [word for word in long_words if meter.syllable_count(_bare(word, language)) >= HARD_SYLLABLES[language]]


def _bare(word: str, language: str) -> str:
    """Endings add a syllable and no difficulty: `scanning`, `inches`."""
    return re.sub(r"(?:es|ed|ing|ly)$", "", word) if language == "en" else re.sub(r"(?:es|mente)$", "", word)
