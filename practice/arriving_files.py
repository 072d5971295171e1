"""Where a file lies while it arrives: in memory when small, else on the disk without a name.

A file without a name is gone with the process that holds it, so that neither a killed worker nor a visitor who goes
away leaves anything behind. A disk that is full spoils that one file, and its field of the form says so.
"""

import logging
import tempfile
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler

logger = logging.getLogger(__name__)


class ArrivedFile(UploadedFile):
    """An uploaded file; `is_whole` is false where the disk had no room for all of it."""

    is_whole = True


class UnnamedFileUploadHandler(FileUploadHandler):
    """Takes the place of Django's TemporaryFileUploadHandler."""

    def new_file(self, *args, **options):
        super().new_file(*args, **options)
        self.file: Any = None
        self.is_whole = True
        try:
            self.file = tempfile.TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR)  # noqa: SIM115  (the form closes it)
        except OSError:
            self._is_spoiled()

    def receive_data_chunk(self, raw_data, start):
        if self.is_whole:
            try:
                self.file.write(raw_data)
            except OSError:
                self._is_spoiled()

    def file_complete(self, file_size):
        if self.is_whole:
            try:
                self.file.seek(0)  # which writes what Python still held back
            except OSError:
                self._is_spoiled()
        arrived = ArrivedFile(
            self.file, self.file_name, self.content_type, file_size, self.charset, self.content_type_extra
        )
        arrived.is_whole = self.is_whole
        return arrived

    def upload_interrupted(self):
        if getattr(self, "file", None):
            self.file.close()

    def _is_spoiled(self):
        logger.error("An arriving file could not be written to %s.", settings.FILE_UPLOAD_TEMP_DIR)
        self.is_whole = False
