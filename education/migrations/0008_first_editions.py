"""Every article so far becomes its first edition, live where it is published. `rebuild_library` makes it findable."""

import hashlib
import json

from django.db import migrations

ORDER = [
    "basic facts", "prepare", "week before", "day before", "day of", "what happens", "after", "when to call", "why",
    "risks", "results", "cost",
]  # fmt: skip


def plain(text):
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def forward(apps, schema_editor):
    from education.paragraphs import digests_of  # noqa: PLC0415  (as the site tells paragraphs apart that day)
    from education.reading_grade import grade_of  # noqa: PLC0415

    article_model, edition_model = apps.get_model("education", "Article"), apps.get_model("education", "Edition")
    section_model = apps.get_model("education", "Section")
    english = {}
    for article in article_model.objects.order_by("language", "pk").prefetch_related("sections"):
        text = {
            "title": article.title,
            "summary": article.summary,
            "also_called": "\n".join(line.strip() for line in article.also_called.splitlines() if line.strip()),
            "sections": [
                {"kind": section.kind, "body": plain(section.body)}
                for section in sorted(article.sections.all(), key=lambda section: ORDER.index(section.kind))
            ],
            "places": [],
            "sources": plain(article.sources),
        }
        digests = {section["kind"]: digests_of(section["body"]) for section in text["sections"]}
        translated_from = {}
        if article.language == "en":
            english[article.topic_id] = digests
        else:
            source = english.get(article.topic_id, {})
            translated_from = {
                kind: source[kind] for kind, own in digests.items() if len(source.get(kind, [])) == len(own)
            }
        for section in article.sections.all():
            if section.kind in translated_from:
                section_model.objects.filter(pk=section.pk).update(translated_from=translated_from[section.kind])
        is_live = article.status == "published"
        grade = grade_of([text["summary"], *(part["body"] for part in text["sections"])], article.language)
        article.digest = hashlib.sha256(json.dumps(text, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
        if is_live:
            article.reviewed_digest = article.digest
        if is_live and grade > 12:
            article.grade_reason = "Published before reading grades were counted."
        article.save(update_fields=["digest", "reviewed_digest", "grade_reason"])
        edition_model.objects.create(
            article=article,
            number=1,
            made_at=article.updated_at,
            language=article.language,
            sort_key=article.sort_key,
            copyright=article.copyright,
            licence=article.licence,
            digest=article.digest,
            grade=grade,
            is_sample=article.is_sample,
            reviewer=article.reviewer if is_live else None,
            reviewed_on=article.reviewed_on if is_live else None,
            next_review_on=article.next_review_on if is_live else None,
            grade_reason=article.grade_reason,
            is_live=is_live,
            published_at=article.updated_at if is_live else None,
            translated_from=translated_from,
            **text,
        )


def backward(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("TRUNCATE education_edition")


class Migration(migrations.Migration):
    dependencies = [("education", "0007_editions_stay")]
    operations = [migrations.RunPython(forward, backward)]
