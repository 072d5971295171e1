from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class ResourcesConfig(AppConfig):
    name = "practice.resources"
    verbose_name = "Practice Resources"
    append_only = {
        "resources_version": "SELECT, INSERT, UPDATE",
        "resources_acknowledgement": "SELECT, INSERT",
    }

    def ready(self):
        autodiscover_modules("exam_pages")  # where a room says which of its pages are about an exam
