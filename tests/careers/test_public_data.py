"""What machines read of an opening: JobPosting, feed, and the picture that goes with a shared link."""

import io
import json
import re
from datetime import date

import pytest
from PIL import Image

from careers.models import PayPeriod
from practice.models import Identity
from tests.factories import LocationFactory, OpeningFactory

pytestmark = pytest.mark.usefixtures("identity")


def posting(response):
    (text,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', response.text)
    return json.loads(text)


def test_posting_says_what_search_engines_ask_for(client):
    opening = OpeningFactory(
        slug="ct",
        title="CT </script> chief",
        title_es="Jefe de TC",
        body="- Scan **people**",
        location=LocationFactory(name="Main", street="1 Test Street", city="Anytown", state="OH", postal_code="45000"),
        posted_on=date(2026, 3, 1),
        closes_on=date(2126, 3, 31),
        starts_on=date(2126, 5, 1),
        pay_from_cents=3450,
        pay_to_cents=4600,
        pay_period=PayPeriod.HOUR,
        employment="per diem",
    )
    assert posting(client.get("/careers/ct/")) == {
        "@context": "https://schema.org",
        "@type": "JobPosting",
        "@id": "http://testserver/careers/ct/#job",
        "url": "http://testserver/careers/ct/",
        "title": "CT </script> chief",
        "description": "<ul>\n<li>Scan <strong>people</strong></li>\n</ul>\n",
        "inLanguage": "en",
        "identifier": {"@type": "PropertyValue", "name": "Test Radiology", "value": f"opening-{opening.pk}"},
        "datePosted": "2026-03-01",
        "validThrough": "2126-03-31T23:59:59-04:00",
        "employmentType": "PER_DIEM",
        "workHours": "Four days",
        "jobStartDate": "2126-05-01",
        "directApply": True,
        "hiringOrganization": {"@type": "Organization", "name": "Test Radiology", "sameAs": "http://testserver/"},
        "jobLocation": {
            "@type": "Place",
            "name": "Main",
            "address": {
                "@type": "PostalAddress",
                "streetAddress": "1 Test Street",
                "addressLocality": "Anytown",
                "addressRegion": "OH",
                "postalCode": "45000",
                "addressCountry": "US",
            },
        },
        "baseSalary": {
            "@type": "MonetaryAmount",
            "currency": "USD",
            "value": {"@type": "QuantitativeValue", "minValue": 34.5, "maxValue": 46, "unitText": "HOUR"},
        },
    }
    assert posting(client.get("/es/careers/ct/"))["title"] == "Jefe de TC"


def test_remote_posting_says_where_one_may_live(client):
    OpeningFactory(slug="ct", remote_percent=100)
    data = posting(client.get("/careers/ct/"))
    assert (data["jobLocationType"], data["applicantLocationRequirements"]["name"]) == ("TELECOMMUTE", "US")
    assert "validThrough" not in data


@pytest.mark.parametrize("facts", [{"status": "closed"}, {"closes_on": date(2020, 1, 1)}])
def test_nothing_is_left_for_machines_after_it_is_over(client, facts):
    OpeningFactory(slug="ct", title="CT chief", **facts)
    page = client.get("/careers/ct/")
    assert (page.status_code, "ld+json" in page.text, "og:image" in page.text) == (410, False, False)
    assert client.get("/careers/ct/card.png").status_code == 410
    assert "CT chief" not in client.get("/careers/feed/").text
    assert "/careers/ct/" not in client.get("/sitemap.xml").text


def test_feed_leaves_out_what_xml_cannot_hold_and_nothing_else(client):
    Identity.objects.update(name="Test\x0b Radiology")
    OpeningFactory(title="CT\u00a0chief\x1b", summary="Pay $80\u202f000")

    page = client.get("/careers/feed/").text

    assert "<title>Openings at Test Radiology</title>" in page
    assert "<title>CT\u00a0chief</title>" in page
    assert "Pay $80\u202f000" in page


@pytest.mark.parametrize(("prefix", "title"), [("", "CT chief"), ("/es", "Jefe de TC")])
def test_feed_has_what_is_open_in_the_readers_language(client, prefix, title):
    OpeningFactory(slug="ct", title="CT\x0b chief", title_es="Jefe de TC", summary="A\x08b")
    OpeningFactory(status="draft", title="Secret")
    response = client.get(f"{prefix}/careers/feed/")
    assert response["Content-Type"] == "application/atom+xml; charset=utf-8"
    assert re.findall(r"<entry><title>([^<]+)</title><link href=\"http://testserver([^\"]+)\"", response.text) == [
        (title, f"{prefix}/careers/ct/")
    ]
    index = client.get(f"{prefix}/careers/")
    assert f'type="application/atom+xml" href="{prefix}/careers/feed/"' in index.text


def test_shared_link_has_a_picture_that_is_drawn_once(client):
    opening = OpeningFactory(slug="ct")
    page = client.get("/careers/ct/").text
    (address,) = re.findall(r'<meta property="og:image" content="http://testserver([^"]+)">', page)
    response = client.get(address)
    assert (response["Content-Type"], Image.open(io.BytesIO(response.content)).size) == ("image/png", (1200, 630))
    unchanged = client.get(address, headers={"If-None-Match": response["ETag"]})
    opening.pay_to_cents += 100
    opening.save()
    changed = client.get(address, headers={"If-None-Match": response["ETag"]})
    assert (unchanged.status_code, changed.status_code) == (304, 200)
