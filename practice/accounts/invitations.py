"""Mail about accounts: invitations, links to a new password, and word of what was changed. Always queued."""

import json

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.core.mail import EmailMessage
from django.urls import reverse

from practice.accounts.models import User
from practice.encryption import decrypt, encrypt
from practice.mail import mail_job, send

NOTICE_CONTEXT = "a notice about an account"


def invite(user: User) -> None:
    """Queue the mail. An invitation sent before no longer works once a password was chosen."""
    send_invitation.enqueue(user.pk)


@mail_job
def send_invitation(user_id: int) -> None:
    user = User.objects.get(pk=user_id)
    if not user.is_active:
        return
    days = settings.PASSWORD_RESET_TIMEOUT // 86400
    send("account/email/invitation", [user.email], {"name": user.name, "link": _link(user), "days": days})


@mail_job
def send_reset(user_id: int, language: str) -> None:
    """The link to a new password, made here, so that none lies in the queue."""
    user = User.objects.get(pk=user_id)
    if user.is_active:
        send("account/email/reset", [user.email], {"link": _link(user)}, language)


def notify(subject: str, body: str, to: list[str]) -> None:
    """Queue what allauth tells people about their account. It names their address and browser, so it waits sealed."""
    send_sealed_notice.enqueue(encrypt(json.dumps([subject, body, to]), NOTICE_CONTEXT))


@mail_job
def send_notice(subject: str, body: str, to: list[str]) -> None:
    """Notices that were queued before they were sealed; nothing queues one any more."""
    EmailMessage(subject=subject, body=body, to=to).send()


@mail_job
def send_sealed_notice(sealed: str) -> None:
    """That a password or a second factor was changed."""
    subject, body, to = json.loads(decrypt(sealed, NOTICE_CONTEXT))
    EmailMessage(subject=subject, body=body, to=to).send()


def _link(user: User) -> str:
    """Where the person chooses a password; it works once."""
    names = {"uidb36": user_pk_to_url_str(user), "key": default_token_generator.make_token(user)}
    return settings.PUBLIC_ORIGIN + reverse("account_reset_password_from_key", kwargs=names)
