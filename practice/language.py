"""The language of a page follows from its address alone, so that one address is one page for everybody."""

from django.conf import settings
from django.utils import translation


class AddressLanguageMiddleware:
    """Spanish below /es/, English elsewhere. Django's own adds `Vary: Accept-Language`, which is not so here."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        language = translation.get_language_from_path(request.path_info) or settings.LANGUAGE_CODE
        with translation.override(language):
            request.LANGUAGE_CODE = language
            response = self.get_response(request)
        response.headers.setdefault("Content-Language", language)
        return response
