"""All benchmarks, one after another, and their table: `python -m benchmarks [PART ...] [--quick]`.

Each part is a process with a folder, a database and ports of its own, below VAR_DIR/benchmarks; what an earlier run
left there is thrown away. A run of all parts writes RESULTS.md and the plot.
"""

import argparse
import os
import platform
import shutil
import subprocess
import sys
import time
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

import psutil

from benchmarks.peers_venv import REQUIREMENTS, VENV_FOLDER
from benchmarks.plot import plot
from benchmarks.results import RESULTS_FILE, Results, read_results, table_as_markdown, table_as_text
from benchmarks.servers import ROOT
from practice.embedded.server import EmbeddedServer

# {part: its module}
PARTS = {
    "web": "benchmarks.web",
    "imports": "benchmarks.imports",
    "payments": "benchmarks.payments",
    "search": "benchmarks.search",
    "office": "benchmarks.office",
}
RESULTS = ROOT / "benchmarks/RESULTS.md"
PLOT = ROOT / "benchmarks/cost_against_size.svg"
TITLE = "Cost against size, each relative to its smallest"
# Answers to this machine's settings would be answers about another site.
FOREIGN = {"DATABASE_URL", "DJANGO_SETTINGS_MODULE", "EMBEDDED_POSTGRES", "STATIC_ROOT", "MEDIA_ROOT", "PRIVATE_ROOT"}


def fresh_folder(folder: Path) -> Path:
    """The part's folder, empty. A database server that a killed run left behind is stopped first."""
    if folder.exists():
        EmbeddedServer(folder / "postgres").stop()
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    return folder


def run(part: str, base: Path, *, quick: bool) -> Results | None:
    """Measure one part; None when it failed, which it has said itself."""
    folder = fresh_folder(base / part)
    results = base / f"{part}.json"
    results.unlink(missing_ok=True)
    environment = {name: value for name, value in os.environ.items() if name not in FOREIGN} | {
        "DEMO": "1",
        "VAR_DIR": str(folder),
        VENV_FOLDER: str(base / "venv"),
        RESULTS_FILE: str(results),
    }
    if part != "web":
        environment["PAGE_CACHE_MEGABYTES"] = "0"
    command = [sys.executable, "-W", "ignore", "-m", PARTS[part], *(["--quick"] if quick else [])]
    print(f"== {part}", flush=True)
    start = time.monotonic()
    code = subprocess.run(command, env=environment, cwd=ROOT, check=False).returncode
    print(f"   {time.monotonic() - start:.0f} seconds", flush=True)
    if code:
        print(f"   {part} FAILED (exit status {code})", flush=True)
        return None
    found = read_results(results)
    fresh_folder(folder)
    return found


def machine() -> str:
    """What the figures were measured on."""
    facts = Path("/proc/cpuinfo").read_text().splitlines()
    names = [fact.split(":", 1)[1].strip() for fact in facts if fact.startswith("model name")]
    memory = psutil.virtual_memory().total / 2**30
    name = names[0] if names else platform.processor()
    return f"{psutil.cpu_count()} x {name}, {memory:.0f} GB, {platform.system()} {platform.release()}"


def versions() -> str:
    ours = [f"{name} {version(name)}" for name in ("Django", "granian", "psycopg2-binary", "embedded-postgres")]
    wanted = ("wagtail==", "django-import-export==", "Django==")
    peers = [line.replace("==", " ") for line in REQUIREMENTS.read_text().splitlines() if line.startswith(wanted)]
    return f"Python {platform.python_version()}, {', '.join(ours)}; peers: {', '.join(peers)}"


def page(found: Results, *, quick: bool, minutes: float, busy: float) -> str:
    """RESULTS.md"""
    remarks = "\n".join(f"- {remark}" for remark in found.remarks)
    kind = "quick run: small sizes, short rounds" if quick else "full run"
    return f"""# Results

`make bench`, {datetime.now().astimezone():%Y-%m-%d}, {kind}, {minutes:.0f} minutes.
How to read it: [docs/developers.md](../docs/developers.md#benchmarks).

- Machine: {machine()}; load when it began: {busy:.1f}
- {versions()}

{table_as_markdown(found.rows)}

A ratio is *ours / peer*, measured in one run. Rates should be high, times and memory low.

{remarks}

![{TITLE}]({PLOT.name})
"""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure ourselves against others.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; none: all")
    parser.add_argument("--quick", action="store_true", help="small sizes and short rounds: about six minutes")
    options = parser.parse_args()
    unknown = [part for part in options.parts if part not in PARTS]
    if unknown:
        parser.error(f"there is no part {unknown[0]}; there are {', '.join(PARTS)}")
    base = Path(os.environ.get("VAR_DIR", ROOT / "var")).resolve() / "benchmarks"
    base.mkdir(parents=True, exist_ok=True)
    began, busy = time.monotonic(), os.getloadavg()[0]
    parts = options.parts or list(PARTS)
    found, failed = Results(), []
    for part in parts:
        results = run(part, base, quick=options.quick)
        if results is None:
            failed.append(part)
        else:
            found.extend(results)
    print()
    print(table_as_text(found.rows))
    print()
    print("\n".join(found.remarks))
    if not options.parts and not failed:
        RESULTS.write_text(page(found, quick=options.quick, minutes=(time.monotonic() - began) / 60, busy=busy))
        PLOT.write_text(plot(TITLE, found.points))
        print(f"\nWritten: {RESULTS.relative_to(ROOT)}, {PLOT.relative_to(ROOT)}")
    elif found.points:
        picture = base / PLOT.name
        picture.write_text(plot(TITLE, found.points))
        print(f"\nWritten: {picture}")
    if failed:
        print(f"Failed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
