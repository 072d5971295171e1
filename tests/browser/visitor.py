"""A browser that Django answers in this process: no server and no network, and it sees the rows of the test."""

import mimetypes
from contextvars import copy_context
from importlib.util import find_spec
from pathlib import Path

from django.contrib.staticfiles import finders
from django.test import Client

ORIGIN = "http://localhost"  # which a browser trusts like one with a certificate
PHONE, DESKTOP, NARROW = {"width": 390, "height": 844}, {"width": 1280, "height": 900}, {"width": 320, "height": 640}
AXE = Path(find_spec("axe_playwright_python").origin).with_name("axe.min.js").read_text()
LOOK = Path(__file__).with_name("look.js").read_text()


class Visitor:
    """`client` is who the site takes the browser for. What the browser should not have done is in `complaints`."""

    def __init__(self, browser):
        self.client = Client(raise_request_exception=False, SERVER_NAME="localhost")
        self.surroundings = copy_context()  # with the test's connection, and so its transaction
        self.complaints = []
        self.led_elsewhere = []  # where the last page was redirected to
        self.errors = {}  # {path: a response that the site gives only when something is broken}
        self.context = browser.new_context(base_url=ORIGIN, viewport=PHONE, reduced_motion="reduce")
        self.context.add_init_script(LOOK)
        self.context.add_init_script(AXE)
        self.context.route("**/*", self._answer)
        self.page = self.context.new_page()
        self.page.on("console", self._overhear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _overhear(self, message):
        is_of_axe = message.text.startswith("Applying inline style") and not message.location["url"]
        is_meant = message.text.startswith("Failed to load resource")  # a page of what went wrong
        if message.type == "error" and not is_of_axe and not is_meant:
            self.complaints.append(message.text)

    def _answer(self, route):
        request = route.request
        path = request.url.removeprefix(ORIGIN)
        if path == request.url:
            self.complaints.append(f"asks another site: {path}")
            route.abort()
        elif path.startswith("/static/"):
            file = finders.find(path.removeprefix("/static/"))
            route.fulfill(path=file, content_type=mimetypes.guess_type(file)[0])
        else:
            route.fulfill(**self.surroundings.copy().run(self._ask, request, path))

    def _ask(self, request, path):
        if path in self.errors:
            response, self.led_elsewhere = self.errors[path], []
        elif request.method == "POST":
            body, kind = request.post_data_buffer or b"", request.headers["content-type"]
            response = self.client.post(path, body, content_type=kind, follow=True)
        else:
            response = self.client.get(path, follow=True)
            if request.is_navigation_request():
                self.led_elsewhere = response.redirect_chain
        return {"status": response.status_code, "headers": dict(response.items()), "body": response.getvalue()}

    def open(self, path, viewport=PHONE, scheme="light"):
        """Go there; says what kind of answer it was, and where it led."""
        self.turn(viewport, scheme)
        response = self.page.goto(path)
        return response.status, response.headers.get("content-type", "").split(";")[0], self.led_elsewhere

    def turn(self, viewport, scheme="light"):
        self.page.set_viewport_size(viewport)
        self.page.emulate_media(color_scheme=scheme)

    def look(self, call):
        return self.page.evaluate(f"look.{call}")

    def violations(self, *rules):
        """What axe finds: by these rules, or by all that speak of WCAG 2.2 AA or good practice."""
        return self.look(f"violations({list(rules)})")
