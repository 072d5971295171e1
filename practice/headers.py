"""Headers that every response carries, whatever stopped it on its way: a page, a file, a refusal, a fault."""

from django.conf import settings

POLICY = ", ".join(
    f"{feature}=()"
    for feature in (
        "accelerometer", "camera", "display-capture", "geolocation", "gyroscope", "magnetometer", "microphone",
        "payment", "usb", "browsing-topics",
    )
)  # fmt: skip
EVERYWHERE = {
    # No page of ours uses a camera, a place, or a payment interface of the browser.
    "Permissions-Policy": POLICY,
    # No other site may take our answers into its pages or hold on to our windows.
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": settings.X_FRAME_OPTIONS,
    "Referrer-Policy": settings.SECURE_REFERRER_POLICY,
    "Server": "web",  # or the server names itself
}
ASK_EACH_TIME, KEEP_NOWHERE = "no-cache", "private, no-store"


class HeadersMiddleware:
    """The outermost of all. What an inner one sets stays: this is for the answers that never reach it.

    Django's own middlewares set some of these too, but not where one of them refuses the request itself, as
    SecurityMiddleware does with an unknown host.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        for name, value in EVERYWHERE.items():
            response.headers.setdefault(name, value)
        if settings.SECURE_HSTS_SECONDS and request.is_secure():
            response.headers.setdefault("Strict-Transport-Security", strict_transport_security())
        is_kept = "no-store" not in response.headers.get("Cache-Control", "")
        if response.cookies and is_kept:  # whatever the page says of itself, this answer is one person's
            response.headers["Cache-Control"] = KEEP_NOWHERE
        response.headers.setdefault("Cache-Control", how_long_kept(response))
        return response


def strict_transport_security() -> str:
    """Browsers come by https only, for a year, as Django's SecurityMiddleware says it."""
    subdomains = "; includeSubDomains" if settings.SECURE_HSTS_INCLUDE_SUBDOMAINS else ""
    preload = "; preload" if settings.SECURE_HSTS_PRELOAD else ""
    return f"max-age={settings.SECURE_HSTS_SECONDS}{subdomains}{preload}"


def how_long_kept(response) -> str:
    """The rule for a response that names none. A cache left to itself keeps a 404 or a 301 for as long as it likes."""
    is_personal = "Cookie" in response.headers.get("Vary", "")
    return KEEP_NOWHERE if is_personal or response.status_code >= 400 else ASK_EACH_TIME
