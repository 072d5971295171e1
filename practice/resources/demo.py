"""Practice Resources of the demo: shelves, sample documents, who is on call, sample ordering advice, contacts."""

from datetime import date, time, timedelta

from django.core.files.base import ContentFile
from django.utils import timezone

from practice.resources.audiences import Audience
from practice.resources.demo_pdf import one_page
from practice.resources.models import (
    AdviceRegion,
    CallService,
    CallTier,
    Collection,
    Contact,
    Document,
    DocumentKind,
    OrderingAdvice,
)
from practice.resources.on_call import plan_rotation
from practice.resources.versions import add_version

SHELVES = [
    ("contrast-and-doses", "Contrast and doses", Audience.PHYSICIANS, "Protocols the physicians have agreed on."),
    ("safety", "Safety", Audience.STAFF, "What everybody in the building must know."),
    ("front-desk", "Front desk", Audience.STAFF, "Scheduling, phones, forms."),
    ("referring-offices", "For referring offices", Audience.REFERRING_OFFICES,
     "What your office needs to send us a patient who is well prepared."),
]  # fmt: skip

# slug, title, shelf, kind, must be read, summary, lines of each version with what was new in it
DOCUMENTS = [
    ("ct-contrast-protocol", "CT contrast protocol", "contrast-and-doses", DocumentKind.PROTOCOL, True,
     "Doses, rates and delays for contrast in CT.",
     [("", ["Ask about allergies and kidneys before every dose.", "A physician is in the building while contrast is given."]),
      ("The questions about metformin are new.",
       ["Ask about allergies, kidneys and metformin before every dose.", "Choose rate and delay by exam; see the table of the site.",
        "A physician is in the building while contrast is given."])]),
    ("dose-reference", "Dose reference levels", "contrast-and-doses", DocumentKind.POLICY, False,
     "The levels above which an exam is looked at again.",
     [("", ["Each month the ten highest doses are read by two physicians.", "What is found is told at the next meeting."])]),
    ("mri-safety-screening", "MRI safety screening form", "safety", DocumentKind.FORM, True,
     "The questions asked before anybody enters the magnet room.",
     [("", ["Pacemaker, clips, pumps, shells, patches: stop and ask.", "Two people sign.", "The form stays with the exam."])]),
    ("emergency-in-the-scanner", "When a patient becomes ill in the scanner", "safety", DocumentKind.POLICY, True,
     "Who does what in the first three minutes.",
     [("", ["Take the patient out of the magnet room first.", "One calls 911, one stays, one opens the doors.",
            "Write down the times."])]),
    ("front-desk-call-schedule", "Who answers the phones", "front-desk", DocumentKind.SCHEDULE, False,
     "Phones after hours this month.", [("", ["Weeks run from Monday to Sunday.", "Swap in writing."])]),
    ("vertebroplasty-prep-sheet", "Vertebroplasty prep sheet", "referring-offices", DocumentKind.PREP_SHEET, False,
     "What your patient needs to know and bring.",
     [("", ["Blood thinners: call us a week ahead.", "Nothing to eat as we tell the patient.",
            "An adult drives home and stays the night."])]),
    ("order-form", "Order form", "referring-offices", DocumentKind.FORM, False,
     "For offices that send orders on paper.",
     [("", ["Patient, date of birth, exam, side.", "The question you want answered.", "Signature and a number we can call."])]),
]  # fmt: skip

LINK = (
    "cms-appropriate-imaging", "Imaging rules of Medicare", "referring-offices", DocumentKind.POLICY,
    "The agency’s own page. It opens on its site.", "https://www.cms.gov/",
)  # fmt: skip

SERVICES = [
    ("Radiologist on call", "(574) 555-0150", "Results that cannot wait, and which exam to order.",
     Audience.REFERRING_OFFICES, ["Dr. Wrenfield", "Dr. Vale", "Dr. Solberg-Dyer"], 7),
    ("Interventional radiology", "(574) 555-0151", "Bleeding, blocked vessels, infected fluid that must be drained.",
     Audience.REFERRING_OFFICES, ["Dr. Quintero-Lane", "Dr. Reyes-Burke"], 7),
    ("CT technologist after hours", "(574) 555-0152", "Opens the scanner at night.", Audience.STAFF,
     ["A. Demo", "B. Sample", "C. Example"], 1),
]  # fmt: skip

