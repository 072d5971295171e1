"""Every view asks for a sign-in unless it is marked public; a public one does not even look at the session.

What is behind the sign-in, and the sign-in itself, is kept by no cache: a page that says nothing else gets this rule.
"""

from typing import cast

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpResponseBase

OF_SIGN_IN = ("account_", "mfa_", "usersessions_")


class PrivateByDefaultMiddleware(LoginRequiredMiddleware):
    """Django's rule, asked in the other order: its own reads the session first, and so no page could be cached."""

    def __call__(self, request):
        response = cast(HttpResponseBase, super().__call__(request))  # nothing here is asynchronous
        if getattr(request, "is_private", False):
            response.headers.setdefault("Cache-Control", "private, no-store")
        return response

    def process_view(self, request, view_func, view_args, view_kwargs):
        is_public = not getattr(view_func, "login_required", True)
        request.is_private = not is_public or request.resolver_match.view_name.startswith(OF_SIGN_IN)
        return None if is_public else super().process_view(request, view_func, view_args, view_kwargs)
