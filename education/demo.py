from pathlib import Path

from education.annotation import Explainer
from education.models import Article, LocalNote, Topic
from education.packs.loading import import_pack
from education.publishing import publish_imported
from practice.models import Location

SAMPLE_PACK = Path(__file__).parent / "packs" / "sample"
EVERYWHERE = ("main-street", "river-campus")
# Where each kind of exam is done in the demo practice.
PLACES = {
    "mammography": ("northside-breast-center", "main-street"),
    "dexa": ("northside-breast-center", "main-street"),
    "interventional": ("river-campus",),
    "nuclear": ("river-campus",),
    "pet-ct": ("river-campus",),
    "fluoroscopy": ("river-campus",),
}
TOPIC_PLACES = {"breast-biopsy": ("northside-breast-center",), "breast-mri": ("main-street",)}
# (topic, location, English, Spanish): what is different there.
NOTES = [
    (
        "screening-mammogram",
        "northside-breast-center",
        "Come ten minutes early. The elevator is beside the pharmacy; we are on the second floor.",
        "Llegue diez minutos antes. El ascensor está junto a la farmacia; estamos en el segundo piso.",
    ),
    (
        "vertebroplasty",
        "river-campus",
        "Come to the day surgery desk on the ground floor, **90 minutes** before your time. Follow the blue line.",
        "Vaya al mostrador de cirugía ambulatoria en la planta baja, **90 minutos** antes de su hora. Siga la línea azul.",
    ),
    (
        "abdomen-pelvis-ct",
        "river-campus",
        "If you are to drink contrast, we give it to you here. Come **one hour** early.",
        "Si debe beber contraste, se lo damos aquí. Llegue **una hora** antes.",
    ),
]


def load() -> None:
    import_pack(SAMPLE_PACK)
    locations = {location.slug: location for location in Location.objects.all()}
    for topic in Topic.objects.filter(locations=None):
        slugs = TOPIC_PLACES.get(topic.slug) or PLACES.get(topic.modality, EVERYWHERE)
        topic.locations.set([locations[slug] for slug in slugs if slug in locations])
    _add_notes(locations)


def _add_notes(locations: dict[str, Location]) -> None:
    """The sample notes, where nobody has written one, published with their articles."""
    changed = []
    for slug, place, *texts in NOTES:
        for language, body in zip(("en", "es"), texts, strict=True):
            article = Article.objects.filter(topic__slug=slug, language=language, is_sample=True).first()
            if article and place in locations and not article.local_notes.exists():
                LocalNote.objects.create(article=article, location=locations[place], body=body)
                changed.append(article)
    if changed:
        publish_imported(changed, {language: Explainer(language) for language in ("en", "es")})
