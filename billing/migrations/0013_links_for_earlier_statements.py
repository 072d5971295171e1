"""Statements that were imported before there were QR codes get their link."""

from django.db import migrations

from billing.codes import link_index, link_token

BATCH = 2000


def make_links(apps, schema_editor):
    statement = apps.get_model("billing", "Statement")
    waiting = statement.objects.filter(link_index=None, voided_at=None).only("number", "link_version")
    made = []
    for row in waiting.iterator(chunk_size=BATCH):
        row.link_index = link_index(link_token(row.number, row.link_version))
        made.append(row)
        if len(made) == BATCH:
            statement.objects.bulk_update(made, ["link_index"])
            made.clear()
    statement.objects.bulk_update(made, ["link_index"])


class Migration(migrations.Migration):
    dependencies = [("billing", "0012_office_roles")]
    operations = [migrations.RunPython(make_links, migrations.RunPython.noop)]
