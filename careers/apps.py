from django.apps import AppConfig


class CareersConfig(AppConfig):
    name = "careers"
    verbose_name = "Join Our Practice"
    # Even a mistake in our own code cannot read what somebody answered: only the function that counts can.
    append_only = {
        "careers_surveyanswer": "INSERT",
        "careers_certificate": "SELECT, INSERT",
    }
