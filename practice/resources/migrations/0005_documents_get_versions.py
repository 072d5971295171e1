"""Each document becomes the first version of itself, on a shelf for its audience; undone, the last version stays."""

from django.db import migrations

SHELVES = [
    ("staff", "For staff", "for-staff"),
    ("physicians", "For physicians", "for-physicians"),
    ("referring offices", "For referring offices", "for-referring-offices"),
]
RESERVED = ("collections", "contacts", "on-call", "ordering-guide", "search")


def into_versions(apps, schema_editor):
    collection = apps.get_model("resources", "Collection")
    version = apps.get_model("resources", "Version")
    document = apps.get_model("resources", "Document")
    for position, (audience, title, slug) in enumerate(SHELVES):
        documents = list(document.objects.filter(audience=audience))
        if not documents:
            continue
        shelf = collection.objects.create(title=title, slug=slug, audience=audience, position=position)
        for row in documents:
            row.collection = shelf
            if row.slug in RESERVED:
                row.slug = f"{row.slug}-document-{row.pk}"
            row.save(update_fields=["collection", "slug"])
            if row.file:  # undone and done again, a link has none
                version.objects.create(document=row, number=1, file=row.file.name, effective_on=row.updated_on)


def back_into_documents(apps, schema_editor):
    document = apps.get_model("resources", "Document")
    for row in document.objects.select_related("collection"):
        last = row.versions.filter(withdrawn_at=None).exclude(file="").order_by("-effective_on", "-number").first()
        row.audience = row.collection.audience
        if last:
            row.file, row.updated_on = last.file.name, last.effective_on
        row.collection = None
        row.save()
    for model in ("Acknowledgement", "Version", "Collection"):
        apps.get_model("resources", model).objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("resources", "0004_collections_and_versions")]
    operations = [migrations.RunPython(into_versions, back_into_documents)]
