"""The notices every practice gives exist from the start, so that the footer leads somewhere; the texts are its own."""

from django.db import migrations

NOTICES = [
    ("terms", "Terms and Conditions", "Términos y condiciones"),
    ("privacy", "Privacy Statement", "Declaración de privacidad"),
    ("accessibility", "Accessibility", "Accesibilidad"),
    ("notice-of-privacy-practices", "Notice of Privacy Practices", "Aviso de prácticas de privacidad"),
    ("nondiscrimination", "Notice of Nondiscrimination", "Aviso de no discriminación"),
    ("language-assistance", "Language Assistance", "Ayuda con el idioma"),
    ("surprise-billing", "Your Rights About Surprise Bills", "Sus derechos ante facturas inesperadas"),
    ("good-faith-estimate", "Good Faith Estimate", "Estimación de buena fe"),
]


def create_notices(apps, schema_editor):
    notice = apps.get_model("practice", "Notice")
    for position, (slug, title, title_es) in enumerate(NOTICES):
        notice.objects.get_or_create(slug=slug, defaults={"title": title, "title_es": title_es, "position": position})


def remove_notices(apps, schema_editor):
    notice = apps.get_model("practice", "Notice")
    notice.objects.filter(slug__in=[slug for slug, *_titles in NOTICES], versions=None).delete()


class Migration(migrations.Migration):
    dependencies = [("practice", "0003_roles")]
    operations = [migrations.RunPython(create_notices, remove_notices)]
