"""The format of a pack's files, documented in docs/content-packs.md: reading them, and writing them canonically.

    pack.md                     copyright, licence and whether this is sample text
    topics/<slug>/topic.md      kind, body region and exam type; how bills and health record systems name it
    topics/<slug>/<language>.md the article: front matter, then one `## ` heading a section
    glossary/<slug>.md          a term: front matter with its names, then the English and the Spanish meaning
    illustrations/<slug>.svg    a drawing, with its alternative text in two titles
    synonyms/<language>.md      what search takes for the same

Each file starts with YAML front matter between two lines of `---`. A problem names the file and the line.
"""

import datetime
import re
from dataclasses import dataclass, field
from typing import Any

import yaml
from django.conf import settings

from education.glossary import can_be_stored
from education.illustrations import DrawingRefused, read_drawing, write_drawing
from education.models import (
    PLAIN_CODE,
    ArticleStatus,
    BodyRegion,
    CodeSystem,
    Modality,
    SectionKind,
    TopicKind,
    plain_code,
)
from practice.money import parse_cents, plain_dollars
from practice.search.models import same_words

LANGUAGES = tuple(code for code, _name in settings.LANGUAGES)
FRONT_MATTER = re.compile(r"---\n(.*?)(?<=\n)---(?:\n|\Z)", re.DOTALL)
# What the addresses of topics and terms may be; a slug field takes no others.
TOPIC_SLUG = re.compile(r"[a-zA-Z0-9_-]{1,80}", re.ASCII)
TERM_SLUG = re.compile(r"[a-zA-Z0-9_-]{1,120}", re.ASCII)
SECTION_MARK = re.compile(r"^(?=##? )", re.MULTILINE)
SOURCES = "sources"  # the last, optional heading of an article

# The headings are part of the format, so they do not follow the translation files. They stand in a file in this order;
# pages have an order of their own (SectionKind).
HEADINGS: dict[str, dict[str, str]] = {
    "en": {
        SectionKind.BASIC_FACTS: "Basic facts",
        SectionKind.WHY: "Why it is done",
        SectionKind.PREPARE: "How to prepare",
        SectionKind.WEEK_BEFORE: "The week before",
        SectionKind.DAY_BEFORE: "The day before",
        SectionKind.DAY_OF: "The day of",
        SectionKind.WHAT_HAPPENS: "What happens",
        SectionKind.AFTER: "Afterward",
        SectionKind.WHEN_TO_CALL: "When to call us",
        SectionKind.RISKS: "Risks",
        SectionKind.RESULTS: "Your results",
        SectionKind.COST: "What it costs, and why two bills",
        SOURCES: "Sources",
    },
    "es": {
        SectionKind.BASIC_FACTS: "Datos básicos",
        SectionKind.WHY: "Por qué se hace",
        SectionKind.PREPARE: "Cómo prepararse",
        SectionKind.WEEK_BEFORE: "La semana anterior",
        SectionKind.DAY_BEFORE: "El día anterior",
        SectionKind.DAY_OF: "El mismo día",
        SectionKind.WHAT_HAPPENS: "Qué sucede",
        SectionKind.AFTER: "Después",
        SectionKind.WHEN_TO_CALL: "Cuándo llamarnos",
        SectionKind.RISKS: "Riesgos",
        SectionKind.RESULTS: "Sus resultados",
        SectionKind.COST: "Cuánto cuesta y por qué hay dos facturas",
        SOURCES: "Fuentes",
    },
}


@dataclass(frozen=True)
class PackProblem:
    """One thing wrong in a pack."""

    path: str
    line: int
    message: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.message}"


class PackRefused(Exception):
    """The pack has errors; nothing of it was loaded."""

    def __init__(self, problems: list[PackProblem]):
        super().__init__(f"{len(problems)} problem{'s' if len(problems) != 1 else ''}")
        self.problems = problems


@dataclass
class PackFacts:
    """pack.md: what holds for all articles of the pack."""

    copyright: str = ""
    licence: str = ""
    sample: bool = False


@dataclass
class TopicFile:
    slug: str
    kind: str
    body_region: str
    modality: str
    procedure_codes: list[str] = field(default_factory=list)
    sample_charge_cents: int | None = None
    illustration: str = ""
    reference_codes: list[tuple[str, str]] = field(default_factory=list)
    codes_line: int = field(default=2, compare=False)


