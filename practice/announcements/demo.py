from datetime import timedelta
from typing import Any

from django.utils import timezone

from practice.announcements.models import Announcement, AnnouncementKind
from practice.models import Physician

ANNOUNCEMENTS: list[dict[str, Any]] = [
    {
        "slug": "welcome-dr-quintero-lane",
        "kind": AnnouncementKind.WELCOME,
        "is_pinned": True,
        "title": "Please welcome Dr. Marisol Quintero-Lane",
        "title_es": "Le presentamos a la Dra. Marisol Quintero-Lane",
        "summary": "Our new interventional radiologist treats painful spine fractures and fibroids without large cuts, and "
        "speaks English and Spanish.",
        "summary_es": "Nuestra nueva radióloga intervencionista trata fracturas dolorosas de la columna y fibromas sin "
        "grandes cortes, y habla inglés y español.",
        "body": "Dr. Quintero-Lane sees patients at River Campus Radiology. Ask your doctor for a referral, or call us to "
        "talk about what she does.",
        "body_es": "La Dra. Quintero-Lane atiende en River Campus Radiology. Pida una referencia a su médico o llámenos para "
        "conversar sobre lo que hace.",
        "physicians": ["marisol-quintero-lane"],
        "days_ago": 3,
    },
    {
        "slug": "saturday-hours",
        "kind": AnnouncementKind.NOTICE,
        "title": "Open on Saturday mornings",
        "title_es": "Abierto los sábados por la mañana",
        "summary": "Main Street Imaging Center now sees patients on Saturdays from 8 a.m. to noon.",
        "summary_es": "Main Street Imaging Center atiende ahora los sábados de 8 a.m. a mediodía.",
        "body": "X-ray, ultrasound and screening mammograms, with an appointment.",
        "body_es": "Rayos X, ultrasonido y mamografías de control, con cita.",
        "days_ago": 12,
    },
    {
        "slug": "free-mammogram-saturday",
        "kind": AnnouncementKind.COMMUNITY,
        "title": "A Saturday of free mammograms",
        "title_es": "Un sábado de mamografías gratuitas",
        "summary": "For people without insurance, our team reads screening mammograms at no charge. Call to ask for the date.",
        "summary_es": "Para personas sin seguro, nuestro equipo lee mamografías de control sin costo. Llame para saber la fecha.",
        "body": "You need no referral. Staff who speak Spanish are there all day.",
        "body_es": "No necesita referencia. Habrá personal que habla español todo el día.",
        "physicians": ["adaeze-thornbury"],
        "days_ago": 20,
    },
    {
        "slug": "teaching-award",
        "kind": AnnouncementKind.RECOGNITION,
        "title": "Dr. Tobias Wrenfield honored for his teaching",
        "title_es": "El Dr. Tobias Wrenfield, premiado por su enseñanza",
        "summary": "Students of the community college chose him as guest teacher of the year.",
        "summary_es": "Los estudiantes del colegio comunitario lo eligieron profesor invitado del año.",
        "body": "Dr. Wrenfield shows future technologists how a careful picture helps a whole team.",
        "body_es": "El Dr. Wrenfield enseña a futuros tecnólogos cómo una imagen cuidadosa ayuda a todo un equipo.",
        "physicians": ["tobias-wrenfield"],
        "days_ago": 34,
    },
]


def load() -> None:
    for facts in ANNOUNCEMENTS:
        facts = dict(facts)  # noqa: PLW2901
        slugs = facts.pop("physicians", [])
        facts["publish_from"] = timezone.now() - timedelta(days=facts.pop("days_ago"))
        announcement, is_new = Announcement.objects.get_or_create(slug=facts.pop("slug"), defaults=facts)
        if is_new:
            announcement.physicians.set(Physician.objects.filter(slug__in=slugs))
