"""What was backed up comes back row by row and byte by byte, or not at all."""

import io
import json
import os
import signal
import subprocess
import sys
import tarfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.conf import settings as project
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.utils import DatabaseError
from django.test import override_settings

from billing.proof import prove
from billing.rules import missing_rules
from careers.models import ApplicationFile
from practice.backups import making, programs, restoring
from practice.backups.sealing import CHUNK, SealBroken, SealedReader, SealingWriter
from practice.database_roles import role_statements
from practice.models import Feedback, Location
from practice.page_copies import PageCopy
from practice.page_files import PageFiles
from practice.private_files import PrivateStorage
from tests import factories
from tests.billing.books import pay
from tests.databases import another_database, schema

KEY = "a key of the tests, and of nothing else"
# One process makes the backup that all look at.
pytestmark = [pytest.mark.xdist_group("backups"), pytest.mark.django_db]


@pytest.fixture(scope="module")
def backup(django_db_setup, django_db_blocker, tmp_path_factory):
    """A backup of a small practice: its path, and the rows, files, rules and proof of what was backed up."""
    folder = tmp_path_factory.mktemp("backed-up")
    with django_db_blocker.unblock():
        connection.close()  # what is a template may have no guests
        with (
            another_database("source"),
            override_settings(PRIVATE_ROOT=folder / "private", MEDIA_ROOT=folder / "media", BACKUP_KEY=KEY),
        ):
            fill()
            made = making.make(folder / "one.backup")
            found = SimpleNamespace(
                made=made,
                path=made.path,
                rows=all_rows(),
                files=all_files(folder),
                schema=schema(),
                proof=prove(),
            )
    return found


def fill():
    factories.StatementFactory(owes=12_345)
    pay(factories.StatementFactory(owes=5_000), 3_000)
    factories.LocationFactory(name="North “wing”\n\\N\t", slug="north")
    factories.ArticleFactory()
    name = storages["private"].save("applications/cv.pdf", ContentFile(b"a CV" * 1_500_000))
    storages["private"].save("applications/.unfinished-1", ContentFile(b"half"))
    storages["default"].save("portraits/él.png", ContentFile(b"a portrait"))
    application = factories.ApplicationFactory()
    for number, stored in enumerate([name, "applications/gone.pdf"]):
        facts = {"name": f"{number}.pdf", "kind": "other", "size": 1, "sha256": "0" * 64}
        ApplicationFile.objects.create(application=application, stored=stored, **facts)


def all_files(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for root in ("private", "media")
        for path in (folder / root).rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }


def all_rows():
    """{table: its rows as the database writes them, sorted}."""
    with connection.cursor() as cursor:
        cursor.execute("SET timezone = 'UTC'")
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        rows = {}
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT t::text FROM "{table}" t ORDER BY 1')
            rows[table] = [row[0] for row in cursor.fetchall()]
        return rows


@pytest.fixture
def elsewhere(db, settings, tmp_path):
    """An empty database and empty folders; `connection` leads there."""
    settings.PRIVATE_ROOT, settings.MEDIA_ROOT = tmp_path / "private", tmp_path / "media"
    settings.BACKUP_KEY = KEY
    with another_database("elsewhere", "template0"):
        yield tmp_path


def run(*statements):
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def restore(path, **options):
    with restoring.open_backup(Path(path)) as file:
        return restoring.restore(file, **options)


def is_untouched(folder):
    return (all_rows(), all_files(folder)) == ({}, {})


# ---- There and back -------------------------------------------------------------------------------------------------


def test_everything_comes_back(backup, elsewhere):
    restore(backup.path)

    assert all_rows() == backup.rows
    assert all_files(elsewhere) == backup.files
    assert len(backup.files) == 3
    assert (missing_rules(), prove()) == ([], backup.proof)
    assert backup.proof.chain_length > 0
    assert schema() == backup.schema


