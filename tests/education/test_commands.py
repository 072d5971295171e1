import json

import pytest
from django.core.management import CommandError, call_command

from education.models import Article, Entry, Topic
from tests.factories import ArticleFactory, live

PACK = {
    "pack.md": "---\ncopyright: © Test\nlicence: Test licence\nsample: true\n---\n",
    "topics/chest-ct/topic.md": "---\nkind: exam\nbody_region: chest\nmodality: ct\n---\n",
    "topics/chest-ct/en.md": "---\ntitle: Chest CT\nsummary: Pictures.\n---\n## Basic facts\n\nThe facts.\n",
}


@pytest.fixture
def pack(tmp_path):
    for path, text in PACK.items():
        file = tmp_path / "pack" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path / "pack"


def word(term="Port", definition="A small device."):
    return json.dumps({"en": {"term": term, "definition_text": definition}}) + "\n"


def test_import_content_tells_what_it_did(db, pack, capsys):
    call_command("import_content", pack)
    assert capsys.readouterr().out == "2 files loaded, 0 unchanged, 0 kept.\n"
    Article.objects.update(title="Ours")
    call_command("import_content", str(pack))
    assert capsys.readouterr().out == (
        "topics/chest-ct/en.md: kept as staff edited it\n0 files loaded, 1 unchanged, 1 kept.\n"
    )
    assert Article.objects.get().title == "Ours"
    assert live(Article.objects.get()).title == "Chest CT"
    call_command("import_content", pack, "--overwrite")
    assert capsys.readouterr().out == "1 files loaded, 1 unchanged, 0 kept.\n"
    assert Article.objects.get().title == "Chest CT"
    assert live(Article.objects.get()).title == "Chest CT"


def test_import_content_lists_every_problem_and_loads_nothing(db, pack, capsys):
    (pack / "topics/chest-ct/topic.md").write_text("---\nkind: visit\nbody_region: chest\nmodality: ct\n---\n")
    (pack / "notes.txt").write_text("x")
    with pytest.raises(CommandError) as refusal:
        call_command("import_content", pack)
    assert str(refusal.value) == "2 problems. Nothing was loaded."
    assert capsys.readouterr().err == (
        "notes.txt:1: does not belong in a pack: see docs/content-packs.md for the folders and names\n"
        "topics/chest-ct/topic.md:2: kind must be one of: exam, treatment\n"
    )
    assert Topic.objects.count() == 0


def test_import_content_of_no_folder(db, tmp_path, capsys):
    with pytest.raises(CommandError) as refusal:
        call_command("import_content", tmp_path / "absent")
    assert str(refusal.value) == "1 problem. Nothing was loaded."
    assert capsys.readouterr().err == f"{tmp_path / 'absent'}:1: is not a folder\n"


@pytest.mark.parametrize("exists", [True, False])
def test_export_content_writes_into_an_empty_folder(db, pack, tmp_path, capsys, exists):
    call_command("import_content", pack, verbosity=0)
    capsys.readouterr()
    target = tmp_path / "deep" / "export"
    if exists:
        target.mkdir(parents=True)
    call_command("export_content", target)
    assert capsys.readouterr().out == f"3 files written to {target}.\n"
    assert {path: (target / path).read_text() for path in PACK} == PACK


@pytest.mark.parametrize("taken", ["file", "folder"])
def test_export_content_overwrites_nothing(db, tmp_path, taken):
    ArticleFactory()
    target = tmp_path / "export"
    kept = target if taken == "file" else target / "kept.md"
    kept.parent.mkdir(exist_ok=True)
    kept.write_text("Mine.")
    with pytest.raises(CommandError) as refusal:
        call_command("export_content", target)
    assert str(refusal.value) == f"{target} is not an empty folder. Choose a new one."
    assert kept.read_text() == "Mine."
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == [kept]


def test_export_content_where_nothing_can_be_written(db, tmp_path):
    (tmp_path / "file").write_text("")
    ArticleFactory()
    with pytest.raises(CommandError) as refusal:
        call_command("export_content", tmp_path / "file" / "export")
    assert str(refusal.value) == f"{tmp_path}/file/export cannot be written: Not a directory."


def test_import_glossary_tells_of_each_file(db, tmp_path, capsys):
    (tmp_path / "a.jsonl").write_text("\ufeff" + word("Port") + word("Vein") + word("Vein"))
    (tmp_path / "b.jsonl").write_text(word("Port"))
    call_command("import_glossary", tmp_path / "a.jsonl", tmp_path / "b.jsonl")
    assert capsys.readouterr().out == (
        "a.jsonl: 3 entries, 2 written, 0 unchanged, 1 skipped (empty or repeated).\n"
        "b.jsonl: 1 entries, 0 written, 1 unchanged, 0 skipped (empty or repeated).\n"
    )
    assert list(Entry.objects.order_by("name").values_list("name", flat=True)) == ["Port", "Vein"]


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize(
    ("content", "sentence", "problems"),
    [
        (
            b"{\n[]\n",
            "2 problems in list.jsonl. Nothing of it was loaded.",
            ["1: is not JSON", "2: is not a JSON object"],
        ),
        (b"", "1 problem in list.jsonl. Nothing of it was loaded.", ["1: the list has no words"]),
        (b"\n\xff", "{file} is not UTF-8 text (byte 1).", []),
        (None, "{file} cannot be read: No such file or directory.", []),
    ],
)
def test_import_glossary_refuses_with_a_sentence(tmp_path, capsys, content, sentence, problems):
    file = tmp_path / "list.jsonl"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(CommandError) as refusal:
        call_command("import_glossary", file)
    assert str(refusal.value) == sentence.format(file=file)
    assert capsys.readouterr().err == "".join(f"list.jsonl:{problem}\n" for problem in problems)
    assert Entry.objects.count() == 0


def test_import_glossary_keeps_the_files_before_the_bad_one(db, tmp_path):
    (tmp_path / "good.jsonl").write_text(word())
    (tmp_path / "bad.jsonl").write_text(word("Vein") + "{")
    with pytest.raises(CommandError):
        call_command("import_glossary", tmp_path / "good.jsonl", tmp_path / "bad.jsonl")
    assert Entry.objects.get().name == "Port"