@dataclass
class ArticleFile:
    slug: str
    language: str
    title: str
    summary: str
    also_called: list[str] = field(default_factory=list)
    status: str = ArticleStatus.PUBLISHED.value
    reviewer: str = ""  # the slug of a physician
    reviewed_on: datetime.date | None = None
    next_review_on: datetime.date | None = None
    sections: dict[str, str] = field(default_factory=dict)
    sources: str = ""


@dataclass
class GlossaryName:
    name: str
    pronunciation: str = ""
    synonyms: list[str] = field(default_factory=list)
    definition: str = ""


@dataclass
class TermFile:
    slug: str
    entries: dict[str, GlossaryName] = field(default_factory=dict)
    is_explained_in_text: bool = True


@dataclass
class IllustrationFile:
    slug: str
    drawing: str = ""
    alt: dict[str, str] = field(default_factory=dict)


@dataclass
class SynonymsFile:
    language: str
    groups: list[str] = field(default_factory=list)


# ---- Reading --------------------------------------------------------------------------------------------------------


class _FileReader:
    """One file on its way from text to facts; collects problems with their lines."""

    def __init__(self, path: str, text: str):
        self.path = path
        self.problems: list[PackProblem] = []
        self.lines: dict[str, int] = {}  # key of the front matter: its line
        self.facts: dict[str, Any] = {}
        self.is_read = False  # whether the front matter could be read at all
        self.body = ""
        self.body_line = 1
        if "\r" in text or "\0" in text:
            self.problem(1, "lines must end with a line feed only, and there may be no NUL characters")
            return
        match = FRONT_MATTER.match(text)
        if match is None:
            self.problem(1, "the file must start with front matter between two lines of ---")
            return
        self.body = text[match.end() :]
        self.body_line = text[: match.end()].count("\n") + 1
        self._read_front_matter(match.group(1))

    def problem(self, line: int, message: str) -> None:
        self.problems.append(PackProblem(self.path, line, message))

    def _read_front_matter(self, text: str) -> None:
        try:
            node = yaml.compose(text, yaml.SafeLoader)
            facts = yaml.safe_load(text)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            self.problem(
                (mark.line if mark else 0) + 2, f"the front matter is not YAML: {getattr(error, 'problem', '')}"
            )
            return
        except (ValueError, LookupError, AttributeError, TypeError, RecursionError) as error:
            # A date like 2026-13-01, a tag that does not fit its value, lists within lists without end.
            self.problem(2, f"the front matter has a value that does not exist: {error}")
            return
        if node is None or not isinstance(facts, dict):
            self.problem(2, "the front matter must be a list of `key: value` lines")
            return
        for key, _value in node.value:
            if key.value in self.lines:
                self.problem(key.start_mark.line + 2, f"{key.value} stands twice")
            self.lines[key.value] = key.start_mark.line + 2
        self.facts = facts
        self.is_read = True

    def only(self, *known: str) -> None:
        for key in self.facts:
            if key not in known:
                self.problem(self.lines.get(str(key), 2), f"{key} is not a key of this kind of file")

    def text(self, key: str, *, longest: int, required: bool = True) -> str:
        value = self.facts.get(key, "")
        value = value.strip() if isinstance(value, str) else value
        line = self.lines.get(key, 2)
        if value is None or value == "":
            if required and self.is_read:
                self.problem(line, f"{key} is missing")
            return ""
        if not isinstance(value, str):
            self.problem(line, f"{key} must be text; put it in quotes")
            return ""
        if not can_be_stored(value):
            self.problem(line, f"{key} has a character that is no text")
        if len(value) > longest:
            self.problem(line, f"{key} is longer than {longest} characters")
        return value

    def choice(self, key: str, values: list[str], *, default: str | None = None) -> str:
        value = self.facts.get(key, default)
        if not self.is_read:
            return values[0]
        if value not in values:
            self.problem(self.lines.get(key, 2), f"{key} must be one of: {', '.join(values)}")
            return values[0]
        return value

    def strings(self, key: str, *, longest: int = 200) -> list[str]:
        value = self.facts.get(key) or []
        if isinstance(value, list) and any(isinstance(item, int | float | datetime.date) for item in value):
            self.problem(self.lines.get(key, 2), f"{key} must be a list of texts; put each in quotes")
            return []
        if not isinstance(value, list) or any(not isinstance(item, str) or not item.strip() for item in value):
            self.problem(self.lines.get(key, 2), f"{key} must be a list of texts")
            return []
        if any(not can_be_stored(item) or len(item.strip().splitlines()) > 1 for item in value):
            self.problem(self.lines.get(key, 2), f"{key} has an item of several lines, or with what is no text")
        if any(len(item) > longest for item in value):
            self.problem(self.lines.get(key, 2), f"{key} has an item longer than {longest} characters")
        return [item.strip() for item in value]

    def codes(self, key: str) -> list[str]:
        told = len(self.problems)
        texts = self.strings(key, longest=20)
        if len(self.problems) > told:
            return []
        line = self.lines.get(key, 2)
        codes = [plain_code(text) for text in texts]
        for text in texts:
            if not re.fullmatch(PLAIN_CODE, text, re.ASCII | re.IGNORECASE):
                rule = "letters and digits, with single spaces, dots or hyphens between"
                self.problem(line, f"{key} has {text}, but a code has {rule}")
        for code in dict.fromkeys(codes):
            if codes.count(code) > 1:
                self.problem(line, f"{key} has {code} twice")
        return codes

    def reference_codes(self, key: str) -> list[tuple[str, str]]:
        found = []
        for text in self.strings(key, longest=60):
            system, _space, code = text.partition(" ")
            if system not in CodeSystem.values or not re.fullmatch(PLAIN_CODE, code, re.ASCII | re.IGNORECASE):
                known = ", ".join(CodeSystem.values)
                self.problem(self.lines.get(key, 2), f"{key} has “{text}”; write a vocabulary ({known}) and a code")
            elif (system, plain_code(code)) in found:
                self.problem(self.lines.get(key, 2), f"{key} has {text} twice")
            else:
                found.append((system, plain_code(code)))
        return found

    def truth(self, key: str, *, default: bool) -> bool:
        value = self.facts.get(key, default)
        if not isinstance(value, bool):
            self.problem(self.lines.get(key, 2), f"{key} must be true or false")
            return default
        return value

    def cents(self, key: str) -> int | None:
        text = self.text(key, longest=20, required=False)
        try:
            return parse_cents(text) if text else None
        except ValueError:
            self.problem(self.lines.get(key, 2), f"{key} must be dollars and cents like 640.00")
            return None

    def date(self, key: str) -> datetime.date | None:
        value = self.facts.get(key)
        if value is None or (isinstance(value, datetime.date) and not isinstance(value, datetime.datetime)):
            return value
        self.problem(self.lines.get(key, 2), f"{key} must be a date like 2026-03-31")
        return None

    def sections(self, headings: dict[str, str]) -> dict[str, str]:
        """The body, cut at its `## ` headings: {section: Markdown}."""
        kinds = {heading: kind for kind, heading in headings.items()}
        found: dict[str, list[str]] = {}
        current: list[str] | None = None
        last_position = -1
        for offset, line in enumerate(self.body.split("\n")):
            number = self.body_line + offset
            if line.startswith("## "):
                heading = line[3:].strip()
                kind = kinds.get(heading)
                if kind is None:
                    self.problem(number, f"“{heading}” is not a section; known: {', '.join(kinds)}")
                elif kind in found:
                    self.problem(number, f"“{heading}” stands twice")
                elif list(headings).index(kind) < last_position:
                    self.problem(number, f"“{heading}” is out of order")
                else:
                    last_position = list(headings).index(kind)
                current = found.setdefault(kind or heading, [])
            elif line.startswith("# "):
                self.problem(number, "a section starts with ##; # is the page's own title")
            elif current is None:
                if line.strip():
                    self.problem(number, "there is text before the first ## heading")
            else:
                current.append(line)
        sections = {kind: "\n".join(lines).strip() for kind, lines in found.items()}
        for kind, body in sections.items():
            if not body:
                self.problem(self.body_line, f"the section “{headings.get(kind, kind)}” is empty")
        return sections


