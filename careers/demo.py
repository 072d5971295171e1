from datetime import timedelta
from typing import Any

from django.core.files.base import ContentFile
from django.utils import timezone

from careers.files import take_in
from careers.intake import receive_application
from careers.models import (
    Application,
    ApplicationStatus,
    Criterion,
    Employment,
    FileKind,
    Opening,
    OpeningStatus,
    PayPeriod,
    Productivity,
    Role,
    Visa,
)
from careers.review import change_status
from practice.accounts.models import User
from practice.business_days import business_days_after
from practice.models import Location, Subspecialty
from practice.resources.demo_pdf import one_page

REVIEWER = "panel@radiology.example"

OPENINGS: list[dict[str, Any]] = [
    {
        "slug": "breast-imaging-radiologist",
        "title": "Breast imaging radiologist",
        "title_es": "Radiólogo o radióloga de imágenes de la mama",
        "role": Role.RADIOLOGIST,
        "subspecialty": "Breast imaging",
        "location": "northside-breast-center",
        "employment": Employment.FULL_TIME,
        "schedule": "Four days a week",
        "schedule_es": "Cuatro días por semana",
        "call": "None",
        "call_es": "Ninguna",
        "weeks_off": 10,
        "remote_percent": 40,
        "productivity": Productivity.BONUS,
        "partnership_months": 24,
        "partnership": "No buy-in, one vote each",
        "partnership_es": "Sin aporte de capital, un voto cada uno",
        "visa": Visa.BOTH,
        "pay_from_cents": 41_000_000,
        "pay_to_cents": 47_500_000,
        "summary": "Screening, diagnostic work and biopsies in a team of three, with time to talk with patients.",
        "summary_es": "Control, diagnóstico y biopsias en un equipo de tres, con tiempo para hablar con los pacientes.",
        "body": "## What you do\n\n- Read screening and diagnostic mammograms, ultrasound and breast MRI\n- Do image-guided "
        "biopsies\n- Talk with patients about what you found\n\n## What you bring\n\n- Board certified or eligible in "
        "diagnostic radiology\n- Fellowship in breast imaging, or the experience that equals it\n\n## What we offer\n\n"
        "- The practice is owned by its physicians\n- A technologist and a nurse with you at every biopsy",
        "body_es": "## Qué hará\n\n- Leer mamografías de control y de diagnóstico, ecografías y resonancias de la mama\n- Hacer "
        "biopsias guiadas por imágenes\n- Hablar con los pacientes sobre lo que encontró\n\n## Qué pedimos\n\n- Certificación o "
        "elegibilidad en radiología diagnóstica\n- Subespecialidad en imágenes de la mama, o experiencia equivalente\n\n## Qué "
        "ofrecemos\n\n- El consultorio pertenece a sus médicos\n- Un tecnólogo y una enfermera con usted en cada biopsia",
        "criteria": ["Breast imaging, read and diagnosed", "Image-guided biopsies", "Talking with patients"],
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
        "schedule_es": "Cuatro días de diez horas, un fin de semana de cada tres",
        "call": "One night in ten",
        "call_es": "Una noche de cada diez",
        "weeks_off": 4,
        "pay_from_cents": 3_450,
        "pay_to_cents": 4_600,
        "pay_period": PayPeriod.HOUR,
        "body_es": "## Qué hará\n\n- Preparar a los pacientes y hacerles la tomografía\n- Poner vías intravenosas y vigilar "
        "reacciones\n\n## Qué pedimos\n\n- Registro ARRT con tomografía, o en camino de obtenerlo",
        "summary": "Scan patients of all ages on two machines, with a radiologist down the hall.",
        "summary_es": "Haga tomografías a pacientes de todas las edades, con un radiólogo en el mismo pasillo.",
        "body": "## What you do\n\n- Prepare and scan patients\n- Place IV lines and watch for reactions\n\n## What you "
        "bring\n\n- ARRT registration with CT, or working towards it",
        "criteria": ["CT, all ages", "IV lines and contrast", "Calm with worried people"],
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
        "schedule_es": "Por las mañanas, de lunes a viernes",
        "remote_percent": 60,
        "pay_from_cents": 2_300,
        "pay_to_cents": 2_900,
        "pay_period": PayPeriod.HOUR,
        "body_es": "## Qué hará\n\n- Responder preguntas sobre facturas\n- Tratar con las aseguradoras\n\n## Qué pedimos\n\n- "
        "Paciencia, y un año en facturación médica",
        "summary": "Help patients understand their bills, in English and Spanish if you can.",
        "summary_es": "Ayude a los pacientes a entender sus facturas, en inglés y en español si puede.",
        "body": "## What you do\n\n- Answer questions about bills\n- Work with insurers\n\n## What you bring\n\n- Patience, "
        "and one year in medical billing",
        "criteria": ["Medical billing", "Explaining a bill", "Spanish"],
        "closes_in": None,
    },
]


