"""Visitors who send slowly hold some of the threads that serve pages, never all of them.

A thread that waits for the rest of a request waits for as long as the visitor likes; nginx in front waits in its place,
but not everybody has one. So only a few requests of a process may be on their way in at a time. The next is told to
come back, and pages that are only read are served all the while.
"""

import threading
from collections.abc import Callable, Iterable
from io import BytesIO

from csp.middleware import CSPMiddleware
from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.utils import translation

from practice.headers import HeadersMiddleware

PATIENCE = 0.5  # seconds; what arrives at its usual speed makes room long before
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
        if not self.places.acquire(timeout=PATIENCE):
            return _come_back(environ, start_response)
        try:
            if not (length.isascii() and length.isdigit() and 0 < int(length) <= SMALL):
                return self.application(environ, start_response)
            environ["wsgi.input"] = BytesIO(environ["wsgi.input"].read(int(length)))
        finally:
            self.places.release()
        return self.application(environ, start_response)


def _come_back(environ: dict, start_response: Callable) -> Iterable[bytes]:
    language = translation.get_language_from_path(environ.get("PATH_INFO", "")) or settings.LANGUAGE_CODE
    with translation.override(language):
        page = HttpResponse(render_to_string("503.html"), status=503)
    page["Content-Language"] = language
    page["Retry-After"] = "10"
    page["Content-Length"] = str(len(page.content))
    request = WSGIRequest(environ | {"wsgi.input": BytesIO(), "CONTENT_LENGTH": "0"})
    answer = HeadersMiddleware(CSPMiddleware(lambda _request: page))(request)
    start_response("503 Service Unavailable", list(answer.items()))
    return [answer.content]
