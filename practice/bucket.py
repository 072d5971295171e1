"""Files on S3-compatible storage in place of this machine's disk, so that several machines have the same ones.

It promises what the folders promise: an object has its name when it is whole, because one request puts it there; a
name is never given to other bytes; and what fails is an OSError, as on a disk. Nobody but the site reads the bucket:
no object is public, no address leads there, and each is stored encrypted.
"""

import errno
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.core.files import File
from django.utils.encoding import filepath_to_uri
from storages.backends.s3 import S3Storage

from practice.private_files import StorageFailed

# Larger than any file of ours: it arrives in one request, so a killed worker leaves no parts that nobody sees.
ONE_PUT = TransferConfig(multipart_threshold=1024**3, use_threads=False)
PATIENCE = Config(connect_timeout=3, read_timeout=15, retries={"mode": "standard", "max_attempts": 3})
READ_AT_ONCE = 256 * 1024


@contextmanager
def _told_as_by_a_disk(name: str) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        if error.response["ResponseMetadata"].get("HTTPStatusCode") == 404:
            raise FileNotFoundError(errno.ENOENT, "No such file in the bucket", name) from error
        raise StorageFailed(errno.EIO, "The storage refused", name) from error
    except (BotoCoreError, Boto3Error) as error:
        raise StorageFailed(errno.EIO, "The storage does not answer", name) from error


class Bucket(S3Storage):
    """A folder of the bucket that the settings name. Where it is, and its keys, is read when it is first used."""

    folder = ""

    def __init__(self):
        encrypted = {"ServerSideEncryption": settings.S3_ENCRYPTION} if settings.S3_ENCRYPTION else {}
        super().__init__(
            bucket_name=settings.S3_BUCKET,
            location=self.folder,
            endpoint_url=settings.S3_ENDPOINT_URL,
            region_name=settings.S3_REGION,
            access_key=settings.AWS_ACCESS_KEY_ID,
            secret_key=settings.AWS_SECRET_ACCESS_KEY,
            security_token=settings.AWS_SESSION_TOKEN,
            default_acl=None,
            file_overwrite=False,
            object_parameters=encrypted,
            transfer_config=ONE_PUT,
            client_config=PATIENCE,
        )

    @property
    def bucket(self):
        """Of this thread: boto3's resources must not be shared, and S3Storage would keep the first thread's."""
        return self.connection.Bucket(self.bucket_name)

    def _open(self, name, mode="rb"):
        if mode != "rb":
            raise ValueError("A file in the bucket is read; to write one, save it.")
        with _told_as_by_a_disk(name):
            found = self.bucket.Object(self._normalize_name(name))
            content = _Content(found, name)
        opened = File(io.BufferedReader(content, READ_AT_ONCE), name=name)
        opened.size = content.size
        return opened

    def _save(self, name, content):
        with _told_as_by_a_disk(name):
            return super()._save(name, content)

    def delete(self, name):
        with _told_as_by_a_disk(name):
            super().delete(name)

    def exists(self, name):
        with _told_as_by_a_disk(name):
            return super().exists(name)

    def listdir(self, path):
        with _told_as_by_a_disk(path):
            return super().listdir(path)

    def size(self, name):
        with _told_as_by_a_disk(name):
            return super().size(name)


class PrivateBucket(Bucket):
    """Takes the place of PrivateStorage."""

    folder = "private"

    def url(self, name, *options, **more):
        """No address leads to the file itself, not even a signed one: it leaves through the permission check."""
        return ""


class PublicBucket(Bucket):
    """Pictures for everybody. They too leave through the site: its pages load nothing from elsewhere."""

    folder = "media"

    def url(self, name, *options, **more):
        return f"{settings.MEDIA_URL}{filepath_to_uri(name)}"


class _Content(io.RawIOBase):
    """The bytes of an object from where one reads on: nothing is fetched that is not read, or held in memory."""

    def __init__(self, found, name: str):
        self.found, self.name, self.at = found, name, 0
        self.body: Any = None  # what the client library gives
        self.size: int = found.content_length

    def readable(self):
        return True

    def seekable(self):
        return True

    def tell(self):
        return self.at

    def seek(self, offset, whence=io.SEEK_SET):
        at = max(0, offset + {io.SEEK_SET: 0, io.SEEK_CUR: self.at, io.SEEK_END: self.size}[whence])
        if at != self.at:
            self._let_go()
        self.at = at
        return at

    def readinto(self, buffer):
        data = self._read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def readall(self):
        return self._read(None)

    def close(self):
        self._let_go()
        super().close()

    def _read(self, most: int | None) -> bytes:
        if self.at >= self.size:
            return b""
        with _told_as_by_a_disk(self.name):
            if self.body is None:
                self.body = self.found.get(Range=f"bytes={self.at}-")["Body"]
            data = self.body.read(most)
        if not data:
            raise StorageFailed(errno.EIO, "The storage ended before the file did", self.name)
        self.at += len(data)
        return data

    def _let_go(self) -> None:
        if self.body is not None:
            self.body.close()
            self.body = None
