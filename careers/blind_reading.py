"""An application without what could sway a first reading: the name, how to reach somebody, their photo, their schools.

What is shown is the text of the CV; pictures are not text. Words are taken out one by one, and a part under a heading
like "Education" as a whole. It cannot find everything a person could write about themselves, and the page says so.
"""

import re

from django.utils.translation import gettext as _

from practice.folding import fold, plain_signs

HIDDEN = "▇▇▇"
EDUCATION = re.compile(
    r"(?:education(?:al)?|academics?|medical education|undergraduate|graduate education|degrees?|schools?|training and "
    r"education|educacion|formacion|titulacion(?:es)?|estudios|datos academicos)\b"
)
LONGEST_TEXT = 60_000  # characters of one document
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
WORD = r"[A-ZÀ-Þ][\w.&'’-]{0,40}"
# How often things may repeat is bounded everywhere: a text made for it would else be looked at for minutes.
SCHOOL = re.compile(
    rf"(?:\b{WORD}[ ]{{1,3}}(?:(?:of|de|del|la|the|and|y|&)[ ]{{1,3}}){{0,3}}){{0,6}}"
    rf"\b(?i:{SCHOOL_WORDS})\b"
    rf"(?:[ ]{{0,3}}(?:,|of|de|del|la|at|the|in|and|y|&)?[ ]{{1,3}}{WORD}){{0,8}}"
)
EMAIL = re.compile(r"[^\s@<>|,;]{1,64}@(?:[^\s@<>|,;.]{1,63}\.){1,8}[^\s@<>|,;.]{1,63}")
LINK = re.compile(
    r"(?i)\b(?:https?://|www\.)\S{1,2000}|\b(?:linkedin|github|doximity|researchgate)\.\S{1,500}"
    r"|(?<![\w-])[\w-]{1,63}\.(?:com|org|net|edu|io|me|health|md)\b(?:/\S{0,500})?"
)
PHONE = re.compile(r"(?<![\w.-])\+?\(?\d[\d ()./-]{7,24}\d(?![\w/])")
SHORTEST_PART = 5  # letters of a name that are taken out also where they stand inside another word


def without_identity(text: str, name: str, email: str = "") -> str:
    """The text without the name, addresses, numbers to call, links and schools."""
    kept, is_education = [], False
    text = plain_signs(text[:LONGEST_TEXT])
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if _is_short(line) and EDUCATION.match(fold(line)):
            kept += [] if is_education else [line.strip(), _("[This part is shown after you have scored.]")]
            is_education = True
        elif _looks_like_a_heading(line) and OTHER_HEADINGS.search(fold(line)) and not SCHOOL.search(line):
            is_education = False
        if not is_education:
            kept.append(line)
    hidden = "\n".join(kept)
    for pattern in (EMAIL, LINK, SCHOOL):
        hidden = pattern.sub(HIDDEN, hidden)
    hidden = PHONE.sub(lambda found: HIDDEN if sum(c.isdigit() for c in found[0]) >= 9 else found[0], hidden)
    return _without_words(hidden, _words_of(name) | _words_of(email.partition("@")[0]))


def _is_short(line: str) -> bool:
    """A few words without a full stop or digits that begin with a capital: how CVs set their headings."""
    bare = line.strip().strip(":").strip()
    if not 3 <= len(bare) <= LONGEST_HEADING or any(c.isdigit() for c in bare) or bare[-1] in ".,;":
        return False
    return bare[0].isupper() and len(bare.split()) <= 5


def _looks_like_a_heading(line: str) -> bool:
    """The same, of few words, or with capitals also at the other words but small ones."""
    words = line.split()
    return _is_short(line) and (len(words) <= 3 or line.isupper() or all(w[0].isupper() or len(w) <= 3 for w in words))


def _words_of(name: str) -> set[str]:
    return {word for part in re.split(r"[\s._+-]+", name) if len(word := fold(part)) > 1 and not word.isdigit()}


def _without_words(text: str, words: set[str]) -> str:
    """The text without these words, however they are written: with accents, in capitals, with an apostrophe."""
    if not words:
        return text
    return re.sub(r"[^\W\d_][\w'’]*", lambda found: HIDDEN if _means(found[0], words) else found[0], text)


def _means(word: str, words: set[str]) -> bool:
    folded = fold(word)
    if folded in words or folded.removesuffix("s") in words:
        return True
    return any(len(part) >= SHORTEST_PART and part in folded for part in words)
