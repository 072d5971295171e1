"""Article page and home under granian, against a bare Django, ourselves without the page cache, and Wagtail 8.

Also what a worker weighs and how long a start takes. Rounds are interleaved: a ratio is of two measurements that follow
each other, and what is reported is the median of the ratios.
"""

import argparse
import os
import statistics
import subprocess
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from io import StringIO
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "practice.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.urls import reverse  # noqa: E402

from benchmarks.ground import lay_ground  # noqa: E402
from benchmarks.peers_venv import peers_python  # noqa: E402
from benchmarks.results import Results  # noqa: E402
from benchmarks.servers import ROOT, BenchmarkError, Load, Server, find_wrk, load, serving, weigh  # noqa: E402
from education.models import Edition  # noqa: E402

READERS = 200
CONNECTIONS = 16
OURS, UNCACHED, BARE = "ours", "ours, uncached", "bare Django"
WAGTAIL, WAGTAIL_CACHED = "Wagtail 8, uncached", "Wagtail 8, page cache"
CACHE_SIZE = "PAGE_CACHE_MEGABYTES"


def prepare() -> dict[str, str]:
    """The demo practice; returns {page: path} with the longest English article."""
    lay_ground()
    call_command("demo", no_serve=True, stdout=StringIO())
    editions = Edition.objects.live().in_language("en").select_related("article__topic")
    longest = max(editions, key=lambda edition: len(str(edition.sections)))
    return {
        "article": reverse("education:article", args=[longest.article.topic.slug]),
        "home": reverse("practice:home"),
    }


def keep_bodies(server: Server, paths: dict[str, str], folder: Path) -> None:
    """Write what our pages send, and their HTML, for the peers to send the same."""
    folder.mkdir(parents=True, exist_ok=True)
    for page, path in paths.items():
        status, body, headers = server.get(path)
        if status != 200:
            raise BenchmarkError(f"{path} answers {status}.")
        (folder / page).write_bytes(body)
        (folder / "encoding").write_text(headers.get("content-encoding", ""))
        (folder / f"{page}.html").write_text(uncompressed(body, headers.get("content-encoding", "")))


def uncompressed(body: bytes, encoding: str) -> str:
    if encoding == "br":
        import brotli  # noqa: PLC0415

        return brotli.decompress(body).decode()
    if encoding == "gzip":
        import gzip  # noqa: PLC0415

        return gzip.decompress(body).decode()
    return body.decode()