def read_pack_facts(path: str, text: str) -> tuple[PackFacts, list[PackProblem]]:
    reader = _FileReader(path, text)
    reader.only("copyright", "licence", "sample")
    sample = reader.truth("sample", default=False)
    facts = PackFacts(reader.text("copyright", longest=200), reader.text("licence", longest=200), sample)
    return facts, reader.problems


def read_topic(path: str, text: str, slug: str) -> tuple[TopicFile, list[PackProblem]]:
    reader = _FileReader(path, text)
    reader.only(
        "kind", "body_region", "modality", "procedure_codes", "sample_charge", "illustration", "reference_codes"
    )
    topic = TopicFile(
        slug,
        reader.choice("kind", TopicKind.values),
        reader.choice("body_region", BodyRegion.values),
        reader.choice("modality", Modality.values),
        reader.codes("procedure_codes"),
        reader.cents("sample_charge"),
        reader.text("illustration", longest=80, required=False),
        reader.reference_codes("reference_codes"),
        reader.lines.get("procedure_codes", 2),
    )
    if slug == "feed":
        reader.problem(1, "the address feed is taken by the list of newest articles")
    if reader.body.strip():
        reader.problem(reader.body_line, "topic.md has front matter only; the text belongs in en.md and es.md")
    return topic, reader.problems


