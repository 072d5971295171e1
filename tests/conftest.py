"""Shared by all tests: a real Postgres, files in temporary folders, mail in memory, jobs that run when told to."""

from importlib import import_module

import pytest
from django.conf import settings
from django.core.cache import cache
from django.core.management import call_command
from django.db.backends.postgresql.operations import DatabaseOperations
from django.test.client import Client
from django.utils import translation

from tests import factories, object_storage
from tests.signing_in import sign_in


def pytest_configure():
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # WhiteNoise warns where there is none


@pytest.fixture(autouse=True)
def _quick_and_contained(settings, tmp_path):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }
    settings.WHITENOISE_AUTOREFRESH = True
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    cache.clear()  # one test's tries to sign in are not another's
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.PRIVATE_ROOT = tmp_path / "private"


@pytest.fixture(autouse=True)
def _english():
    """A Spanish page in one test must not leave its language to the next."""
    with translation.override("en"):
        yield


@pytest.fixture(scope="session", autouse=True)
def _addresses_of_the_demo():
    """The addresses are made once, when first asked for: now, before a test switches the card processor."""
    import_module(settings.ROOT_URLCONF)


@pytest.fixture(scope="session", autouse=True)
def _tables_that_refuse_to_be_emptied():
    """Between tests that commit, Django empties the tables; the ledger refuses, so its triggers sleep meanwhile."""
    flush = DatabaseOperations.execute_sql_flush

    def execute(operations, statements):
        asleep = "SET session_replication_role = replica"
        awake = "SET session_replication_role = DEFAULT"
        return flush(operations, [asleep, *statements, awake])

    DatabaseOperations.execute_sql_flush = execute
    yield
    DatabaseOperations.execute_sql_flush = flush


@pytest.fixture(scope="session")
def object_storage_address():
    """An S3-compatible storage, for all tests of this process that ask for it."""
    with object_storage.moto() as address:
        yield address


@pytest.fixture
def bucket(settings, monkeypatch, object_storage_address):
    """Files are on S3-compatible storage; gives what lies in its private folder."""
    return object_storage.use_bucket(settings, monkeypatch, object_storage_address)


@pytest.fixture(params=["disk", "bucket"])
def private_files(request, settings):
    """The test runs twice, with files on this machine's disk and on S3-compatible storage; gives what lies there."""
    return (
        object_storage.Folder(settings.PRIVATE_ROOT) if request.param == "disk" else request.getfixturevalue("bucket")
    )


@pytest.fixture
def run_jobs(db, monkeypatch):
    """Run the queued jobs, as a worker does, and fail when one of them failed."""
    from django_tasks_db.models import DBTaskResult  # noqa: PLC0415

    # The worker would close the connection, and with it the transaction the test runs in.
    monkeypatch.setattr("django_tasks_db.management.commands.db_worker.close_old_connections", lambda: None)

    def run():
        call_command("db_worker", "--batch", "--interval", "0", "--no-startup-delay", verbosity=0)
        failed = [(job.task_path, job.traceback) for job in DBTaskResult.objects.filter(status="FAILED")]
        assert failed == []

    return run


@pytest.fixture
def identity(db):
    return factories.IdentityFactory()


@pytest.fixture
def staff(db):
    """A function that signs a member with these roles in: `staff("Editor")` gives a client."""

    def member(*roles, **facts):
        return sign_in(Client(), factories.UserFactory(roles=roles, is_staff=True, **facts))

    return member
