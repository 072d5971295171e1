"""Asks a virus scanner about an uploaded file, where the practice has one: clamd, or anything that speaks its protocol.

Source: the INSTREAM command in clamd(8).
"""

import logging
import socket
import struct
from urllib.parse import urlsplit

from django.conf import settings

CHUNK = 64 * 1024
LONGEST_SECONDS = 20  # for each answer of the scanner
LONGEST_ANSWER = 4096

logger = logging.getLogger(__name__)


class NotScanned(Exception):
    """The scanner could not be asked, or did not say what it found: nothing is known of the file."""


def finds_virus(data: bytes) -> bool:
    """Whether the scanner of CLAMD knows something bad in these bytes. Raises NotScanned, never "clean" by mistake."""
    try:
        with _connected() as scanner:
            scanner.sendall(b"zINSTREAM\0")
            for start in range(0, len(data), CHUNK):
                chunk = data[start : start + CHUNK]
                scanner.sendall(struct.pack("!L", len(chunk)) + chunk)
            scanner.sendall(struct.pack("!L", 0))
            answer = _answer(scanner)
    except (OSError, ValueError) as error:
        logger.exception("The virus scanner could not be asked.")
        raise NotScanned from error
    if answer == "stream: OK":
        return False
    if answer.startswith("stream: ") and answer.endswith(" FOUND"):
        logger.warning("The virus scanner refused a file: %s", answer)
        return True
    logger.error("The virus scanner answered: %s", answer)
    raise NotScanned


def _connected() -> socket.socket:
    where = urlsplit(settings.CLAMD)
    if where.scheme == "unix":
        scanner = socket.socket(socket.AF_UNIX)
        scanner.settimeout(LONGEST_SECONDS)
        try:
            scanner.connect(where.path)
        except BaseException:
            scanner.close()
            raise
        return scanner
    if where.scheme != "tcp" or not where.hostname or not where.port:
        raise ValueError("CLAMD is like tcp://127.0.0.1:3310 or unix:///run/clamav/clamd.ctl.")
    return socket.create_connection((where.hostname, where.port), timeout=LONGEST_SECONDS)


def _answer(scanner: socket.socket) -> str:
    received = b""
    while not received.endswith(b"\0") and len(received) < LONGEST_ANSWER:
        part = scanner.recv(LONGEST_ANSWER)
        if not part:
            break
        received += part
    return received.rstrip(b"\0\n").decode("utf-8", "replace")
