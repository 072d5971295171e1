from django.apps import AppConfig


class EducationConfig(AppConfig):
    name = "education"
    verbose_name = "Patient Information"
    append_only = {"education_edition": "SELECT, INSERT, UPDATE"}
