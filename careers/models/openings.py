"""Jobs at the practice, and by what those who apply are judged."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from practice.instants import validate_year
from practice.models import Bilingual, Location, Subspecialty

TAKEN_ADDRESSES = {"feed", "application"}  # pages of their own below /careers/
ANSWER_DAYS = 10  # business days, where an opening says nothing else


class Role(models.TextChoices):
    RADIOLOGIST = "radiologist", _("Radiologist")
    TECHNOLOGIST = "technologist", _("Technologist")
    NURSE = "nurse", _("Nurse")
    OFFICE = "office", _("Office")


class Employment(models.TextChoices):
    FULL_TIME = "full time", _("Full time")
    PART_TIME = "part time", _("Part time")
    PER_DIEM = "per diem", _("Per diem")


class Productivity(models.TextChoices):
    SALARY = "salary", _("Salary alone")
    BONUS = "bonus", _("Salary and a productivity bonus")
    RVU = "rvu", _("Productivity (RVUs)")
    SHARES = "shares", _("Equal shares")


class Visa(models.TextChoices):
    NONE = "none", _("Not sponsored")
    H1B = "h1b", _("H-1B")
    J1 = "j1", _("J-1 waiver")
    BOTH = "both", _("H-1B or J-1 waiver")


class PayPeriod(models.TextChoices):
    YEAR = "year", _("a year")
    HOUR = "hour", _("an hour")


class OpeningStatus(models.TextChoices):
    DRAFT = "draft", _("Draft")
    OPEN = "open", _("Open")
    CLOSED = "closed", _("Closed")


class OpeningQuerySet(models.QuerySet):
    def visible_to(self, user):
        """Those whose applications this person may read: with the right to answer them all, else where they review."""
        if user.has_perm("careers.change_application"):
            return self
        return self.filter(reviewers=user) if user.has_perm("careers.view_application") else self.none()

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
    starts_on = models.DateField(
        _("start"), null=True, blank=True, validators=[validate_year], help_text=_("Empty: as soon as it suits both.")
    )
    schedule = models.CharField(_("schedule"), max_length=200)
    schedule_es = models.CharField(_("schedule in Spanish"), max_length=200, blank=True)
    call = models.CharField(_("call"), max_length=200, blank=True, help_text=_("One night in eight, none, ..."))
    call_es = models.CharField(_("call in Spanish"), max_length=200, blank=True)
    weeks_off = models.PositiveSmallIntegerField(_("weeks off a year"), null=True, blank=True)
    remote_percent = models.PositiveSmallIntegerField(_("remote reading, percent"), default=0)
    productivity = models.CharField(
        _("how pay is worked out"), max_length=10, choices=Productivity, blank=True, help_text=_("For physicians.")
    )
    partnership_months = models.PositiveSmallIntegerField(
        _("months to partnership"), null=True, blank=True, help_text=_("Empty: there is no track to partnership.")
    )
    partnership = models.CharField(
        _("about the partnership"), max_length=200, blank=True, help_text=_("Buy-in, voting, ...")
    )
    partnership_es = models.CharField(_("about the partnership in Spanish"), max_length=200, blank=True)
    visa = models.CharField(_("visa"), max_length=10, choices=Visa, blank=True)
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

    answer_days = models.PositiveSmallIntegerField(
        _("days to answer"),
        default=ANSWER_DAYS,
        validators=[MinValueValidator(1), MaxValueValidator(60)],
        help_text=_("Business days within which applicants hear of each step. They are told the date."),
    )
    is_read_blind = models.BooleanField(
        _("first read without names"),
        default=True,
        help_text=_("Who reads an application sees no name, photo or school before they have scored it."),
    )
    reviewers = models.ManyToManyField(
        settings.AUTH_USER_MODEL,
        blank=True,
        related_name="+",
        verbose_name=_("reviewers"),
        help_text=_("Application reviewers see only the openings at which they are named."),
    )

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
                name="careers_opening_productivity_known", condition=Q(productivity__in=["", *Productivity.values])
            ),
            models.CheckConstraint(name="careers_opening_visa_known", condition=Q(visa__in=["", *Visa.values])),
            models.CheckConstraint(
                name="careers_opening_answer_days",
                condition=Q(answer_days__gte=1, answer_days__lte=60),
                violation_error_message=_("Applicants are answered within 1 to 60 business days."),
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

    def clean(self):
        super().clean()
        if self.slug in TAKEN_ADDRESSES:
            raise ValidationError({"slug": _("This address is another page's. Please choose another.")})

    def is_open(self, on=None) -> bool:
        on = on or timezone.localdate()
        return self.status == OpeningStatus.OPEN and (self.closes_on is None or self.closes_on >= on)


class Criterion(models.Model):
    """Something the job asks for, written with the posting, by which every application is scored."""

    opening = models.ForeignKey(Opening, on_delete=models.CASCADE, related_name="criteria", verbose_name=_("opening"))
    text = models.CharField(_("criterion"), max_length=120, help_text=_("What the job asks for, not who has it."))
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    class Meta:
        verbose_name = _("criterion")
        verbose_name_plural = _("criteria")
        ordering = ["position", "pk"]
        constraints = [
            models.UniqueConstraint(
                name="careers_criterion_once_each",
                fields=["opening", "text"],
                violation_error_message=_("This opening has this criterion already."),
            )
        ]

    def __str__(self):
        return self.text
