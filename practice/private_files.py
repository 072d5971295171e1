"""Files that leave only through a permission check: random names, a folder no web server shows, attachments only."""

import errno
import hashlib
import logging
import os
import re
import tempfile
import time
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

from django.conf import settings
from django.core.files.storage import FileSystemStorage
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header

CONTENT_TYPES = {
    ".pdf": "application/pdf",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".png": "image/png",
    ".jpg": "image/jpeg",
}

UNFINISHED = ".unfinished-"  # how names begin of what is being written, on file systems without unnamed files
HAS_NO_UNNAMED_FILES = {errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOENT}
logger = logging.getLogger(__name__)
ONE_RANGE = re.compile(r"bytes=(?P<first>[0-9]{0,15})-(?P<last>[0-9]{0,15})", re.ASCII)


class StorageFailed(OSError):
    """The bucket did not answer, or refused; what was asked may or may not have been done. A disk raises OSError."""


class PrivateStorage(FileSystemStorage):
    """A file gets its name when it is whole: a full disk or a killed worker leaves nothing behind, not even half of it.

    Where the file system has no unnamed files, it is written under another name first; see `UNFINISHED`.
    """

    def __init__(self):
        super().__init__(base_url=None, file_permissions_mode=0o600)

    @property
    def base_location(self):
        return settings.PRIVATE_ROOT

    @property
    def location(self):
        return str(Path(self.base_location).absolute())

    def url(self, name):
        """No address leads to the file itself; without this the admin would link to one that is not there."""
        return ""

    def _save(self, name, content):
        path = Path(self.path(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        with ExitStack() as left_open:
            folder = os.open(path.parent, os.O_DIRECTORY)
            left_open.callback(os.close, folder)
            try:
                descriptor = os.open(path.parent, os.O_TMPFILE | os.O_WRONLY, 0o600)
                written = f"/proc/self/fd/{descriptor}"
            except OSError as error:
                if error.errno not in HAS_NO_UNNAMED_FILES:
                    raise
                descriptor, written = tempfile.mkstemp(dir=path.parent, prefix=UNFINISHED)
                left_open.callback(Path(written).unlink, missing_ok=True)
            with os.fdopen(descriptor, "wb") as file:
                for chunk in content.chunks():
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
                # With the folder given, the system call follows the link in /proc to the file that has no name yet.
                os.link(written, path, src_dir_fd=folder, follow_symlinks=True)
            os.fsync(folder)
        return name


def delete_unfinished(older_than: timedelta) -> int:
    """Delete what killed workers left half written, where the file system has no unnamed files; returns how many."""
    before = time.time() - older_than.total_seconds()
    left = [path for path in Path(settings.PRIVATE_ROOT).rglob(f"{UNFINISHED}*") if path.stat().st_mtime < before]
    for path in left:
        path.unlink(missing_ok=True)
    return len(left)


def random_name(folder: str, original_name: str) -> str:
    """A name that tells nothing but the kind of file. `original_name` is only asked for its ending."""
    return f"{folder}/{uuid4().hex}{Path(original_name).suffix.lower()}"


def serve(request: HttpRequest, file, download_name: str) -> HttpResponseBase:
    """The file as an attachment that no cache keeps. The caller has checked that this person may have it.

    Answers requests for a part (RFC 9110: one range, or the whole file where more are asked for) and for nothing new
    (ETag). With X_ACCEL_REDIRECT set, nginx does both and sends the bytes: `file` must then lie under PRIVATE_ROOT.
    Raises Http404 where the file is gone, which the log tells the operator.
    """
    content_type = CONTENT_TYPES.get(Path(file.name).suffix, "application/octet-stream")
    response: HttpResponseBase
    if settings.X_ACCEL_REDIRECT:
        response = HttpResponse(content_type=content_type)
        response["X-Accel-Redirect"] = f"{settings.X_ACCEL_REDIRECT.rstrip('/')}/{file.name}"
    else:
        response = _whole_or_part(request, file, content_type)
    if response.status_code in (200, 206):
        response["Content-Disposition"] = content_disposition_header(True, download_name)
    response["Cache-Control"] = "no-store, private"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response


def _whole_or_part(request: HttpRequest, file, content_type: str) -> HttpResponseBase:
    etag = f'"{hashlib.sha256(file.name.encode()).hexdigest()[:32]}"'  # a name is never given to other bytes
    unchanged = get_conditional_response(request, etag=etag)
    if unchanged is not None:
        return unchanged
    try:
        opened = file.open("rb")
        size = opened.size
    except FileNotFoundError as error:  # its row is there: somebody has deleted the file by hand
        logger.error("A private file is missing: %s", file.name)
        raise Http404 from error
    may_range = request.method == "GET" and request.headers.get("If-Range", etag) == etag
    wanted = _range_of(request.headers.get("Range", ""), size) if may_range else None
    if wanted == ():
        opened.close()
        refused = HttpResponse(status=416)
        refused["Content-Range"] = f"bytes */{size}"
        return refused
    first, last = wanted or (0, size - 1)
    opened.seek(first)
    body = opened if wanted is None else _Part(opened, last - first + 1)
    response = FileResponse(body, status=200 if wanted is None else 206, content_type=content_type)
    response["Content-Length"] = last - first + 1
    if wanted is not None:
        response["Content-Range"] = f"bytes {first}-{last}/{size}"
    response["Accept-Ranges"] = "bytes"
    response["ETag"] = etag
    return response


def _range_of(header: str, size: int) -> tuple[int, int] | tuple[()] | None:
    """First and last byte asked for; () where the file has none of them, None where the whole file is the answer."""
    match = ONE_RANGE.fullmatch(header.strip())
    if match is None or match["first"] == match["last"] == "":
        return None
    if match["first"] == "":  # the last so many bytes
        count = min(int(match["last"]), size)
        return (size - count, size - 1) if count else ()
    first = int(match["first"])
    last = min(int(match["last"]), size - 1) if match["last"] else size - 1
    if match["last"] and int(match["last"]) < first:
        return None  # no range at all
    return (first, last) if first < size else ()


class _Part:
    """The next so many bytes of an open file, for FileResponse."""

    def __init__(self, file, left: int):
        self.file, self.left = file, left

    def read(self, size: int = -1) -> bytes:
        data = self.file.read(min(size, self.left) if size >= 0 else self.left)
        self.left -= len(data)
        return data

    def close(self) -> None:
        self.file.close()
