"""What machines read about an article: schema.org JSON-LD for search engines."""

from education.models import CodeSystem, Edition, SectionKind, TopicKind
from education.publishing import shown
from practice.models import Identity

PREPARATION_PROPERTY = {
    SectionKind.PREPARE: "preparation",
    SectionKind.WHAT_HAPPENS: "howPerformed",
    SectionKind.AFTER: "followup",
}


def structured_data(edition: Edition, address: str, identity: Identity) -> dict:
    """A MedicalWebPage about a MedicalTest or a MedicalProcedure. Prefetch the topic's reference_codes.

    What no physician has reviewed has neither `lastReviewed` nor `reviewedBy`.
    """
    topic = edition.topic
    subject = {
        "@type": "MedicalTest" if topic.kind == TopicKind.EXAM else "MedicalProcedure",
        "@id": f"{address}#subject",
        "name": edition.title,
        "description": edition.summary,
        "alternateName": edition.other_names,
        "code": [
            {"@type": "MedicalCode", "codeValue": row.code, "codingSystem": CodeSystem(row.system).label}
            for row in topic.reference_codes.all()
        ],
    }
    if topic.kind == TopicKind.TREATMENT:
        texts = shown(edition)["plain"]
        subject["bodyLocation"] = str(topic.get_body_region_display())
        subject |= {name: texts[kind] for kind, name in PREPARATION_PROPERTY.items() if kind in texts}
    page = {
        "@type": "MedicalWebPage",
        "@id": address,
        "url": address,
        "name": edition.title,
        "description": edition.summary,
        "inLanguage": edition.language,
        "datePublished": edition.published_at.date().isoformat() if edition.published_at else None,
        "audience": {"@type": "MedicalAudience", "audienceType": "Patient"},
        "about": {"@id": subject["@id"]},
        "publisher": {"@type": "MedicalOrganization", "name": identity.name, "telephone": identity.main_phone},
        "copyrightNotice": edition.copyright,
    }
    if edition.reviewer and edition.reviewed_on:
        page["lastReviewed"] = edition.reviewed_on.isoformat()
        page["reviewedBy"] = {"@type": "Physician", "name": str(edition.reviewer), "medicalSpecialty": "Radiography"}
    return {"@context": "https://schema.org", "@graph": [_filled(page), _filled(subject)]}


def _filled(node: dict) -> dict:
    return {key: value for key, value in node.items() if value not in (None, "", [])}
