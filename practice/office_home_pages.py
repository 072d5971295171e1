from django.utils.translation import gettext_lazy as _

from practice.models import Feedback
from practice.office_home import Queue, Task, register

register(
    Queue(
        _("Feedback to answer"),
        "practice.change_feedback",
        "practice_feedback",
        Feedback.objects.unanswered,
        position=10,
    ),
    Task(_("Add a physician"), "practice.add_physician", "practice_physician_add", position=70),
    Task(_("Give a notice its next version"), "practice.change_notice", "practice_notice_changelist", position=80),
)
