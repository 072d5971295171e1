"""Reads a pack's folder into parsed files, with every problem of the whole pack told at once."""

from dataclasses import dataclass, field
from pathlib import Path

from education.packs.format import (
    LANGUAGES,
    TERM_SLUG,
    TOPIC_SLUG,
    ArticleFile,
    IllustrationFile,
    PackFacts,
    PackProblem,
    PackRefused,
    SynonymsFile,
    TermFile,
    TopicFile,
    read_article,
    read_illustration,
    read_pack_facts,
    read_synonyms,
    read_term,
    read_topic,
    write_article,
    write_illustration,
    write_pack_facts,
    write_synonyms,
    write_term,
    write_topic,
)
from practice.free_text import private_number

PACK_FACTS = "pack.md"


@dataclass
class Pack:
    """A folder that has been read: parsed files and their texts, by path below the folder."""

    facts: PackFacts = field(default_factory=PackFacts)
    topics: dict[str, TopicFile] = field(default_factory=dict)
    articles: dict[tuple[str, str], ArticleFile] = field(default_factory=dict)
    terms: dict[str, TermFile] = field(default_factory=dict)
    illustrations: dict[str, IllustrationFile] = field(default_factory=dict)
    synonyms: dict[str, SynonymsFile] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)


def read_pack(folder: Path) -> Pack:
    """Read every file below the folder. Raises PackRefused with all problems, by file and line."""
    if not folder.is_dir():
        raise PackRefused([PackProblem(str(folder), 1, "is not a folder")])
    pack, problems = Pack(), []
    for file in sorted(folder.rglob("*")):
        path = file.relative_to(folder).as_posix()
        if file.is_dir() or path == "README.md" or any(part.startswith(".") for part in path.split("/")):
            continue
        try:
            text = file.read_bytes().decode()
        except OSError as error:
            problems.append(PackProblem(path, 1, f"cannot be read: {error.strerror}"))
            continue
        except UnicodeDecodeError as error:
            problems.append(PackProblem(path, 1, f"is not UTF-8 text (byte {error.start})"))
            continue
        pack.texts[path] = text
        problems += read_file(pack, path, text) + _check_numbers(path, text)
    if PACK_FACTS not in pack.texts:
        problems.append(PackProblem(PACK_FACTS, 1, "is missing: it gives copyright and licence"))
    for slug, language in pack.articles:
        if slug not in pack.topics:
            problems.append(PackProblem(f"topics/{slug}/{language}.md", 1, f"topics/{slug}/topic.md is missing"))
    problems += _check_codes(pack)
    if problems:
        raise PackRefused(sorted(problems, key=lambda problem: (problem.path, problem.line)))
    return pack


def _check_numbers(path: str, text: str) -> list[PackProblem]:
    """A pack goes around the forms of the office, which would have refused these."""
    if path.endswith((".svg", "/topic.md")) or not private_number(text):  # points of a drawing, codes of vocabularies
        return []
    lines = [number for number, line in enumerate(text.splitlines(), 1) if private_number(line)]
    return [PackProblem(path, line, "looks like it holds a card or social security number") for line in lines or [1]]


def _check_codes(pack: Pack) -> list[PackProblem]:
    problems = []
    owners: dict[str, str] = {}
    for slug, topic in pack.topics.items():
        for code in dict.fromkeys(topic.procedure_codes):
            owner = owners.setdefault(code, slug)
            if owner != slug:
                message = f"procedure_codes has {code}, which stands in topics/{owner}/topic.md already"
                problems.append(PackProblem(f"topics/{slug}/topic.md", topic.codes_line, message))
    return problems


def read_file(pack: Pack, path: str, text: str) -> list[PackProblem]:
    """Parse one file into the pack; its path below the folder tells what it is."""
    parts = path.removesuffix(".md").split("/")
    if path == PACK_FACTS:
        pack.facts, problems = read_pack_facts(path, text)
        return problems
    if path.endswith(".md") and parts[0] == "topics" and len(parts) == 3 and TOPIC_SLUG.fullmatch(parts[1]):
        slug, name = parts[1:]
        if name == "topic":
            pack.topics[slug], problems = read_topic(path, text, slug)
            return problems
        if name in LANGUAGES:
            pack.articles[slug, name], problems = read_article(path, text, slug, name)
            return problems
    if path.endswith(".md") and parts[0] == "glossary" and len(parts) == 2 and TERM_SLUG.fullmatch(parts[1]):
        pack.terms[parts[1]], problems = read_term(path, text, parts[1])
        return problems
    if path.endswith(".svg") and parts[0] == "illustrations" and len(parts) == 2:
        slug = parts[1].removesuffix(".svg")
        if TOPIC_SLUG.fullmatch(slug):
            pack.illustrations[slug], problems = read_illustration(path, text, slug)
            return problems
    if path.endswith(".md") and parts[0] == "synonyms" and len(parts) == 2 and parts[1] in LANGUAGES:
        pack.synonyms[parts[1]], problems = read_synonyms(path, text, parts[1])
        return problems
    return [PackProblem(path, 1, "does not belong in a pack: see docs/content-packs.md for the folders and names")]


def canonical(path: str, text: str | None) -> str | None:
    """What the export would have written for the file as it was imported."""
    if text is None:
        return None
    pack = Pack()
    read_file(pack, path, text)
    for topic in pack.topics.values():
        return write_topic(topic)
    for article in pack.articles.values():
        return write_article(article)
    for term in pack.terms.values():
        return write_term(term)
    for illustration in pack.illustrations.values():
        return write_illustration(illustration)
    for synonyms in pack.synonyms.values():
        return write_synonyms(synonyms)
    return write_pack_facts(pack.facts) if path == PACK_FACTS else None
