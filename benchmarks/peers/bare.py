"""A Django project of one view, without middleware, that answers with bytes it has ready: as fast as Django gets.

The folder BARE_BODIES holds `article` and `home` (what our pages send, compressed or not) and `encoding`.
"""

import os
from pathlib import Path

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.urls import path

FOLDER = Path(os.environ["BARE_BODIES"])
BODIES = {name: (FOLDER / name).read_bytes() for name in ("article", "home")}
ENCODING = (FOLDER / "encoding").read_text()

settings.configure(ALLOWED_HOSTS=["127.0.0.1"], ROOT_URLCONF=__name__, MIDDLEWARE=[], SECRET_KEY="none")  # noqa: S106
django.setup(set_prefix=False)


def constant(_request: HttpRequest, name: str = "home") -> HttpResponse:
    response = HttpResponse(BODIES[name])
    if ENCODING:
        response["Content-Encoding"] = ENCODING
    return response


urlpatterns = [path("", constant), path("<str:name>/", constant)]
application = WSGIHandler()
