"""Sessions that begin with a sign-in and end without a trace: the next person at the machine finds nothing."""

from django.conf import settings
from django.contrib.sessions import middleware
from django.db import DatabaseError, InterfaceError

EVERYTHING = '"cache", "cookies", "storage"'
ALL_BUT_COOKIES = '"cache", "storage"'  # beside a cookie that is set, which would go with the others


class SessionMiddleware(middleware.SessionMiddleware):
    """Django's, which is to save every session anew, and would make one for a cookie that names none.

    Whenever a session's cookie is taken back, the browser is told to forget all it has of this site: at signing out and
    leaving a bill, and where 15 minutes or 8 hours are over.
    """

    def process_response(self, request, response):
        try:
            if request.session.session_key and not request.session.accessed:
                request.session.get("")  # looks whether there is such a session
        except (DatabaseError, InterfaceError):
            return response  # what could be shown without it is shown
        response = super().process_response(request, response)
        taken_back = response.cookies.get(settings.SESSION_COOKIE_NAME)
        if taken_back is not None and taken_back.value == "":
            response.headers["Clear-Site-Data"] = EVERYTHING if len(response.cookies) == 1 else ALL_BUT_COOKIES
        return response
