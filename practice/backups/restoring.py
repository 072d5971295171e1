"""The way back: the whole backup is proved before anything is touched, and what came of it is proved afterwards."""

import hashlib
import json
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from django.conf import settings
from django.core.files import File
from django.core.files.storage import Storage
from django.db import connection, transaction
from django.db.migrations.loader import MigrationLoader

from practice.backups import counting, programs
from practice.backups.making import CHUNK, DUMP, IN_MEMORY, MANIFEST, facts_of, kept_storages, keys, walk
from practice.backups.sealing import SealBroken, SealedReader


class RestoreRefused(Exception):
    """The backup is not what it should be, or it cannot go here; nothing was changed. The message is for people."""


class RestoreDiffers(Exception):
    """The database was restored and is not what the manifest says: it must not be used."""


# ---- Reading --------------------------------------------------------------------------------------------------------


def open_backup(source: Path) -> IO[bytes]:
    """The file, or the only backup in this folder. Raises RestoreRefused or OSError."""
    if source.is_dir():
        found = sorted(source.glob("*.backup"))
        if len(found) != 1:
            raise RestoreRefused(f"There are {len(found)} files *.backup in this folder: name one file.")
        source = found[0]
    return source.open("rb")


def verify(backup: IO[bytes], dump: IO[bytes] | None = None) -> dict:
    """Read all of it and compare each file with the manifest, which is returned; the dump is copied to `dump`.

    Raises RestoreRefused.
    """
    manifest, found = None, {}
    with _refusing_what_is_broken():
        for name, member in _members(backup):
            if manifest is not None:
                raise RestoreRefused("Something follows the manifest.")
            if name in found:
                raise RestoreRefused(f"{name} is in it twice.")
            if name == MANIFEST:
                manifest = _parsed(member.read())
            else:
                found[name] = _read(member, dump if name == DUMP else None)
    if manifest is None:
        raise RestoreRefused("It has no manifest.")
    expected = {DUMP: manifest["dump"], **manifest["files"]}
    for wrong, names in (
        ("missing", set(expected) - set(found)),
        ("not in the manifest", set(found) - set(expected)),
        ("not what the manifest says", {name for name in found if name in expected and found[name] != expected[name]}),
    ):
        if names:
            raise RestoreRefused(f"{len(names)} of its files are {wrong}, first {min(names)}.")
    return manifest


def _parsed(text: bytes) -> dict:
    try:
        manifest = json.loads(text)
        if all(isinstance(manifest[part], dict) for part in ("dump", "files", "tables", "proofs")):
            return manifest
    except (ValueError, KeyError, TypeError):
        pass
    raise RestoreRefused("Its manifest cannot be read.")


def _read(member: IO[bytes], copy: IO[bytes] | None = None) -> dict:
    digest, size = hashlib.sha256(), 0
    while chunk := member.read(CHUNK):
        digest.update(chunk)
        size += len(chunk)
        if copy is not None:
            copy.write(chunk)
    return {"size": size, "sha256": digest.hexdigest()}


@contextmanager
def _refusing_what_is_broken() -> Iterator[None]:
    try:
        yield
    except (SealBroken, tarfile.TarError) as error:
        raise RestoreRefused(str(error)) from error


def _members(backup: IO[bytes]) -> Iterator[tuple[str, IO[bytes]]]:
    """(name, content) of each file, to be read before the next; proved to the last byte when it has come to its end."""
    sealed = SealedReader(backup, keys())
    with tarfile.open(fileobj=sealed, mode="r|") as archive:  # type: ignore[call-overload]
        for member in archive:
            content = archive.extractfile(member) if member.isreg() else None
            if content is None or not is_our_name(member.name):
                raise RestoreRefused(f"It holds {member.name!r}, which no backup does.")
            yield member.name, content
        if sealed.read().strip(b"\0"):
            raise RestoreRefused("Something follows its end.")


def is_our_name(name: str) -> bool:
    """Whether a file in a backup may be called so: none leads out of the folder it belongs to."""
    if name in (DUMP, MANIFEST):
        return True
    where, *path = PurePosixPath(name).parts
    parts = name.split("/")
    return (
        where in kept_storages() and len(path) > 0 and not {"", ".", ".."} & set(parts) and not set("\\\0") & set(name)
    )


# ---- Restoring ------------------------------------------------------------------------------------------------------


def restore(backup: IO[bytes], replace: bool = False) -> dict:
    """Put a backup into an empty database and empty folders; returns the manifest.

    With `replace`, into a database and folders that hold an earlier state of the same site. Files come first and the
    database last, in one transaction; when either fails, the files that were put there are taken away again, and those
    in whose place they came are put back. Raises RestoreRefused, ProgramFailed, OSError; and RestoreDiffers.
    """
    with tempfile.TemporaryFile() as dump, tempfile.TemporaryFile() as replaced, ExitStack() as undo:
        manifest = verify(backup, dump)
        program = _check_database(manifest, replace)
        wanted = _check_files(manifest, replace)
        with _refusing_what_is_broken():
            _write_files(backup, manifest, wanted, replaced, undo)
        _load(program, dump, replace)
        undo.pop_all()
    # The version that pages are known by goes back with the database, and will come to the same numbers a second time.
    shutil.rmtree(settings.VAR_DIR / "pages", ignore_errors=True)
    differences = _differences(manifest)
    if differences:
        raise RestoreDiffers("; ".join(differences))
    return manifest


