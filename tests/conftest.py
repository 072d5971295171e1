"""Shared by all tests: a real Postgres, files in temporary folders, mail in memory, jobs that run when told to."""

import gc
import shutil
from importlib import import_module

import pytest
from django.conf import settings
from django.core.cache import cache
from django.core.management import call_command
from django.core.management.commands import flush
from django.db import transaction
from django.db.backends.postgresql.operations import DatabaseOperations
from django.test.client import Client
from django.test.utils import override_settings
from django.utils import translation

from tests import factories, hurried_server, object_storage
from tests.signing_in import sign_in


def pytest_configure():
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # WhiteNoise warns where there is none
    hurried_server.use()


def pytest_collection_finish():
    """What was imported and collected stays to the end; looking through it for garbage takes a tenth of the run."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


@pytest.fixture(scope="session", autouse=True)
def _quick(tmp_path_factory):
    """Settings of the whole run. Made once: seven changes before and after each test cost more than most tests."""
    folder = tmp_path_factory.mktemp("files")
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    with override_settings(
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        STORAGES=settings.STORAGES | {"staticfiles": plain},
        WHITENOISE_AUTOREFRESH=True,
        CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
        MEDIA_ROOT=folder / "media",
        PRIVATE_ROOT=folder / "private",
    ):
        yield folder


@pytest.fixture(autouse=True)
def _contained(_quick):
    """One test's tries to sign in and its files are not another's."""
    cache.clear()
    yield
    for kept in _quick.iterdir():
        shutil.rmtree(kept)


@pytest.fixture(autouse=True)
def _english():
    """A Spanish page in one test must not leave its language to the next."""
    with translation.override("en"):
        yield


@pytest.fixture(scope="session", autouse=True)
def _addresses_of_the_demo():
    """The addresses are made once, when first asked for: now, before a test switches the card processor."""
    import_module(settings.ROOT_URLCONF)


# Migrations make them from code, and no test that commits changes them.
MADE_FROM_CODE = {"django_content_type", "auth_permission", "auth_group", "auth_group_permissions"}


@pytest.fixture(scope="session", autouse=True)
def _tables_that_refuse_to_be_emptied():
    """After a test that commits, Django truncates all tables and makes its permissions again, which takes a second.

    Here only the tables that have rows are emptied. The ledger refuses, so all triggers sleep meanwhile.
    """

    def statements(operations, _style, tables, **_options):
        quote = operations.quote_name
        others = sorted(set(tables) - MADE_FROM_CODE)
        questions = (f"SELECT '{table}' WHERE EXISTS (SELECT FROM {quote(table)})" for table in others)
        with operations.connection.cursor() as cursor:
            cursor.execute(" UNION ALL ".join(questions))
            full = [table for (table,) in cursor.fetchall()]
        asleep = "SET session_replication_role = replica"
        awake = "SET session_replication_role = DEFAULT"
        return [asleep, *(f"DELETE FROM {quote(table)}" for table in full), awake]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "sql_flush", statements)
        patch.setattr(flush, "emit_post_migrate_signal", lambda *_facts: None)
        yield


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


@pytest.fixture(scope="module")
def module_rows(django_db_setup, django_db_blocker):
    """For fixtures of a module's own that make many rows and take long: made once, each test finds them as they were.

    They lie in a transaction around that of each test. A module with a test that commits cannot have them, and a file
    that comes with a row is gone after the first test.
    """
    with django_db_blocker.unblock(), transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture
def identity(db):
    return factories.IdentityFactory()


@pytest.fixture
def staff(db):
    """A function that signs a member with these roles in: `staff("Editor")` gives a client."""

    def member(*roles, **facts):
        return sign_in(Client(), factories.UserFactory(roles=roles, is_staff=True, **facts))

    return member
