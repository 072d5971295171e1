"""A database with the demo's logins, whose passwords everybody can read, is never served to the world."""

import logging

from django.conf import settings
from django.core.checks import Error, Tags, register
from django.db import DatabaseError
from django.http import HttpResponse

from practice.accounts.demo import LOGINS
from practice.accounts.models import User

logger = logging.getLogger(__name__)
REFUSAL = (
    "This database holds the logins of the demo practice, whose passwords everybody can read, and these are no demo "
    "settings. Use a database of your own, or set DEMO=1 on a machine that only you reach."
)


def holds_demo_logins(using: str | None = None) -> bool:
    return User.objects.using(using).filter(email__in=LOGINS, is_active=True).exists()


class DemoGuardMiddleware:
    """Looks once in each process, at the first request; then it costs nothing."""

    def __init__(self, get_response):
        self.get_response = get_response
        self.is_clean = settings.DEMO

    def __call__(self, request):
        if not self.is_clean:
            try:
                if holds_demo_logins():
                    logger.error(REFUSAL)
                    return HttpResponse(REFUSAL, content_type="text/plain", status=503)
                self.is_clean = True
            except DatabaseError:
                logger.warning("The database could not be asked whether it is a demo's.")
        return self.get_response(request)


@register(Tags.database, deploy=True)
def no_demo_logins(app_configs=None, databases=None, **options):
    """accounts.E001: the database of a site that is no demo has the demo's logins."""
    if settings.DEMO:
        return []
    try:
        found = [alias for alias in databases or [] if holds_demo_logins(alias)]
    except DatabaseError:
        return []  # still to be migrated
    return [Error(REFUSAL, id="accounts.E001") for _alias in found]