def test_restored_database_keeps_its_rules_and_counts_on(backup, elsewhere):
    restore(backup.path)

    for statement in (
        "DELETE FROM billing_leg",
        "TRUNCATE billing_journal CASCADE",
        "UPDATE accounts_change SET row = 'x'",
    ):
        with pytest.raises(DatabaseError, match="refused"):
            run(statement)
    before = set(Feedback.objects.values_list("pk", flat=True))
    assert factories.StatementFactory(owes=700).balance_cents == 700
    assert factories.FeedbackFactory().pk not in before
    assert prove().first_problem == ""


def test_manifest_says_what_is_in_it_and_what_is_missing(backup):
    manifest = backup.made.manifest
    assert {name: table["rows"] for name, table in manifest["tables"].items()} == {
        f"public.{name}": len(rows) for name, rows in backup.rows.items()
    }
    assert manifest["proofs"]["billing"]["chain_head"] == backup.proof.chain_head
    assert (manifest["named_but_missing"], manifest["files_no_row_names"]) == (
        ["private/applications/gone.pdf"],
        ["media/portraits/él.png"],
    )
    assert set(manifest["files"]) == set(backup.files)


def test_nobody_reads_it_without_the_key(backup):
    sealed = backup.path.read_bytes()
    assert [word for word in (b"a CV", b"manifest", b"PGDMP", b"billing_leg") if word in sealed] == []
    assert backup.path.stat().st_mode & 0o777 == 0o600


def test_rows_committed_while_it_is_made_are_wholly_in_it_or_wholly_not(elsewhere, backup, monkeypatch):
    restore(backup.path)
    dump = programs.run

    def dump_while_somebody_writes(*arguments, **options):
        somebody = connection.copy()
        with somebody.cursor() as cursor:
            cursor.execute("UPDATE practice_location SET city = 'Elsewhere'")
        somebody.close()
        dump(*arguments, **options)

    monkeypatch.setattr(programs, "run", dump_while_somebody_writes)
    made = making.make(elsewhere / "second.backup")
    monkeypatch.undo()
    assert made.manifest["tables"] == backup.made.manifest["tables"]
    assert set(Location.objects.values_list("city", flat=True)) == {"Elsewhere"}
    restore(made.path, replace=True)
    assert all_rows() == backup.rows


def test_file_erased_meanwhile_is_not_in_it_and_hinders_nothing(elsewhere, backup, monkeypatch):
    restore(backup.path)
    walk = making.walk

    def walk_and_erase(storage):
        monkeypatch.setattr(making, "walk", walk)
        names = list(walk(storage))
        monkeypatch.setattr(making, "walk", walk_and_erase)
        for name in names:
            storage.delete(name)
            yield name

    monkeypatch.setattr(making, "walk", walk_and_erase)
    manifest = making.make(elsewhere / "second.backup").manifest
    assert (manifest["files"], len(manifest["named_but_missing"])) == ({}, 3)
    with (elsewhere / "second.backup").open("rb") as file:
        assert restoring.verify(file) == manifest


def test_role_that_only_reads_can_make_one(elsewhere, backup):
    restore(backup.path)
    run("CREATE ROLE test_owner", *role_statements("postgres", "test_site_b", "test_backup_b"))
    user, password = connection.settings_dict.get("USER"), connection.settings_dict.get("PASSWORD")
    if password:  # the same, wherever it is taken from
        run(f"ALTER ROLE test_backup_b PASSWORD '{password}'")
    parameters = connection.get_connection_params
    try:
        connection.close()
        connection.get_connection_params = lambda: parameters() | {"user": "test_backup_b"}
        manifest = making.make(elsewhere / "second.backup").manifest
    finally:
        connection.close()
        del connection.get_connection_params
        run(
            "DROP OWNED BY test_site_b, test_backup_b",
            "DROP ROLE test_site_b",
            "DROP ROLE test_backup_b",
            "DROP ROLE test_owner",
        )
    assert manifest["tables"] == backup.made.manifest["tables"]
    assert connection.settings_dict.get("USER") == user


# ---- What is refused ------------------------------------------------------------------------------------------------


