from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "practice.accounts"
    verbose_name = "People who sign in"
    append_only = {
        "accounts_change": "SELECT",
        "accounts_accessentry": "SELECT, INSERT",
    }  # the first: its trigger writes

    def ready(self):
        from allauth.mfa.signals import authenticator_removed  # noqa: PLC0415

        from practice.accounts import demo_guard, second_factor  # noqa: F401, PLC0415  (the first registers a check)

        authenticator_removed.connect(second_factor.forget_second_factor)
