"""The first thing a server may send without waiting holds the whole page and how it looks: 14,600 bytes."""

import gzip
import json
import re
import stat
from functools import cache
from pathlib import Path

import brotli
import pytest
import rcssmin
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.urls import reverse

from practice.stylesheets import SITE, joined
from tests.practice.test_urls import PAGES, rows, rows_of_all  # noqa: F401  (fixtures)

ONE_FLIGHT = 14_600
STYLESHEET = re.compile(r'<link rel="stylesheet" href="([^"]+)"')
READERS = {"br": brotli.decompress, "gzip": gzip.decompress}
WRITERS = {"br": brotli.compress, "gzip": gzip.compress}  # as WhiteNoise writes static files


@cache
def bytes_of_stylesheet(path, encoding):
    name = path.removeprefix("/static/")
    content = joined().encode() if name == SITE else Path(finders.find(name)).read_bytes()
    return len(WRITERS[encoding](content))


def flight_of(client, path, encoding="br"):
    """Bytes of the page and of all its stylesheets, compressed as they are sent, without headers."""
    response = client.get(path, headers={"accept-encoding": encoding})
    assert (response.status_code, response.headers["Content-Encoding"]) == (200, encoding)
    sheets = STYLESHEET.findall(READERS[encoding](response.content).decode())
    assert sheets != []
    sizes = [
        bytes_of_stylesheet(sheet, encoding) if sheet.startswith("/static/") else len(client.get(sheet).content)
        for sheet in sheets
    ]
    return len(response.content) + sum(sizes)


def test_the_stylesheet_is_joined_and_says_all_its_parts_say(tmp_path, settings):
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": "practice.stylesheets.SiteStaticFilesStorage"}}
    call_command("collectstatic", interactive=False, verbosity=0)
    name = json.loads((tmp_path / "staticfiles.json").read_text())["paths"][SITE]
    sent = (tmp_path / name).read_text()

    assert [part for part in ("@import", "/*", "\n\n") if part in sent] == []
    unhashed = re.sub(r"\.[0-9a-f]{12}\.svg", ".svg", sent)
    for part in ("tokens", "base", "forms", "library", "print"):
        assert rcssmin.cssmin(Path(finders.find(f"css/{part}.css")).read_text()) in unhashed
    assert brotli.decompress((tmp_path / f"{name}.br").read_bytes()).decode() == sent
    # They are served by another user than who collected them, in the container for one.
    assert [str(path) for path in tmp_path.rglob("*") if not path.stat().st_mode & stat.S_IROTH] == []


@pytest.mark.parametrize("encoding", READERS)
@pytest.mark.parametrize("prefix", ["", "/es"])
@pytest.mark.parametrize("name", [*PAGES, "account_login", "account_reset_password"])
def test_page_and_stylesheets_fit_one_flight(client, rows, name, prefix, encoding):  # noqa: F811
    prefix = "" if name == "infobutton" else prefix

    assert flight_of(client, prefix + reverse(name, args=rows.get(name)), encoding) <= ONE_FLIGHT
