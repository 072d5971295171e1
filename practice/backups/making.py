"""Making a backup: the database as of one moment, the files, and the manifest that says what all of it must be."""

import hashlib
import io
import json
import os
import tarfile
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from django.conf import settings
from django.core.files.storage import Storage, storages
from django.db import connection, transaction
from django.utils import timezone

from practice.backups import counting, programs
from practice.backups.sealing import SealingWriter
from practice.private_files import UNFINISHED

DUMP, MANIFEST = "database.dump", "manifest.json"
IN_MEMORY = 8 << 20
CHUNK = 1 << 20


class BackupRefused(Exception):
    """Nothing was made; the message is for people."""


@dataclass
class Made:
    path: Path
    sha256: str
    manifest: dict


def kept_storages() -> dict[str, Storage]:
    """Where the site keeps files, by what the folder is called in a backup."""
    return {"private": storages["private"], "media": storages["default"]}


def keys() -> list[str]:
    """The key that seals, then those that may have sealed before."""
    return [key for key in (settings.BACKUP_KEY, settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS) if key]


def what_it_holds(manifest: dict) -> str:
    """For people."""
    rows = sum(table["rows"] for table in manifest["tables"].values())
    size = sum(file["size"] for file in manifest["files"].values())
    return (
        f"{len(manifest['tables'])} tables with {rows:,} rows, {len(manifest['files'])} files with {size:,} bytes, "
        f"as of {manifest['made_at']} (PostgreSQL {manifest['postgresql']}, version {manifest['project']})."
    )


def project_version() -> str:
    return tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text())["project"]["version"]


def make(destination: Path) -> Made:
    """Write a backup to this file, or into this folder under a name with the time.

    The file appears when it is whole and on the disk. After BackupRefused, ProgramFailed or OSError there is none.
    """
    at = timezone.now()
    if destination.is_dir():
        destination /= f"radiology-{at:%Y%m%dT%H%M%SZ}.backup"
    if destination.exists() or destination.is_symlink():
        raise BackupRefused(f"{destination} exists already; a backup never takes the place of another file.")
    if not destination.parent.is_dir():
        raise BackupRefused(f"There is no folder {destination.parent}.")
    with _appears_when_whole(destination) as file:
        sealed = SealingWriter(file, keys()[0])
        with tarfile.open(fileobj=sealed, mode="w|", format=tarfile.PAX_FORMAT) as archive:  # type: ignore[call-overload]
            manifest = {"made_at": at.isoformat(), "project": project_version()}
            with tempfile.TemporaryFile(dir=destination.parent) as dump:
                named = _dump(dump, manifest)
                _add(archive, DUMP, dump)
            manifest |= _add_files(archive, named)
            _add(archive, MANIFEST, io.BytesIO(json.dumps(manifest, indent=1).encode()))
        sealed.close()
    return Made(destination, sealed.sha256.hexdigest(), manifest)


@contextmanager
def _appears_when_whole(path: Path) -> Iterator[IO[bytes]]:
    """A killed backup leaves at most a file that is called unfinished, and a full disk not even that."""
    descriptor, unfinished = tempfile.mkstemp(dir=path.parent, prefix=UNFINISHED)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.link(unfinished, path)  # which never takes the place of a file that came meanwhile
    finally:
        Path(unfinished).unlink()
    folder = os.open(path.parent, os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _dump(dump: IO[bytes], manifest: dict) -> set[str]:
    """Dump the database and count it in the same snapshot; returns the names of the files its rows know."""
    program, major = programs.find("pg_dump", programs.server_major())
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute("SELECT pg_export_snapshot(), current_setting('server_version')")
            snapshot, server_version = cursor.fetchone()
        counting.write_alike()
        programs.run(program, "--format=custom", f"--snapshot={snapshot}", "--lock-wait-timeout=60s", stdout=dump)
        manifest |= {
            "postgresql": server_version,
            "postgresql_major": programs.server_major(),
            "pg_dump_major": major,
            "migrations": counting.applied_migrations(),
            "tables": counting.count_tables(),
            "proofs": counting.proofs(),
        }
        named = counting.files_named_by_rows()
    manifest["dump"] = facts_of(dump)
    return named


def _add_files(archive: tarfile.TarFile, named: set[str]) -> dict:
    """Copy every file. One that is deleted meanwhile is left out: whoever is erased now must not come back by this."""
    files = {}
    for where, storage in kept_storages().items():
        for name in walk(storage):
            with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as copy:
                try:
                    with storage.open(name, "rb") as original:
                        for chunk in original.chunks():
                            copy.write(chunk)
                except FileNotFoundError:
                    continue
                files[f"{where}/{name}"] = facts_of(copy)
                _add(archive, f"{where}/{name}", copy)
    return {
        "files": files,
        "named_but_missing": sorted(named - set(files)),
        "files_no_row_names": sorted(set(files) - named),
    }


def walk(storage: Storage, folder: str = "") -> Iterator[str]:
    """The names of all files, but of those that somebody is still writing."""
    try:
        folders, files = storage.listdir(folder)
    except FileNotFoundError:
        return
    for name in sorted(files):
        if not name.startswith(UNFINISHED):
            yield f"{folder}/{name}" if folder else name
    for name in sorted(folders):
        yield from walk(storage, f"{folder}/{name}" if folder else name)


def facts_of(file) -> dict:
    """{"size", "sha256"} of a file, from its beginning, where it is left."""
    file.seek(0)
    digest, size = hashlib.sha256(), 0
    while chunk := file.read(CHUNK):
        digest.update(chunk)
        size += len(chunk)
    file.seek(0)
    return {"size": size, "sha256": digest.hexdigest()}


def _add(archive: tarfile.TarFile, name: str, file) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = file.seek(0, os.SEEK_END), 0o600
    file.seek(0)
    archive.addfile(member, file)
