"""Checks of our own that `manage.py check --deploy` runs before the site goes live."""

from django.conf import settings
from django.core.checks import Error, Tags, register


@register(Tags.security, deploy=True)
def is_not_the_demo(app_configs, **options):
    """A demo has keys everybody can read; real patients' data must not meet them."""
    if settings.DEMO:
        return [Error("The site runs as a demo.", hint="Set DATABASE_URL, and do not set DEMO.", id="practice.E001")]
    return []


@register(Tags.security, deploy=True)
def addresses_are_set(app_configs, **options):
    problems = []
    if not settings.PUBLIC_ORIGIN.startswith("https://"):
        problems.append(
            Error(
                "PUBLIC_ORIGIN must be the site's https address: mails and the card page link to it.",
                id="practice.E002",
            )
        )
    problems += [
        Error(f"{name} is empty: nobody would hear of what arrives.", id="practice.E003")
        for name in ("FEEDBACK_RECIPIENTS", "HIRING_RECIPIENTS", "BILLING_RECIPIENTS")
        if not getattr(settings, name)
    ]
    return problems


@register(Tags.security, deploy=True)
def keys_are_separate(app_configs, **options):
    keys = [settings.SECRET_KEY, settings.BLIND_INDEX_KEY, *(pair.partition(":")[2] for pair in settings.FIELD_KEYS)]
    if len(set(keys)) < len(keys) or any(len(key) < 32 for key in keys):
        return [
            Error(
                "SECRET_KEY, BLIND_INDEX_KEY and each of FIELD_KEYS must differ and have 32 characters or more.",
                id="practice.E004",
            )
        ]
    return []
