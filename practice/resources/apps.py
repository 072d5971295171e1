from django.apps import AppConfig


class ResourcesConfig(AppConfig):
    name = "practice.resources"
    verbose_name = "Practice Resources"
