"""Who answers: services, and who is on call for them from when to when."""

from datetime import timedelta

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeBoundary, RangeOperators
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.expressions import RawSQL
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from practice.instants import validate_year, years_known
from practice.models import validate_phone
from practice.resources.audiences import Audience, VisibleQuerySet, audience_known

# The services that somebody does not answer for in a stretch of time: the stretch less all first shifts.
WITHOUT_COVER = """
SELECT service.id FROM resources_callservice AS service
LEFT JOIN resources_callshift AS shift
    ON shift.service_id = service.id AND shift.tier = 'first' AND shift.starts_at < %s AND shift.ends_at > %s
GROUP BY service.id
HAVING NOT isempty(
    tstzmultirange(tstzrange(%s, %s))
    - coalesce(range_agg(tstzrange(shift.starts_at, shift.ends_at)) FILTER (WHERE shift.id IS NOT NULL), '{}')
)
"""


class CallServiceQuerySet(VisibleQuerySet):
    def without_cover(self, first=None, last=None):
        """Services for which nobody is on call at some moment of the stretch; the next seven days when not given."""
        first = first or timezone.now()
        last = last or first + timedelta(days=7)
        return self.filter(pk__in=RawSQL(WITHOUT_COVER, [last, first, first, last]))  # noqa: S611


class CallService(models.Model):
    """Something people call about at any hour: emergency CT, interventional radiology."""

    name = models.CharField(_("service"), max_length=100)
    phone = models.CharField(
        _("number to call"),
        max_length=20,
        validators=[validate_phone],
        help_text=_("It leads to whoever is on call, or to the operator."),
    )
    note = models.CharField(_("when to call"), max_length=300, blank=True)
    audience = models.CharField(_("for"), max_length=20, choices=Audience)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    objects = CallServiceQuerySet.as_manager()

    class Meta:
        verbose_name = _("on-call service")
        verbose_name_plural = _("on-call services")
        ordering = ["position", "name"]
        constraints = [audience_known("callservice")]

    def __str__(self):
        return self.name


class CallTier(models.TextChoices):
    FIRST = "first", _("First")
    BACKUP = "backup", _("Backup")


class TsTzRange(Func):
    function = "TSTZRANGE"
    output_field = DateTimeRangeField()


class CallShift(models.Model):
    """One person on call for one service. Two cannot be so at the same time, unless one is the other's backup."""

    service = models.ForeignKey(CallService, on_delete=models.CASCADE, related_name="shifts", verbose_name=_("service"))
    tier = models.CharField(_("first or backup"), max_length=10, choices=CallTier, default=CallTier.FIRST)
    person = models.CharField(_("who"), max_length=100)
    phone = models.CharField(
        _("own number"),
        max_length=20,
        blank=True,
        validators=[validate_phone],
        help_text=_("Only the practice’s own people see it; others call the service’s number."),
    )
    starts_at = models.DateTimeField(_("from"), validators=[validate_year])
    ends_at = models.DateTimeField(_("hands over at"), validators=[validate_year])

    class Meta:
        verbose_name = _("shift")
        verbose_name_plural = _("shifts")
        ordering = ["starts_at"]
        constraints = [
            years_known("resources_callshift_years_known", "starts_at", "ends_at"),
            models.CheckConstraint(name="resources_callshift_tier_known", condition=Q(tier__in=CallTier.values)),
            models.CheckConstraint(
                name="resources_callshift_ends_after_start",
                condition=Q(ends_at__gt=F("starts_at")),
                violation_error_message=_("The hand-over must be after the start."),
            ),
            ExclusionConstraint(
                name="resources_callshift_one_at_a_time",
                expressions=[
                    (TsTzRange("starts_at", "ends_at", RangeBoundary()), RangeOperators.OVERLAPS),
                    ("service", RangeOperators.EQUAL),
                    ("tier", RangeOperators.EQUAL),
                ],
                violation_error_message=_("Somebody else is on call then. Change that shift first."),
            ),
        ]

    def clean(self):
        """What the database refuses too, with a sentence that says who is on call then."""
        super().clean()
        if not (self.starts_at and self.ends_at):
            return
        if self.ends_at <= self.starts_at:
            raise ValidationError({"ends_at": _("The hand-over must be after the start.")})
        others = CallShift.objects.exclude(pk=self.pk).filter(service=self.service_id, tier=self.tier)
        taken = others.filter(starts_at__lt=self.ends_at, ends_at__gt=self.starts_at).first()
        if taken:
            words = {
                "person": taken.person,
                "first": date_format(timezone.localtime(taken.starts_at), "DATETIME_FORMAT"),
                "last": date_format(timezone.localtime(taken.ends_at), "DATETIME_FORMAT"),
            }
            message = _("%(person)s is on call then (%(first)s to %(last)s). Change that shift first.") % words
            raise ValidationError({"starts_at": message})

    def __str__(self):
        return f"{self.service}: {self.person}"
