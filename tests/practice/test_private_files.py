import io
import re
from types import SimpleNamespace

import pytest
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile, File
from django.core.files.storage import storages
from django.http import Http404
from django.test import RequestFactory

from practice.private_files import PrivateStorage, random_name, serve
from tests.factories import DocumentFactory

GET = RequestFactory().get("/")
HEADERS = {
    "Cache-Control": "no-store, private",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
}


class FailingFile(File):
    """A file whose bytes stop coming, as from a disk that is full or a visitor who is gone."""

    def __init__(self, error):
        super().__init__(io.BytesIO(), name="cv.pdf")
        self.error = error

    def chunks(self, chunk_size=None):
        yield b"%PDF-1.7 the first half"
        raise self.error


def content_of(storage, name):
    with storage.open(name) as file:
        return file.read()


def files_under(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_file_is_written_whole(settings):
    storage = PrivateStorage()
    name = storage.save("applications/a.pdf", ContentFile(b"x" * 200_000))
    assert name == "applications/a.pdf"
    assert files_under(settings.PRIVATE_ROOT) == ["applications/a.pdf"]
    assert content_of(storage, name) == b"x" * 200_000


def test_a_file_is_readable_by_its_owner_alone(settings):
    PrivateStorage().save("applications/a.pdf", ContentFile(b"x"))
    assert (settings.PRIVATE_ROOT / "applications/a.pdf").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt(), SystemExit(1)])
def test_a_file_that_stops_half_way_leaves_nothing(settings, error):
    with pytest.raises(type(error)):
        PrivateStorage().save("applications/a.pdf", FailingFile(error))
    assert files_under(settings.PRIVATE_ROOT) == []


def test_a_disk_that_fails_at_the_end_leaves_nothing(settings, monkeypatch):
    def fail(descriptor):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("practice.private_files.os.fsync", fail)
    with pytest.raises(OSError, match="Input/output error"):
        PrivateStorage().save("applications/a.pdf", ContentFile(b"x"))
    assert files_under(settings.PRIVATE_ROOT) == []


def test_a_failing_file_leaves_the_others_as_they_were(settings):
    storage = PrivateStorage()
    storage.save("applications/a.pdf", ContentFile(b"first"))
    with pytest.raises(OSError, match="No space"):
        storage.save("applications/b.pdf", FailingFile(OSError(28, "No space left on device")))
    assert files_under(settings.PRIVATE_ROOT) == ["applications/a.pdf"]
    assert content_of(storage, "applications/a.pdf") == b"first"


def test_a_name_that_is_taken_is_never_written_over(settings):
    storage = PrivateStorage()
    storage.save("applications/a.pdf", ContentFile(b"first"))
    second = storage.save("applications/a.pdf", ContentFile(b"second"))
    assert second != "applications/a.pdf"
    assert content_of(storage, "applications/a.pdf") == b"first"
    with pytest.raises(FileExistsError):
        storage._save("applications/a.pdf", ContentFile(b"third"))
    assert files_under(settings.PRIVATE_ROOT) == sorted(["applications/a.pdf", second])
    assert content_of(storage, "applications/a.pdf") == b"first"


@pytest.mark.parametrize("name", ["../a.pdf", "/etc/a.pdf", "applications/../../a.pdf"])
def test_a_name_that_climbs_out_is_refused(settings, name):
    with pytest.raises(SuspiciousFileOperation):
        PrivateStorage().save(name, ContentFile(b"x"))
    assert not settings.PRIVATE_ROOT.exists()


@pytest.mark.django_db
def test_private_files_have_no_address(client, staff):
    storage = PrivateStorage()
    name = storage.save("identity/a.pdf", ContentFile(b"x"))
    assert storage.url(name) == ""
    guesses = [f"/media/{name}", f"/private/{name}", f"/static/{name}"]
    assert [client.get(url).status_code for url in guesses] == [404, 404, 404]
    assert [staff("Administrator").get(url).status_code for url in guesses] == [404, 404, 404]


