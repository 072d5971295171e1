"""The WSGI entry point: `granian --interface wsgi practice.wsgi:application`, or gunicorn."""

import os
from collections.abc import Callable

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from practice.slow_bodies import FewBodiesAtOnce

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "practice.settings")
application: Callable = FewBodiesAtOnce(get_wsgi_application(), settings.BODIES_AT_ONCE)
if settings.PAGE_CACHE_MEGABYTES:
    from practice.page_cache import PageCache

    application = PageCache(application, settings.PAGE_CACHE_MEGABYTES)
