from django.apps import AppConfig


class SandboxConfig(AppConfig):
    name = "billing.gateways.sandbox"
    label = "sandbox"
    verbose_name = "Sandbox card processor"
