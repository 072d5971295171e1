"""What the page cache does not keep is compressed as it goes out, where nothing of anybody's is in it."""

from django.conf import settings
from django.utils.cache import get_conditional_response, patch_vary_headers

from practice.page_cache import IS_KEPT
from practice.page_copies import SHORTEST, best_encoding, compress, etag_of, is_compressible


class CompressionMiddleware:
    """Compresses pages for people who are not signed in, and gives published pages their ETag.

    A page of somebody's session stays as it is: its length must not tell what is in it (BREACH). Static files come
    compressed already.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        if response.streaming or request.META.get(IS_KEPT):
            return response
        is_published = getattr(response, "is_published", False)
        if is_published:
            response.headers["ETag"] = etag_of(response.content)
        if is_published or settings.SESSION_COOKIE_NAME not in request.COOKIES:
            self._compress(request, response)
        if not is_published:
            return response
        return get_conditional_response(request, response.headers["ETag"], response=response)

    def _compress(self, request, response):
        is_text = is_compressible(response.headers.get("Content-Type", ""))
        if not is_text or len(response.content) < SHORTEST or response.has_header("Content-Encoding"):
            return
        patch_vary_headers(response, ["Accept-Encoding"])
        encoding = best_encoding(request.headers.get("Accept-Encoding", ""))
        if encoding:
            response.content = compress(response.content, encoding)
            response.headers["Content-Encoding"] = encoding
            response.headers["Content-Length"] = str(len(response.content))
