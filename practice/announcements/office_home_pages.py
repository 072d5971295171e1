from django.utils.translation import gettext_lazy as _

from practice.office_home import Task, register

register(Task(_("Announce something"), "announcements.add_announcement", "announcements_announcement_add", position=20))
