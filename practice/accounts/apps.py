from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "practice.accounts"
    verbose_name = "People who sign in"
