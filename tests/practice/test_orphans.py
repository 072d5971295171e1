"""Processes that are killed leave none behind that they started."""

import os
import subprocess
import sys
import time

import psutil
import pytest
from django.conf import settings as project

PATIENCE = 60  # seconds after which something that should have happened counts as never happening
SLEEPS = ["shell", "--no-imports", "-c", "import time; time.sleep(600)"]


@pytest.mark.parametrize(
    ("code", "children"),
    [
        # A restore that goes on by itself would fill a database that somebody believes to be empty.
        ("from pathlib import Path; from practice.backups.programs import run; run(Path('/bin/sleep'), '600')", 1),
        # A demo that goes on by itself keeps the port, and the next one would be refused.
        (f"from practice.management.commands.demo import serve; serve(1, [{SLEEPS}])", 3),
    ],
)
def test_what_was_started_ends_with_the_process_that_is_killed(code, children, tmp_path):
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "practice.settings", "DEMO": "1", "VAR_DIR": str(tmp_path)}
    process = psutil.Popen(
        [sys.executable, "-c", f"import django; django.setup(); {code}"],
        cwd=project.BASE_DIR,
        env=environment | {"PORT": "1"},
        stderr=subprocess.DEVNULL,
    )
    started = []
    deadline = time.monotonic() + PATIENCE
    while len(started) < children:
        assert process.poll() is None
        assert time.monotonic() < deadline
        started = [child for child in process.children() if child.cmdline() != process.cmdline()]
        time.sleep(0.05)
    process.kill()
    process.wait()

    _gone, alive = psutil.wait_procs(started, timeout=PATIENCE)
    for child in alive:
        child.kill()
    assert alive == []
