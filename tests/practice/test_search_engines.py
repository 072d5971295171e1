"""What pages tell search engines about themselves."""

import re
from urllib.parse import urlsplit

import pytest

from careers.models import Draft
from tests import factories

pytestmark = pytest.mark.usefixtures("identity")


def told(client, path):
    """What the page says: may it be listed, and under which address."""
    page = client.get(path).text
    canonical = re.findall(r'<link rel="canonical" href="([^"]*)">', page)
    return '<meta name="robots" content="noindex">' not in page, canonical


@pytest.mark.parametrize("prefix", ["", "/es"])
def test_search_is_one_page_whatever_is_asked_and_none_where_nothing_is_found(client, prefix):
    factories.PhysicianFactory(name="Ada Testa")
    one = (True, [f"http://testserver{prefix}/search/"])
    assert [told(client, f"{prefix}/search/{query}") for query in ("", "?q=%20", "?q=ada+testa")] == [one] * 3
    assert told(client, f"{prefix}/search/?q=zebra") == (False, [])


@pytest.mark.parametrize("prefix", ["", "/es"])
def test_form_of_an_opening_belongs_to_the_opening_and_an_unfinished_one_to_nobody(client, prefix):
    opening = factories.OpeningFactory(slug="ct")
    draft = Draft.objects.create(opening=opening, language="en")
    assert told(client, f"{prefix}/careers/ct/apply/") == (True, [f"http://testserver{prefix}/careers/ct/"])
    assert told(client, f"{prefix}/careers/ct/apply/{draft.token}/") == (False, [])


def test_sitemap_names_no_page_that_does_not_want_to_be_listed(client):
    factories.AnnouncementFactory()
    factories.ArticleFactory()
    factories.OpeningFactory()
    addresses = re.findall("<loc>(.*?)</loc>", client.get("/sitemap.xml").text)
    unwilling = [address for address in addresses if not told(client, urlsplit(address).path)[0]]
    assert (len(addresses) > 20, unwilling) == (True, [])
