"""Shows an accepted document in a page of the office without handing it to the browser: see `document_pages`."""

import json
from pathlib import Path

from practice.apart import Busy, TooMuch, run_apart

PROGRAM = Path(__file__).with_name("document_pages.py")  # not imported: what draws pages is for its own process


class CannotShow(Exception):
    """This document cannot be shown in the page; it can still be downloaded."""


def text_of(file) -> str:
    """The text of a stored PDF or Word file. Raises CannotShow."""
    return "\n".join(_ask("text", file))


def pictures_of(file) -> list[str]:
    """The first pages of a stored PDF, as JPEG in base64. Raises CannotShow."""
    return _ask("pictures", file)


def _ask(wanted: str, file) -> list[str]:
    try:
        with file.open("rb") as opened:
            data = opened.read()
        return json.loads(run_apart(PROGRAM, wanted, Path(file.name).suffix, data=data))
    except (OSError, Busy, TooMuch) as error:
        raise CannotShow from error
