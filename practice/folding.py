"""Words and names compared as people type them: without case, accents or punctuation."""

import re
import unicodedata
from typing import Literal

NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def fold(text: str) -> str:
    """`Tomografía (TC)` becomes `tomografia tc`; ligatures and full-width letters become plain ones."""
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    bare = "".join(c for c in decomposed if not unicodedata.combining(c) and c != "\0")
    spaced = "".join(c if c.isalnum() or c in "+-" else " " for c in bare.replace("'", "").replace("’", ""))
    return " ".join(spaced.split())


def plain_signs(text: str, form: Literal["NFC", "NFKC"] = "NFC") -> str:
    """The text in this Unicode form with every dash as `-`, every space as ` `, and nothing invisible."""
    plain = []
    for character in unicodedata.normalize(form, text):
        category = unicodedata.category(character)
        if category == "Pd":
            plain.append("-")
        elif category == "Zs":
            plain.append(" ")
        elif category != "Cf":
            plain.append(character)
    return "".join(plain)


def for_xml(text: str) -> str:
    """The text without what XML 1.0 has no place for, such as the control characters that word processors leave."""
    return NOT_XML.sub("", text)


def singular(word: str, language: str) -> str:
    """The folded word as it most likely stands in a list: `stones` as `stone`, `renales` as `renal`."""
    if len(word) < 4 or not word.endswith("s"):
        return word
    if language == "es":
        if word.endswith("ces"):
            return word[:-3] + "z"
        return word[:-2] if re.search(r"[aeiou][rnld]es$", word) else word[:-1]
    if word.endswith("ies"):
        return word[:-3] + "y"
    if re.search(r"(?:ss|x|z|ch|sh|us)es$", word):
        return word[:-2]
    return word if word.endswith(("ss", "us", "is")) else word[:-1]


def stem(word: str, language: str) -> str:
    """The folded word without what its plural adds: the same for `dose` and `doses`, for `luz` and `luces`.

    For comparing only; a stem need not be a word.
    """
    if len(word) < 3 or word == "lens":
        return word
    if language == "es":
        bare = word.removesuffix("s").removesuffix("e")
        return bare[:-1] + "c" if bare.endswith("z") else bare
    if len(word) < 4:
        return word
    bare = word if word.endswith(("ss", "us", "is")) else word.removesuffix("s")
    bare = bare.removesuffix("e")
    return bare[:-1] + "i" if bare.endswith("y") else bare