CONTACTS = [
    ("Scheduling for offices", "New appointments, STAT exams, changes.", "(574) 555-0111", "(574) 555-0119", "", "Mon–Fri 7–18",
     Audience.REFERRING_OFFICES),
    ("Prior authorization", "Numbers, forms, peer-to-peer calls.", "(574) 555-0112", "(574) 555-0118", "", "Mon–Fri 8–17",
     Audience.REFERRING_OFFICES),
    ("Image library", "Earlier images in and out, on disc or by network.", "(574) 555-0113", "", "", "Mon–Fri 8–17",
     Audience.REFERRING_OFFICES),
    ("Computer help", "Sign-in, workstations, dictation.", "(574) 555-0114", "", "", "at any hour", Audience.STAFF),
    ("Radiation safety officer", "Doses, badges, a pregnant colleague.", "(574) 555-0115", "", "", "Mon–Fri 8–16",
     Audience.STAFF),
]  # fmt: skip

R = AdviceRegion
# region, question, other words, exam, codes, instead when, before you order, write on the order, call first
ADVICE = [
    (R.HEAD, "Sudden, severe headache", "thunderclap worst of life bleed hemorrhage", "CT head without contrast", "70450",
     "CT angiography of head and neck as well, where a bleed from an aneurysm is suspected.", "",
     "When it began, neck stiffness, blood thinners.", True),
    (R.HEAD, "Long-lasting headache with new signs", "migraine chronic tumor",
     "MRI brain without and with contrast", "70553", "MRI without contrast where there is no new sign. Most headaches without warning signs need no images.",
     "Implants; kidney disease before contrast.", "What is new: weakness, vision, seizures, cancer in the past.", False),
    (R.HEAD, "Lump or enlarged thyroid", "neck nodule goiter", "Ultrasound of the thyroid and neck", "76536",
     "A nuclear scan where the TSH is low.", "", "Side, size, how long, TSH.", False),
    (R.SPINE, "Low back pain for six weeks or more", "sciatica lumbar disc leg pain", "MRI lumbar spine without contrast", "72148",
     "No images in the first six weeks without warning signs. X-ray first where a fracture is likely.",
     "Implants that do not go into the magnet.", "What was tried; weakness, bladder, fever, cancer, a fall.", False),
    (R.SPINE, "Weak legs, numb saddle, or lost bladder control", "cauda equina emergency",
     "MRI lumbar spine, at once", "72148", "CT where MRI is not possible.", "Do not wait for an appointment.",
     "When it began.", True),
    (R.CHEST, "Cough or fever, pneumonia suspected", "lung infection chest xray", "Chest X-ray, two views", "71046",
     "CT where the X-ray does not explain it.", "Pregnancy.", "Fever, how long, lung disease.", False),
    (R.CHEST, "Blood clot in the lung suspected", "pulmonary embolism PE dyspnea", "CT angiography of the chest", "71275",
     "A nuclear lung scan in kidney failure or severe contrast allergy; ask us in pregnancy.",
     "D-dimer and a clinical score where the risk is low; kidneys, contrast allergy.", "Score, D-dimer, leg symptoms.", True),
    (R.CHEST, "Lung cancer screening", "smoker low dose LDCT", "Low-dose CT of the chest", "71271",
     "A diagnostic CT where there are symptoms.", "Age and pack-years as the payer asks; a talk about pros and cons.",
     "Pack-years, year of stopping, that there are no symptoms.", False),
    (R.BREAST, "Screening without symptoms", "mammogram mammography yearly", "Screening mammogram", "77067",
     "Ask us about MRI as well where the risk is high.", "", "Earlier mammograms: where and when.", False),
    (R.BREAST, "New lump", "breast mass palpable", "Diagnostic mammogram and ultrasound", "77066, 76642",
     "Ultrasound first below the age of 30 and in pregnancy.", "", "Side, o’clock, distance from the nipple.", False),
    (R.ABDOMEN, "Pain under the right ribs", "gallbladder gallstones cholecystitis RUQ", "Ultrasound of the upper abdomen", "76705",
     "A nuclear scan of the gallbladder where ultrasound leaves it open.", "Nothing to eat for six to eight hours.",
     "Fever, liver values, surgery in the past.", False),
    (R.ABDOMEN, "Flank pain, kidney stone suspected", "renal colic ureter stone", "CT abdomen and pelvis without contrast", "74176",
     "Ultrasound first in pregnancy, in children and in people with many earlier CTs.", "Pregnancy test.",
     "Side, fever, one kidney, earlier stones.", False),
    (R.ABDOMEN, "Pain low on the right", "appendicitis RLQ", "CT abdomen and pelvis with contrast", "74177",
     "Ultrasound first in children; ultrasound, then MRI in pregnancy.", "Kidneys, contrast allergy, pregnancy test.",
     "Fever, white cells, how long.", False),
    (R.ABDOMEN, "Pelvic pain or bleeding", "fibroids ovary uterus", "Ultrasound of the pelvis", "76856, 76830",
     "MRI where ultrasound leaves it open.", "A full bladder.", "Last period, pregnancy test.", False),
    (R.BONES, "Knee locks or gives way after an injury", "meniscus ligament ACL", "MRI knee without contrast", "73721",
     "X-ray first after a fall or blow.", "Implants that do not go into the magnet.", "Side, what happened, what surgery is planned.", False),
    (R.BONES, "Shoulder pain after a fall", "rotator cuff fracture", "X-ray of the shoulder", "73030",
     "MRI where weakness stays and the X-ray shows no fracture.", "", "Side, what happened.", False),
    (R.VESSELS, "Swollen leg, clot suspected", "deep vein thrombosis DVT", "Ultrasound of the leg veins", "93971",
     "", "A clinical score and D-dimer where the risk is low.", "Side, when it began, blood thinners.", False),
    (R.CHILDREN, "Click or uneven legs in a newborn", "hip dysplasia infant", "Ultrasound of the hips", "76885",
     "X-ray from about four to six months on.", "", "Age in weeks, breech birth, family.", False),
]  # fmt: skip


