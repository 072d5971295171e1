from django.utils.translation import gettext_lazy as _

from careers.models import Application
from careers.office.queues import to_score
from practice.office_home import Queue, Task, register

CHANGE, LIST = "careers.change_application", "careers_application"

register(
    Queue(_("Applicants without an answer"), CHANGE, LIST, Application.objects.unanswered, position=30),
    Queue(_("Answers past the promised day"), CHANGE, LIST, Application.objects.overdue, "?answer=late", 31),
    Queue(_("Interview times to offer anew"), CHANGE, LIST, Application.objects.without_time, "?answer=times", 34),
    Queue(_("Applications to be erased"), CHANGE, LIST, Application.objects.to_erase, "?answer=erase", 33),
    Queue(
        _("Applications for me to score"), "careers.score_application", LIST, Application.objects.unanswered,
        "?answer=mine", 32, limit_to=to_score,
    ),
    Task(_("Post an opening"), "careers.add_opening", "careers_opening_add", 40),
    Task(_("Word the mails to applicants"), "careers.change_mailtext", "careers_mailtext_changelist", 41),
    Task(_("Counts of the voluntary questions"), "careers.read_survey_counts", "careers_survey_counts", 70),
)  # fmt: skip
