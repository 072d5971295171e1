"""The CV was a column of the application. Now it is a file of it like the others."""

import hashlib

from django.db import migrations


def forward(apps, schema_editor):
    file = apps.get_model("careers", "ApplicationFile")
    for application in apps.get_model("careers", "Application").objects.exclude(cv="").iterator(chunk_size=500):
        try:
            with application.cv.open("rb") as opened:
                data = opened.read()
        except FileNotFoundError:
            data = b""
        ending = application.cv.name.rpartition(".")[2]
        file.objects.create(
            application=application,
            kind="cv",
            name=f"cv.{ending}",
            stored=application.cv.name,
            size=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
            created_at=application.received_at,
        )


def backward(apps, schema_editor):
    for row in apps.get_model("careers", "ApplicationFile").objects.filter(kind="cv").exclude(application=None):
        apps.get_model("careers", "Application").objects.filter(pk=row.application_id).update(cv=row.stored.name)


class Migration(migrations.Migration):
    dependencies = [("careers", "0007_files_and_drafts")]
    operations = [migrations.RunPython(forward, backward)]
