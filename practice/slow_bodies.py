"""Visitors who send slowly hold some of the threads that serve pages, never all of them.

A thread that waits for the rest of a request waits for as long as the visitor likes; nginx in front waits in its place,
but not everybody has one. So only a few requests of a process may be on their way in at a time. The next is told to
come back, and pages that are only read are served all the while.
"""

import threading
from collections.abc import Callable, Iterable
from io import BytesIO

from django.template.loader import render_to_string
from django.utils import translation

SMALL = 64 * 1024  # read whole before the site begins, so that a place is held for the time of the arrival only


class FewBodiesAtOnce:
    """Wraps a WSGI application. `most` is less than the threads of the process."""

    def __init__(self, application: Callable, most: int):
        self.application = application
        self.places = threading.BoundedSemaphore(most)

    def __call__(self, environ: dict, start_response: Callable) -> Iterable[bytes]:
        length = environ.get("CONTENT_LENGTH") or "0"
        if length == "0" and "HTTP_TRANSFER_ENCODING" not in environ:
            return self.application(environ, start_response)
        if not self.places.acquire(blocking=False):
            return _come_back(environ, start_response)
        try:
            if not (length.isascii() and length.isdigit() and 0 < int(length) <= SMALL):
                return self.application(environ, start_response)
            environ["wsgi.input"] = BytesIO(environ["wsgi.input"].read(int(length)))
        finally:
            self.places.release()
        return self.application(environ, start_response)


def _come_back(environ: dict, start_response: Callable) -> Iterable[bytes]:
    language = translation.get_language_from_path(environ.get("PATH_INFO", "")) or "en"
    with translation.override(language):
        body = render_to_string("503.html").encode()
    headers = [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Length", str(len(body))),
        ("Content-Language", language),
        ("Cache-Control", "no-store"),
        ("Retry-After", "10"),
    ]
    start_response("503 Service Unavailable", headers)
    return [body]
