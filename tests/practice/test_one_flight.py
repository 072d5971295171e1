"""The first thing a server may send without waiting holds the whole page and how it looks: 14,600 bytes."""

import gzip
import re
from functools import cache
from pathlib import Path

import brotli
import pytest
from django.contrib.staticfiles import finders
from django.urls import reverse

from tests.practice.test_urls import PAGES, rows, standing_notices  # noqa: F401  (fixtures)

ONE_FLIGHT = 14_600
STYLESHEET = re.compile(r'<link rel="stylesheet" href="([^"]+)"')
READERS = {"br": brotli.decompress, "gzip": gzip.decompress}
WRITERS = {"br": brotli.compress, "gzip": gzip.compress}  # as WhiteNoise writes static files


@cache
def bytes_of_stylesheet(path, encoding):
    return len(WRITERS[encoding](Path(finders.find(path.removeprefix("/static/"))).read_bytes()))


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


@pytest.mark.parametrize("prefix", ["", "/es"])
@pytest.mark.parametrize("name", [*PAGES, "account_login", "account_reset_password"])
def test_page_and_stylesheets_fit_one_flight(client, standing_notices, rows, name, prefix):  # noqa: F811
    prefix = "" if name == "infobutton" else prefix

    assert flight_of(client, prefix + reverse(name, args=rows.get(name))) <= ONE_FLIGHT
