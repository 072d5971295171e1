"""The WSGI entry point: `granian --interface wsgi practice.wsgi:application`, or gunicorn."""

import multiprocessing
import os
from collections.abc import Callable

from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "practice.settings")
site = get_wsgi_application()

# What stands around it reads the settings when it is imported.
from practice import hung_database  # noqa: E402
from practice.orphans import end_with_parent  # noqa: E402
from practice.page_cache import PageCache  # noqa: E402
from practice.slow_bodies import FewBodiesAtOnce  # noqa: E402

if multiprocessing.parent_process():  # a worker of a server, whose port it would hold if only the server were killed
    end_with_parent()
hung_database.watch()
application: Callable = FewBodiesAtOnce(site, settings.BODIES_AT_ONCE)
if settings.PAGE_CACHE_MEGABYTES:
    application = PageCache(application, settings.PAGE_CACHE_MEGABYTES)
