"""Those we compare with: a Django project that does nothing, a Wagtail site, an import by django-import-export."""
