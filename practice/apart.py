"""Runs a program of ours on a stranger's file in a process of its own, so that the file can harm nothing else."""

import subprocess
import sys
from pathlib import Path
from threading import BoundedSemaphore

LONGEST_SECONDS = 15
LONGEST_WAIT = 8  # seconds for one's turn
AT_ONCE = BoundedSemaphore(1)  # in each process of the site: other pages are answered meanwhile


class Busy(Exception):
    """Other files are being looked at."""


class TooMuch(Exception):
    """The file took more memory or time than the program may have, or broke it."""


def run_apart(program: str | Path, *arguments: str, data: bytes) -> str:
    """What the program, a file of ours, prints about the data. Raises Busy or TooMuch.

    The program limits its own memory and time. It starts without our environment, and without our packages' settings.
    """
    if not AT_ONCE.acquire(timeout=LONGEST_WAIT):
        raise Busy
    try:
        done = subprocess.run(
            [sys.executable, "-I", str(program), *arguments],
            input=data,
            capture_output=True,
            timeout=LONGEST_SECONDS,
            env={},
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise TooMuch from None
    finally:
        AT_ONCE.release()
    if done.returncode:
        raise TooMuch
    return done.stdout.decode()
