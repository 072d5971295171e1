from django.utils.translation import gettext_lazy as _

from practice.office_home import Task, register

register(
    Task(_("Invite somebody"), "accounts.add_user", "accounts_user_add", position=90),
    Task(_("See who changed what"), "accounts.view_change", "accounts_change_changelist", position=95),
)
