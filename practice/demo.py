"""The demo practice: Radiology, Inc., which does not exist, nor does anybody in it.

Each app's `demo.load()` creates what is missing and never overwrites what somebody has edited.
"""

from datetime import date, time

from django.utils import timezone

from practice.feedback import receive_feedback
from practice.models import (
    Feedback,
    Identity,
    Location,
    Notice,
    NoticeTranslation,
    NoticeVersion,
    OpeningHours,
    Ownership,
    Physician,
    Subspecialty,
    Weekday,
)

GIVING_BACK = """We live where we work. Each year our physicians and staff read mammograms without charge on two Saturdays
for people without insurance, teach at the community college, and host students who want to see what a radiologist does.

## Ways to reach us

- **Health fairs and schools:** ask for a speaker at our main number.
- **Free screening days:** dates are announced here and on the home page.
- **Local groups:** write to us with the feedback form and tell us about your event."""
GIVING_BACK_ES = """Vivimos donde trabajamos. Cada año, nuestros médicos y nuestro personal leen mamografías sin costo dos sábados
para personas sin seguro, enseñan en el colegio comunitario y reciben a estudiantes que quieren ver qué hace un radiólogo.

## Cómo comunicarse con nosotros

- **Ferias de salud y escuelas:** pida una charla en nuestro número principal.
- **Días de estudios gratuitos:** las fechas se anuncian aquí y en la página de inicio.
- **Grupos locales:** escríbanos con el formulario de comentarios y cuéntenos de su evento."""

SUBSPECIALTIES = {
    "Neuroradiology": "Neurorradiología",
    "Breast imaging": "Imágenes de la mama",
    "Musculoskeletal imaging": "Imágenes de huesos y articulaciones",
    "Body imaging": "Imágenes del abdomen y la pelvis",
    "Chest imaging": "Imágenes del tórax",
    "Interventional radiology": "Radiología intervencionista",
    "Pediatric radiology": "Radiología pediátrica",
    "Nuclear medicine": "Medicina nuclear",
}

PHYSICIANS = [
    (
        "Marisol Quintero-Lane", "MD", ["Interventional radiology"], "English, Spanish",
        "Dr. Quintero-Lane treats painful spine fractures, fibroids and blocked vessels through openings the size of a "
        "pencil tip. She explains every step in English or Spanish before she starts.",
        "La Dra. Quintero-Lane trata fracturas dolorosas de la columna, fibromas y vasos tapados a través de aberturas del "
        "tamaño de la punta de un lápiz. Explica cada paso en inglés o en español antes de empezar.",
    ),
    (
        "Tobias Wrenfield", "MD", ["Neuroradiology"], "English",
        "Dr. Wrenfield reads images of the brain and the spine. He likes to call the doctor who ordered the exam when a "
        "picture says more than a report can.",
        "El Dr. Wrenfield lee imágenes del cerebro y de la columna. Le gusta llamar al médico que pidió el estudio cuando una "
        "imagen dice más que un informe.",
    ),
    (
        "Adaeze Thornbury", "DO", ["Breast imaging"], "English",
        "Dr. Thornbury leads breast imaging. She sees to it that people who need a second look get one soon and know why.",
        "La Dra. Thornbury dirige las imágenes de la mama. Se ocupa de que quien necesita una segunda revisión la tenga pronto "
        "y sepa por qué.",
    ),
    (
        "Henrik Solberg-Dyer", "MD", ["Musculoskeletal imaging"], "English",
        "Dr. Solberg-Dyer reads joints, bones and sports injuries, and helps surgeons plan.",
        "El Dr. Solberg-Dyer lee articulaciones, huesos y lesiones deportivas, y ayuda a los cirujanos a planear.",
    ),
    (
        "Priyanka Vale", "MD", ["Body imaging", "Chest imaging"], "English, Hindi",
        "Dr. Vale reads CT and MRI of the chest and the belly and runs our low-dose lung screening.",
        "La Dra. Vale lee tomografías y resonancias del tórax y del abdomen y dirige nuestro estudio de pulmón de baja dosis.",
    ),
    (
        "Calloway Reyes-Burke", "MD", ["Pediatric radiology", "Nuclear medicine"], "English, Spanish",
        "Dr. Reyes-Burke looks after our youngest patients and keeps doses as low as a clear picture allows.",
        "El Dr. Reyes-Burke atiende a nuestros pacientes más pequeños y mantiene la dosis tan baja como lo permite una imagen "
        "clara.",
    ),
]  # fmt: skip

