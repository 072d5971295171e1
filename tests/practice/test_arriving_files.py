"""Large files arrive without a name; a full disk spoils the one file and nothing else."""

import errno
from pathlib import Path

import pytest
from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.http.multipartparser import MultiPartParser
from django.test import Client, RequestFactory

from careers.models import Application, ApplicationFile
from practice import arriving_files
from practice.arriving_files import UnnamedFileUploadHandler
from practice.resources.demo_pdf import one_page
from tests.factories import OpeningFactory

BOUNDARY = "xx"
LARGE = b"x" * 300_000


@pytest.fixture
def folder(settings, tmp_path):
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path / "arriving"
    settings.FILE_UPLOAD_TEMP_DIR.mkdir()
    return settings.FILE_UPLOAD_TEMP_DIR


def body(content, name="a.pdf"):
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="cv"; filename="{name}"\r\n\r\n'
    return head.encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode()


def arrive(content):
    request = RequestFactory().post("/", body(content), content_type=f"multipart/form-data; boundary={BOUNDARY}")
    handlers = [UnnamedFileUploadHandler(request)]
    _fields, files = MultiPartParser(request.META, request, handlers).parse()
    return files["cv"]


@pytest.mark.parametrize("content", [b"", b"short", LARGE])
def test_file_arrives_whole_and_has_no_name_on_the_disk(folder, content):
    arrived = arrive(content)
    assert (arrived.read(), arrived.size, arrived.is_whole, list(folder.iterdir())) == (content, len(content), True, [])
    arrived.close()


def test_small_files_do_not_touch_the_disk(settings):
    assert [
        f"{MemoryFileUploadHandler.__module__}.MemoryFileUploadHandler",
        f"{UnnamedFileUploadHandler.__module__}.UnnamedFileUploadHandler",
    ] == settings.FILE_UPLOAD_HANDLERS


class FullDisk:
    """A file that takes so many bytes."""

    def __init__(self, room):
        self.room, self.closed = room, False

    def write(self, data):
        self.room -= len(data)
        if self.room < 0:
            raise OSError(errno.ENOSPC, "No space left on device")

    def seek(self, place):
        self.write(b"")

    def close(self):
        self.closed = True


@pytest.mark.parametrize("room", [0, 100_000])
def test_full_disk_spoils_the_file_and_raises_nothing(folder, monkeypatch, room):
    monkeypatch.setattr(arriving_files.tempfile, "TemporaryFile", lambda dir: FullDisk(room))
    assert arrive(LARGE).is_whole is False


def test_folder_that_is_gone_spoils_the_file_and_raises_nothing(settings):
    settings.FILE_UPLOAD_TEMP_DIR = Path("/nonexistent/folder")
    assert arrive(LARGE).is_whole is False


@pytest.mark.usefixtures("identity")
def test_applicant_is_told_and_nothing_typed_is_lost(settings, folder, monkeypatch):
    settings.FILE_UPLOAD_HANDLERS = settings.FILE_UPLOAD_HANDLERS[1:]
    monkeypatch.setattr(arriving_files.tempfile, "TemporaryFile", lambda dir: FullDisk(10))
    OpeningFactory(slug="ct")
    with (folder / "cv.pdf").open("w+b") as cv:
        cv.write(one_page("CV", ["A line"]))
        cv.seek(0)
        response = Client().post("/careers/ct/apply/", {"name": "Ann Lee", "email": "ann@example.com", "cv": cv})
    sentence = "We have no room to take this file just now. Please try again in an hour, or call us."
    assert (response.status_code, response.context["form"].errors) == (200, {"cv": [sentence]})
    assert 'value="Ann Lee"' in response.text
    assert (Application.objects.count(), ApplicationFile.objects.count()) == (0, 0)
