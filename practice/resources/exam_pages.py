"""What the ordering guide links to: the page about an exam and its sheets. The room that has them registers here."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class ExamPage:
    """The patient's page about an exam, and its printed sheets by language: [("English", address)]."""

    title: str
    url: str
    sheets: tuple[tuple[str, str], ...]


Finder = Callable[[Iterable[str]], dict[str, ExamPage]]
FINDERS: list[Finder] = []


def register(finder: Finder) -> None:
    FINDERS.append(finder)


def exam_pages(codes: Iterable[str]) -> dict[str, ExamPage]:
    """{CPT code: the page about that exam}, of those codes that have one."""
    codes = set(codes)
    return {code: page for finder in FINDERS for code, page in finder(codes).items()}