def test_the_private_storage_is_the_one_of_the_settings(settings):
    assert type(storages["private"]) is PrivateStorage
    assert storages["private"].location == str(settings.PRIVATE_ROOT)


@pytest.mark.parametrize(
    ("original", "ending"), [("CV of Ana.PDF", ".pdf"), ("a.b.docx", ".docx"), ("none", ""), ("../../x/a.pdf", ".pdf")]
)
def test_a_random_name_tells_only_the_kind_of_file(original, ending):
    name = random_name("applications", original)
    assert re.fullmatch(r"applications/[0-9a-f]{32}" + re.escape(ending), name)


def test_random_names_differ():
    assert len({random_name("applications", "cv.pdf") for _ in range(100)}) == 100


@pytest.mark.django_db
def test_a_document_is_kept_under_a_random_name(settings):
    document = DocumentFactory(slug="call-schedule")
    assert re.fullmatch(r"resources/[0-9a-f]{32}\.pdf", document.versions.get().file.name)


def private_file(name, content=b"what is in it"):
    """A file as a model's field gives it: with a name inside the storage, not opened yet."""
    storage = storages["private"]
    saved = storage.save(name, ContentFile(content))
    return SimpleNamespace(name=saved, open=lambda mode: storage.open(saved, mode))


@pytest.mark.django_db  # closing a response looks at the connections
@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("resources/a.pdf", "application/pdf"),
        ("resources/a.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("resources/a.png", "image/png"),
        ("resources/a.jpg", "image/jpeg"),
        ("resources/a.html", "application/octet-stream"),
        ("resources/a.svg", "application/octet-stream"),
        ("resources/a", "application/octet-stream"),
    ],
)
@pytest.mark.parametrize("location", ["", "/private/"])
def test_serve_sends_an_attachment_no_cache_keeps(settings, name, content_type, location):
    settings.X_ACCEL_REDIRECT = location
    response = serve(GET, private_file(name), "Call schedule.pdf")
    assert response.status_code == 200
    assert response["Content-Type"] == content_type
    assert response["Content-Disposition"] == 'attachment; filename="Call schedule.pdf"'
    assert {header: response[header] for header in HEADERS} == HEADERS
    response.close()


@pytest.mark.django_db  # closing a response looks at the connections
def test_serve_sends_the_bytes_itself():
    response = serve(GET, private_file("resources/a.pdf"), "a.pdf")
    assert b"".join(response) == b"what is in it"
    assert response["Content-Length"] == "13"
    assert "X-Accel-Redirect" not in response
    response.close()


@pytest.mark.parametrize("location", ["/private", "/private/"])
def test_serve_lets_nginx_send_the_bytes(settings, location):
    settings.X_ACCEL_REDIRECT = location
    response = serve(GET, private_file("resources/a.pdf"), "a.pdf")
    assert response["X-Accel-Redirect"] == "/private/resources/a.pdf"
    assert response.content == b""


@pytest.mark.django_db  # closing a response looks at the connections
@pytest.mark.parametrize(
    ("download_name", "disposition"),
    [
        ("a.pdf", 'attachment; filename="a.pdf"'),
        ('a"b\\c.pdf', r'attachment; filename="a\"b\\c.pdf"'),
        ("José.pdf", "attachment; filename*=utf-8''Jos%C3%A9.pdf"),
        ("年.pdf", "attachment; filename*=utf-8''%E5%B9%B4.pdf"),
    ],
)
def test_serve_writes_the_name_for_the_readers_computer(download_name, disposition):
    response = serve(GET, private_file("resources/a.pdf"), download_name)
    assert response["Content-Disposition"] == disposition
    response.close()


@pytest.mark.django_db
def test_serve_takes_the_file_of_a_model(settings):
    document = DocumentFactory()
    version = document.versions.get()
    response = serve(GET, version.file, version.download_name)
    assert b"".join(response).startswith(b"%PDF-")
    response.close()
    settings.X_ACCEL_REDIRECT = "/private/"
    assert serve(GET, version.file, "a.pdf")["X-Accel-Redirect"] == f"/private/{version.file.name}"


