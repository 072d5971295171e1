"""The voluntary questions about sex and origin, answered after an application is sent.

A row leads to nobody: no application, no opening, no time, a random key; only the kind of job and the year. No page
shows a row, the site's database role cannot even read one, and it hears of answers only through the function
`careers_survey_counts`, which gives counts that are five or more, in steps of five, of five more answers at a time: so
that no count moves by the one person who has just answered.
"""

from uuid import uuid4

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from careers.models.openings import Role


class Sex(models.TextChoices):
    FEMALE = "female", _("Female")
    MALE = "male", _("Male")
    UNSAID = "unsaid", _("I would rather not say")


class Ethnicity(models.TextChoices):
    """The categories of the EEO-1 report."""

    HISPANIC = "hispanic", _("Hispanic or Latino")
    WHITE = "white", _("White")
    BLACK = "black", _("Black or African American")
    PACIFIC = "pacific", _("Native Hawaiian or other Pacific Islander")
    ASIAN = "asian", _("Asian")
    NATIVE = "native", _("American Indian or Alaska Native")
    SEVERAL = "several", _("Two or more races")
    UNSAID = "unsaid", _("I would rather not say")


class SurveyAnswer(models.Model):
    """What one applicant said of themselves."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    role = models.CharField(max_length=20, choices=Role)
    year = models.PositiveSmallIntegerField()
    sex = models.CharField(_("sex"), max_length=10, choices=Sex)
    ethnicity = models.CharField(_("race and ethnicity"), max_length=10, choices=Ethnicity)
    is_counted = models.BooleanField(default=False)  # by a trigger, five answers at a time

    class Meta:
        verbose_name = _("answer to the voluntary questions")
        verbose_name_plural = _("answers to the voluntary questions")
        default_permissions = ()
        constraints = [
            models.CheckConstraint(name="careers_surveyanswer_role_known", condition=Q(role__in=Role.values)),
            models.CheckConstraint(name="careers_surveyanswer_sex_known", condition=Q(sex__in=Sex.values)),
            models.CheckConstraint(
                name="careers_surveyanswer_ethnicity_known", condition=Q(ethnicity__in=Ethnicity.values)
            ),
        ]

    def __str__(self):
        return "An answer"