LOCATIONS = [
    (
        "main-street", "Main Street Imaging Center", "100 Sample Street", "Exampleton", "46500", "(574) 555-0101",
        "Free parking behind the building. The door is level with the ground; the bus stops in front.",
        "Estacionamiento gratis detrás del edificio. La entrada está a nivel del suelo; el autobús para enfrente.",
        [(day, "07:00", "18:00") for day in range(1, 6)] + [(6, "08:00", "12:00")],
    ),
    (
        "river-campus", "River Campus Radiology", "20 Demonstration Drive", "Exampleton", "46501", "(574) 555-0102",
        "Inside the hospital, ground floor. Follow the blue line from the east entrance.",
        "Dentro del hospital, planta baja. Siga la línea azul desde la entrada este.",
        [(day, "06:30", "19:00") for day in range(1, 6)],
    ),
    (
        "northside-breast-center", "Northside Breast Center", "5 Placeholder Parkway, Suite 2", "Northside", "46510",
        "(574) 555-0103",
        "Second floor, elevator beside the pharmacy. Please wear no deodorant on the day of a mammogram.",
        "Segundo piso, ascensor junto a la farmacia. Por favor, no use desodorante el día de la mamografía.",
        [(day, "08:00", "12:00") for day in range(1, 6)] + [(day, "13:00", "17:00") for day in range(1, 6)],
    ),
]  # fmt: skip

TEMPLATE = "**This is a template the practice must complete.** "
TEMPLATE_ES = "**Esta es una plantilla que el consultorio debe completar.** "
NOTICES = [
    ("terms",
     "It says what this website is for, that its pages do not replace a doctor's advice, and who answers for them.",
     "Dice para qué sirve este sitio, que sus páginas no reemplazan el consejo de un médico y quién responde por ellas."),
    ("privacy",
     "It says what this website keeps. The site uses no trackers, no advertising and no outside fonts or maps; pages you "
     "only read set no cookie.",
     "Dice qué guarda este sitio. El sitio no usa rastreadores, publicidad ni fuentes o mapas ajenos; las páginas que "
     "solo se leen no dejan ninguna cookie."),
    ("accessibility",
     "It says how the site works with keyboards and screen readers, and how to ask for a page in another form.",
     "Dice cómo funciona el sitio con teclado y lectores de pantalla, y cómo pedir una página en otro formato."),
    ("notice-of-privacy-practices",
     "Here stands the practice's HIPAA notice, with its effective date and the person to ask.",
     "Aquí va el aviso de HIPAA del consultorio, con su fecha de vigencia y la persona a quien preguntar."),
    ("nondiscrimination",
     "Here stands the practice's notice, with its coordinator and how to file a complaint.",
     "Aquí va el aviso del consultorio, con su coordinador y cómo presentar una queja."),
    ("language-assistance",
     "Here stands the notice that language help is free, in the languages of the state, in the official wording.",
     "Aquí va el aviso de que la ayuda con el idioma es gratuita, en los idiomas del estado, con el texto oficial."),
    ("surprise-billing",
     "Here stands the official notice about protection from surprise medical bills.",
     "Aquí va el aviso oficial sobre la protección contra facturas médicas inesperadas."),
    ("good-faith-estimate",
     "Here stands the official notice for people without insurance or who do not use it.",
     "Aquí va el aviso oficial para personas sin seguro o que no lo usan."),
]  # fmt: skip
NOTICES_SINCE = date(2026, 1, 1)
# Sample lines for the languages most spoken in the demo's state after English and Spanish. A practice puts the official
# wording here; each says "Language help is free. Please call", and the number.
LANGUAGE_HELP = {
    "zh-hans": "我们免费提供语言帮助。请致电",
    "de": "Sprachliche Hilfe ist kostenlos. Bitte rufen Sie an:",
    "pdc": "Hilf mit die Schprooch koscht nix. Ruf uns uff:",
    "my": "ဘာသာစကား အကူအညီကို အခမဲ့ ရနိုင်ပါသည်။ ဖုန်းခေါ်ပါ -",
    "ar": "المساعدة اللغوية مجانية. يرجى الاتصال على الرقم",
    "ko": "언어 지원은 무료입니다. 전화해 주세요:",
    "vi": "Hỗ trợ ngôn ngữ miễn phí. Xin gọi số",
    "fr": "L’aide linguistique est gratuite. Veuillez appeler le",
    "ja": "言語サポートは無料です。お電話ください：",
    "nl": "Taalhulp is gratis. Bel",
    "tl": "Libre ang tulong sa wika. Mangyaring tumawag sa",
    "ru": "Языковая помощь бесплатна. Позвоните по номеру",
    "pa": "ਭਾਸ਼ਾ ਸਹਾਇਤਾ ਮੁਫ਼ਤ ਹੈ। ਕਿਰਪਾ ਕਰਕੇ ਫ਼ੋਨ ਕਰੋ",
    "hi": "भाषा सहायता निःशुल्क है। कृपया फ़ोन करें",
}
FEEDBACK = [
    ("visit", "The person who took my pictures explained every step. Please thank her for me.", "", "en"),
    ("website", "On my phone I could not find where to park at the River Campus.", "june@patients.example", "en"),
    ("bill", "No entiendo por qué llegaron dos facturas por un solo examen.", "rosa@patients.example", "es"),
]


