"""Starts the same granian for us and for the peers, asks it with wrk, and weighs its workers."""

import ctypes
import http.client
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

ADDRESS = "127.0.0.1"
ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 120
COMPRESSIONS = "br, gzip"
# As `manage.py demo` serves.
OPTIONS = [
    "--interface", "wsgi", "--host", ADDRESS, "--workers", "2", "--blocking-threads", "4", "--no-ws",
    "--log-level", "error",
]  # fmt: skip


class BenchmarkError(Exception):
    """A measurement is impossible or worthless; the message says why."""


@dataclass(frozen=True)
class Server:
    """A granian that answers, and how long that took from its start."""

    name: str
    port: int
    process: subprocess.Popen
    seconds_to_first_answer: float

    def url(self, path: str) -> str:
        return f"http://{ADDRESS}:{self.port}{path}"

    def get(self, path: str) -> tuple[int, bytes, dict[str, str]]:
        """Status, the body as it was sent, and headers."""
        with closing(http.client.HTTPConnection(ADDRESS, self.port, timeout=60)) as connection:
            connection.request("GET", path, headers={"Accept-Encoding": COMPRESSIONS})
            answer = connection.getresponse()
            return answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()}

    def workers(self) -> list[psutil.Process]:
        children = psutil.Process(self.process.pid).children(recursive=True)
        return [child for child in children if "resource_tracker" not in " ".join(child.cmdline())]


@contextmanager
def serving(
    name: str, application: str, environment: dict[str, str], *, path: str = "/", python: str = sys.executable
) -> Iterator[Server]:
    """The application under granian on a free port, from its first good answer on; gone afterwards, workers and all."""
    port = free_port()
    began = time.perf_counter()
    with (Path(os.environ.get("VAR_DIR", "/tmp")) / "servers.log").open("ab") as log:  # noqa: S108
        process = subprocess.Popen(
            [python, "-W", "ignore", "-m", "granian", *OPTIONS, "--port", str(port), application],
            env=os.environ | {"PYTHONPATH": str(ROOT), "PORT": str(port)} | environment,
            cwd=ROOT,
            start_new_session=True,
            stdout=log,
            stderr=log,
            preexec_fn=end_with_parent,  # noqa: PLW1509 (this process has one thread)
        )
    try:
        wait_for_answer(process, port, path, name)
        yield Server(name, port, process, time.perf_counter() - began)
    finally:
        end(process)


def end_with_parent() -> None:
    """Run in the server before it starts: when we are killed, Linux ends it too."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        return probe.getsockname()[1]


def wait_for_answer(process: subprocess.Popen, port: int, path: str, name: str) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        with closing(http.client.HTTPConnection(ADDRESS, port, timeout=START_SECONDS)) as connection:
            try:
                connection.request("GET", path)
                status = connection.getresponse().status
            except OSError:
                time.sleep(0.01)
                continue
        if status == 200:
            return
        raise BenchmarkError(f"{name} answers {path} with {status}.")
    raise BenchmarkError(f"{name} does not start.")


def end(process: subprocess.Popen) -> None:
    """Ask the server to stop, then make it; it has a process group of its own."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=10)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


# ---- Load -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Load:
    """What wrk found. Errors are answers of 400 and above, timeouts, and connections that failed."""

    rate: float
    p50: float
    p99: float
    answers: int
    errors: int


def find_wrk() -> str:
    program = shutil.which("wrk")
    if program is None:
        raise BenchmarkError("The part `web` needs wrk (Debian: apt-get install wrk).")
    return program


def load(url: str, *, connections: int, seconds: float) -> Load:
    found = subprocess.run(
        [
            find_wrk(), "--threads", "2", "--connections", str(connections), "--duration", f"{max(1, round(seconds))}s",
            "--timeout", "10s", "--latency", "--script", str(ROOT / "benchmarks/report.lua"),
            "--header", f"Accept-Encoding: {COMPRESSIONS}", url,
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    line = re.search(r"^RESULT (.*)$", found.stdout, re.MULTILINE)
    if line is None:
        raise BenchmarkError(f"wrk failed at {url}: {found.stderr.strip() or found.stdout.strip()}")
    told = json.loads(line[1])
    if not told["requests"]:
        raise BenchmarkError(f"wrk got no answer from {url}.")
    return Load(
        rate=told["requests"] / (told["microseconds"] / 1e6),
        p50=told["p50"] / 1e6,
        p99=told["p99"] / 1e6,
        answers=told["requests"],
        errors=told["errors"],
    )


# ---- Memory ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Memory:
    """Bytes of a worker: all it sees, its share of what several see, and what is its own."""

    rss: float
    pss: float
    uss: float


def weigh(server: Server, paths: list[str], requests: int = 1000) -> Memory:
    """The median worker after so many requests, which new connections spread over the workers."""
    done = 0
    while done < requests:
        with closing(http.client.HTTPConnection(ADDRESS, server.port, timeout=60)) as connection:
            for _request in range(20):
                path = paths[done % len(paths)]
                connection.request("GET", path, headers={"Accept-Encoding": COMPRESSIONS})
                answer = connection.getresponse()
                answer.read()
                if answer.status != 200:
                    raise BenchmarkError(f"{server.name} answers {path} with {answer.status}.")
                done += 1
    weights = [worker.memory_full_info() for worker in server.workers()]
    return Memory(*(statistics.median(getattr(weight, kind) for weight in weights) for kind in ("rss", "pss", "uss")))
