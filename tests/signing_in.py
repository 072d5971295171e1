"""Signs people in as the sign-in page does it, without the page."""

import time

from allauth.account.internal.flows.login import (
    _AUTHENTICATION_METHODS_USER_SESSION_KEY,
    AUTHENTICATION_METHODS_SESSION_KEY,
)


def sign_in(client, user, *, second_factor=True, at=None):
    """Sign the user in with this client; `at` is when, in seconds since 1970, if not now."""
    client.force_login(user)
    shown = at or time.time()
    session = client.session
    session[_AUTHENTICATION_METHODS_USER_SESSION_KEY] = str(user.pk)
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [{"method": "password", "at": shown}]
    if second_factor:
        session[AUTHENTICATION_METHODS_SESSION_KEY] += [{"method": "mfa", "at": shown, "type": "totp"}]
    session.save()
    return client
