"""Finds articles and glossary entries."""

from typing import Any

from django.utils.translation import gettext as _

from education import glossary
from education.models import Edition, Name
from education.paragraphs import plain_text
from practice.replica import reading_connection
from practice.search.providers import Group, Hit, Provider, register
from practice.search.query import Query

MOST_ARTICLES = 10
ENOUGH_ARTICLES = 3
MOST_WORDS = 5

# First the page whose title was typed, then those with all of it in the title, then those with the most of it in any
# name; among them a word counts by where it stands, as {D, C, B, A} of search_index.py.
RANKED = """
SELECT edition.id
FROM education_edition AS edition, to_tsquery(%(config)s, %(query)s) AS query
WHERE is_live AND language = %(language)s AND {vector} @@ query
ORDER BY sort_key = %(key)s DESC, names_vector @@ to_tsquery(%(config)s, %(in_title)s) DESC, {order}
    ts_rank('{{0.05, 0.2, 0.8, 1.0}}', {vector}, query, 1) DESC, edition.id
LIMIT %(most)s
"""
MATCHES = "(names_vector @@ to_tsquery(%(config)s, %({name})s))::int"
NAMES, EVERYTHING = "names_vector", "search_vector"


def article_ids(query: Query) -> list[int]:
    """Live editions that fit, the best first.

    Those with everything that was asked in their names, then those with everything anywhere; where these are few, those
    with all but one of the things asked, then with any of them, or with any word at all. Each step is taken only if it
    is needed: the index of names is small, the other is not.
    """
    found = _ranked(query, NAMES, query.all_of())
    if len(found) < MOST_ARTICLES:
        found = _joined(found, _ranked(query, EVERYTHING, query.all_of()))
    if len(found) < ENOUGH_ARTICLES and len(query.needed) > 2:
        found = _joined(found, _ranked(query, EVERYTHING, query.all_but_one_of()))
    if len(found) < ENOUGH_ARTICLES and len(query.needed) > 1:
        found = _joined(found, _ranked(query, NAMES, query.any_of()))
    if not found:
        found = _ranked(query, EVERYTHING, query.any_word())
    return found[:MOST_ARTICLES]


def _joined(found: list[int], more: list[int]) -> list[int]:
    return list(dict.fromkeys([*found, *more]))


def _ranked(query: Query, vector: str, tsquery: str) -> list[int]:
    values: dict[str, Any] = {
        "config": query.config,
        "query": tsquery,
        "language": query.language,
        "most": MOST_ARTICLES,
        "key": query.key,
        "in_title": query.all_of(weight="A"),
    }
    matches = []
    if len(query.slots) > 1:
        for number, slot in enumerate(query.slots):
            values[f"slot{number}"] = slot.as_tsquery()
            matches.append(MATCHES.format(name=f"slot{number}"))
    order = f"{' + '.join(matches)} DESC," if matches else ""
    with reading_connection().cursor() as cursor:
        cursor.execute(RANKED.format(vector=vector, order=order), values)
        return [pk for (pk,) in cursor.fetchall()]


class Articles(Provider):
    position = 10

    def search(self, query):
        found = article_ids(query)
        editions = Edition.objects.select_related("article__topic").only(
            "title", "summary", "also_called", "language", "article__topic__slug"
        )
        rows = editions.in_bulk(found)
        return Group(_("Exams and treatments"), [self._hit(query, rows[pk]) for pk in found if pk in rows])

    def _hit(self, query, edition: Edition) -> Hit:
        text = query.highlight(edition.summary)
        title = query.highlight(edition.title)
        if "<mark>" not in title:  # found by another name: say by which
            name = max(edition.other_names, key=query.matches, default="")
            if query.matches(name):
                title += query.highlight(f" ({name})")
        return Hit(edition.get_absolute_url(), title, text)


class Words(Provider):
    position = 20

    def search(self, query):
        entries = glossary.named(query.phrases, query.language)
        if not entries or len(entries[0].phrase) < len(query.key):
            whole = {entry.pk: entry for entry in glossary.first_few(query.key, query.language, MOST_WORDS)}
            entries = list((whole | {entry.pk: entry for entry in entries}).values())
        entries = entries[:MOST_WORDS]
        hits = [
            Hit(entry.get_absolute_url(), query.highlight(entry.name), query.highlight(plain_text(entry.definition)))
            for entry in entries
        ]
        return Group(_("Medical Glossary"), hits)

    def synonyms(self, phrases, language):
        """The other names of each glossary entry that has one of the phrases for a name."""
        found: dict[str, list[str]] = {}
        names = Name.objects.filter(entry__language=language, entry__names__key__in=phrases).values_list(
            "entry__names__key", "key"
        )
        for phrase, other in names[:200]:
            if phrase != other and len(other.split()) <= 4:
                found.setdefault(phrase, []).append(other)
        return found


register(Articles())
register(Words())