def load() -> None:
    Identity.objects.get_or_create(
        pk=1,
        defaults={
            "name": "Radiology, Inc.",
            "tagline": "Careful images, clear answers",
            "tagline_es": "Imágenes cuidadosas, respuestas claras",
            "main_phone": "(574) 555-0100",
            "scheduling_phone": "(574) 555-0110",
            "billing_phone": "(574) 555-0120",
            "street": "100 Sample Street",
            "city": "Exampleton",
            "state": "IN",
            "postal_code": "46500",
            "giving_back": GIVING_BACK,
            "giving_back_es": GIVING_BACK_ES,
            "ownership": Ownership.PHYSICIANS,
            "is_fictional": True,
        },
    )
    fields = {
        name: Subspecialty.objects.get_or_create(name=name, defaults={"name_es": spanish})[0]
        for name, spanish in SUBSPECIALTIES.items()
    }
    for position, (name, credentials, subspecialties, languages, biography, spanish) in enumerate(PHYSICIANS):
        physician, is_new = Physician.objects.get_or_create(
            slug=name.lower().replace(" ", "-"),
            defaults={
                "name": name,
                "credentials": credentials,
                "languages": languages,
                "biography": biography,
                "biography_es": spanish,
                "position": position,
            },
        )
        if is_new:
            physician.subspecialties.set(fields[field] for field in subspecialties)
    for position, place in enumerate(LOCATIONS):
        _location(position, *place)
    for slug, body, body_es in NOTICES:
        notice = Notice.objects.get(slug=slug)  # every installation has these
        if not notice.versions.exists():
            NoticeVersion.objects.create(
                notice=notice, effective_on=NOTICES_SINCE, body=TEMPLATE + body, body_es=TEMPLATE_ES + body_es
            )
    _language_help()
    if not Feedback.objects.exists():
        for topic, message, email, language in FEEDBACK:
            receive_feedback(topic=topic, message=message, name="", email=email, language=language)


def _language_help() -> None:
    """Its second version, from today on: a version takes no more texts once it has begun."""
    notice = Notice.objects.get(slug="language-assistance")
    if NoticeTranslation.objects.filter(version__notice=notice).exists():
        return
    first = notice.versions.earliest("effective_on")
    version, _is_new = notice.versions.get_or_create(
        effective_on=timezone.localdate(), defaults={"body": first.body, "body_es": first.body_es}
    )
    for language, text in LANGUAGE_HELP.items():
        version.translations.create(language=language, body=f"{text} (574) 555-0100")


def _location(position, slug, name, street, city, postal_code, phone, directions, directions_es, hours):
    location, is_new = Location.objects.get_or_create(
        slug=slug,
        defaults={
            "name": name,
            "street": street,
            "city": city,
            "state": "IN",
            "postal_code": postal_code,
            "phone": phone,
            "directions": directions,
            "directions_es": directions_es,
            "position": position,
        },
    )
    if is_new:
        OpeningHours.objects.bulk_create(
            OpeningHours(
                location=location,
                weekday=Weekday(day),
                opens_at=time.fromisoformat(opens),
                closes_at=time.fromisoformat(closes),
            )
            for day, opens, closes in hours
        )
