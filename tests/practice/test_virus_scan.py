"""The virus scanner: asked where there is one, and what it does not call clean is not taken."""

import socketserver
import struct
import threading

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile

from practice import virus_scan
from practice.resources.demo_pdf import one_page
from practice.uploads import check_document

PDF = one_page("CV", ["A line"])
NOT_NOW = "We cannot look for viruses just now, so we cannot take files. Please try again in a few minutes, or call us."


class Scanner(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Speaks clamd's INSTREAM over a real socket, and answers what it is told."""

    allow_reuse_address, daemon_threads = True, True

    def __init__(self, answer):
        super().__init__(("127.0.0.1", 0), self.Conversation)
        self.answer, self.scanned = answer, []

    class Conversation(socketserver.StreamRequestHandler):
        def handle(self):
            assert self.rfile.read(10) == b"zINSTREAM\0"
            data = b""
            while size := struct.unpack("!L", self.rfile.read(4))[0]:
                data += self.rfile.read(size)
            self.server.scanned.append(data)
            if self.server.answer is not None:
                self.wfile.write(self.server.answer)


@pytest.fixture
def scanner(settings):
    started = []

    def start(answer):
        server = Scanner(answer)
        started.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings.CLAMD = f"tcp://127.0.0.1:{server.server_address[1]}"
        return server

    yield start
    for server in started:
        server.shutdown()
        server.server_close()


def refusal(data=PDF):
    try:
        check_document(SimpleUploadedFile("cv.pdf", data))
    except ValidationError as error:
        return error.messages[0]
    return ""


def test_clean_file_is_taken_and_was_seen_whole(scanner, monkeypatch):
    monkeypatch.setattr(virus_scan, "CHUNK", 100)
    asked = scanner(b"stream: OK\0")
    assert (refusal(), asked.scanned) == ("", [PDF])


def test_virus_is_refused(scanner):
    scanner(b"stream: Test.Virus FOUND\0")
    assert refusal() == "Our virus scanner refuses this file. Please send another one."


@pytest.mark.parametrize(
    "answer",
    [
        None,
        b"",
        b"INSTREAM size limit exceeded. ERROR\0",
        b"stream: Broken ERROR\0",
        b"OK\0",
        b"stream: OK FOUND OUT\0",
        b"\xff\xfe\0",
        b"x" * 5000,
    ],
)
def test_whatever_is_not_clean_is_not_taken(scanner, answer):
    scanner(answer)
    assert refusal() == NOT_NOW


@pytest.mark.parametrize(
    "clamd", ["tcp://127.0.0.1:1", "unix:///nonexistent/clamd.ctl", "tcp://x", "http://127.0.0.1:1"]
)
def test_scanner_that_is_away_lets_nothing_in(settings, clamd):
    settings.CLAMD = clamd
    assert refusal() == NOT_NOW


def test_scanner_that_is_stuck_is_not_waited_for(settings, monkeypatch):
    monkeypatch.setattr(virus_scan, "LONGEST_SECONDS", 0.05)
    with socketserver.TCPServer(("127.0.0.1", 0), socketserver.BaseRequestHandler) as silent:
        settings.CLAMD = f"tcp://127.0.0.1:{silent.server_address[1]}"
        assert refusal() == NOT_NOW


def test_file_that_is_refused_anyway_is_not_sent_to_the_scanner(scanner):
    asked = scanner(b"stream: OK\0")
    assert (refusal(b"MZ")[:22], asked.scanned) == ("This file is named .pd", [])


def test_without_a_scanner_nothing_is_asked(settings):
    assert settings.CLAMD == ""
    assert refusal() == ""
