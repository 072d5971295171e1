"""How applications are read: scorecards on the opening's criteria, comments, interviews."""

from datetime import timedelta
from uuid import uuid4

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from careers.models.applications import Application
from careers.models.openings import Criterion
from practice.instants import years_known

LOWEST, HIGHEST = 1, 4  # an even number of steps: nobody can sit in the middle


class Recommendation(models.TextChoices):
    STRONG_YES = "strong yes", _("Yes, strongly")
    YES = "yes", _("Yes")
    NO = "no", _("No")
    STRONG_NO = "strong no", _("No, strongly")


class Scorecard(models.Model):
    """What one person thinks of an application, written before they have seen what others think."""

    application = models.ForeignKey(
        Application, on_delete=models.CASCADE, related_name="scorecards", verbose_name=_("application")
    )
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("reviewer")
    )
    recommendation = models.CharField(_("recommendation"), max_length=10, choices=Recommendation)
    note = models.TextField(_("why"), max_length=2000, blank=True)
    was_blind = models.BooleanField(_("without the name"), default=False)
    scored_at = models.DateTimeField(_("scored at"), default=timezone.now)

    class Meta:
        verbose_name = _("scorecard")
        verbose_name_plural = _("scorecards")
        ordering = ["scored_at"]
        constraints = [
            models.UniqueConstraint(name="careers_scorecard_one_each", fields=["application", "reviewer"]),
            models.CheckConstraint(
                name="careers_scorecard_recommendation_known", condition=Q(recommendation__in=Recommendation.values)
            ),
        ]

    def __str__(self):
        return f"{self.reviewer.name or self.reviewer.email}: {self.get_recommendation_display()}"


class Score(models.Model):
    """The points a scorecard gives for one criterion."""

    scorecard = models.ForeignKey(Scorecard, on_delete=models.CASCADE, related_name="scores")
    criterion = models.ForeignKey(Criterion, on_delete=models.PROTECT, related_name="scores")
    points = models.PositiveSmallIntegerField(_("points"))

    class Meta:
        ordering = ["criterion__position", "pk"]
        constraints = [
            models.UniqueConstraint(name="careers_score_once_each", fields=["scorecard", "criterion"]),
            models.CheckConstraint(name="careers_score_points", condition=Q(points__gte=LOWEST, points__lte=HIGHEST)),
        ]

    def __str__(self):
        return f"{self.criterion}: {self.points}"


class Comment(models.Model):
    """Something said about an application among those who read it. It is added and never changed."""

    application = models.ForeignKey(
        Application, on_delete=models.CASCADE, related_name="comments", verbose_name=_("application")
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("author")
    )
    text = models.TextField(_("comment"), max_length=2000)
    written_at = models.DateTimeField(_("written at"), default=timezone.now)

    class Meta:
        verbose_name = _("comment")
        verbose_name_plural = _("comments")
        ordering = ["written_at", "pk"]

    def __str__(self):
        return f"Comment {self.pk}"


class Reveal(models.Model):
    """Somebody asked to see who an application is from before they had scored it, and why."""

    application = models.ForeignKey(
        Application, on_delete=models.CASCADE, related_name="reveals", verbose_name=_("application")
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("person")
    )
    reason = models.CharField(_("reason"), max_length=200)
    revealed_at = models.DateTimeField(_("shown at"), default=timezone.now)

    class Meta:
        verbose_name = _("name shown")
        verbose_name_plural = _("names shown")
        ordering = ["revealed_at"]
        constraints = [models.UniqueConstraint(name="careers_reveal_one_each", fields=["application", "person"])]

    def __str__(self):
        return f"{self.person.name or self.person.email}: {self.reason}"


class SlotState(models.TextChoices):
    OFFERED = "offered", _("Offered")
    CHOSEN = "chosen", _("Chosen")
    GONE = "gone", _("No longer offered")


class InterviewSlot(models.Model):
    """A time offered for an interview. The applicant chooses one of theirs; the others are then gone."""

    application = models.ForeignKey(
        Application, on_delete=models.CASCADE, related_name="slots", verbose_name=_("application")
    )
    uid = models.UUIDField(unique=True, default=uuid4, editable=False)  # of the calendar entry
    starts_at = models.DateTimeField(_("starts at"))
    minutes = models.PositiveSmallIntegerField(
        _("minutes"), default=45, validators=[MinValueValidator(10), MaxValueValidator(480)]
    )
    place = models.CharField(_("place, or how to call"), max_length=200)
    interviewer = models.CharField(_("with whom"), max_length=100, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=SlotState, default=SlotState.OFFERED)
    offered_at = models.DateTimeField(_("offered at"), default=timezone.now)

    class Meta:
        verbose_name = _("interview time")
        verbose_name_plural = _("interview times")
        ordering = ["starts_at"]
        constraints = [
            models.CheckConstraint(name="careers_slot_state_known", condition=Q(state__in=SlotState.values)),
            models.CheckConstraint(name="careers_slot_minutes", condition=Q(minutes__gte=10, minutes__lte=480)),
            models.UniqueConstraint(
                name="careers_slot_one_chosen", fields=["application"], condition=Q(state="chosen")
            ),
            years_known("careers_slot_years", "starts_at"),
        ]

    def __str__(self):
        return f"{timezone.localtime(self.starts_at):%Y-%m-%d %H:%M}"

    @property
    def ends_at(self):
        return self.starts_at + timedelta(minutes=self.minutes)
