"""The whole site as real processes: PostgreSQL of its own, granian with two workers, a job worker, a mail server."""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import closing, contextmanager, suppress
from itertools import count
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg2
import requests
from aiosmtpd.controller import Controller
from django.conf import settings as project
from django.db import connection, connections
from django.db.backends.postgresql.base import DatabaseWrapper

from practice.backups import programs
from practice.embedded.server import EmbeddedServer

PATIENCE = 60  # seconds after which something that should have happened counts as never happening
ADDRESSES = (f"203.0.{number // 250}.{number % 250 + 1}" for number in count())
DATABASE = "site"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(happened, what: str):
    """Ask again and again; returns the first answer that is true."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if answer := happened():
            return answer
        time.sleep(0.05)
    raise AssertionError(f"{what} did not happen")


class MailServer:
    """Takes mails, or is away, or takes connections and never answers."""

    def __init__(self):
        self.port, self.taken, self.stuck = free_port(), [], None
        self.server = None

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        self.taken.append(envelope.content.decode())
        return "250 OK"

    def start(self):
        self.server = Controller(self, hostname="127.0.0.1", port=self.port)
        self.server.start()

    def stop(self):
        if self.server:
            self.server.stop()
            self.server = None

    @contextmanager
    def away(self):
        self.stop()
        yield
        self.start()

    @contextmanager
    def silent(self):
        """Connections are taken by the kernel, and nobody says a word."""
        self.stop()
        with socket.socket() as silent:
            silent.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            silent.bind(("127.0.0.1", self.port))
            silent.listen(50)
            yield
        self.start()

    def about(self, feedback: int) -> int:
        """How many mails told of this feedback."""
        return sum(f"/feedback/{feedback}/" in mail for mail in list(self.taken))


class Visitor(requests.Session):
    """A browser at an address of its own."""

    def __init__(self, origin: str):
        super().__init__()
        self.origin = origin
        self.headers["X-Forwarded-For"] = next(ADDRESSES)

    def request(self, method, path, **options):
        options.setdefault("timeout", PATIENCE)
        options.setdefault("allow_redirects", False)
        return super().request(method, path if path.startswith("http") else self.origin + path, **options)

    def send(self, request, **options):
        options.setdefault("timeout", PATIENCE)
        return super().send(request, **options)

    def fill_in(self, path, files=None, **fields):
        """Open a form and send it. Where the page is no form, that is the answer."""
        page = self.get(path)
        if page.status_code != 200:
            return page
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)
        return self.post(path, data={"csrfmiddlewaretoken": token[1] if token else "", **fields}, files=files)


class RunningSite:
    def __init__(self, folder: Path):
        self.folder = folder
        self.server = EmbeddedServer(folder / "postgres")
        self.port, self.mail = free_port(), MailServer()
        self.origin = f"http://127.0.0.1:{self.port}"
        self.children: list[subprocess.Popen] = []

    def start(self, fill) -> None:
        """Begin with the schema of the tests' database and what `fill` makes."""
        self.server.ensure_running()
        with self.database("postgres") as cursor:
            cursor.execute(f"CREATE DATABASE {DATABASE} TEMPLATE template0")
        with tempfile.TemporaryFile() as dump:
            program, _major = programs.find("pg_dump", programs.server_major())
            programs.run(program, "--format=custom", stdout=dump)
            dump.seek(0)
            with self.orm():
                program, _major = programs.find("pg_restore", programs.server_major())
                programs.run(program, "--single-transaction", "--no-owner", f"--dbname={DATABASE}", stdin=dump)
                fill()
        self.mail.start()
        self.web = self.start_web()
        self.worker = self.start_worker()
        until(self.is_ready, "the start of the site")

    def stop(self) -> None:
        for child in self.children:
            with suppress(psutil.NoSuchProcess):
                for process in [*psutil.Process(child.pid).children(recursive=True), psutil.Process(child.pid)]:
                    process.kill()
            child.wait(PATIENCE)
        self.mail.stop()
        self.server.leave()

    # ---- Its processes ----

    def environment(self, **more: str) -> dict[str, str]:
        host = quote(str(self.server.socket_folder), safe="")
        return os.environ | {
            "DJANGO_SETTINGS_MODULE": "tests.faults.site_settings",
            "PYTHONPATH": str(project.BASE_DIR),
            "DEMO": "1",
            "DATABASE_URL": f"postgres://postgres@/{DATABASE}?host={host}",
            "VAR_DIR": str(self.folder),
            "EMAIL_URL": f"smtp://127.0.0.1:{self.mail.port}",
            "PORT": str(self.port),
            "TRUSTED_PROXY_COUNT": "1",
            **more,
        }

    def run(self, *arguments: str, **more: str) -> subprocess.Popen:
        with (self.folder / "log").open("a") as log:
            child = subprocess.Popen(
                [sys.executable, "-W", "ignore", *arguments],
                cwd=project.BASE_DIR,
                env=self.environment(**more),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.children.append(child)
        return child

    def start_web(self) -> subprocess.Popen:
        return self.run(
            "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(self.port), "--workers", "2",
            "--blocking-threads", "4", "--no-ws", "--log-level", "warning", "--respawn-failed-workers",
            "--respawn-interval", "0.1", "practice.wsgi:application",
        )  # fmt: skip

    def start_worker(self) -> subprocess.Popen:
        return self.run("manage.py", "db_worker", "--no-startup-delay", "--interval", "0.1")

    def web_workers(self) -> list[psutil.Process]:
        return [
            child for child in psutil.Process(self.web.pid).children() if "resource_tracker" not in str(child.cmdline())
        ]

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    # ---- Its database ----

    @contextmanager
    def database(self, name: str = DATABASE):
        with closing(psycopg2.connect(dbname=name, **self.server.connection_parameters())) as link:
            link.autocommit = True
            with link.cursor() as cursor:
                yield cursor

    def ask(self, statement: str, *values):
        with self.database() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else None

    @contextmanager
    def orm(self):
        """The models of this process lead to the site's database."""
        home = connections["default"]
        facts = connection.settings_dict | {"ENGINE": "django.db.backends.postgresql", "NAME": DATABASE}
        facts |= {name.upper(): value for name, value in self.server.connection_parameters().items()}
        connections["default"] = DatabaseWrapper(facts, "default")
        try:
            yield
        finally:
            connections["default"].close()
            connections["default"] = home

    def kill_postgres(self) -> None:
        """SIGKILL to the postmaster, as a machine that runs out of memory does. Its children notice and end."""
        postmaster = psutil.Process(self.server.postmaster_pid())
        children = postmaster.children()
        postmaster.send_signal(signal.SIGKILL)
        psutil.wait_procs([postmaster, *children], timeout=PATIENCE)

    @contextmanager
    def hung_postgres(self):
        """As when its machine is paused: connections stay open, new ones are taken by the kernel, nobody answers."""
        postmaster = psutil.Process(self.server.postmaster_pid())
        postmaster.suspend()  # first, so that no child is born unnoticed
        children = postmaster.children()
        for child in children:
            child.suspend()
        try:
            yield
        finally:
            for process in [*children, postmaster]:
                process.resume()

    def stop_postgres(self, mode: str = "immediate") -> None:
        self.server._run("pg_ctl", "stop", "-D", str(self.server.data), "-m", mode, "-w", check=False)

    # ---- Its visitors ----

    def visitor(self) -> Visitor:
        return Visitor(self.origin)

    def is_ready(self) -> bool:
        try:
            return requests.get(f"{self.origin}/readyz", timeout=PATIENCE).status_code == 200
        except requests.RequestException:
            return False

    def give_feedback(self, message: str) -> requests.Response:
        return self.visitor().fill_in("/feedback/", topic="visit", message=message)

    def apply(self, name: str, cv: bytes, **fields) -> requests.Response:
        facts = {"name": name, "email": "ann@example.com", **fields}
        files = {"cv": ("cv.pdf", cv, "application/pdf")}
        return self.visitor().fill_in("/careers/radiologist/apply/", files=files, **facts)

    def files(self) -> set[str]:
        root = self.folder / "private"
        return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}

    def files_in_rows(self) -> set[str]:
        return {row[0] for row in self.ask("SELECT stored FROM careers_applicationfile")}
