"""Logins of the demo, one for each role. They exist only where DEMO is set."""

import base64
import hashlib
import time

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from django.contrib.auth.models import Group

from practice.accounts import roles
from practice.accounts.models import User

PASSWORD = "a-careful-demo-2026"  # noqa: S105  (the demo prints it)
LOGINS = {
    "admin@radiology.example": ("Demo Administrator", roles.ADMINISTRATOR),
    "editor@radiology.example": ("Demo Editor", roles.EDITOR),
    "reviewer@radiology.example": ("Demo Clinical Reviewer", roles.CLINICAL_REVIEWER),
    "billing@radiology.example": ("Demo Billing Clerk", roles.BILLING),
    "billing.lead@radiology.example": ("Demo Billing Lead", roles.BILLING_LEAD),
    "hiring@radiology.example": ("Demo Recruiter", roles.HIRING),
    "panel@radiology.example": ("Demo Application Reviewer", roles.APPLICATION_REVIEWER),
    "frontdesk@radiology.example": ("Demo Front Desk", roles.FRONT_DESK),
    "resources@radiology.example": ("Demo Resources Editor", roles.RESOURCES_EDITOR),
    "physician@radiology.example": ("Demo Physician", roles.PHYSICIAN),
    "office@referring.example": ("Demo Referring Office", roles.REFERRING_OFFICE),
}


def totp_secret(email: str) -> str:
    """The authenticator secret of a demo login. Everybody can work it out, so it is worth nothing elsewhere."""
    return base64.b32encode(hashlib.sha256(f"demo authenticator of {email}".encode()).digest()[:20]).decode()


def current_codes() -> dict[str, str]:
    """{login: the code that its authenticator shows now}; a code can be used once."""
    counter = int(time.time()) // 30
    return {email: format_hotp_value(hotp_value(totp_secret(email), counter)) for email in LOGINS}


def load() -> None:
    for email, (name, role) in LOGINS.items():
        if not User.objects.filter(email=email).exists():
            user = User.objects.create_user(
                email,
                PASSWORD,
                name=name,
                is_staff=role in roles.STAFF_ROLES,
                is_superuser=role == roles.ADMINISTRATOR,
            )
            user.groups.set([Group.objects.get(name=role)])
        user = User.objects.get(email=email)
        if not Authenticator.objects.filter(user=user).exists():
            TOTP.activate(user, totp_secret(email))
