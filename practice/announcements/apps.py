from django.apps import AppConfig


class AnnouncementsConfig(AppConfig):
    name = "practice.announcements"
    verbose_name = "Announcements"
