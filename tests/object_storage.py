"""S3-compatible storage on this machine, over HTTP and in a process of its own: moto's server."""

import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from itertools import count
from urllib.error import URLError
from urllib.request import urlopen

import boto3
from django.apps import apps
from django.core.files.storage import storages
from django.db.models import FileField

START_SECONDS = 60
KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-2"}
NUMBERS = count(1)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def moto():
    """Starts the server, gives its address, and stops it."""
    port = free_port()
    command = [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield _answering(process, f"http://127.0.0.1:{port}")
        finally:
            process.kill()


def _answering(process, address: str) -> str:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with urlopen(f"{address}/moto-api/data.json"):
                return address
        except URLError:
            assert process.poll() is None, "moto's server ended"
            assert time.monotonic() < deadline, "moto's server does not answer"
            time.sleep(0.1)


class Folder:
    """What tests ask of the place where files are, whichever it is: names and bytes."""

    def __init__(self, root):
        self.root = root

    def names(self) -> list[str]:
        return sorted(str(path.relative_to(self.root)) for path in self.root.rglob("*") if path.is_file())

    def read(self, name: str) -> bytes:
        return (self.root / name).read_bytes()

    def write(self, name: str, data: bytes) -> None:
        """As somebody could who is not the site."""
        (self.root / name).write_bytes(data)


class ObjectsUnder:
    """The same of a folder of the bucket, seen with a client of the test's own."""

    def __init__(self, client, bucket: str, folder: str):
        self.client, self.bucket, self.folder = client, bucket, folder

    def names(self) -> list[str]:
        found = self.client.list_objects_v2(Bucket=self.bucket, Prefix=f"{self.folder}/").get("Contents", [])
        return sorted(each["Key"].removeprefix(f"{self.folder}/") for each in found)

    def read(self, name: str) -> bytes:
        return self.client.get_object(Bucket=self.bucket, Key=f"{self.folder}/{name}")["Body"].read()

    def write(self, name: str, data: bytes) -> None:
        self.client.put_object(Bucket=self.bucket, Key=f"{self.folder}/{name}", Body=data)


def use_bucket(settings, monkeypatch, address: str) -> ObjectsUnder:
    """Files are in a new bucket from now on; gives its private folder."""
    client = boto3.client("s3", endpoint_url=address, **KEYS)
    bucket = f"files-{next(NUMBERS)}"
    client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": KEYS["region_name"]})
    settings.S3_BUCKET, settings.S3_ENDPOINT_URL, settings.S3_REGION = bucket, address, KEYS["region_name"]
    settings.AWS_ACCESS_KEY_ID = settings.AWS_SECRET_ACCESS_KEY = "test"
    settings.STORAGES = settings.STORAGES | settings.FILES_IN_THE_BUCKET
    # A model asks once, when it is made, which storage its files are in.
    for model in apps.get_models():
        for field in model._meta.get_fields():
            if isinstance(field, FileField) and hasattr(field, "_storage_callable"):
                monkeypatch.setattr(field, "storage", storages["private"])
    return ObjectsUnder(client, bucket, "private")
