"""PostgreSQL's own programs, of the version that fits the server, told in their environment where it is."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import IO

from django.db import connection

from practice.embedded.server import BINARIES
from practice.orphans import end_with_parent

DEBIAN = Path("/usr/lib/postgresql")
# What libpq reads from the environment: neither a password nor a host stands in the list of processes.
VARIABLES = {
    "host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE",
    "passfile": "PGPASSFILE", "service": "PGSERVICE", "sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT", "sslkey": "PGSSLKEY", "channel_binding": "PGCHANNELBINDING",
    "connect_timeout": "PGCONNECT_TIMEOUT",
}  # fmt: skip


class ProgramFailed(Exception):
    """A program is missing or ended badly; the message is its own first line, without any row."""


def server_major() -> int:
    connection.ensure_connection()
    return connection.pg_version // 10_000  # type: ignore[attr-defined]


def find(name: str, oldest: int) -> tuple[Path, int]:
    """The program and its major version: the oldest there is that is not older than `oldest`.

    A newer pg_dump reads an older server, but what it writes goes into a newer one only.
    """
    on_path = shutil.which(name)
    folders = [Path(on_path).parent] if on_path else []
    folders += [folder / "bin" for folder in DEBIAN.glob("[0-9]*")]
    folders += [BINARIES]
    found: dict[int, Path] = {}
    for folder in folders:
        if (program := folder / name).exists() and (major := _major(program)) >= oldest:
            found.setdefault(major, program)
    if not found:
        raise ProgramFailed(f"There is no {name} of version {oldest} or newer on this machine.")
    return found[min(found)], min(found)


def _major(program: Path) -> int:
    told = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    match = re.search(r"\(PostgreSQL\) (\d+)", told)
    return int(match[1]) if match else 0


def run(program: Path, *arguments: str, stdin: IO | None = None, stdout: IO | None = None) -> None:
    """Run it against the site's database. Raises ProgramFailed. When this process is killed, so is the program."""
    told = connection.get_connection_params()
    environment = {VARIABLES[name]: str(value) for name, value in told.items() if name in VARIABLES and value}
    done = subprocess.run(
        [program, *arguments],
        stdin=stdin or subprocess.DEVNULL,
        stdout=stdout or subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=os.environ | environment,
        preexec_fn=end_with_parent,
        check=False,
    )
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").splitlines()
        # The lines after the first may repeat a row.
        reason = next((line for line in said if "error:" in line), said[0] if said else "no reason given")
        raise ProgramFailed(f"{reason.strip()} (status {done.returncode})")
