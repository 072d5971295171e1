"""Each test takes a real server through its life, in a folder of its own under a short path."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import psycopg2
import pytest
from django.conf import settings as project
from django.db import connections

from practice.embedded import base
from practice.embedded.server import SERVER_OPTIONS, SYSTEM_USER, EmbeddedServer, EmbeddedServerError

pytestmark = pytest.mark.own_server
USER = """
import sys
from practice.embedded.server import EmbeddedServer
server = EmbeddedServer(sys.argv[1])
server.ensure_running()
print(server.postmaster_pid(), flush=True)
sys.stdin.read()
"""

FORKING_USER = """
import fcntl, os, sys
from practice.embedded.server import EmbeddedServer
server = EmbeddedServer(sys.argv[1])
server.join_users()
ours, childs = os.pipe()
if os.fork() == 0:
    os.read(ours, 1)
    os._exit(0)
server.leave()
with open(sys.argv[1] + "/users.lock") as lock:
    fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
print("free", flush=True)
os.write(childs, b"x")
os.wait()
"""


def start_python(script, folder):
    return subprocess.Popen(
        [sys.executable, "-c", script, str(folder)],
        cwd=project.BASE_DIR,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@contextlib.contextmanager
def another_user(folder):
    """A second process that uses the server until the end of the block; it has printed the server's process id."""
    with start_python(USER, folder) as process:
        try:
            process.server = int(process.stdout.readline())
            yield process
        finally:
            process.stdin.close()
            process.wait(30)


def query(server, text):
    with contextlib.closing(psycopg2.connect(dbname="postgres", **server.connection_parameters())) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(text)
            return cursor.fetchone()[0] if cursor.description else None


def kill(pid):
    process = psutil.Process(pid)
    process.send_signal(signal.SIGKILL)
    with contextlib.suppress(psutil.TimeoutExpired):  # where nobody buries it, it stays as a zombie
        process.wait(0.5)


def is_alive(pid):
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


@pytest.fixture(scope="module")
def folder():
    """One cluster for most tests here: making one takes the most time."""
    folder = Path(tempfile.mkdtemp(dir="/tmp", prefix="pg"))
    yield folder / "db"
    shutil.rmtree(folder)


@pytest.fixture
def server(folder):
    server = EmbeddedServer(folder)
    yield server
    server.leave()
    assert server.postmaster_pid() is None


def test_the_server_starts_and_answers(server):
    assert server.postmaster_pid() is None
    server.ensure_running()
    assert query(server, "SELECT 6 * 7") == 42
    assert psutil.Process(server.postmaster_pid()).uids().real != 0
    assert {name: query(server, f"SELECT current_setting('{name}')") for name in SERVER_OPTIONS} == SERVER_OPTIONS
    assert (query(server, "SHOW server_encoding"), query(server, "SELECT lower('ÑÍ')")) == ("UTF8", "ñí")


def test_the_server_listens_in_its_folder_alone(server):
    server.ensure_running()
    assert server.connection_parameters() == {"host": str(server.folder), "user": "postgres"}
    assert psutil.Process(server.postmaster_pid()).net_connections(kind="inet") == []
    assert (server.folder / ".s.PGSQL.5432").stat().st_mode & 0o777 == 0o700


def test_a_running_server_is_left_running(server):
    server.ensure_running()
    pid = server.postmaster_pid()
    server.ensure_running()
    assert server.postmaster_pid() == pid


def test_a_second_process_finds_it_and_leaves_it_running(server):
    server.ensure_running()
    with another_user(server.folder) as second:
        assert second.server == server.postmaster_pid()
    assert second.returncode == 0
    assert query(server, "SELECT 1") == 1


def test_the_last_user_stops_it(server):
    server.ensure_running()
    pid = server.postmaster_pid()
    with another_user(server.folder):
        server.leave()
        assert server.postmaster_pid() == pid
        assert query(server, "SELECT 1") == 1
    assert not is_alive(pid)
    assert not (server.data / "postmaster.pid").exists()


def test_leaving_twice_or_without_having_come_is_nothing(server):
    server.leave()
    server.join_users()
    server.leave()
    server.leave()
    assert server.postmaster_pid() is None


def test_a_killed_user_does_not_keep_it(server):
    server.ensure_running()
    with another_user(server.folder) as second:
        second.kill()
    server.leave()
    assert server.postmaster_pid() is None


def test_users_that_come_at_once_share_one_server(folder):
    with contextlib.ExitStack() as stack:
        processes = [stack.enter_context(start_python(USER, folder)) for _ in range(2)]
        pids = [int(process.stdout.readline()) for process in processes]
    assert pids[0] == pids[1]
    assert not is_alive(pids[0])


def test_a_forked_child_does_not_keep_the_lock_of_its_parent(folder):
    with start_python(FORKING_USER, folder) as process:
        assert process.communicate(timeout=30)[0] == "free\n"
    assert process.returncode == 0


def test_a_killed_server_comes_back_with_what_was_committed(server):
    server.ensure_running()
    query(server, "CREATE TABLE kept AS SELECT 'año' AS word")
    before = server.postmaster_pid()
    kill(before)
    server.ensure_running()
    assert server.postmaster_pid() != before
    assert query(server, "SELECT word FROM kept") == "año"


