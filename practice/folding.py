"""Words and names compared as people type them: without case, accents or punctuation."""

import unicodedata


def fold(text: str) -> str:
    """`Tomografía (TC)` becomes `tomografia tc`; ligatures and full-width letters become plain ones."""
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    bare = "".join(c for c in decomposed if not unicodedata.combining(c) and c != "\0")
    spaced = "".join(c if c.isalnum() or c in "+-" else " " for c in bare.replace("'", "").replace("’", ""))
    return " ".join(spaced.split())
