"""Looks words up as readers type them, and loads word lists."""

import json
import re
from dataclasses import dataclass

from django.conf import settings
from django.contrib.postgres.search import TrigramSimilarity
from django.db import transaction
from django.db.models import Case, IntegerField, Min, QuerySet, Value, When
from django.utils.text import slugify

from education.models import Entry, Name, Term, key_of
from education.publishing import explain_again
from education.search_index import remember_names
from practice.folding import fold
from practice.free_text import private_number
from practice.search.query import understand

LANGUAGES = tuple(code for code, _name in settings.LANGUAGES)
SIMILAR_ENOUGH = 0.35
ALIKE_SHOWN = 10


def save_entry(
    term: Term, language: str, name: str, definition: str, pronunciation: str = "", synonyms: list[str] | None = None
) -> Entry:
    """Create or replace a term's entry in one language, with the names it is found by."""
    entry, _is_new = Entry.objects.update_or_create(
        term=term,
        language=language,
        defaults={"name": name, "definition": definition, "pronunciation": pronunciation},
    )
    entry.names.all().delete()
    Name.objects.bulk_create(names_of(entry, synonyms or []))
    return entry


def names_of(entry: Entry, synonyms: list[str]) -> list[Name]:
    """The unsaved names of an entry: its own first, then its synonyms, each spelling once."""
    texts = dict.fromkeys([entry.name, *synonyms])
    return [Name(entry=entry, text=text, key=key_of(text), is_synonym=text != entry.name) for text in texts]


def look_up(query: str, language: str) -> QuerySet[Entry]:
    """Entries with a name that starts with the query, then those that hold it inside; an empty query finds nothing.

    Case, accents and punctuation do not matter. Where nothing fits, the word was misspelled: entries by the word that
    was meant, or else with a similar name.
    """
    key = fold(query)
    if not key:
        return Entry.objects.none()
    entries = Entry.objects.filter(language=language)
    found = (
        entries.filter(names__key__contains=key)
        .annotate(
            rank=Min(
                Case(
                    When(names__key=key, then=Value(0)),
                    When(names__key__startswith=key, then=Value(1)),
                    default=Value(2),
                    output_field=IntegerField(),
                )
            )
        )
        .order_by("rank", "name", "pk")
    )
    if found.exists():
        return found
    meant = fold(understand(query, language).corrected)
    if meant and (corrected := entries.filter(names__key__contains=meant)).exists():
        return corrected.annotate(rank=Value(-1.0)).order_by("name", "pk").distinct()
    return (
        entries.filter(names__key__trigram_similar=key)
        .annotate(rank=Min(-TrigramSimilarity("names__key", key)))
        .filter(rank__lte=-SIMILAR_ENOUGH)
        .order_by("rank", "name", "pk")
    )


def named(phrases: list[str], language: str) -> list[Entry]:
    """The entries that have one of the folded phrases for a name, by `phrase`, the longest first."""
    found: dict[int, Entry] = {}
    names = Name.objects.filter(entry__language=language, key__in=phrases).select_related("entry__term")
    for name in sorted(names, key=lambda name: (-len(name.key), name.is_synonym, name.pk)):
        found.setdefault(name.entry_id, name.entry).phrase = name.key
    return list(found.values())


def first_few(query: str, language: str, most: int) -> list[Entry]:
    """Up to `most` entries with a name that starts with the query, or else with a similar one. Never reads them all."""
    key = fold(query)
    if not key:
        return []
    names = Name.objects.filter(entry__language=language).select_related("entry__term")
    found = names.filter(key__startswith=key).order_by("key")[: most * 2]
    if not found:
        found = (
            names.filter(key__trigram_similar=key)
            .annotate(alike=TrigramSimilarity("key", key))
            .filter(alike__gte=SIMILAR_ENOUGH)
            .order_by("-alike", "key")[: most * 2]
        )
    return list({name.entry_id: name.entry for name in found}.values())[:most]


def can_be_stored(text: str) -> bool:
    """Whether the database takes this text: JSON and YAML can spell NUL and halves of characters, which it refuses."""
    return not any(c == "\0" or "\ud800" <= c <= "\udfff" for c in text)


@dataclass
class GlossaryReport:
    """How many entries (a term in one language) a list holds, and what became of them."""

    entries: int = 0
    written: int = 0
    unchanged: int = 0
    skipped: int = 0


class GlossaryRefused(Exception):
    """The list has errors, given as sentences with their lines; nothing was loaded."""

    def __init__(self, problems: list[str]):
        super().__init__(f"{len(problems)} problem{'s' if len(problems) != 1 else ''}")
        self.problems = problems


@dataclass
class _Row:
    slug: str
    language: str
    name: str
    definition: str
    pronunciation: str
    synonyms: list[str]


