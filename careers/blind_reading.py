"""An application without what could sway a first reading: the name, how to reach somebody, their photo, their schools.

What is shown is the text of the CV; pictures are not text. Words are taken out one by one, and a part under a heading
like "Education" as a whole. It cannot find everything a person could write about themselves, and the page says so.
"""

import re

from django.utils.translation import gettext as _

from practice.folding import fold

HIDDEN = "▇▇▇"
EDUCATION = {
    "education", "education and training", "education training", "academic background", "academic history",
    "academic qualifications", "medical education", "educacion", "formacion", "formacion academica", "estudios",
    "training and education", "undergraduate education", "degrees", "schools",
}  # fmt: skip
# Words of the headings that come after it; a school's own name or a degree is none of them.
OTHER_HEADINGS = re.compile(
    r"\b(?:experience|employment|work|career|professional|appointments?|positions?|residency|fellowships?|internship|"
    r"licens\w+|certificat\w+|boards?|skills|expertise|competenc\w+|projects|publications|presentations|research|teaching|"
    r"awards|honors|memberships|affiliations|societies|languages|references|interests|volunteer\w*|service|military|"
    r"summary|objective|profile|experiencia|laboral|empleo|trabajo|residencia|licencias|certificaciones|habilidades|"
    r"proyectos|publicaciones|presentaciones|investigacion|docencia|premios|membresias|idiomas|referencias|intereses|"
    r"voluntariado|servicio|resumen|objetivo|perfil)\b"
)
LONGEST_HEADING = 45  # characters
SCHOOL_WORDS = (
    "university|college|school|institute of technology|academy|polytechnic|universidad|universitat|universite|"
    "universitaet|universität|université|universitário|üniversitesi|università|colegio|facultad|escuela|instituto|"
    "hochschule|seminary|alma mater"
)
# The school word with the capitalised words around it: "Example State University", "School of Medicine of Anytown".
SCHOOL = re.compile(
    rf"(?:\b[A-ZÀ-Þ][\w.&'’-]*[ ]+(?:(?:of|de|del|la|the|and|y|&)[ ]+)*)*"
    rf"\b(?i:{SCHOOL_WORDS})\b"
    rf"(?:[ ]*(?:,|of|de|del|la|at|the|in|and|y|&)?[ ]+[A-ZÀ-Þ][\w.&'’-]*)*"
)
EMAIL = re.compile(r"[^\s@<>|,;]+@[^\s@<>|,;]+\.[^\s@<>|,;]+")
LINK = re.compile(
    r"(?i)\b(?:https?://|www\.)\S+|\b(?:linkedin|github|doximity|researchgate)\.\S+|\b[\w-]+\.(?:com|org|net|edu|io|me)\b(?:/\S*)?"
)
PHONE = re.compile(r"(?<![\w/.-])\+?\(?\d[\d ().-]{7,}\d(?![\w/])")


def without_identity(text: str, name: str, email: str = "") -> str:
    """The text without the name, addresses, numbers to call, links and schools."""
    kept, is_education = [], False
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if _looks_like_a_heading(line):
            if fold(line) in EDUCATION:
                kept += [] if is_education else [line.strip(), _("[This part is shown after you have scored.]")]
                is_education = True
            elif OTHER_HEADINGS.search(fold(line)) and not SCHOOL.search(line):
                is_education = False
        if not is_education:
            kept.append(line)
    hidden = "\n".join(kept)
    for pattern in (EMAIL, LINK, SCHOOL):
        hidden = pattern.sub(HIDDEN, hidden)
    hidden = PHONE.sub(lambda found: HIDDEN if sum(c.isdigit() for c in found[0]) >= 9 else found[0], hidden)
    return _without_words(hidden, _words_of(name) | _words_of(email.partition("@")[0]))


def _looks_like_a_heading(line: str) -> bool:
    """A short line without a full stop or digits that begins with a capital: how CVs set their headings."""
    bare = line.strip().strip(":").strip()
    if not 3 <= len(bare) <= LONGEST_HEADING or any(c.isdigit() for c in bare) or bare[-1] in ".,;":
        return False
    words = bare.split()
    return len(words) <= 5 and (bare.isupper() or all(w[0].isupper() or len(w) <= 3 for w in words))


def _words_of(name: str) -> set[str]:
    return {word for part in re.split(r"[\s._+-]+", name) if len(word := fold(part)) > 1 and not word.isdigit()}


def _without_words(text: str, words: set[str]) -> str:
    """The text without these words, however they are written: with accents, in capitals, with an apostrophe."""
    if not words:
        return text
    return re.sub(r"[^\W\d_][\w'’]*", lambda found: HIDDEN if _means(found[0], words) else found[0], text)


def _means(word: str, words: set[str]) -> bool:
    folded = fold(word)
    return folded in words or folded.removesuffix("s") in words
