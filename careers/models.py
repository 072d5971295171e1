"""Openings and the people who apply. No row ever asks for a date of birth, a photo or a social security number."""

from django.conf import settings
from django.core.files.storage import storages
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import get_random_string
from django.utils.translation import gettext_lazy as _

from practice.instants import validate_year
from practice.models import Bilingual, Location, Subspecialty
from practice.private_files import random_name


class Role(models.TextChoices):
    RADIOLOGIST = "radiologist", _("Radiologist")
    TECHNOLOGIST = "technologist", _("Technologist")
    NURSE = "nurse", _("Nurse")
    OFFICE = "office", _("Office")


class Employment(models.TextChoices):
    FULL_TIME = "full time", _("Full time")
    PART_TIME = "part time", _("Part time")
    PER_DIEM = "per diem", _("Per diem")


class PayPeriod(models.TextChoices):
    YEAR = "year", _("a year")
    HOUR = "hour", _("an hour")


class OpeningStatus(models.TextChoices):
    DRAFT = "draft", _("Draft")
    OPEN = "open", _("Open")
    CLOSED = "closed", _("Closed")


class OpeningQuerySet(models.QuerySet):
    def open(self, on=None):
        """Those one can apply for on that day (today when not given); the closing day is included."""
        on = on or timezone.localdate()
        return self.filter(status=OpeningStatus.OPEN).filter(Q(closes_on=None) | Q(closes_on__gte=on))


class Opening(Bilingual):
    """A job at the practice. It cannot be open without a pay range."""

    title = models.CharField(_("title"), max_length=120)
    title_es = models.CharField(_("title in Spanish"), max_length=120, blank=True)
    slug = models.SlugField(_("address on the site"), max_length=80, unique=True)
    role = models.CharField(_("role"), max_length=20, choices=Role)
    subspecialty = models.ForeignKey(
        Subspecialty, on_delete=models.PROTECT, null=True, blank=True, verbose_name=_("subspecialty")
    )
    location = models.ForeignKey(Location, on_delete=models.PROTECT, verbose_name=_("location"))
    employment = models.CharField(_("employment"), max_length=20, choices=Employment)
    schedule = models.CharField(_("schedule"), max_length=200)
    call = models.CharField(_("call"), max_length=200, blank=True, help_text=_("One night in eight, none, ..."))
    remote_percent = models.PositiveSmallIntegerField(_("remote reading, percent"), default=0)
    partnership = models.CharField(_("partnership track"), max_length=200, blank=True)
    pay_from_cents = models.BigIntegerField(_("pay from"), null=True, blank=True)
    pay_to_cents = models.BigIntegerField(_("pay to"), null=True, blank=True)
    pay_period = models.CharField(_("pay is"), max_length=10, choices=PayPeriod, default=PayPeriod.YEAR)
    summary = models.CharField(_("summary"), max_length=300)
    summary_es = models.CharField(_("summary in Spanish"), max_length=300, blank=True)
    body = models.TextField(_("text"), help_text=_("Markdown."))
    body_es = models.TextField(_("text in Spanish"), blank=True)
    status = models.CharField(_("status"), max_length=10, choices=OpeningStatus, default=OpeningStatus.DRAFT)
    posted_on = models.DateField(_("posted on"), default=timezone.localdate, validators=[validate_year])
    closes_on = models.DateField(_("closes on"), null=True, blank=True, validators=[validate_year])

    objects = OpeningQuerySet.as_manager()

    class Meta:
        verbose_name = _("opening")
        verbose_name_plural = _("openings")
        ordering = ["-posted_on", "title"]
        constraints = [
            models.CheckConstraint(name="careers_opening_role_known", condition=Q(role__in=Role.values)),
            models.CheckConstraint(
                name="careers_opening_employment_known", condition=Q(employment__in=Employment.values)
            ),
            models.CheckConstraint(name="careers_opening_status_known", condition=Q(status__in=OpeningStatus.values)),
            models.CheckConstraint(
                name="careers_opening_pay_period_known", condition=Q(pay_period__in=PayPeriod.values)
            ),
            models.CheckConstraint(
                name="careers_opening_pay_before_posting",
                condition=Q(status=OpeningStatus.DRAFT) | Q(pay_from_cents__isnull=False, pay_to_cents__isnull=False),
                violation_error_message=_("Give the pay range before you post this opening."),
            ),
            models.CheckConstraint(
                name="careers_opening_pay_range",
                condition=Q(pay_from_cents=None, pay_to_cents=None)
                | Q(
                    pay_from_cents__isnull=False,
                    pay_to_cents__isnull=False,
                    pay_from_cents__gt=0,
                    pay_to_cents__gte=F("pay_from_cents"),
                ),
                violation_error_message=_("The pay range must run from a smaller to a larger amount."),
            ),
            models.CheckConstraint(
                name="careers_opening_remote_percent",
                condition=Q(remote_percent__lte=100),
                violation_error_message=_("Remote reading is between 0 and 100 percent."),
            ),
        ]

    def __str__(self):
        return self.title

    def get_absolute_url(self):
        return reverse("careers:opening", args=[self.slug])

    def is_open(self, on=None) -> bool:
        on = on or timezone.localdate()
        return self.status == OpeningStatus.OPEN and (self.closes_on is None or self.closes_on >= on)


