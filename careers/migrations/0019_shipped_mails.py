"""Every installation starts with the shipped wording of the mails to applicants."""

from django.db import migrations

from careers.mail_texts import SHIPPED


def forward(apps, schema_editor):
    texts = apps.get_model("careers", "MailText").objects
    for kind, facts in SHIPPED.items():
        texts.get_or_create(kind=kind, defaults=facts)


class Migration(migrations.Migration):
    dependencies = [("careers", "0018_change_log")]
    operations = [migrations.RunPython(forward, migrations.RunPython.noop)]
