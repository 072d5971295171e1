from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "practice.accounts"
    verbose_name = "People who sign in"
    append_only = {
        "accounts_change": "SELECT",
        "accounts_accessentry": "SELECT, INSERT",
    }  # the first: its trigger writes

    def ready(self):
        from practice.accounts import demo_guard  # noqa: F401, PLC0415  (registers the check)