def refused(path, **options):
    with pytest.raises(CommandError) as refusal:
        call_command("restore", str(path), **options)
    return str(refusal.value)


def test_one_changed_bit_is_refused_wherever_it_is(backup, elsewhere):
    sealed = bytearray(backup.path.read_bytes())
    for at in (3, 20, 30, 60, len(sealed) // 2, len(sealed) - 1):
        sealed[at] ^= 1
        (elsewhere / "bad.backup").write_bytes(sealed)
        assert "nothing was changed" in refused(elsewhere / "bad.backup")
        sealed[at] ^= 1
    assert is_untouched(elsewhere)


def test_cut_file_is_refused_also_between_two_chunks(backup, elsewhere):
    sealed = backup.path.read_bytes()
    assert len(sealed) > 4 * CHUNK
    for left in (0, 10, 43, 44, 1000, 43 + CHUNK + 16, -CHUNK, -1):
        file = io.BytesIO(sealed[:left])
        with pytest.raises(restoring.RestoreRefused, match="missing"):
            restoring.restore(file)
    assert is_untouched(elsewhere)


def test_file_with_something_behind_it_or_chunks_in_another_order_is_refused(backup, elsewhere):
    sealed = backup.path.read_bytes()
    head, size = sealed[:43], CHUNK + 16
    one, two = sealed[43 : 43 + size], sealed[43 + size : 43 + 2 * size]
    for number, bad in enumerate([sealed + b"\0", sealed + sealed, head + two + one + sealed[43 + 2 * size :]]):
        path = elsewhere / f"{number}.backup"
        path.write_bytes(bad)
        assert "It was altered" in refused(path)
    assert is_untouched(elsewhere)


def test_backup_of_another_key_is_refused_and_an_older_key_still_opens(backup, elsewhere, settings):
    settings.BACKUP_KEY = "another key than the backup was made with"
    assert "another key" in refused(backup.path)
    settings.SECRET_KEY_FALLBACKS = [KEY]
    call_command("backup", str(backup.path), verify=True, stderr=io.StringIO())


def forged(backup, path, change):
    """A backup whose seal is good and whose contents are not: `change` gets and may edit {name: bytes}."""
    with backup.path.open("rb") as file:
        contents = {name: member.read() for name, member in restoring._members(file)}
    change(contents)
    with path.open("wb") as file:
        sealed = SealingWriter(file, KEY)
        with tarfile.open(fileobj=sealed, mode="w|") as archive:
            for name, content in contents.items():
                making._add(archive, name.rstrip("#"), io.BytesIO(content))
        sealed.close()
    return path


def without_cv(contents):
    del contents["private/applications/cv.pdf"]


def with_another(contents):
    manifest = contents.pop("manifest.json")
    contents |= {"private/applications/more.pdf": b"x", "manifest.json": manifest}


def with_other_bytes(contents):
    contents["private/applications/cv.pdf"] = b"another CV"


def with_short_dump(contents):
    contents["database.dump"] = contents["database.dump"][:-1000]


def without_manifest(contents):
    del contents["manifest.json"]


def with_manifest_first(contents):
    manifest = contents.pop("manifest.json")
    rest = dict(contents)
    contents.clear()
    contents |= {"manifest.json": manifest} | rest


def with_torn_manifest(contents):
    contents["manifest.json"] = contents["manifest.json"][:-20]


def with_it_twice(contents):
    manifest = contents.pop("manifest.json")
    contents |= {"database.dump#": contents["database.dump"], "manifest.json": manifest}


def with_unknown_migration(contents):
    manifest = json.loads(contents["manifest.json"])
    manifest["migrations"].append(["billing", "9999_of_next_year"])
    contents["manifest.json"] = json.dumps(manifest).encode()


def with_newer_server(contents):
    manifest = json.loads(contents["manifest.json"])
    manifest["postgresql_major"] = 99
    contents["manifest.json"] = json.dumps(manifest).encode()


def with_way_out(name):
    def change(contents):
        manifest = json.loads(contents.pop("manifest.json"))
        manifest["files"][name] = {
            "size": 1,
            "sha256": "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881",
        }
        contents |= {name: b"x", "manifest.json": json.dumps(manifest).encode()}

    return change


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (without_cv, "1 of its files are missing, first private/applications/cv.pdf"),
        (with_another, "not in the manifest, first private/applications/more.pdf"),
        (with_other_bytes, "not what the manifest says, first private/applications/cv.pdf"),
        (with_short_dump, "not what the manifest says, first database.dump"),
        (without_manifest, "no manifest"),
        (with_manifest_first, "Something follows the manifest"),
        (with_torn_manifest, "manifest cannot be read"),
        (with_it_twice, "in it twice"),
        (with_unknown_migration, "newer version of the site: nothing is known here of billing.9999_of_next_year"),
        (with_newer_server, "PostgreSQL 99"),
        *(
            (with_way_out(name), "which no backup does")
            for name in (
                "private/../../out", "/etc/out", "../out", "out", "private/", "elsewhere/x", "private/a\\b",
                "private//x", "private/./x", "media/a/../../x",
            )
        ),
    ],
)  # fmt: skip
def test_contents_that_differ_from_the_manifest_are_refused(backup, elsewhere, change, reason):
    path = forged(backup, elsewhere / "bad.backup", change)

    assert reason in refused(path)
    assert is_untouched(elsewhere)
    assert not (elsewhere.parent / "out").exists()


