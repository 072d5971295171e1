from django.utils.translation import gettext_lazy as _

from careers.models import Application
from practice.office_home import Queue, Task, register

register(
    Queue(
        _("Applicants without an answer"), "careers.change_application", "careers_application",
        Application.objects.unanswered, position=30,
    ),
    Task(_("Post an opening"), "careers.add_opening", "careers_opening_add", 40),
)  # fmt: skip
