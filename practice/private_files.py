"""Files that leave only through a permission check: random names, a folder no web server shows, attachments only."""

import os
import tempfile
from pathlib import Path
from uuid import uuid4

from django.conf import settings
from django.core.files import locks
from django.core.files.move import file_move_safe
from django.core.files.storage import FileSystemStorage
from django.http import FileResponse, HttpResponse, HttpResponseBase
from django.utils.http import content_disposition_header

CONTENT_TYPES = {
    ".pdf": "application/pdf",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".png": "image/png",
    ".jpg": "image/jpeg",
}


class PrivateStorage(FileSystemStorage):
    """Writes beside the target and renames, so that a full disk or a killed worker leaves no half file under a name."""

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
        descriptor, unfinished = tempfile.mkstemp(dir=path.parent, prefix=".unfinished-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                locks.lock(file, locks.LOCK_EX)
                for chunk in content.chunks():
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            file_move_safe(unfinished, str(path), allow_overwrite=False)
        except BaseException:
            Path(unfinished).unlink(missing_ok=True)
            raise
        return name


def random_name(folder: str, original_name: str) -> str:
    """A name that tells nothing but the kind of file. `original_name` is only asked for its ending."""
    return f"{folder}/{uuid4().hex}{Path(original_name).suffix.lower()}"


def serve(file, download_name: str) -> HttpResponseBase:
    """The file as an attachment that no cache keeps. The caller has checked that this person may have it.

    With X_ACCEL_REDIRECT set, nginx sends the bytes: `file` must then lie under PRIVATE_ROOT.
    """
    content_type = CONTENT_TYPES.get(Path(file.name).suffix, "application/octet-stream")
    if settings.X_ACCEL_REDIRECT:
        response: HttpResponseBase = HttpResponse(content_type=content_type)
        response["X-Accel-Redirect"] = f"{settings.X_ACCEL_REDIRECT.rstrip('/')}/{file.name}"
    else:
        response = FileResponse(file.open("rb"), content_type=content_type)
    response["Content-Disposition"] = content_disposition_header(True, download_name)
    response["Cache-Control"] = "no-store, private"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response
