"""Invites people: a mail with a link to choose a password. Nobody else ever knows it."""

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.urls import reverse

from practice.accounts.models import User
from practice.mail import mail_job, send


def invite(user: User) -> None:
    """Queue the mail. An invitation sent before no longer works once a password was chosen."""
    send_invitation.enqueue(user.pk)


@mail_job
def send_invitation(user_id: int) -> None:
    user = User.objects.get(pk=user_id)
    if not user.is_active:
        return
    key = f"{user_pk_to_url_str(user)}-{default_token_generator.make_token(user)}"
    link = settings.PUBLIC_ORIGIN + reverse(
        "account_reset_password_from_key", kwargs=dict(zip(("uidb36", "key"), key.split("-", 1), strict=True))
    )
    days = settings.PASSWORD_RESET_TIMEOUT // 86400
    send("account/email/invitation", [user.email], {"name": user.name, "link": link, "days": days})
