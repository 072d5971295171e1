"""Files on S3-compatible storage: a real server of it, over HTTP. What works on both runs in the tests of each room."""

import threading
from contextlib import closing

import pytest
from django.core.exceptions import SuspiciousOperation
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage, storages
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.urls import reverse

from careers.models import ApplicationFile
from practice.bucket import PrivateBucket
from practice.checks import bucket_is_safe, counts_are_shared, files_leave_from_where_they_are
from practice.models import Identity
from practice.private_files import StorageFailed
from tests import factories, object_storage
from tests.practice.test_project import example, run_check

PICTURE = b"\x89PNG\r\n\x1a\n not much of one"


def save(name="applications/a.pdf", data=b"0123456789"):
    return storages["private"].save(name, ContentFile(data))


def test_what_is_saved_is_there_and_can_be_read_again(bucket):
    storage = storages["private"]
    assert type(storage) is PrivateBucket
    name = save(data=b"x" * 700_000 + b"end")
    assert (name, bucket.names()) == ("applications/a.pdf", ["applications/a.pdf"])
    with storage.open(name) as file:
        assert (file.size, file.name) == (700_003, name)
        assert file.read(3) == b"xxx"
        file.seek(-3, 2)
        assert (file.tell(), file.read(), file.read()) == (700_000, b"end", b"")
        file.seek(0)
        assert b"".join(file.chunks(100_000)) == bucket.read(name)
    storage.delete(name)
    storage.delete(name)
    assert bucket.names() == []


def test_only_what_is_read_is_fetched(bucket, monkeypatch):
    asked = []
    get = PrivateBucket.bucket.fget

    def watched(storage):
        found = get(storage)
        found.meta.client.meta.events.register(
            "before-send.s3.GetObject", lambda request, **_: asked.append(request.headers["Range"])
        )
        return found

    name = save()
    monkeypatch.setattr(PrivateBucket, "bucket", property(watched))
    with storages["private"].open(name) as file:
        assert asked == []
        file.seek(7)
        assert file.read() == b"789"
    assert asked == [b"bytes=7-"]


def test_every_object_is_stored_encrypted_and_none_is_public(bucket):
    save()
    default_storage.save("portraits/a.png", ContentFile(PICTURE))
    for key in ("private/applications/a.pdf", "media/portraits/a.png"):
        assert bucket.client.head_object(Bucket=bucket.bucket, Key=key)["ServerSideEncryption"] == "AES256"
        grants = bucket.client.get_object_acl(Bucket=bucket.bucket, Key=key)["Grants"]
        assert [(grant["Grantee"]["Type"], grant["Permission"]) for grant in grants] == [
            ("CanonicalUser", "FULL_CONTROL")
        ]


def test_name_that_is_taken_is_never_written_over(bucket):
    first, second = save(data=b"first"), save(data=b"second")
    assert (first == second, bucket.read(first), bucket.read(second)) == (False, b"first", b"second")


def test_private_file_has_no_address(bucket):
    """Not even one that is signed and ends soon: it would go past the permission check and the access log."""
    name = save()
    assert (storages["private"].url(name), default_storage.url("portraits/a.png")) == ("", "/media/portraits/a.png")


@pytest.mark.parametrize("name", ["../media/a.pdf", "/etc/a.pdf", "applications/../../a.pdf"])
def test_name_that_climbs_out_is_refused(bucket, name):
    with pytest.raises(SuspiciousOperation):
        save(name)
    with pytest.raises(SuspiciousOperation):
        storages["private"].open(name)
    assert bucket.names() == []


def test_upload_that_breaks_off_leaves_nothing(bucket):
    class Breaks(ContentFile):
        def read(self, *size):
            if self.tell():
                raise OSError(28, "No space left on device")
            return super().read(1_000_000)

    with pytest.raises(OSError, match="No space"):
        storages["private"].save("applications/a.pdf", Breaks(b"x" * 20_000_000))
    unfinished = bucket.client.list_multipart_uploads(Bucket=bucket.bucket).get("Uploads", [])
    assert (bucket.names(), unfinished) == ([], [])


def test_file_of_100_mb_is_put_at_once(bucket):
    """Else a killed worker would leave parts of it that nobody sees, and everybody pays for."""
    ways = []
    client = storages["private"].connection.meta.client
    client.meta.events.register("before-send.s3", lambda request, **_: ways.append(request.method))
    save("statements/a.csv", b"x" * 100 * 1024 * 1024)
    assert ways == ["HEAD", "PUT"]


def test_what_is_not_there_is_missing_as_on_a_disk(bucket):
    storage = storages["private"]
    with pytest.raises(FileNotFoundError):
        storage.open("applications/none.pdf")
    with pytest.raises(FileNotFoundError):
        storage.size("applications/none.pdf")
    assert (storage.exists("applications/none.pdf"), storage.listdir("applications")) == (False, ([], []))


