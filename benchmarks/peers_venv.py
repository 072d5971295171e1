"""The peers' virtual environment: what they need must not get into ours."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.servers import ROOT

REQUIREMENTS = ROOT / "benchmarks/requirements.txt"
VENV_FOLDER = "BENCHMARK_VENV"  # the variable that names it


def peers_python() -> str | None:
    """The peers' Python, with their packages installed; None where that is impossible just now."""
    folder = Path(os.environ.get(VENV_FOLDER, str(ROOT / "var/benchmarks/venv")))
    python, stamp = folder / "bin/python", folder / "installed"
    digest = hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()
    if stamp.exists() and stamp.read_text() == digest:
        return str(python)
    shutil.rmtree(folder, ignore_errors=True)
    try:
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run(
            [str(python), "-m", "pip", "install", "-qq", "--disable-pip-version-check", "-r", str(REQUIREMENTS)],
            check=True,
        )
    except subprocess.CalledProcessError:
        return None
    stamp.write_text(digest)
    return str(python)