def read_article(path: str, text: str, slug: str, language: str) -> tuple[ArticleFile, list[PackProblem]]:
    reader = _FileReader(path, text)
    reader.only("title", "summary", "also_called", "status", "reviewer", "reviewed_on", "next_review_on")
    article = ArticleFile(
        slug=slug,
        language=language,
        title=reader.text("title", longest=120),
        summary=reader.text("summary", longest=300),
        also_called=reader.strings("also_called"),
        status=reader.choice("status", ArticleStatus.values, default=ArticleStatus.PUBLISHED.value),
        reviewer=reader.text("reviewer", longest=80, required=False),
        reviewed_on=reader.date("reviewed_on"),
        next_review_on=reader.date("next_review_on"),
        sections=reader.sections(HEADINGS[language]),
    )
    article.sources = article.sections.pop(SOURCES, "")
    is_draft = article.status == ArticleStatus.DRAFT
    if SectionKind.BASIC_FACTS not in article.sections and not is_draft and not reader.problems:
        reader.problem(reader.body_line, f"the section “{HEADINGS[language][SectionKind.BASIC_FACTS]}” is missing")
    dates = (article.reviewer, article.reviewed_on, article.next_review_on)
    if any(dates) and not all(dates):
        line = reader.lines.get("reviewer", 2)
        reader.problem(line, "reviewer, reviewed_on and next_review_on are given together or not at all")
    if article.reviewed_on and article.next_review_on and article.next_review_on <= article.reviewed_on:
        reader.problem(reader.lines.get("next_review_on", 2), "next_review_on must be after reviewed_on")
    return article, reader.problems


def read_term(path: str, text: str, slug: str) -> tuple[TermFile, list[PackProblem]]:
    reader = _FileReader(path, text)
    reader.only(*LANGUAGES, "explained_in_text")
    term = TermFile(slug, is_explained_in_text=reader.truth("explained_in_text", default=True))
    definitions = _definitions(reader)
    for language in LANGUAGES:
        facts = reader.facts.get(language)
        if facts is None:
            if language in definitions:
                reader.problem(2, f"there is a meaning for {language} but no {language} in the front matter")
            continue
        line = reader.lines.get(language, 2)
        if not isinstance(facts, dict):
            reader.problem(line, f"{language} must have a name below it")
            continue
        inner = _FileReader(path, "---\n---\n")
        inner.problems, inner.facts, inner.is_read = reader.problems, facts, True
        inner.lines = dict.fromkeys(("name", "pronunciation", "synonyms", *map(str, facts)), line)
        inner.only("name", "pronunciation", "synonyms")
        entry = GlossaryName(
            inner.text("name", longest=200),
            inner.text("pronunciation", longest=200, required=False),
            inner.strings("synonyms"),
            definitions.get(language, ""),
        )
        if len({entry.name, *entry.synonyms}) <= len(entry.synonyms):
            reader.problem(line, f"a synonym in {language} repeats the name or another synonym")
        if not entry.definition:
            reader.problem(
                reader.body_line, f"the meaning for {language} is missing: a line “## {language}”, then the text"
            )
        term.entries[language] = entry
    if not term.entries and not reader.problems:
        reader.problem(2, "a term needs en, es or both in its front matter")
    return term, reader.problems


