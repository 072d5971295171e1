"""Logins of the demo, one for each role. They exist only where DEMO is set."""

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
    "frontdesk@radiology.example": ("Demo Front Desk", roles.FRONT_DESK),
    "resources@radiology.example": ("Demo Resources Editor", roles.RESOURCES_EDITOR),
    "physician@radiology.example": ("Demo Physician", roles.PHYSICIAN),
    "office@referring.example": ("Demo Referring Office", roles.REFERRING_OFFICE),
}


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
