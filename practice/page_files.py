"""Copies of published pages in files, which all workers of a machine share, and a new worker finds."""

import json
import os
import shutil
import tempfile
import time
from collections.abc import Hashable
from hashlib import sha256
from pathlib import Path

from practice.page_copies import PageCopy

LEFT_AFTER = 2 * 24 * 3600  # seconds; whoever serves writes at least once a day, since the day is part of the version
VERSION = "version"  # the name of the file that holds the last version anybody knew


class PageFiles:
    """A folder of copies, at most so many bytes of them; the oldest go first.

    Nothing here is ever needed: what cannot be read is made anew, what cannot be written is left. The folder is named
    by the program that made the pages (`stamp`), so that another one starts with none. What programs that are gone have
    left is deleted.
    """

    def __init__(self, folder: Path, most_bytes: int, stamp: str):
        self.folder = folder / stamp
        self.most_bytes = most_bytes
        self.written = 0  # bytes since the folder was last looked through
        for other in folder.glob("*"):
            if other.name != stamp and _is_left(other):
                shutil.rmtree(other, ignore_errors=True)

    def read(self, asked: Hashable, version: str) -> PageCopy | None:
        """The copy of what is asked for, if it is there, whole, and of this version."""
        try:
            content = self._path(asked).read_bytes()
        except OSError:
            return None
        return _unpack(content, repr(asked), version)

    def write(self, asked: Hashable, copy: PageCopy) -> None:
        """Put the copy where all workers find it. A name appears when the file is whole."""
        content = _pack(copy, repr(asked))
        self._put(self._path(asked), content)
        self.written += len(content)
        if self.written > self.most_bytes // 4:
            self.written = 0
            self._make_room()

    def note_version(self, version: str) -> None:
        self._put(self.folder / VERSION, version.encode())

    def last_version(self) -> str | None:
        """The last version any worker of this machine knew: for one that starts while the database is away."""
        try:
            return (self.folder / VERSION).read_text()
        except (OSError, UnicodeDecodeError):
            return None

    def _path(self, asked: Hashable) -> Path:
        return self.folder / sha256(repr(asked).encode()).hexdigest()

    def _put(self, path: Path, content: bytes) -> None:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor, unfinished = tempfile.mkstemp(dir=self.folder, prefix=".")
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(content)
                Path(unfinished).replace(path)
            except OSError:
                Path(unfinished).unlink(missing_ok=True)
        except OSError:
            return  # a full disk costs speed, no page

    def _make_room(self) -> None:
        """Delete the oldest until half of the room is free, and what a killed worker left unfinished."""
        try:
            files = [(entry.stat(), entry.path) for entry in os.scandir(self.folder)]
            found = sorted((stat.st_mtime, stat.st_size, path) for stat, path in files)
            total = sum(size for _at, size, _path in found)
            if total <= self.most_bytes:
                return
            for _at, size, path in found:
                if total <= self.most_bytes // 2:
                    return
                if not path.endswith(f"/{VERSION}"):
                    Path(path).unlink(missing_ok=True)
                    total -= size
        except OSError:
            return  # another worker is at it


def _is_left(folder: Path) -> bool:
    """Whether no program has written there for long: while versions change, two of them serve side by side."""
    try:
        return time.time() - folder.stat().st_mtime > LEFT_AFTER
    except OSError:
        return False


def _pack(copy: PageCopy, asked: str) -> bytes:
    """One line of JSON that tells what follows, then the bodies.

    Nobody waits until a copy is on the disk, so after a power cut a file can have its length and not its bytes; the
    digest tells.
    """
    rest = b"".join(copy.bodies.values())
    head = {
        "asked": asked,
        "version": copy.version,
        "status": copy.status,
        "headers": copy.headers,
        "type": copy.content_type,
        "bodies": [[encoding, len(body)] for encoding, body in copy.bodies.items()],
        "digest": sha256(rest).hexdigest(),
    }
    return json.dumps(head).encode() + b"\n" + rest


def _unpack(content: bytes, asked: str, version: str) -> PageCopy | None:
    line, _end, rest = content.partition(b"\n")
    try:
        head = json.loads(line)
        sizes = head["bodies"]
        is_it = (head["asked"], head["version"], head["digest"]) == (asked, version, sha256(rest).hexdigest())
        if not is_it or len(rest) != sum(size for _encoding, size in sizes):
            return None
        bodies, start = {}, 0
        for encoding, size in sizes:
            bodies[encoding] = rest[start : start + size]
            start += size
        headers = tuple((name, value) for name, value in head["headers"])
        return PageCopy(version, head["status"], headers, head["type"], bodies)
    except (ValueError, KeyError, TypeError, RecursionError):  # whatever it is, it is not what _pack wrote
        return None