# Made-up people who have applied: (opening, name, what they say, language, days ago, where it stands, lines of the CV).
APPLICANTS = [
    (
        "breast-imaging-radiologist", "Wilhelmina Farrow-Okoye",
        "I have read breast images for six years and would like to live near my family again.", "en", 6, "in review",
        ["Wilhelmina Farrow-Okoye", "wilhelmina@applicants.example", "Experience",
         "Breast imaging radiologist, a county hospital, since 2020: 4,000 mammograms a year,",
         "two days of biopsies a week", "Education", "Sample State University, doctor of medicine, 2013", "Licenses",
         "Diagnostic radiology, board certified"],
    ),
    (
        "breast-imaging-radiologist", "Ignatius Bellweather",
        "My fellowship ends in June. I could start in July.", "en", 2, "received",
        ["Ignatius Bellweather", "ignatius@applicants.example", "Training",
         "Fellow in breast imaging, until June; MRI and ultrasound biopsies under supervision", "Education",
         "Placeholder College of Medicine, 2020", "Languages", "English, German"],
    ),
    (
        "ct-technologist", "Rosalba Quintanilla-Moss",
        "Trabajo en tomografía desde hace cuatro años, también de noche.", "es", 3, "received",
        ["Rosalba Quintanilla-Moss", "rosalba@applicants.example", "Experiencia",
         "Tecnóloga de tomografía desde 2022; vías y contraste", "Formación", "Colegio Ejemplo, 2021"],
    ),
]  # fmt: skip


def load() -> None:
    for facts in OPENINGS:
        facts = dict(facts)  # noqa: PLW2901
        days, criteria = facts.pop("closes_in"), facts.pop("criteria")
        opening, is_new = Opening.objects.get_or_create(
            slug=facts.pop("slug"),
            defaults=facts
            | {
                "status": OpeningStatus.OPEN,
                "location": Location.objects.get(slug=facts["location"]),
                "subspecialty": Subspecialty.objects.filter(name=facts.get("subspecialty")).first(),
                "closes_on": timezone.localdate() + timedelta(days=days) if days else None,
            },
        )
        if is_new:
            Criterion.objects.bulk_create(
                Criterion(opening=opening, text=text, position=place) for place, text in enumerate(criteria)
            )
            opening.reviewers.set(User.objects.filter(email=REVIEWER))
    if not Application.objects.exists():
        for applicant in APPLICANTS:
            _apply(*applicant)


def _apply(slug, name, message, language, days_ago, status, lines):
    cv = ContentFile(one_page(lines[0], lines[1:]), name="cv.pdf")
    application = receive_application(
        Opening.objects.get(slug=slug),
        name=name,
        email=lines[1],
        phone="",
        message=message,
        language=language,
        files=take_in([(FileKind.CV, cv)]),
    )
    received = timezone.now() - timedelta(days=days_ago)
    due = business_days_after(timezone.localdate(received), application.opening.answer_days)
    Application.objects.filter(pk=application.pk).update(received_at=received, answer_by=due)
    if status == ApplicationStatus.IN_REVIEW:
        change_status(application, ApplicationStatus.IN_REVIEW)


def jobs() -> list[list[str]]:
    """Commands that run beside the demo; elsewhere a timer starts it each night."""
    return [["purge_applications", "--every", "3600"]]
