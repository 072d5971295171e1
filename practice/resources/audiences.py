"""For whom something in Practice Resources is, and who belongs to whom. Asked here and nowhere else."""

from django.contrib.auth import get_user_model
from django.db import models
from django.utils.translation import gettext_lazy as _

from practice.accounts import roles


class Audience(models.TextChoices):
    STAFF = "staff", _("Staff")
    PHYSICIANS = "physicians", _("Physicians")
    REFERRING_OFFICES = "referring offices", _("Referring offices")


# Whom something is written for. More may see it: the practice's own people see what referring offices get.
ADDRESSED = {
    Audience.STAFF: {*roles.STAFF_ROLES, roles.PHYSICIAN},
    Audience.PHYSICIANS: {roles.PHYSICIAN},
    Audience.REFERRING_OFFICES: {roles.REFERRING_OFFICE},
}


def audiences_of(user) -> set[str]:
    """The audiences a person belongs to: what these may see, the person may see."""
    if not user.is_authenticated or not user.is_active:
        return set()
    if user.is_superuser or user.holds_role(roles.ADMINISTRATOR, roles.RESOURCES_EDITOR):
        return set(Audience.values)
    audiences = {audience.value for audience, holders in ADDRESSED.items() if user.holds_role(*holders)}
    return audiences | {Audience.REFERRING_OFFICES.value} if audiences else set()


def addressed_by(user) -> set[str]:
    """The audiences whose must-reads this person is asked to read."""
    return {audience.value for audience, holders in ADDRESSED.items() if user.holds_role(*holders)}


def people_addressed_by(audience: str):
    """The people who are asked to read what is for this audience, by name."""
    people = get_user_model().objects.filter(is_active=True, groups__name__in=ADDRESSED[Audience(audience)])
    return people.distinct().order_by("name", "email")


class VisibleQuerySet(models.QuerySet):
    """Rows with an `audience` of their own."""

    def visible_to(self, user):
        return self.filter(audience__in=audiences_of(user))


def audience_known(model: str) -> models.CheckConstraint:
    """The rule that the audience is one of those above."""
    return models.CheckConstraint(
        name=f"resources_{model}_audience_known", condition=models.Q(audience__in=Audience.values)
    )
