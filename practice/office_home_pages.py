from django.utils.translation import gettext_lazy as _

from practice.feedback import visible_to
from practice.models import Feedback
from practice.office_home import Queue, Task, register

register(
    Queue(
        _("Feedback past its day"), "practice.change_feedback", "practice_feedback", Feedback.objects.overdue,
        "?status=late", 9, visible_to,
    ),
    Queue(
        _("Feedback to answer"), "practice.change_feedback", "practice_feedback", Feedback.objects.unanswered,
        position=10, limit_to=visible_to,
    ),
    Task(_("Add a physician"), "practice.add_physician", "practice_physician_add", position=70),
    Task(_("Give a notice its next version"), "practice.change_notice", "practice_notice_changelist", position=80),
)  # fmt: skip