@contextlib.contextmanager
def foreign_process(name):
    """A process that is called `name` and runs as the server's user, so that the server sees it alive."""
    user = SYSTEM_USER if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o711)
        program = Path(folder) / name
        program.symlink_to(shutil.which("sleep"))
        with subprocess.Popen(["sleep", "60"], executable=program, user=user) as process:
            try:
                yield process.pid
            finally:
                process.kill()


@pytest.mark.parametrize("name", ["sleeper", "postgres"], ids=["another program", "server of another cluster"])
def test_a_stale_lock_with_the_id_of_a_living_process_is_no_obstacle(server, name):
    server.ensure_running()
    locks = [server.data / "postmaster.pid", server.socket_folder / ".s.PGSQL.5432.lock"]
    before = [lock.read_text().partition("\n") for lock in locks]
    server.leave()
    with foreign_process(name) as pid:
        assert psutil.Process(pid).name() == name
        for lock, (_own_pid, _, more) in zip(locks, before, strict=True):
            lock.write_text(f"{pid}\n{more}")
        assert server.postmaster_pid() is None
        server.ensure_running()
        assert query(server, "SELECT 1") == 1
        server.leave()
        assert is_alive(pid)


@pytest.mark.parametrize("content", ["", "not a number\n", "999999999\n", "-1\n"])
def test_a_lock_that_names_nobody_is_no_server(tmp_path, content):
    server = EmbeddedServer(tmp_path)
    server.data.mkdir()
    (server.data / "postmaster.pid").write_text(content)
    assert server.postmaster_pid() is None


def test_a_server_that_cannot_start_says_why(server):
    server.ensure_running()
    server.leave()
    configuration = server.data / "postgresql.conf"
    before = configuration.read_bytes()
    configuration.write_bytes(before + b"\nno_such_setting = 1\n")
    try:
        with pytest.raises(EmbeddedServerError) as failure:
            server.ensure_running()
    finally:
        configuration.write_bytes(before)
    assert str(failure.value).startswith("PostgreSQL's pg_ctl failed with status 1. Its log ends:\n")
    assert 'unrecognized configuration parameter "no_such_setting"' in str(failure.value)


def test_the_servers_log_holds_no_statement_and_no_row(server):
    server.ensure_running()
    query(server, "CREATE TABLE people (name text PRIMARY KEY)")
    query(server, "INSERT INTO people VALUES ('Ana Testa')")
    with pytest.raises(psycopg2.errors.UniqueViolation, match="Ana Testa"):
        query(server, "INSERT INTO people VALUES ('Ana Testa')")
    log = server.log.read_text()
    assert 'duplicate key value violates unique constraint "people_pkey"' in log
    assert [text for text in ("Ana", "INSERT") if text in log] == []


def test_the_database_backend_starts_it_and_starts_it_again(server, monkeypatch):
    monkeypatch.setattr(base, "SERVER", server)
    wrapper = base.DatabaseWrapper(connections["default"].settings_dict | {"NAME": "postgres"})

    def host_of_a_new_connection():
        with contextlib.closing(wrapper.get_new_connection(wrapper.get_connection_params())) as connection:
            return connection.info.host

    assert host_of_a_new_connection() == str(server.folder)
    kill(server.postmaster_pid())
    assert host_of_a_new_connection() == str(server.folder)


@pytest.mark.parametrize(("length", "is_short"), [(86, True), (87, False), (300, False)])
def test_a_long_path_has_its_socket_in_a_short_folder(length, is_short):
    folder = Path("/tmp") / ("x" * (length - len("/tmp/")))
    server = EmbeddedServer(folder)
    assert (server.socket_folder == folder) is is_short
    assert len(str(server.socket_folder / ".s.PGSQL.5432")) <= 100
    assert EmbeddedServer(folder).socket_folder == server.socket_folder
    assert EmbeddedServer(folder.with_name("y" * 200)).socket_folder != server.socket_folder


@pytest.fixture
def long_folder():
    folder = Path(tempfile.mkdtemp(dir="/tmp", prefix="pg"))
    yield folder / ("long-" * 12) / ("longer-" * 8)
    shutil.rmtree(folder)


def test_what_was_made_by_half_is_made_anew_also_under_a_long_path(long_folder):
    """What a killed initdb leaves, beside a data folder that somebody made by hand."""
    for leftover in ("data.new", "data"):
        (long_folder / leftover / "base").mkdir(parents=True)
        (long_folder / leftover / "postgresql.conf").write_text("half a line")
    (long_folder / "data.new" / "PG_VERSION").write_text("18\n")
    server = EmbeddedServer(long_folder)
    try:
        server.ensure_running()
        assert query(server, "SELECT 1") == 1
        assert not (long_folder / "data.new").exists()
        assert server.socket_folder.parent == Path("/tmp")
        assert server.socket_folder.stat().st_mode & 0o777 == 0o700
        assert not (long_folder / ".s.PGSQL.5432").exists()
    finally:
        server.leave()
        shutil.rmtree(server.socket_folder)
    assert server.postmaster_pid() is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as another user")
def test_the_folders_above_can_be_passed_through_but_not_listed(server):
    server.ensure_running()
    assert server.folder.parent.stat().st_mode & 0o777 == 0o701