def test_storage_that_is_away_fails_as_a_disk_does(bucket, settings):
    settings.S3_ENDPOINT_URL = f"http://127.0.0.1:{object_storage.free_port()}"
    storage = PrivateBucket()
    for ask in (
        lambda: storage.open("a.pdf"),
        lambda: storage.save("a.pdf", ContentFile(b"x")),
        lambda: storage.delete("a.pdf"),
    ):
        with pytest.raises(StorageFailed):
            ask()


@pytest.mark.django_db
def test_page_whose_file_cannot_be_had_asks_to_come_back(bucket, settings, monkeypatch, staff, identity):
    application = factories.ApplicationFactory(opening__is_read_blind=False)
    member = staff("Hiring")
    address = reverse("admin:careers_application_file", args=[application.pk, application.files.get().pk])
    assert member.get(address).status_code == 200
    settings.S3_ENDPOINT_URL = f"http://127.0.0.1:{object_storage.free_port()}"
    monkeypatch.setattr(ApplicationFile._meta.get_field("stored"), "storage", PrivateBucket())
    member.raise_request_exception = False
    response = member.get(address)
    assert (response.status_code, response["Retry-After"]) == (503, "60")


def test_threads_have_connections_of_their_own(bucket):
    """boto3's resources must not be shared."""
    storage, seen = storages["private"], []
    work = [threading.Thread(target=lambda: seen.append(storage.bucket.meta.client)) for _ in range(2)]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    assert len({id(client) for client in [*seen, storage.bucket.meta.client]}) == 3


# ---- Pictures for everybody ------------------------------------------------------------------------------------------


@pytest.fixture(params=["disk", "bucket"])
def pictures(request):
    if request.param == "bucket":
        request.getfixturevalue("bucket")


@pytest.mark.django_db
@pytest.mark.usefixtures("pictures")
def test_picture_comes_from_our_own_address(client, identity):
    identity.logo.save("mark.png", ContentFile(PICTURE))
    logo = Identity.objects.get().logo
    assert logo.url == f"/media/{logo.name}"
    assert f'src="{logo.url}"' in client.get("/").text

    for other in (
        "/media/identity/none.png",
        "/media/applications/a.pdf",
        "/media/identity/../../private/a.pdf",
        "/media/identity/",
    ):
        assert client.get(other).status_code == 404
    with closing(client.get(logo.url)) as response:
        assert (response.status_code, response["Content-Type"], response.getvalue()) == (200, "image/png", PICTURE)
        kept = ("public, max-age=31536000, immutable", "nosniff", str(len(PICTURE)))
        assert tuple(response[name] for name in ("Cache-Control", "X-Content-Type-Options", "Content-Length")) == kept
    again = client.get(logo.url, headers={"If-None-Match": response["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    with closing(client.head(logo.url)) as head:
        assert head["Content-Length"] == str(len(PICTURE))


@pytest.mark.django_db
@pytest.mark.usefixtures("pictures")
def test_private_file_is_no_picture(client, identity):
    save("identity/a.pdf")
    assert client.get("/media/identity/a.pdf").status_code == 404


# ---- What cannot work is refused ---------------------------------------------------------------------------------------


def test_nginx_cannot_send_what_is_in_the_bucket(bucket, settings):
    settings.X_ACCEL_REDIRECT = "/private/"
    with pytest.raises(SystemCheckError, match=r"practice.E005.*X_ACCEL_REDIRECT sends files of this machine"):
        call_command("check", tags=["files"])
    settings.X_ACCEL_REDIRECT = ""
    call_command("check", tags=["files"])


@pytest.mark.parametrize(
    ("facts", "numbers"),
    [
        ({}, []),
        ({"X_ACCEL_REDIRECT": "/private/"}, ["practice.E005"]),
        ({"S3_ENDPOINT_URL": "http://minio:9000"}, ["practice.W001"]),
        ({"S3_ENCRYPTION": ""}, ["practice.W002"]),
        ({"CACHES": {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}}, ["practice.E006"]),
        ({"CACHES": {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}}, ["practice.E006"]),
        ({"CACHES": {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache"}}}, []),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(settings, facts, numbers):
    settings.S3_BUCKET, settings.S3_ENDPOINT_URL, settings.X_ACCEL_REDIRECT = "files", "https://s3.example", ""
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache"}}
    for name, value in facts.items():
        setattr(settings, name, value)
    ours = [files_leave_from_where_they_are, bucket_is_safe, counts_are_shared]
    assert [found.id for check in ours for found in check(None)] == numbers


def test_deploy_check_is_clean_with_a_bucket(tmp_path):
    environment = {name: value for name, value in example().items() if value is not None}
    bucket = {
        "S3_BUCKET": "radiology-files",
        "S3_REGION": "us-east-2",
        "X_ACCEL_REDIRECT": "",
        "VAR_DIR": str(tmp_path),
    }
    done = run_check(**environment | bucket)
    assert (done.returncode, done.stdout) == (0, "System check identified no issues (0 silenced).\n"), done.stderr
