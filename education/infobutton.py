"""HL7 Infobutton, URL-based: a health record system asks by code and language, and gets the articles that fit.

Parameters are those of HL7's "Context-Aware Knowledge Retrieval (Infobutton), URL-Based Implementation Guide". Of a
search criterion we read the code (`.c`), its vocabulary by OID (`.cs`), its display name (`.dn`) and the original
text (`.ot`). Nothing about a patient is needed, read or kept.
"""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from xml.sax.saxutils import escape, quoteattr

from django.db.models import Q
from django.http import QueryDict

from education.models import CodeSystem, Edition, ReferenceCode, plain_code
from education.search_pages import article_ids
from practice.folding import for_xml
from practice.search.query import understand

OIDS = {
    "2.16.840.1.113883.6.90": CodeSystem.ICD_10_CM,
    "2.16.840.1.113883.6.1": CodeSystem.LOINC,
    "2.16.840.1.113883.6.96": CodeSystem.SNOMED_CT,
    "2.16.840.1.113883.6.256": CodeSystem.RADLEX,
    "2.16.840.1.113883.6.12": CodeSystem.CPT,
}
MOST_CRITERIA = 10
MOST_ARTICLES = 10
SHORTEST_ICD_10 = 3  # the category: M81 of M81.0


@dataclass
class Criterion:
    """One thing asked about. Without a system, the code may be of any we know; a code of one we do not know is none."""

    code: str = ""
    system: CodeSystem | None = None
    name: str = ""


@dataclass
class Request:
    """What a health record system asks for."""

    criteria: list[Criterion] = field(default_factory=list)
    language: str = "en"
    format: str = "text/html"
    echoed: dict[str, str] = field(default_factory=dict)


def read_request(parameters: QueryDict) -> Request:
    """Anything may be sent; what we do not know is left alone."""
    criteria = []
    for number in ["", *map(str, range(1, MOST_CRITERIA))]:
        prefix = f"mainSearchCriteria.v.{{}}{number}"
        code, oid, name, text = (_text(parameters, prefix.format(key)) for key in ("c", "cs", "dn", "ot"))
        if code or name or text:
            system = OIDS.get(oid.removeprefix("urn:oid:"))
            criteria.append(Criterion("" if oid and system is None else plain_code(code), system, name or text))
    language = next(
        (
            value[:2].lower()
            for key in (
                "informationRecipient.languageCode.c",
                "patientPerson.languageCode.c",
                "performer.languageCode.c",
            )
            if (value := _text(parameters, key))
        ),
        "en",
    )
    wanted = _text(parameters, "knowledgeResponseType").lower()
    answer = (
        "application/json"
        if "json" in wanted
        else "application/atom+xml"
        if "xml" in wanted or "atom" in wanted
        else "text/html"
    )
    echoed = {
        key: _text(parameters, key)
        for key in sorted(parameters)
        if key.startswith(("mainSearchCriteria", "taskContext", "informationRecipient.languageCode"))
    }
    return Request(criteria, "es" if language == "es" else "en", answer, dict(list(echoed.items())[:40]))


def _text(parameters: QueryDict, key: str) -> str:
    return " ".join(parameters.get(key, "").replace("\0", "").split())[:200]


def find(request: Request) -> list[Edition]:
    """The live articles about what was asked, in the language asked for: by code, or else by the words given."""
    ids: list[int] = []
    for criterion in request.criteria:
        found = _by_code(criterion, request.language) if criterion.code else []
        if not found and criterion.name:
            query = understand(criterion.name, request.language)
            found = article_ids(query) if query else []
        ids += found
    wanted = list(dict.fromkeys(ids))[:MOST_ARTICLES]
    rows = (
        Edition.objects.select_related("article__topic", "reviewer")
        .defer("shown", "search_vector", "names_vector")
        .in_bulk(wanted)
    )
    return [rows[pk] for pk in wanted if pk in rows]


