"""Every view asks for a sign-in unless it is marked public; a public one does not even look at the session."""

from django.contrib.auth.middleware import LoginRequiredMiddleware


class PrivateByDefaultMiddleware(LoginRequiredMiddleware):
    """Django's rule, asked in the other order: its own reads the session first, and so no page could be cached."""

    def process_view(self, request, view_func, view_args, view_kwargs):
        if not getattr(view_func, "login_required", True):
            return None
        return super().process_view(request, view_func, view_args, view_kwargs)
