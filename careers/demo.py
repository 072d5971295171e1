from datetime import timedelta
from typing import Any

from django.utils import timezone

from careers.models import Employment, Opening, OpeningStatus, PayPeriod, Role
from practice.models import Location, Subspecialty

OPENINGS: list[dict[str, Any]] = [
    {
        "slug": "breast-imaging-radiologist",
        "title": "Breast imaging radiologist",
        "title_es": "Radiólogo o radióloga de imágenes de la mama",
        "role": Role.RADIOLOGIST,
        "subspecialty": "Breast imaging",
        "location": "northside-breast-center",
        "employment": Employment.FULL_TIME,
        "schedule": "Four days a week, ten weeks off a year",
        "call": "None",
        "remote_percent": 40,
        "partnership": "Two years, no buy-in",
        "pay_from_cents": 41_000_000,
        "pay_to_cents": 47_500_000,
        "summary": "Screening, diagnostic work and biopsies in a team of three, with time to talk with patients.",
        "summary_es": "Control, diagnóstico y biopsias en un equipo de tres, con tiempo para hablar con los pacientes.",
        "body": "## What you do\n\n- Read screening and diagnostic mammograms, ultrasound and breast MRI\n- Do image-guided "
        "biopsies\n- Talk with patients about what you found\n\n## What you bring\n\n- Board certified or eligible in "
        "diagnostic radiology\n- Fellowship in breast imaging, or the experience that equals it\n\n## What we offer\n\n"
        "- The practice is owned by its physicians\n- A technologist and a nurse with you at every biopsy",
        "closes_in": 60,
    },
    {
        "slug": "ct-technologist",
        "title": "CT technologist",
        "title_es": "Tecnólogo o tecnóloga de tomografía",
        "role": Role.TECHNOLOGIST,
        "location": "river-campus",
        "employment": Employment.FULL_TIME,
        "schedule": "Four ten-hour days, every third weekend",
        "call": "One night in ten",
        "pay_from_cents": 3_450,
        "pay_to_cents": 4_600,
        "pay_period": PayPeriod.HOUR,
        "summary": "Scan patients of all ages on two machines, with a radiologist down the hall.",
        "summary_es": "Haga tomografías a pacientes de todas las edades, con un radiólogo en el mismo pasillo.",
        "body": "## What you do\n\n- Prepare and scan patients\n- Place IV lines and watch for reactions\n\n## What you "
        "bring\n\n- ARRT registration with CT, or working towards it",
        "closes_in": 30,
    },
    {
        "slug": "billing-specialist",
        "title": "Billing specialist",
        "title_es": "Especialista en facturación",
        "role": Role.OFFICE,
        "location": "main-street",
        "employment": Employment.PART_TIME,
        "schedule": "Mornings, Monday to Friday",
        "remote_percent": 60,
        "pay_from_cents": 2_300,
        "pay_to_cents": 2_900,
        "pay_period": PayPeriod.HOUR,
        "summary": "Help patients understand their bills, in English and Spanish if you can.",
        "summary_es": "Ayude a los pacientes a entender sus facturas, en inglés y en español si puede.",
        "body": "## What you do\n\n- Answer questions about bills\n- Work with insurers\n\n## What you bring\n\n- Patience, "
        "and one year in medical billing",
        "closes_in": None,
    },
]


def load() -> None:
    for facts in OPENINGS:
        facts = dict(facts)  # noqa: PLW2901
        days = facts.pop("closes_in")
        Opening.objects.get_or_create(
            slug=facts.pop("slug"),
            defaults=facts
            | {
                "status": OpeningStatus.OPEN,
                "location": Location.objects.get(slug=facts["location"]),
                "subspecialty": Subspecialty.objects.filter(name=facts.get("subspecialty")).first(),
                "closes_on": timezone.localdate() + timedelta(days=days) if days else None,
            },
        )