def _by_code(criterion: Criterion, language: str) -> list[int]:
    """The exact code; for ICD-10-CM else its broader codes, the nearest first."""
    systems = [criterion.system] if criterion.system else list(CodeSystem)
    bare = criterion.code.rstrip("X")
    broader = [bare[:length].rstrip(".") for length in range(len(bare), SHORTEST_ICD_10 - 1, -1)]
    codes = list(dict.fromkeys([criterion.code, *(broader if CodeSystem.ICD_10_CM in systems else [])]))
    wanted = Q(code=criterion.code, system__in=systems)
    if CodeSystem.ICD_10_CM in systems:
        wanted |= Q(code__in=broader, system=CodeSystem.ICD_10_CM)
    live = Q(topic__articles__editions__is_live=True, topic__articles__editions__language=language)
    found: dict[str, list[int]] = {}
    rows = ReferenceCode.objects.filter(wanted, live).values_list("code", "topic__articles__editions")
    for code, edition in rows.order_by("pk"):
        found.setdefault(code, []).append(edition)
    if not found and (not criterion.system or criterion.system == CodeSystem.CPT):
        editions = Edition.objects.for_procedures([criterion.code], language)
        return [edition.pk for edition in editions.values()]
    return next((found[code] for code in codes if code in found), [])


# ---- Answers --------------------------------------------------------------------------------------------------------


def as_feed(request: Request, editions: list[Edition], title: str, origin: str) -> dict:
    """The answer as plain facts: {title, id, updated, lang, entries: [{title, id, link, summary, updated}], ...}."""
    days = {edition.pk: edition.published_at or datetime.now(UTC) for edition in editions}
    return {
        "title": title,
        "id": f"{origin}/infobutton",
        "lang": request.language,
        "updated": max(days.values(), default=datetime.now(UTC)).isoformat(timespec="seconds"),
        "categories": request.echoed,
        "entries": [
            {
                "title": edition.title,
                "id": f"{origin}{edition.get_absolute_url()}",
                "link": f"{origin}{edition.get_absolute_url()}",
                "updated": days[edition.pk].isoformat(timespec="seconds"),
                "summary": edition.summary,
            }
            for edition in editions
        ],
    }


def as_atom(feed: dict, author: str) -> str:
    lang = quoteattr(feed["lang"])
    categories = "".join(
        f"<category scheme={_attribute(key)} term={_attribute(value)}/>" for key, value in feed["categories"].items()
    )
    entries = "".join(
        f'<entry xml:lang={lang}><title type="text">{_xml(entry["title"])}</title>'
        f'<link rel="alternate" type="text/html" hreflang={lang} href={quoteattr(entry["link"])}/>'
        f"<id>{_xml(entry['id'])}</id><updated>{entry['updated']}</updated>"
        f'<summary type="text">{_xml(entry["summary"])}</summary></entry>'
        for entry in feed["entries"]
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang={lang}><title type="text">{_xml(feed["title"])}</title>'
        f"<id>{_xml(feed['id'])}</id><updated>{feed['updated']}</updated><author><name>{_xml(author)}</name></author>"
        f"{categories}{entries}</feed>\n"
    )


def _xml(text: str) -> str:
    return escape(for_xml(text))


def _attribute(text: str) -> str:
    return quoteattr(for_xml(text))


def as_json(feed: dict, author: str) -> str:
    """The Atom feed in JSON, in the shape that Infobutton clients know: text as {"type", "_value"}."""

    def text(value: str) -> dict[str, str]:
        return {"type": "text", "_value": value}

    return json.dumps(
        {
            "feed": {
                "lang": feed["lang"],
                "title": text(feed["title"]),
                "id": {"_value": feed["id"]},
                "updated": {"_value": feed["updated"]},
                "author": {"name": {"_value": author}},
                "category": [{"scheme": key, "term": value} for key, value in feed["categories"].items()],
                "entry": [
                    {
                        "lang": feed["lang"],
                        "title": text(entry["title"]),
                        "link": [
                            {"rel": "alternate", "type": "text/html", "hreflang": feed["lang"], "href": entry["link"]}
                        ],
                        "id": {"_value": entry["id"]},
                        "updated": {"_value": entry["updated"]},
                        "summary": text(entry["summary"]),
                    }
                    for entry in feed["entries"]
                ],
            }
        },
        ensure_ascii=False,
    )