# ---- Parts, and nothing new (RFC 9110) ------------------------------------------------------------------------------

TEN = b"0123456789"


def answer(file, method="get", **headers):
    response = serve(getattr(RequestFactory(headers=headers), method)("/"), file, "a.pdf")
    body = response.getvalue()
    response.close()
    return response, body


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("asked", "status", "body", "where"),
    [
        ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
        ("bytes=0-0", 206, b"0", "bytes 0-0/10"),
        ("bytes=4-", 206, b"456789", "bytes 4-9/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=-99", 206, TEN, "bytes 0-9/10"),
        ("bytes=8-99", 206, b"89", "bytes 8-9/10"),
        ("bytes=10-", 416, b"", "bytes */10"),
        ("bytes=99-100", 416, b"", "bytes */10"),
        ("bytes=-0", 416, b"", "bytes */10"),
        ("bytes=5-2", 200, TEN, None),
        ("bytes=-", 200, TEN, None),
        ("bytes=0-1,3-4", 200, TEN, None),
        ("lines=0-3", 200, TEN, None),
        ("bytes=a-b", 200, TEN, None),
        ("bytes=٠-٣", 200, TEN, None),
        ("bytes=0-9999999999999999", 200, TEN, None),
    ],
)
@pytest.mark.usefixtures("private_files")
def test_part_of_a_file(asked, status, body, where):
    response, sent = answer(private_file("resources/a.pdf", TEN), Range=asked)
    assert (response.status_code, sent, response.get("Content-Range")) == (status, body, where)
    assert {header: response[header] for header in HEADERS} == HEADERS
    assert response["Content-Length"] == str(len(body)) if status != 416 else True


@pytest.mark.django_db
@pytest.mark.usefixtures("private_files")
def test_file_that_is_already_there_is_not_sent_again():
    file = private_file("resources/a.pdf", TEN)
    etag = answer(file)[0]["ETag"]
    again, body = answer(file, **{"If-None-Match": etag})
    assert (again.status_code, body, again["Cache-Control"]) == (304, b"", "no-store, private")
    assert answer(file, **{"If-None-Match": '"other"'})[1] == TEN
    assert answer(file, **{"If-Match": '"other"'})[0].status_code == 412
    assert answer(file, Range="bytes=0-1", **{"If-Range": etag})[1] == b"01"
    assert answer(file, Range="bytes=0-1", **{"If-Range": '"other"'})[1] == TEN


@pytest.mark.django_db
@pytest.mark.usefixtures("private_files")
def test_file_that_is_gone_is_not_found_and_the_log_says_so(caplog):
    file = private_file("resources/a.pdf", TEN)
    storages["private"].delete(file.name)
    with pytest.raises(Http404):
        answer(file)
    assert caplog.messages == ["A private file is missing: resources/a.pdf"]


@pytest.mark.django_db
def test_two_files_have_two_etags():
    one, other = private_file("resources/a.pdf", TEN), private_file("resources/b.pdf", TEN)
    assert answer(one)[0]["ETag"] != answer(other)[0]["ETag"]


@pytest.mark.django_db
def test_head_is_told_of_the_whole_file():
    response, _body = answer(private_file("resources/a.pdf", TEN), "head", Range="bytes=0-1")
    assert (response.status_code, response["Content-Length"], response["Accept-Ranges"]) == (200, "10", "bytes")


@pytest.mark.django_db
def test_nginx_is_asked_for_parts_where_it_sends_the_bytes(settings):
    settings.X_ACCEL_REDIRECT = "/private/"
    response, _body = answer(private_file("resources/a.pdf", TEN), Range="bytes=0-1")
    assert (response.status_code, response["X-Accel-Redirect"]) == (200, "/private/resources/a.pdf")
