from django.apps import AppConfig


class AnnouncementsConfig(AppConfig):
    name = "practice.announcements"
    verbose_name = "Announcements"
    published_edges = (
        ("announcements_announcement", "publish_from"),
        ("announcements_announcement", "publish_until"),
    )
