import json

import pytest

from education.glossary import GlossaryRefused, GlossaryReport, import_glossary, look_up, save_entry
from education.models import Entry, Name, Term
from tests.factories import make_term


def found(query, language="en"):
    return [entry.name for entry in look_up(query, language)]


@pytest.fixture
def words(db):
    make_term("deep-vein", en="A deep vein", es="Vena profunda")
    make_term("leg-veins", en="Veins of the leg")
    make_term("vein", en="Vein", es="Vena")
    make_term("mammogram", en="Mammogram", es="Mamografía", synonyms=["breast X-ray", "mammo"])
    make_term("ct-scan", en="CT scan", es="Tomografía (TC)", synonyms=["CAT scan"])
    make_term("meniere", en="Ménière’s disease")


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("vein", ["Vein", "Veins of the leg", "A deep vein"]),  # the word itself, its beginnings, inside
        ("ve", ["Vein", "Veins of the leg", "A deep vein"]),
        ("of the", ["Veins of the leg"]),
        ("deep", ["A deep vein"]),
        ("  VEINS   of ", ["Veins of the leg"]),
        ("cat scan", ["CT scan"]),  # a synonym
        ("x-ray", ["Mammogram"]),  # inside a synonym
        ("mamm", ["Mammogram"]),  # its own name and a synonym fit: once
        ("menieres", ["Ménière’s disease"]),  # no accents, no apostrophe
        ("Ménière's", ["Ménière’s disease"]),
        ("mamogram", ["Mammogram"]),  # misspelt
        ("ct scn", ["CT scan"]),
        ("profunda", []),  # a word of the other language
        ("quantum", []),
    ],
)
def test_look_up_in_english(words, query, names):
    assert found(query) == names


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("tomografia tc", ["Tomografía (TC)"]),
        ("TOMOGRAFÍA", ["Tomografía (TC)"]),
        ("grafía", ["Mamografía", "Tomografía (TC)"]),
        ("tomografya", ["Tomografía (TC)"]),
        ("vena", ["Vena", "Vena profunda"]),
    ],
)
def test_look_up_in_spanish(words, query, names):
    assert found(query, "es") == names


@pytest.mark.parametrize("query", ["", "   ", "?!", "%", "_", "\\", "\0"])
def test_look_up_of_nothing_finds_nothing(words, query):
    assert found(query) == []


def test_look_up_ranks_by_the_best_of_several_names(db):
    make_term("a", en="A long name", synonyms=["port"])
    make_term("b", en="Airport")
    make_term("c", en="Portal")
    assert [(entry.name, entry.rank) for entry in look_up("port", "en")] == [
        ("A long name", 0),
        ("Portal", 1),
        ("Airport", 2),
    ]


def test_look_up_of_a_misspelling_gives_the_most_alike_first(db):
    make_term("a", en="Angiography")
    make_term("b", en="Angiogram")
    assert found("angiogramm") == ["Angiogram", "Angiography"]


def test_save_entry_replaces_the_names(db):
    term = make_term("port", en="Port", synonyms=["chest port"])
    save_entry(term, "en", "Ports", "What they are.", "ports", ["Ports", "port", "port"])
    entry = term.entries.get()
    assert (entry.name, entry.definition, entry.pronunciation) == ("Ports", "What they are.", "ports")
    assert list(entry.names.order_by("pk").values_list("text", "key", "is_synonym")) == [
        ("Ports", "ports", False),
        ("port", "port", True),
    ]


# ---- Word lists -----------------------------------------------------------------------------------------------------


def lines(*rows):
    return "\n".join(json.dumps(row) for row in rows)


def paired(term="Port", **facts):
    return {"en": {"term": term, "definition_text": "A small device."} | facts}


def library():
    """Everything the glossary holds: {(slug, language): (name, meaning, say it, synonyms)}."""
    return {
        (entry.term.slug, entry.language): (
            entry.name,
            entry.definition,
            entry.pronunciation,
            [name.text for name in entry.names.order_by("pk") if name.is_synonym],
        )
        for entry in Entry.objects.select_related("term")
    }


PAIRED = lines(
    {
        "slug": "chest-port",
        "termId": 7,
        "en": {
            "term": " Port ",
            "definition_text": "A small device.\n",
            "pronunciation": "(port)",
            "synonyms": ["chest port", "Port", "chest port", " ", "mediport "],
        },
        "es": {"term": "Puerto", "definition_text": "Un aparato pequeño.", "synonyms": None, "pronunciation": None},
    },
    {"termId": 12, "en": {"term": "Épée test", "definition_text": "A test."}},
    {"es": {"term": "Niño", "definition_text": "Una persona pequeña."}, "en": None},
)
FLAT = lines(
    {"slug": "Chest Port", "lang": "en", "title": "Port", "body_markdown": "A **small** device."},
    {"slug": "chest-port", "lang": "es", "title": "Puerto", "body_markdown": "Un aparato."},
    {"slug": "no-text", "lang": "en", "title": "Word", "body_markdown": " "},
    {"slug": "no-title", "lang": "en", "title": None, "body_markdown": "Text."},
    {"slug": "chest-port", "lang": "en", "title": "Second", "body_markdown": "The first one counts."},
)


def test_import_paired_list(db):
    assert import_glossary(PAIRED) == GlossaryReport(entries=4, written=4, unchanged=0, skipped=0)
    assert library() == {
        ("chest-port", "en"): ("Port", "A small device.", "port", ["chest port", "mediport"]),
        ("chest-port", "es"): ("Puerto", "Un aparato pequeño.", "", []),
        ("epee-test-12", "en"): ("Épée test", "A test.", "", []),
        ("nino", "es"): ("Niño", "Una persona pequeña.", "", []),
    }