def load() -> None:
    for position, (slug, title, audience, summary) in enumerate(SHELVES):
        Collection.objects.get_or_create(
            slug=slug, defaults={"title": title, "audience": audience, "summary": summary, "position": position}
        )
    for slug, title, shelf, kind, is_must_read, summary, versions in DOCUMENTS:
        document, is_new = _document(slug, title, shelf, kind, summary, is_must_read)
        for note, lines in versions if is_new else []:
            content = one_page(title, ["Sample document of a fictional practice.", "", *lines])
            add_version(document, file=ContentFile(content, name=f"{slug}.pdf"), note=note)
    slug, title, shelf, kind, summary, url = LINK
    document, is_new = _document(slug, title, shelf, kind, summary)
    if is_new:
        add_version(document, url=url)
    for position, service in enumerate(SERVICES):
        _service(position, *service)
    for position, (name, what_for, phone, fax, email, hours, audience) in enumerate(CONTACTS):
        Contact.objects.get_or_create(
            name=name,
            defaults={
                "what_for": what_for,
                "phone": phone,
                "fax": fax,
                "email": email,
                "hours": hours,
                "audience": audience,
                "position": position,
            },
        )
    for region, question, also, exam, codes, alternative, before, tell_us, is_urgent in ADVICE:
        OrderingAdvice.objects.get_or_create(
            question=question,
            defaults={
                "region": region,
                "also": also,
                "exam": exam,
                "codes": codes,
                "alternative": alternative,
                "before": before,
                "tell_us": tell_us,
                "is_urgent": is_urgent,
                "is_sample": True,
            },
        )


def _document(slug, title, shelf, kind, summary, is_must_read=False):
    return Document.objects.get_or_create(
        slug=slug,
        defaults={
            "title": title,
            "collection": Collection.objects.get(slug=shelf),
            "kind": kind,
            "summary": summary,
            "is_must_read": is_must_read,
        },
    )


def _service(position, name, phone, note, audience, people, days_each):
    """Somebody is on call whenever the demo is looked at: shifts are added where they have run out."""
    service, _is_new = CallService.objects.get_or_create(
        name=name, defaults={"phone": phone, "note": note, "audience": audience, "position": position}
    )
    if service.shifts.filter(ends_at__gt=timezone.now()).exists():
        return
    today = timezone.localdate()
    monday: date = today - timedelta(days=today.weekday())
    first_on = monday if days_each == 7 else today - timedelta(days=1)
    turns = {CallTier.FIRST: people}
    if days_each == 7:
        turns[CallTier.BACKUP] = people[1:] + people[:1]
    for tier, names in turns.items():
        plan_rotation(
            service,
            names,
            first_on=first_on,
            last_on=monday + timedelta(days=34),
            hand_over_at=time(7),
            days_each=days_each,
            tier=tier,
        )
