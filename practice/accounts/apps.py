from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "practice.accounts"
    verbose_name = "People who sign in"

    def ready(self):
        from practice.accounts import demo_guard  # noqa: F401, PLC0415  (registers the check)
