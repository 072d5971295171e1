"""Signs people in as the sign-in page does it, without the page."""

import time

from allauth.account.internal.flows.login import (
    _AUTHENTICATION_METHODS_USER_SESSION_KEY,
    AUTHENTICATION_METHODS_SESSION_KEY,
)
from django.conf import settings
from django.contrib.auth import login
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest


def sign_in(client, user, *, second_factor=True, at=None):
    """Sign the user in with this client; `at` is when, in seconds since 1970, if not now.

    As Django's `force_login`, which for each client makes a first session only to replace it, and saves each change.
    """
    shown = at or time.time()
    request = HttpRequest()
    request.session = client.session if settings.SESSION_COOKIE_NAME in client.cookies else SessionStore()
    login(request, user, settings.AUTHENTICATION_BACKENDS[0])
    request.session[_AUTHENTICATION_METHODS_USER_SESSION_KEY] = str(user.pk)
    request.session[AUTHENTICATION_METHODS_SESSION_KEY] = [{"method": "password", "at": shown}]
    if second_factor:
        request.session[AUTHENTICATION_METHODS_SESSION_KEY] += [{"method": "mfa", "at": shown, "type": "totp"}]
    request.session.save()
    client._set_login_cookies(request)
    return client
