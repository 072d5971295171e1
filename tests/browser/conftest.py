"""A real Chromium against the running site. Without one these tests skip, loudly; with REQUIRE_BROWSER=1 they fail."""

import os
import shutil
import warnings

import pytest
from django.db import connections
from playwright.sync_api import expect, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--disable-quic",
]  # fmt: skip
PATIENCE = 20_000  # milliseconds: a busy machine draws a page late, and what is wrong stays wrong
PHONE = {"width": 390, "height": 844}


def pytest_collection_modifyitems(items):
    for item in items:
        if "tests/browser" in str(item.path):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium():
    if CHROMIUM is None:
        message = "NO CHROMIUM FOUND: the browser tests did not run. Install Debian's `chromium`."
        if os.environ.get("REQUIRE_BROWSER"):
            pytest.fail(message)
        pytest.skip(message)
    # Playwright runs an event loop in this thread; Django must not take that for async code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expect.set_options(timeout=PATIENCE)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            yield browser
            browser.close()
            connections.close_all()  # inside that loop, Django keeps connections of its own
    os.environ.pop("DJANGO_ALLOW_ASYNC_UNSAFE")


@pytest.fixture
def open_page(chromium, live_server, settings):
    """A function that opens a page on a phone: `open_page("/pay/")`. Fails the test on any error in the console."""
    settings.PUBLIC_ORIGIN = live_server.url
    contexts, complaints = [], []

    def open_path(path, **options):
        context = chromium.new_context(base_url=live_server.url, **{"viewport": PHONE} | options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: complaints.append(request.url) if outside(request.url) else None)
        page.goto(path)
        return page

    def outside(url):
        return not url.startswith((live_server.url, "data:"))

    yield open_path
    for context in contexts:
        context.close()
    assert complaints == []
