from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class SearchConfig(AppConfig):
    name = "practice.search"
    verbose_name = "Search"

    def ready(self):
        autodiscover_modules("search_pages")  # where each room registers what it finds
