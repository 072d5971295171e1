"""Announcements lead the home page for as long as they are published."""

from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from practice.instants import validate_year, years_known
from practice.models import Bilingual, Physician


class AnnouncementKind(models.TextChoices):
    WELCOME = "welcome", _("Welcome")
    RECOGNITION = "recognition", _("Recognition")
    COMMUNITY = "community", _("Community")
    NOTICE = "notice", _("Notice")


class AnnouncementQuerySet(models.QuerySet):
    def published(self, at=None):
        """Those visitors may read at that instant (now when not given). Without an end they stay."""
        at = at or timezone.now()
        return self.filter(publish_from__lte=at).filter(Q(publish_until=None) | Q(publish_until__gt=at))

    def about_community(self):
        return self.filter(kind=AnnouncementKind.COMMUNITY)


class Announcement(Bilingual):
    """Something the practice tells everybody."""

    kind = models.CharField(_("kind"), max_length=20, choices=AnnouncementKind)
    title = models.CharField(_("title"), max_length=120)
    title_es = models.CharField(_("title in Spanish"), max_length=120, blank=True)
    slug = models.SlugField(_("address on the site"), max_length=80, unique=True)
    summary = models.CharField(_("summary"), max_length=300, help_text=_("One or two sentences for the home page."))
    summary_es = models.CharField(_("summary in Spanish"), max_length=300, blank=True)
    body = models.TextField(_("text"), blank=True, help_text=_("Markdown."))
    body_es = models.TextField(_("text in Spanish"), blank=True)
    physicians = models.ManyToManyField(
        Physician, blank=True, related_name="announcements", verbose_name=_("physicians it is about")
    )
    is_pinned = models.BooleanField(_("pinned"), default=False, help_text=_("Stays at the top of the list."))
    publish_from = models.DateTimeField(_("publish from"), default=timezone.now, validators=[validate_year])
    publish_until = models.DateTimeField(
        _("publish until"), null=True, blank=True, validators=[validate_year], help_text=_("Empty: stays.")
    )

    objects = AnnouncementQuerySet.as_manager()

    class Meta:
        verbose_name = _("announcement")
        verbose_name_plural = _("announcements")
        ordering = ["-is_pinned", "-publish_from"]
        constraints = [
            models.CheckConstraint(
                name="announcements_announcement_kind_known", condition=Q(kind__in=AnnouncementKind.values)
            ),
            years_known("announcements_announcement_years_known", "publish_from", "publish_until"),
            models.CheckConstraint(
                name="announcements_announcement_ends_after_start",
                condition=Q(publish_until=None) | Q(publish_until__gt=F("publish_from")),
                violation_error_message=_("The end must be after the start."),
            ),
        ]

    def __str__(self):
        return self.title

    def get_absolute_url(self):
        return reverse("announcements:announcement", args=[self.slug])

    def stage(self, at=None) -> str:
        """Whether visitors read it at that instant (now when not given): "planned", "now" or "over"."""
        at = at or timezone.now()
        if self.publish_until and self.publish_until <= at:
            return "over"
        return "now" if self.publish_from <= at else "planned"