def import_glossary(text: str, name: str = "") -> GlossaryReport:
    """Load a word list: one JSON object a line, in one of two shapes (docs/glossary-import.md).

    Paired: {"slug"?, "termId"?, "en": {"term", "definition_text", "pronunciation"?, "synonyms"?}, "es": {...}}
    Flat:   {"slug", "lang", "title", "body_markdown"}; rows without title or text are skipped.

    A word that is already here in that language, by slug, is replaced. Raises GlossaryRefused with nothing loaded.
    """
    report, rows, problems = GlossaryReport(), {}, []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            for row in _rows(json.loads(line)):
                report.entries += 1
                if row is None:
                    report.skipped += 1
                elif (row.slug, row.language) in rows:
                    report.skipped += 1  # the first one counts
                else:
                    rows[row.slug, row.language] = row
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            what = "is not JSON" if isinstance(error, json.JSONDecodeError) else _say(error)
            problems.append(f"{name}:{number}: {what}")
    if not rows and not problems:
        problems.append(f"{name}:1: the list has no words")
    if problems:
        raise GlossaryRefused(problems)
    _write(list(rows.values()), report)
    return report


def _say(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"{error.args[0]} is missing"
    return str(error) if isinstance(error, ValueError) else "is not a word of the documented shape"


def _rows(data: dict):
    if not isinstance(data, dict):
        raise ValueError("is not a JSON object")
    if "lang" in data:
        yield _flat_row(data)
        return
    present = [language for language in LANGUAGES if data.get(language)]
    if not present:
        raise ValueError("has neither en nor es")
    slug = data.get("slug") or _slug(data[present[0]]["term"], data.get("termId"))
    for language in present:
        facts = data[language]
        yield _checked(
            _Row(
                slug,
                language,
                facts["term"],
                facts["definition_text"],
                (facts.get("pronunciation") or "").strip("() "),
                facts.get("synonyms") or [],
            )
        )


def _flat_row(data: dict) -> _Row | None:
    if data["lang"] not in LANGUAGES:
        raise ValueError(f"lang must be one of: {', '.join(LANGUAGES)}")
    if not all(str(data.get(key) or "").strip() for key in ("title", "body_markdown")):
        return None
    return _checked(_Row(_slug(data["slug"]), data["lang"], data["title"], data["body_markdown"], "", []))


def _slug(text: str, number=None) -> str:
    words = slugify(fold(text))[:100].strip("-")
    return f"{words}-{number}" if number else words or "word"


def _checked(row: _Row) -> _Row:
    if not isinstance(row.synonyms, list):
        raise ValueError("synonyms must be a list")
    for what, text, longest in (
        ("slug", row.slug, 120),
        ("term", row.name, 200),
        ("definition", row.definition, 20_000),
        ("pronunciation", row.pronunciation, 200),
        *(("synonym", synonym, 200) for synonym in row.synonyms),
    ):
        if not isinstance(text, str):
            raise ValueError(f"{what} must be text")
        if len(text) > longest:
            raise ValueError(f"{what} is longer than {longest} characters")
        if not can_be_stored(text):
            raise ValueError(f"{what} has a character that is no text")
        if private_number(text):
            raise ValueError(f"{what} looks like it holds a card or social security number")
    if not fold(row.name):
        raise ValueError("term is empty")
    if not re.fullmatch(r"[a-z0-9_-]+", row.slug):
        raise ValueError("slug may hold small letters, digits and hyphens")
    row.name, row.definition = row.name.strip(), row.definition.strip()
    if not row.definition:
        raise ValueError("definition is empty")
    row.synonyms = [synonym.strip() for synonym in row.synonyms if synonym.strip()]
    return row


@transaction.atomic
def _write(rows: list[_Row], report: GlossaryReport) -> None:
    slugs = {row.slug for row in rows}
    Term.objects.bulk_create([Term(slug=slug) for slug in sorted(slugs)], ignore_conflicts=True, batch_size=1000)
    terms = {term.slug: term for term in Term.objects.filter(slug__in=slugs)}
    present = {
        (entry.term.slug, entry.language): entry
        for entry in Entry.objects.filter(term__in=terms.values()).select_related("term").prefetch_related("names")
    }
    changed = []
    for row in rows:
        entry = present.get((row.slug, row.language))
        if entry is not None and _same(entry, row):
            report.unchanged += 1
            continue
        entry = entry or Entry(term=terms[row.slug], language=row.language)
        entry.name, entry.definition, entry.pronunciation = row.name, row.definition, row.pronunciation
        changed.append((entry, row))
    Entry.objects.bulk_create([entry for entry, _row in changed if entry.pk is None], batch_size=1000)
    old = [entry for entry, row in changed if (row.slug, row.language) in present]
    Entry.objects.bulk_update(old, ["name", "definition", "pronunciation"], batch_size=500)
    Name.objects.filter(entry__in=old).delete()
    names = [name for entry, row in changed for name in names_of(entry, row.synonyms)]
    Name.objects.bulk_create(names, batch_size=2000)
    for language in LANGUAGES:
        remember_names([name for name in names if name.entry.language == language], language)
    report.written = len(changed)
    for language in {row.language for _entry, row in changed}:
        explain_again.enqueue(language)


def _same(entry: Entry, row: _Row) -> bool:
    wanted = [name.text for name in names_of(entry, row.synonyms) if name.is_synonym]
    return (entry.name, entry.definition, entry.pronunciation) == (row.name, row.definition, row.pronunciation) and (
        sorted(name.text for name in entry.names.all() if name.is_synonym) == sorted(wanted)
    )