def spoiled(contents):
    """A dump whose seal and digests are good: only PostgreSQL notices."""
    dump = contents["database.dump"]
    contents["database.dump"] = dump[: len(dump) // 3]
    manifest = json.loads(contents["manifest.json"])
    manifest["dump"] = making.facts_of(io.BytesIO(contents["database.dump"]))
    contents["manifest.json"] = json.dumps(manifest).encode()


def test_dump_that_does_not_go_in_leaves_an_empty_database_and_no_files(backup, elsewhere):
    assert "pg_restore" in refused(forged(backup, elsewhere / "bad.backup", spoiled))
    assert is_untouched(elsewhere)


def test_database_that_is_not_what_the_manifest_counted_is_told(backup, elsewhere):
    def miscount(contents):
        manifest = json.loads(contents["manifest.json"])
        manifest["tables"]["public.practice_location"]["rows"] += 1
        manifest["tables"]["public.billing_leg"]["digest"] = "1"
        manifest["proofs"]["billing"]["chain_head"] = "0" * 64
        contents["manifest.json"] = json.dumps(manifest).encode()

    reason = refused(forged(backup, elsewhere / "bad.backup", miscount))
    assert "Do not use this database" in reason
    assert [word in reason for word in ("practice_location", "billing_leg", "proof of billing")] == [True] * 3


def test_database_that_is_not_empty_is_left_alone_unless_told(backup, elsewhere):
    run("CREATE TABLE practice_location (id int)", "INSERT INTO practice_location VALUES (7)")
    assert "The database is not empty" in refused(backup.path)
    assert (all_rows(), all_files(elsewhere)) == ({"practice_location": ["(7)"]}, {})

    run("CREATE TABLE strange (id int)")
    assert "tables that the backup does not know, first public.strange" in refused(backup.path, replace=True)

    run("DROP TABLE strange")
    restore(backup.path, replace=True)
    assert all_rows() == backup.rows


def test_files_that_are_there_are_left_alone_unless_told(backup, elsewhere):
    storages["private"].save("applications/cv.pdf", ContentFile(b"another"))
    assert "not empty" in refused(backup.path)
    assert (all_rows(), all_files(elsewhere)) == ({}, {"private/applications/cv.pdf": b"another"})

    restore(backup.path, replace=True)
    assert all_files(elsewhere) == backup.files


def test_files_in_whose_place_others_came_are_back_when_the_restore_fails(backup, elsewhere, monkeypatch):
    before = {"private/applications/cv.pdf": b"another" * 400_000, "media/portraits/él.png": b"a newer portrait"}
    for file, content in before.items():
        where, _slash, name = file.partition("/")
        making.kept_storages()[where].save(name, ContentFile(content))

    bad = forged(backup, elsewhere / "bad.backup", spoiled)
    assert "nothing was changed" in refused(bad, replace=True)
    assert all_files(elsewhere) == before

    save, calls = PrivateStorage.save, []

    def full_once(storage, name, content, **options):
        calls.append(name)
        if len(calls) == 1:  # what was there is deleted by now
            raise OSError(28, "No space left on device")
        return save(storage, name, content, **options)

    monkeypatch.setattr(PrivateStorage, "save", full_once)
    assert "No space left" in refused(backup.path, replace=True)
    assert all_files(elsewhere) == before


def test_pages_of_what_was_lost_are_not_shown_again(backup, elsewhere, settings):
    """A page is known by a number that counts changes, and that goes back and comes to the same number again."""
    settings.VAR_DIR = elsewhere
    files = PageFiles(elsewhere / "pages", 1_000_000, "stamp")
    files.write("/", PageCopy.make("7 0 2026-11-27", "200 OK", [("Content-Type", "text/html")], b"<p>of then"))

    restore(backup.path)

    assert files.read("/", "7 0 2026-11-27") is None


def test_restore_that_was_killed_between_files_and_database_goes_on(backup, elsewhere):
    storages["private"].save("applications/cv.pdf", ContentFile(backup.files["private/applications/cv.pdf"]))

    restore(backup.path)

    assert (all_rows(), all_files(elsewhere)) == (backup.rows, backup.files)


@pytest.mark.parametrize("source", ["nothing.backup", "", "private"])
def test_source_that_is_none_gets_a_sentence(backup, elsewhere, source):
    (elsewhere / "private").mkdir()
    assert "nothing was changed" in refused(elsewhere / source)


# ---- Where it is written --------------------------------------------------------------------------------------------


def test_backup_never_takes_the_place_of_a_file(elsewhere, backup):
    (elsewhere / "x").write_bytes(b"precious")
    with pytest.raises(CommandError, match="exists already"):
        call_command("backup", str(elsewhere / "x"))
    with pytest.raises(CommandError, match="no folder"):
        call_command("backup", str(elsewhere / "none" / "x"))
    assert (elsewhere / "x").read_bytes() == b"precious"


def test_backup_that_fails_leaves_nothing(elsewhere, backup, monkeypatch):
    restore(backup.path)
    target = elsewhere / "to"
    target.mkdir()

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(making.SealingWriter, "close", full)
    with pytest.raises(CommandError, match=r"No backup was made\. .*No space left"):
        call_command("backup", str(target))
    assert list(target.iterdir()) == []


def test_backup_that_is_killed_leaves_nothing_that_looks_like_one(backup, tmp_path):
    """In a process of its own, with SIGKILL when the file is all but whole."""
    code = (
        "import os, signal, sys; sys.path.insert(0, '.');\n"
        "from practice.backups import making\n"
        "from pathlib import Path\n"
        "with making._appears_when_whole(Path(sys.argv[1]) / 'one.backup') as file:\n"
        "    file.write(b'x' * 100_000); file.flush(); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "practice.settings"}
    done = subprocess.run([sys.executable, "-c", code, tmp_path], cwd=project.BASE_DIR, env=environment, check=False)

    assert done.returncode == -signal.SIGKILL
    assert [path.name.startswith(".unfinished-") for path in tmp_path.iterdir()] == [True]
    assert sorted(tmp_path.glob("*.backup")) == []


def test_seal_holds_at_every_size():
    for size in (0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK):
        file = io.BytesIO()
        sealed = SealingWriter(file, KEY)
        sealed.write(b"x" * size)
        sealed.close()
        assert SealedReader(file, ["other", KEY]).read() == b"x" * size
        file.truncate(len(file.getvalue()) - 1)
        with pytest.raises(SealBroken):
            SealedReader(file, [KEY]).read()