class ApplicationStatus(models.TextChoices):
    RECEIVED = "received", _("Received")
    IN_REVIEW = "in review", _("In review")
    INTERVIEW = "interview", _("Interview")
    HIRED = "hired", _("Hired")
    DECLINED = "declined", _("Not chosen")


NEXT_STATUSES: dict[ApplicationStatus, set[ApplicationStatus]] = {
    ApplicationStatus.RECEIVED: {ApplicationStatus.IN_REVIEW, ApplicationStatus.DECLINED},
    ApplicationStatus.IN_REVIEW: {ApplicationStatus.INTERVIEW, ApplicationStatus.DECLINED},
    ApplicationStatus.INTERVIEW: {ApplicationStatus.HIRED, ApplicationStatus.DECLINED},
    ApplicationStatus.HIRED: set(),
    ApplicationStatus.DECLINED: set(),
}


def new_token() -> str:
    """190 random bits: whoever holds the link may see the application's status, and nobody can guess it."""
    return get_random_string(32)


def private_storage():
    return storages["private"]


def cv_path(application, original_name):
    return random_name("applications", original_name)


class ApplicationQuerySet(models.QuerySet):
    def unanswered(self):
        return self.exclude(status__in=[ApplicationStatus.HIRED, ApplicationStatus.DECLINED])


class Application(models.Model):
    """One person's application for one opening."""

    opening = models.ForeignKey(
        Opening, on_delete=models.PROTECT, related_name="applications", verbose_name=_("opening")
    )
    token = models.CharField(max_length=32, unique=True, default=new_token, editable=False)
    name = models.CharField(_("name"), max_length=100)
    email = models.EmailField(_("e-mail address"))
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    message = models.TextField(_("message"), max_length=4000, blank=True)
    cv = models.FileField(_("CV"), upload_to=cv_path, storage=private_storage)
    language = models.CharField(_("language"), max_length=2, choices=settings.LANGUAGES)
    status = models.CharField(_("status"), max_length=20, choices=ApplicationStatus, default=ApplicationStatus.RECEIVED)
    received_at = models.DateTimeField(_("received at"), auto_now_add=True)
    status_changed_at = models.DateTimeField(_("status changed at"), default=timezone.now)

    objects = ApplicationQuerySet.as_manager()

    class Meta:
        verbose_name = _("application")
        verbose_name_plural = _("applications")
        ordering = ["-received_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                name="careers_application_status_known", condition=Q(status__in=ApplicationStatus.values)
            ),
        ]
        indexes = [models.Index(fields=["-received_at", "-id"], name="careers_application_newest")]

    def __str__(self):
        return f"Application {self.pk}"

    def get_absolute_url(self):
        return reverse("careers:application", args=[self.token])
