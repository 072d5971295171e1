"""What each room gives to search. A room registers its providers in its own `search_pages.py`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.safestring import SafeString

if TYPE_CHECKING:
    from practice.search.query import Query


@dataclass
class Hit:
    """A page that was found; title and text are HTML with the words marked."""

    url: str
    title: SafeString
    text: SafeString | str = ""
    language: str = ""  # where it is not the page's own


@dataclass
class Group:
    """The pages of one kind."""

    name: str
    hits: list[Hit]


class Provider:
    """Finds the pages of one kind. `position` is where its group stands among the others."""

    position = 50

    def search(self, query: "Query") -> Group | None:
        raise NotImplementedError

    def names(self) -> set[str]:
        """Folded words that are names of people or places, and no misspelled words."""
        return set()

    def synonyms(self, phrases: list[str], language: str) -> dict[str, list[str]]:
        """{phrase: others that name the same}, for those of the phrases that this room has a name for."""
        return {}


PROVIDERS: list[Provider] = []


def register(provider: Provider) -> None:
    PROVIDERS.append(provider)
    PROVIDERS.sort(key=lambda one: one.position)
