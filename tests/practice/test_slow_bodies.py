"""How many requests may be on their way in at a time."""

import threading
from io import BytesIO

from practice.slow_bodies import SMALL, FewBodiesAtOnce


class Slow(BytesIO):
    """A body that comes when it is told to."""

    def __init__(self, body):
        super().__init__(body)
        self.asked, self.comes = threading.Event(), threading.Event()

    def read(self, *size):
        self.asked.set()
        assert self.comes.wait(30)
        return super().read(*size)


def ask(application, body=None, length=None, path="/feedback/"):
    told = []
    environ = {"PATH_INFO": path, "REQUEST_METHOD": "POST" if body else "GET", "wsgi.url_scheme": "http"}
    if body:
        environ |= {"wsgi.input": body, "CONTENT_LENGTH": length or str(len(body.getvalue()))}
    answer = application(environ, lambda status, headers: told.append((status, dict(headers))))
    return (*told, b"".join(answer))


def site(environ, start_response):
    body = environ["wsgi.input"].read() if "wsgi.input" in environ else b""
    start_response("200 OK", [])
    return [b"read " + body]


def test_one_too_many_is_told_to_come_back_and_readers_are_served():
    application = FewBodiesAtOnce(site, 1)
    slow = Slow(b"slow")
    first = threading.Thread(target=ask, args=[application, slow])
    first.start()
    assert slow.asked.wait(30)

    (status, headers), body = ask(application, BytesIO(b"second"), path="/es/feedback/")
    assert (status, headers["Retry-After"], "Volvemos en un momento" in body.decode()) == (
        "503 Service Unavailable",
        "10",
        True,
    )
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert {"X-Content-Type-Options", "Permissions-Policy"} <= set(headers)
    assert ask(application)[1] == b"read "

    slow.comes.set()
    first.join()
    assert ask(application, BytesIO(b"third"))[1] == b"read third"


def test_small_one_gives_its_place_back_before_the_site_begins_and_a_large_one_after():
    held = []

    def look(environ, start_response):
        held.append(application.places._value)
        return site(environ, start_response)

    application = FewBodiesAtOnce(look, 2)
    ask(application, BytesIO(b"x" * SMALL))
    ask(application, BytesIO(b"x" * (SMALL + 1)))
    assert (held, application.places._value) == ([2, 1], 2)


def test_place_comes_back_after_a_fault():
    def broken(environ, start_response):
        raise RuntimeError

    application = FewBodiesAtOnce(broken, 1)
    for _time in range(2):
        try:
            ask(application, BytesIO(b"x" * (SMALL + 1)))
        except RuntimeError:
            continue
    assert application.places._value == 1


def test_length_that_is_no_number_is_the_sites_to_refuse():
    assert ask(FewBodiesAtOnce(site, 1), BytesIO(b"x"), length="١٢")[1] == b"read x"