def _check_database(manifest: dict, replace: bool) -> Path:
    """Whether it may go into this database; returns the program that does it."""
    here = programs.server_major()
    if here < manifest["postgresql_major"]:
        raise RestoreRefused(
            f"It is of PostgreSQL {manifest['postgresql_major']}, and this server is older: PostgreSQL {here}."
        )
    if here < 17 <= manifest["pg_dump_major"]:  # it sets an option that older servers do not know
        raise RestoreRefused(
            f"It was made with pg_dump {manifest['pg_dump_major']}: that needs PostgreSQL 17 or newer."
        )
    known = MigrationLoader(None).disk_migrations
    unknown = [f"{app}.{name}" for app, name in manifest["migrations"] if (app, name) not in known]
    if unknown:
        raise RestoreRefused(
            f"It is of a newer version of the site: nothing is known here of {', '.join(unknown[:3])}."
        )
    present = set(counting.table_names())
    if present and not replace:
        raise RestoreRefused(
            f"The database is not empty: it has {len(present)} tables. Use a new one, or --replace what is in it."
        )
    if strange := present - set(manifest["tables"]):
        raise RestoreRefused(f"The database has tables that the backup does not know, first {min(strange)}.")
    return programs.find("pg_restore", manifest["pg_dump_major"])[0]


def _check_files(manifest: dict, replace: bool) -> set[str]:
    """The files that are to be written. One that is there already, the same in every byte, is left as it is."""
    wanted = set(manifest["files"])
    for where, storage in kept_storages().items():
        for name in walk(storage):
            file = f"{where}/{name}"
            with storage.open(name, "rb") as present:
                if manifest["files"].get(file) == facts_of(present):
                    wanted.remove(file)
                elif not replace:
                    raise RestoreRefused(
                        f"The folder for {where} files is not empty: the backup does not hold {name} as it is there."
                    )
    return wanted


def _write_files(backup: IO[bytes], manifest: dict, wanted: set[str], replaced: IO[bytes], undo: ExitStack) -> None:
    """Write them through the storages. `undo` learns each step back, also when this fails half-way; `replaced` takes
    what was there.
    """
    for file, member in _members(backup):
        if file not in wanted:
            continue
        where, _slash, name = file.partition("/")
        storage = kept_storages()[where]
        with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as copy:
            _read(member, copy)
            if facts_of(copy) != manifest["files"][file]:
                raise RestoreRefused("The backup changed while it was read.")
            if storage.exists(name):
                start = replaced.tell()
                with storage.open(name, "rb") as present:
                    size = _read(present, replaced)["size"]
                undo.callback(_put_back, storage, name, replaced, start, size)
                storage.delete(name)
            saved = storage.save(name, File(copy, name))
        undo.callback(storage.delete, saved)
        if saved != name:
            raise RestoreRefused(f"The storage would not take {name} under its own name.")


def _put_back(storage: Storage, name: str, replaced: IO[bytes], start: int, size: int) -> None:
    replaced.seek(start)
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as copy:
        while chunk := replaced.read(min(CHUNK, size)):
            copy.write(chunk)
            size -= len(chunk)
        copy.seek(0)
        storage.save(name, File(copy, name))


def _load(program: Path, dump: IO[bytes], replace: bool) -> None:
    """All or nothing. Roles of the other server are not needed: `database_roles` makes them again."""
    arguments = ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", "--no-comments"]
    if replace:
        arguments += ["--clean", "--if-exists"]
    database = str(connection.settings_dict["NAME"]).replace("\\", "\\\\").replace("'", "\\'")
    dump.seek(0)
    connection.close()
    programs.run(program, *arguments, f"--dbname=dbname='{database}'", stdin=dump)


def _differences(manifest: dict) -> list[str]:
    """What the restored database does not have as the manifest says."""
    with transaction.atomic():
        counting.write_alike()
        tables, proofs = counting.count_tables(), counting.proofs()
        migrations = counting.applied_migrations()
    expected = manifest["tables"]
    found = [f"{name} is missing" for name in sorted(set(expected) - set(tables))]
    found += [f"{name} is too many" for name in sorted(set(tables) - set(expected))]
    for name in sorted(set(tables) & set(expected)):
        if tables[name] != expected[name]:
            found.append(f"{name} has {tables[name]['rows']} rows, not the {expected[name]['rows']} of the backup")
    found += [
        f"the proof of {room} has other figures" for room in proofs if proofs[room] != manifest["proofs"].get(room)
    ]
    if migrations != manifest["migrations"]:
        found.append("the migrations differ")
    return found