def interleaved(measures: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """{name: a figure for each round}; each round asks everybody, every other one in reverse (ABBA)."""
    found: dict[str, list[float]] = {name: [] for name in measures}
    for number in range(rounds):
        names = list(measures) if number % 2 == 0 else list(reversed(list(measures)))
        for name in names:
            found[name].append(measures[name]())
    return found


def median_ratio(ours: list[float], peers: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(ours, peers, strict=True))


# ---- Wagtail --------------------------------------------------------------------------------------------------------


def wagtail_environment(folder: Path) -> dict[str, str]:
    parameters = connection.get_connection_params()
    return {
        "DJANGO_SETTINGS_MODULE": "benchmarks.peers.wagtail_site.settings",
        "WAGTAIL_TEMPLATES": str(folder),
        "WAGTAIL_DATABASE_HOST": parameters["host"],
        "WAGTAIL_DATABASE_USER": parameters["user"],
        "PYTHONPATH": str(ROOT),
    }


def fill_wagtail(python: str, bodies: Path, environment: dict[str, str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP DATABASE IF EXISTS wagtail")
        cursor.execute("CREATE DATABASE wagtail")
    Path(environment["WAGTAIL_TEMPLATES"]).mkdir(parents=True, exist_ok=True)
    command = [python, "-W", "ignore", "-m", "benchmarks.peers.wagtail_site.fill", str(bodies)]
    subprocess.run(command, env=os.environ | environment, cwd=ROOT, check=True)


# ---- What is measured -----------------------------------------------------------------------------------------------


def measure_rates(servers: dict[str, tuple[Server, dict[str, str]]], seconds: float, rounds: int, results: Results):
    """Answers a second, page by page."""
    for page in ("article", "home"):
        loads: list[Load] = []

        def rate(server: Server, path: str, loads: list[Load] = loads) -> float:
            loads.append(load(server.url(path), connections=CONNECTIONS, seconds=seconds))
            return loads[-1].rate

        measures = {name: partial(rate, server, paths[page]) for name, (server, paths) in servers.items()}
        for server, paths in servers.values():
            load(server.url(paths[page]), connections=CONNECTIONS, seconds=1)  # warm
        rates = interleaved(measures, rounds)
        targets = {BARE: {"at_least": 0.8}, WAGTAIL: {"at_least": 100.0}}
        for name, peer in rates.items():
            if name != OURS:
                ratio = median_ratio(rates[OURS], peer)
                target = targets.get(name, {}) if page == "article" else {}
                figures = statistics.median(rates[OURS]), statistics.median(peer)
                results.compare(f"{page}: answers a second", name, *figures, "/s", ratio=ratio, **target)
        errors = sum(found.errors for found in loads)
        if errors:
            raise BenchmarkError(f"{page}: {errors} errors. The log of the servers is {settings.VAR_DIR}/servers.log.")


def measure_readers(
    servers: dict[str, tuple[Server, dict[str, str]]], seconds: float, rounds: int, results: Results
) -> None:
    """Many readers at once: how long they wait, and whether anybody sees an error."""
    loads: dict[str, list[Load]] = {name: [] for name in (OURS, BARE, UNCACHED)}

    def ask(name: str) -> float:
        server, paths = servers[name]
        loads[name].append(load(server.url(paths["article"]), connections=READERS, seconds=seconds))
        return loads[name][-1].p99

    interleaved({name: partial(ask, name) for name in loads}, rounds)
    for name in (BARE, UNCACHED):
        for kind in ("p50", "p99"):
            ours, peer = ([getattr(found, kind) * 1e3 for found in loads[which]] for which in (OURS, name))
            figures = statistics.median(ours), statistics.median(peer)
            what = f"article, {READERS} readers at once: {kind}"
            results.compare(what, name, *figures, "ms", ratio=median_ratio(ours, peer))
    # A ratio to no errors is no number: what is compared are the answers without error and all answers.
    for name in (OURS, UNCACHED):
        answers = sum(found.answers for found in loads[name])
        good = answers - sum(found.errors for found in loads[name])
        what = f"article, {READERS} readers at once: answers without error ({name})"
        results.compare(what, "all answers", good, answers, "", at_least=1.0 if name == OURS else None)


def measure_memory(servers: dict[str, tuple[Server, dict[str, str]]], results: Results) -> None:
    ours, bare = (weigh(server, list(paths.values())) for server, paths in (servers[OURS], servers[BARE]))
    for kind in ("rss", "pss", "uss"):
        figures = getattr(ours, kind) / 2**20, getattr(bare, kind) / 2**20
        results.compare(f"memory of a worker after 1,000 answers: {kind.upper()}", BARE, *figures, "MB")


def measure_starts(starts: dict[str, Callable], times: int, results: Results) -> None:
    def seconds(name: str) -> float:
        with ExitStack() as stack:
            return stack.enter_context(starts[name]()).seconds_to_first_answer

    found = interleaved({name: partial(seconds, name) for name in starts}, times)
    for name, peer in found.items():
        if name != OURS:
            figures = statistics.median(found[OURS]), statistics.median(peer)
            results.compare("start until the first answer", name, *figures, "s", ratio=median_ratio(found[OURS], peer))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    rounds, seconds = (3, 1.0) if quick else (5, 2.0)
    results = Results()
    find_wrk()  # before minutes of other work
    paths = prepare()
    folder = settings.VAR_DIR / "bodies"
    ours = {"DJANGO_SETTINGS_MODULE": "practice.settings", "DEMO": "1"}

    def serve_ours(name: str = OURS, **more: str):
        return serving(name, "practice.wsgi:application", ours | more, path="/healthz")

    def serve_bare():
        return serving(BARE, "benchmarks.peers.bare:application", {"BARE_BODIES": str(folder)})

    bare_paths = {"article": "/article/", "home": "/"}
    with ExitStack() as stack:
        servers = {OURS: (stack.enter_context(serve_ours()), paths)}
        keep_bodies(servers[OURS][0], paths, folder)
        servers[BARE] = (stack.enter_context(serve_bare()), bare_paths)
        servers[UNCACHED] = (stack.enter_context(serve_ours(UNCACHED, **{CACHE_SIZE: "0"})), paths)
        python = peers_python()
        if python is None:
            results.remarks.append("Without Wagtail: its packages could not be installed.")
        else:
            environment = wagtail_environment(settings.VAR_DIR / "wagtail-templates")
            fill_wagtail(python, folder, environment)
            for name, cached in ((WAGTAIL, "0"), (WAGTAIL_CACHED, "1")):
                server = stack.enter_context(
                    serving(
                        name,
                        "benchmarks.peers.wagtail_site.wsgi:application",
                        environment | {"WAGTAIL_CACHED": cached},
                        path="/article/",
                        python=python,
                    )
                )
                servers[name] = (server, bare_paths)
            compare_sizes(servers, results)
        measure_memory(servers, results)
        measure_rates(servers, seconds, rounds, results)
        measure_readers(servers, seconds * 2, 1 if quick else 3, results)
    measure_starts({OURS: serve_ours, BARE: serve_bare}, 2 if quick else 5, results)
    results.leave()


def compare_sizes(servers: dict[str, tuple[Server, dict[str, str]]], results: Results) -> None:
    """Say how many bytes of the article everybody sends."""
    sizes = {name: len(server.get(paths["article"])[1]) for name, (server, paths) in servers.items()}
    results.remarks.append("Bytes of the article as sent: " + ", ".join(f"{n} {s:,}" for n, s in sizes.items()) + ".")


if __name__ == "__main__":
    main()
