from django.core.files.base import ContentFile

from practice.resources.demo_pdf import one_page
from practice.resources.models import Audience, Document, DocumentKind

DOCUMENTS = [
    ("ct-contrast-protocol", "CT contrast protocol", DocumentKind.PROTOCOL, Audience.PHYSICIANS,
     "Doses, rates and delays for contrast in CT.",
     ["Ask about allergies, kidneys and metformin before every dose.", "Choose rate and delay by exam; see the table of the site.",
      "A physician is in the building while contrast is given."]),
    ("mri-safety-screening", "MRI safety screening form", DocumentKind.FORM, Audience.STAFF,
     "The questions asked before anybody enters the magnet room.",
     ["Pacemaker, clips, pumps, shells, patches: stop and ask.", "Two people sign.", "The form stays with the exam."]),
    ("front-desk-call-schedule", "Front desk call schedule", DocumentKind.SCHEDULE, Audience.STAFF,
     "Who answers after hours this month.", ["Weeks run from Monday to Sunday.", "Swap in writing."]),
    ("vertebroplasty-prep-sheet", "Vertebroplasty prep sheet", DocumentKind.PREP_SHEET, Audience.REFERRING_OFFICES,
     "What your patient needs to know and bring.",
     ["Blood thinners: call us a week ahead.", "Nothing to eat as we tell the patient.", "An adult drives home and stays the night."]),
    ("ordering-guide", "Which exam to order", DocumentKind.POLICY, Audience.REFERRING_OFFICES,
     "A short guide for referring offices.",
     ["Say the question, not only the exam.", "Call the radiologist when in doubt.", "Send earlier images with the patient."]),
]  # fmt: skip


def load() -> None:
    for slug, title, kind, audience, summary, lines in DOCUMENTS:
        if Document.objects.filter(slug=slug).exists():
            continue
        document = Document(slug=slug, title=title, kind=kind, audience=audience, summary=summary)
        content = one_page(title, ["Sample document of a fictional practice.", "", *lines])
        document.file.save(f"{slug}.pdf", ContentFile(content), save=False)
        document.save()
