"""What search engines read about an opening: schema.org JobPosting, while one can apply."""

from datetime import datetime, time

from django.utils import timezone

from careers.models import Employment, Opening, PayPeriod
from practice import markdown
from practice.models import Identity

EMPLOYMENT_TYPES = {
    Employment.FULL_TIME: "FULL_TIME",
    Employment.PART_TIME: "PART_TIME",
    Employment.PER_DIEM: "PER_DIEM",
}
UNITS = {PayPeriod.YEAR: "YEAR", PayPeriod.HOUR: "HOUR"}


def job_posting(opening: Opening, address: str, origin: str, identity: Identity) -> dict:
    """The JobPosting of an open opening, in the reader's language. Source: schema.org/JobPosting."""
    unit = UNITS[PayPeriod(opening.pay_period)]
    posting = {
        "@context": "https://schema.org",
        "@type": "JobPosting",
        "@id": f"{address}#job",
        "url": address,
        "title": opening.local("title"),
        "description": str(markdown.render(opening.local("body"), top_heading=2)),
        "inLanguage": opening.language_of("body"),
        "identifier": {"@type": "PropertyValue", "name": identity.name, "value": f"opening-{opening.pk}"},
        "datePosted": opening.posted_on.isoformat(),
        "employmentType": EMPLOYMENT_TYPES[Employment(opening.employment)],
        "workHours": opening.local("schedule"),
        "directApply": True,
        "hiringOrganization": {
            "@type": "Organization",
            "name": identity.name,
            "sameAs": f"{origin}/",
            **({"logo": f"{origin}{identity.logo.url}"} if identity.logo else {}),
        },
        "jobLocation": {
            "@type": "Place",
            "name": opening.location.name,
            "address": {
                "@type": "PostalAddress",
                "streetAddress": opening.location.street,
                "addressLocality": opening.location.city,
                "addressRegion": opening.location.state,
                "postalCode": opening.location.postal_code,
                "addressCountry": "US",
            },
        },
        "baseSalary": {
            "@type": "MonetaryAmount",
            "currency": "USD",
            "value": {
                "@type": "QuantitativeValue",
                "minValue": _dollars(opening.pay_from_cents),
                "maxValue": _dollars(opening.pay_to_cents),
                "unitText": unit,
            },
        },
    }
    if opening.closes_on:
        last_moment = datetime.combine(opening.closes_on, time(23, 59, 59), timezone.get_current_timezone())
        posting["validThrough"] = last_moment.isoformat()
    if opening.starts_on:
        posting["jobStartDate"] = opening.starts_on.isoformat()
    if opening.remote_percent == 100:
        posting["jobLocationType"] = "TELECOMMUTE"
        posting["applicantLocationRequirements"] = {"@type": "Country", "name": "US"}
    return posting


def _dollars(cents: int | None) -> int | float:
    """An amount as a JSON number; half dollars and the like have their cents."""
    whole, rest = divmod(cents or 0, 100)
    return whole if not rest else float(f"{whole}.{rest:02d}")
