"""The WSGI entry point: `granian --interface wsgi practice.wsgi:application`, or gunicorn."""

import os
from collections.abc import Callable

from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "practice.settings")
application: Callable = get_wsgi_application()
if settings.PAGE_CACHE_MEGABYTES:
    from practice.page_cache import PageCache

    application = PageCache(application, settings.PAGE_CACHE_MEGABYTES)
