"""The admin's pages, each in its module of `office/`."""

from education.office import articles, topics, words  # noqa: F401  (they register themselves)
