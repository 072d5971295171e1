"""Checks of our own that `manage.py check --deploy` runs before the site goes live."""

from django.conf import settings
from django.core.checks import Error, Tags, Warning, register


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
    keys += [settings.BACKUP_KEY] if settings.BACKUP_KEY else []
    if len(set(keys)) < len(keys) or any(len(key) < 32 for key in keys):
        return [
            Error(
                "SECRET_KEY, BLIND_INDEX_KEY, BACKUP_KEY and each of FIELD_KEYS must differ and have 32 characters "
                "or more.",
                id="practice.E004",
            )
        ]
    return []


@register(Tags.files)
def files_leave_from_where_they_are(app_configs, **options):
    """nginx can send a file of its own machine; it cannot look into the bucket."""
    if settings.S3_BUCKET and settings.X_ACCEL_REDIRECT:
        return [
            Error(
                "X_ACCEL_REDIRECT sends files of this machine, but they are in S3_BUCKET.",
                hint="Leave X_ACCEL_REDIRECT empty: the site then sends private files itself.",
                id="practice.E005",
            )
        ]
    return []


@register(Tags.security, deploy=True)
def bucket_is_safe(app_configs, **options):
    """Applications and bills lie there, so they neither travel in plain nor lie there in plain."""
    problems = []
    if settings.S3_BUCKET and (settings.S3_ENDPOINT_URL or "").startswith("http://"):
        problems.append(
            Warning(
                "S3_ENDPOINT_URL is not https: everybody on the way can read the files.",
                hint="Only right where the way is a network of your own machine.",
                id="practice.W001",
            )
        )
    if settings.S3_BUCKET and not settings.S3_ENCRYPTION:
        problems.append(
            Warning("S3_ENCRYPTION is empty: the files are not encrypted where they are kept.", id="practice.W002")
        )
    return problems


@register(Tags.caches, deploy=True)
def counts_are_shared(app_configs, **options):
    """A limit on guessing that each process counts for itself is no limit."""
    backend = settings.CACHES["default"]["BACKEND"]
    if backend.rpartition(".")[2] in ("LocMemCache", "DummyCache", "FileBasedCache"):
        return [
            Error(
                "CACHE_URL names a cache that other machines do not share, but sign-in counts in it.",
                hint="Leave it unset, for the database, or name a Redis.",
                id="practice.E006",
            )
        ]
    return []