def read_illustration(path: str, text: str, slug: str) -> tuple[IllustrationFile, list[PackProblem]]:
    try:
        drawing, alt = read_drawing(text)
    except DrawingRefused as refusal:
        return IllustrationFile(slug), [PackProblem(path, refusal.line, str(refusal))]
    missing = [language for language in LANGUAGES if not alt.get(language)]
    problems = [
        PackProblem(path, 1, f'there is no <title xml:lang="{language}"> that says what it shows')
        for language in missing
    ]
    return IllustrationFile(slug, drawing, alt), problems


def read_synonyms(path: str, text: str, language: str) -> tuple[SynonymsFile, list[PackProblem]]:
    reader = _FileReader(path, text)
    reader.only("groups")
    groups = reader.strings("groups", longest=500)
    for group in groups:
        if len(same_words(group)) < 2:
            reader.problem(reader.lines.get("groups", 2), f"“{group}” needs two words or more with = between")
        if groups.count(group) > 1:
            reader.problem(reader.lines.get("groups", 2), f"“{group}” stands twice")
    if reader.body.strip():
        reader.problem(reader.body_line, "synonyms have front matter only")
    return SynonymsFile(language, groups), reader.problems


def _definitions(reader: _FileReader) -> dict[str, str]:
    if not reader.facts:
        return {}
    return reader.sections({language: language for language in LANGUAGES})


# ---- Writing --------------------------------------------------------------------------------------------------------


def _file(front: dict, body: str) -> str:
    head = yaml.safe_dump(front, sort_keys=False, allow_unicode=True, width=10**9) if front else ""
    return f"---\n{head}---\n{body}"


def _body(parts: list[tuple[str, str]]) -> str:
    """The parts under their headings. A `#` or `##` heading inside a part moves in by a space, which says the same."""
    return "\n".join(f"## {heading}\n\n{SECTION_MARK.sub(' ', text)}\n" for heading, text in parts)


def write_pack_facts(facts: PackFacts) -> str:
    return _file({"copyright": facts.copyright, "licence": facts.licence, "sample": facts.sample}, "")


def write_topic(topic: TopicFile) -> str:
    front: dict[str, Any] = {"kind": topic.kind, "body_region": topic.body_region, "modality": topic.modality}
    if topic.procedure_codes:
        front["procedure_codes"] = topic.procedure_codes
    if topic.sample_charge_cents is not None:
        front["sample_charge"] = plain_dollars(topic.sample_charge_cents)
    if topic.illustration:
        front["illustration"] = topic.illustration
    if topic.reference_codes:
        front["reference_codes"] = [f"{system} {code}" for system, code in topic.reference_codes]
    return _file(front, "")


def write_article(article: ArticleFile) -> str:
    front: dict[str, Any] = {"title": article.title, "summary": article.summary}
    if article.also_called:
        front["also_called"] = article.also_called
    if article.status != ArticleStatus.PUBLISHED:
        front["status"] = article.status
    if article.reviewer:
        front |= {
            "reviewer": article.reviewer,
            "reviewed_on": article.reviewed_on,
            "next_review_on": article.next_review_on,
        }
    headings = HEADINGS[article.language]
    texts = article.sections | ({SOURCES: article.sources} if article.sources else {})
    return _file(front, _body([(heading, texts[kind]) for kind, heading in headings.items() if kind in texts]))


def write_term(term: TermFile) -> str:
    front: dict[str, Any] = {} if term.is_explained_in_text else {"explained_in_text": False}
    for language, entry in term.entries.items():
        facts: dict[str, Any] = {"name": entry.name}
        if entry.pronunciation:
            facts["pronunciation"] = entry.pronunciation
        if entry.synonyms:
            facts["synonyms"] = entry.synonyms
        front[language] = facts
    return _file(front, _body([(language, entry.definition) for language, entry in term.entries.items()]))


def write_illustration(illustration: IllustrationFile) -> str:
    return write_drawing(illustration.drawing, illustration.alt)


def write_synonyms(synonyms: SynonymsFile) -> str:
    return _file({"groups": synonyms.groups}, "")
