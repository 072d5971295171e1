"""Which pages are the same for everybody, and what they are made of: asked of each address of the table."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.practice.test_page_cache import Site, at_once, folder  # noqa: F401  (fixtures)
from tests.practice.test_urls import AUDIENCE, URLS, rows, rows_of_all  # noqa: F401  (fixtures)

PUBLISHED = sorted(name for name in AUDIENCE if getattr(URLS[name].callback, "is_published_page", False))


@pytest.fixture
def site(rows, folder, at_once):  # noqa: F811
    return Site()


def test_what_is_published_is_all_that_is_public_and_the_same_for_everybody():
    public = {name for name, audience in AUDIENCE.items() if audience == "public"}

    assert sorted(public - set(PUBLISHED)) == sorted(
        [
            "healthz", "readyz", "media",
            "search", "infobutton",  # they note what was not found, or answer in many forms
            "practice:feedback", "billing:look_up", "billing:verify", "billing:estimate", "careers:apply", "careers:draft",  # forms
            # whoever holds the link
            "billing:receipt", "billing:link", "billing:plan", "billing:estimate_thanks", "sandbox:card_page",
            "careers:application", "careers:sent", "careers:choose_time", "careers:calendar", "careers:withdraw",
            "careers:ask_for_erasure", "careers:voluntary_questions",
            "careers:card",  # which crawlers keep for an hour
        ]
    )  # fmt: skip


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_published_page_is_kept(site, rows, name):  # noqa: F811
    path = reverse(name, args=rows.get(name))
    query = "" if name != "education:handout" else "size=large"
    status = site.ask(path, query)
    shelf = site.cache.with_parameters if query else site.cache.pages

    assert (status, [asked.path for asked in shelf.copies]) == (200, [path])
    assert "set-cookie" not in site.headers
    assert site.headers["cache-control"] in ("no-cache", "public, max-age=31536000, immutable")


@pytest.mark.parametrize("name", sorted({*AUDIENCE} - {*PUBLISHED} - {"sandbox:card_page"}))
def test_no_other_page_is_kept(site, rows, name):  # noqa: F811
    site.ask(reverse(name, args=rows.get(name)))

    assert (len(site.cache.pages.copies), len(site.cache.with_parameters.copies)) == (0, 0)
    assert list(site.cache.files.folder.glob("[0-9a-f]*")) == []


def test_every_table_a_published_page_reads_changes_the_version(site, rows):  # noqa: F811
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'content_changes'")
        watched = {table for (table,) in cursor.fetchall()}
        tables = sorted(connection.introspection.table_names(cursor), key=len, reverse=True)
    read: dict[str, str] = {}
    for name in PUBLISHED:
        for query in ("", "q=article&page=1&region=abdomen&exam=ct&size=large&code=ABC&on=2026-01-01"):
            with CaptureQueriesContext(connection) as asked:
                site.ask(reverse(name, args=rows.get(name)), query)
            read |= {
                table: name
                for one in asked
                for table in tables
                if table != "practice_contentchange" and re.search(rf"\b{table}\b", one["sql"])
            }

    unwatched = {table: name for table, name in read.items() if table not in watched}
    assert unwatched == {
        # What a page tells of applications and of search words may be as old as the day.
        "careers_application": "careers:index",
    }
    assert len(read) > 20