def test_import_flat_list(db):
    assert import_glossary(FLAT) == GlossaryReport(entries=5, written=2, unchanged=0, skipped=3)
    assert library() == {
        ("chest-port", "en"): ("Port", "A **small** device.", "", []),
        ("chest-port", "es"): ("Puerto", "Un aparato.", "", []),
    }


def test_import_takes_the_line_ends_of_windows_and_empty_lines(db):
    text = "\r\n" + lines(paired()) + "\r\n\r\n" + lines(paired("Vein")) + "\r\n"
    assert import_glossary(text) == GlossaryReport(entries=2, written=2)


@pytest.mark.parametrize(("text", "entries", "skipped"), [(PAIRED, 4, 0), (FLAT, 5, 3)])
def test_import_again_changes_nothing(db, text, entries, skipped):
    import_glossary(text)
    before = list(Name.objects.order_by("pk").values())
    assert import_glossary(text) == GlossaryReport(
        entries=entries, written=0, unchanged=entries - skipped, skipped=skipped
    )
    assert list(Name.objects.order_by("pk").values()) == before


def test_import_replaces_by_slug_and_leaves_the_rest(db):
    make_term("port", en="Old", es="Viejo", synonyms=["older"])
    make_term("vein", en="Vein")
    report = import_glossary(lines(paired() | {"slug": "port"}, paired("Artery")))
    assert report == GlossaryReport(entries=2, written=2)
    assert library() == {
        ("port", "en"): ("Port", "A small device.", "", []),
        ("port", "es"): ("Viejo", "What Viejo means.", "", ["older"]),
        ("vein", "en"): ("Vein", "What Vein means.", "", []),
        ("artery", "en"): ("Artery", "A small device.", "", []),
    }
    assert found("older") == []


def test_import_of_a_new_synonym_is_a_change(db):
    import_glossary(lines(paired(synonyms=["a device"])))
    assert import_glossary(lines(paired(synonyms=["a device", "port-a-cath"]))) == GlossaryReport(entries=1, written=1)
    assert found("port-a-cath") == ["Port"]


def test_import_of_a_word_that_grows_when_folded(db):
    import_glossary(lines(paired("ß" * 200)))
    assert Name.objects.get().key == "s" * 250


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("port", "is not JSON"),
        ('["port"]', "is not a JSON object"),
        ("{}", "has neither en nor es"),
        ('{"en": "Port"}', "is not a word of the documented shape"),
        ('{"en": {"term": "Port"}}', "definition_text is missing"),
        ('{"en": {"definition_text": "A device."}}', "term is missing"),
        (json.dumps(paired(definition_text=" ")), "definition is empty"),
        (json.dumps(paired(definition_text=5)), "definition must be text"),
        (json.dumps(paired(definition_text="x" * 20_001)), "definition is longer than 20000 characters"),
        (json.dumps(paired("?!")), "term is empty"),
        (json.dumps(paired("x" * 201)), "term is longer than 200 characters"),
        (json.dumps(paired("a\0b")), "term has a character that is no text"),
        (json.dumps(paired("a\ud800b")), "term has a character that is no text"),
        (json.dumps(paired(term=5)), "is not a word of the documented shape"),
        (json.dumps(paired(pronunciation="x" * 201)), "pronunciation is longer than 200 characters"),
        (json.dumps(paired(pronunciation=5)), "is not a word of the documented shape"),
        (json.dumps(paired(synonyms="device")), "synonyms must be a list"),
        (json.dumps(paired(synonyms=[5])), "synonym must be text"),
        (json.dumps(paired(synonyms=["x" * 201])), "synonym is longer than 200 characters"),
        (json.dumps(paired() | {"slug": "Port"}), "slug may hold small letters, digits and hyphens"),
        (json.dumps(paired() | {"slug": "../etc"}), "slug may hold small letters, digits and hyphens"),
        (json.dumps(paired() | {"slug": "p" * 121}), "slug is longer than 120 characters"),
        (json.dumps(paired() | {"slug": 5}), "slug must be text"),
        ('{"lang": "fr", "slug": "a", "title": "A", "body_markdown": "B"}', "lang must be one of: en, es"),
        ('{"lang": "en", "title": "A", "body_markdown": "B"}', "slug is missing"),
    ],
)
def test_import_refuses_with_the_line_and_loads_nothing(db, line, problem):
    text = "\n".join([lines(paired("Vein")), "", line, lines(paired("Artery"))])
    with pytest.raises(GlossaryRefused) as refusal:
        import_glossary(text, "words.jsonl")
    assert refusal.value.problems == [f"words.jsonl:3: {problem}"]
    assert Term.objects.count() == 0


def test_import_tells_all_problems_at_once(db):
    with pytest.raises(GlossaryRefused, match=r"^2 problems$") as refusal:
        import_glossary("{\n" + lines(paired()) + "\n[]", "words.jsonl")
    assert refusal.value.problems == ["words.jsonl:1: is not JSON", "words.jsonl:3: is not a JSON object"]


@pytest.mark.parametrize("text", ["", "\n \n"])
def test_import_of_an_empty_list_is_refused(db, text):
    with pytest.raises(GlossaryRefused) as refusal:
        import_glossary(text, "words.jsonl")
    assert refusal.value.problems == ["words.jsonl:1: the list has no words"]


def test_import_that_fails_half_way_leaves_nothing(db, monkeypatch):
    monkeypatch.setattr("education.glossary.names_of", lambda entry, synonyms: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        import_glossary(PAIRED)
    assert (Term.objects.count(), Entry.objects.count()) == (0, 0)
