"""Keeps what search looks into: a weighted text vector for each live edition, and the list of all words.

The text search configurations `library_en` and `library_es` (of practice.search) stem words after taking their accents
off, so that `tomografia` finds `tomografía`.
"""

from collections.abc import Iterable

from django.db import connection

from education.models import Edition, Name, SectionKind
from practice.search.words import remember_words, words_of

# The title weighs most, then other names, then the summary with the basic facts and the reasons, then all else.
VECTORS = """
UPDATE education_edition AS edition SET names_vector = found.names, search_vector = found.names || found.texts
FROM (
    SELECT part.id,
        setweight(to_tsvector(part.config, title), 'A')
        || setweight(to_tsvector(part.config, replace(also_called, E'\\n', ' . ')), 'B') AS names,
        setweight(to_tsvector(part.config, summary), 'C')
        || setweight(to_tsvector(part.config, part.early), 'C')
        || setweight(to_tsvector(part.config, part.late), 'D') AS texts
    FROM (
        SELECT whole.id, title, also_called, summary, ('library_' || language)::regconfig AS config,
            coalesce(string_agg(section ->> 'body', ' ') FILTER (WHERE section ->> 'kind' = ANY(%s)), '') AS early,
            coalesce(string_agg(section ->> 'body', ' ') FILTER (WHERE section ->> 'kind' <> ALL(%s)), '') AS late
        FROM education_edition AS whole LEFT JOIN LATERAL jsonb_array_elements(sections) AS section ON true
        WHERE whole.id = ANY(%s)
        GROUP BY whole.id
    ) AS part
) AS found
WHERE edition.id = found.id
"""
EARLY = [SectionKind.BASIC_FACTS.value, SectionKind.WHY.value]


def index_editions(editions: Iterable[Edition]) -> None:
    """Make the editions findable: their two vectors, in one statement, and the words that stand in them."""
    editions = list(editions)
    with connection.cursor() as cursor:
        cursor.execute(VECTORS, [EARLY, EARLY, [edition.pk for edition in editions]])
    for language in {edition.language for edition in editions}:
        own = [edition for edition in editions if edition.language == language]
        names = words_of(text for edition in own for text in (edition.title, edition.also_called))
        others = words_of(
            text for edition in own for text in (edition.summary, *(part["body"] for part in edition.sections))
        )
        remember_words(language, names, others - names)


def remember_names(names: Iterable[Name], language: str) -> None:
    """Add the words of glossary names."""
    remember_words(language, words_of(name.text for name in names), set())
