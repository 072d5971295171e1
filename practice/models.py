"""Who the practice is: its identity, where it is, its physicians, the notices it must give, what people tell it."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _

from practice import languages
from practice.business_days import business_days_after
from practice.colours import validate_hex
from practice.instants import validate_near
from practice.pictures import check_picture
from practice.private_files import random_name

validate_phone = RegexValidator(r"\A\([0-9]{3}\) [0-9]{3}-[0-9]{4}\Z", _("Write the number as (574) 555-0100."))


def logo_path(identity, original_name):
    return random_name("identity", original_name)


def portrait_path(physician, original_name):
    return random_name("portraits", original_name)


class Bilingual(models.Model):
    """A row whose texts have a Spanish column beside the English one: `title` and `title_es`.

    Where the Spanish one is empty, readers of Spanish get the English, marked as English.
    """

    class Meta:
        abstract = True

    def language_of(self, field: str) -> str:
        """The language in which `local(field)` answers now: "en" or "es"."""
        in_spanish = (translation.get_language() or "en").startswith("es")
        return "es" if in_spanish and getattr(self, f"{field}_es") else "en"

    def local(self, field: str) -> str:
        """The text in the reader's language, or else in English."""
        return getattr(self, f"{field}_es" if self.language_of(field) == "es" else field)


class Ownership(models.TextChoices):
    PHYSICIANS = "physicians", _("Its physicians")
    HOSPITAL = "hospital", _("A hospital or health system")
    INVESTORS = "investors", _("Its physicians and investors")
    COMPANY = "company", _("A company")


class Identity(Bilingual):
    """The one row that says who the practice is."""

    name = models.CharField(_("name"), max_length=100)
    tagline = models.CharField(_("tagline"), max_length=200)
    tagline_es = models.CharField(_("tagline in Spanish"), max_length=200, blank=True)
    main_phone = models.CharField(_("main phone"), max_length=20, validators=[validate_phone])
    scheduling_phone = models.CharField(_("scheduling phone"), max_length=20, validators=[validate_phone])
    billing_phone = models.CharField(_("billing phone"), max_length=20, validators=[validate_phone])
    street = models.CharField(_("street"), max_length=200)
    city = models.CharField(_("city"), max_length=100)
    state = models.CharField(_("state"), max_length=2)
    postal_code = models.CharField(_("ZIP code"), max_length=10)
    accent_colour = models.CharField(
        _("accent colour"),
        max_length=7,
        default="#0b5563",
        validators=[validate_hex],
        help_text=_("The site makes it lighter or darker where that is needed to be read."),
    )
    logo = models.ImageField(
        _("logo"),
        upload_to=logo_path,
        blank=True,
        validators=[check_picture],
        help_text=_("A PNG or JPEG. Empty: the site's own mark."),
    )
    giving_back = models.TextField(_("giving-back text"), blank=True, help_text=_("Markdown."))
    giving_back_es = models.TextField(_("giving-back text in Spanish"), blank=True, help_text=_("Markdown."))
    ownership = models.CharField(
        _("the practice belongs to"),
        max_length=20,
        choices=Ownership,
        blank=True,
        help_text=_("Shown with openings: physicians who apply ask."),
    )
    is_fictional = models.BooleanField(
        _("fictional"), default=False, help_text=_("Says on every page that this is a demo practice.")
    )

    class Meta:
        verbose_name = _("identity")
        verbose_name_plural = _("identity")
        constraints = [
            models.CheckConstraint(name="practice_identity_only_one", condition=Q(pk=1)),
            models.CheckConstraint(
                name="practice_identity_ownership_known", condition=Q(ownership__in=["", *Ownership.values])
            ),
        ]

    def __str__(self):
        return self.name

    def save(self, *args, **options):
        self.pk = 1
        super().save(*args, **options)


class Location(Bilingual):
    """A place where patients are seen."""

    name = models.CharField(_("name"), max_length=100)
    slug = models.SlugField(_("address on the site"), unique=True)
    street = models.CharField(_("street"), max_length=200)
    city = models.CharField(_("city"), max_length=100)
    state = models.CharField(_("state"), max_length=2)
    postal_code = models.CharField(_("ZIP code"), max_length=10)
    phone = models.CharField(_("phone"), max_length=20, validators=[validate_phone])
    directions = models.TextField(_("getting here"), blank=True, help_text=_("Parking, entrance, bus. Markdown."))
    directions_es = models.TextField(_("getting here in Spanish"), blank=True)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    class Meta:
        verbose_name = _("location")
        verbose_name_plural = _("locations")
        ordering = ["position", "name"]

    def __str__(self):
        return self.name

    def get_absolute_url(self):
        return f"{reverse('practice:locations')}#{self.slug}"


class Weekday(models.IntegerChoices):
    MONDAY = 1, _("Monday")
    TUESDAY = 2, _("Tuesday")
    WEDNESDAY = 3, _("Wednesday")
    THURSDAY = 4, _("Thursday")
    FRIDAY = 5, _("Friday")
    SATURDAY = 6, _("Saturday")
    SUNDAY = 7, _("Sunday")


class OpeningHours(models.Model):
    """One stretch of time in which a location is open on a weekday; a lunch break makes two."""

    location = models.ForeignKey(
        Location, on_delete=models.CASCADE, related_name="opening_hours", verbose_name=_("location")
    )
    weekday = models.PositiveSmallIntegerField(_("day"), choices=Weekday)
    opens_at = models.TimeField(_("opens at"))
    closes_at = models.TimeField(_("closes at"))

    class Meta:
        verbose_name = _("opening hours")
        verbose_name_plural = _("opening hours")
        ordering = ["weekday", "opens_at"]
        constraints = [
            models.CheckConstraint(
                name="practice_openinghours_opens_before_closing",
                condition=Q(opens_at__lt=F("closes_at")),
                violation_error_message=_("The closing time must be after the opening time."),
            ),
            models.CheckConstraint(name="practice_openinghours_weekday_known", condition=Q(weekday__in=Weekday.values)),
            models.UniqueConstraint(
                name="practice_openinghours_unique_start", fields=["location", "weekday", "opens_at"]
            ),
        ]

    def __str__(self):
        return f"{self.get_weekday_display()} {self.opens_at:%H:%M}–{self.closes_at:%H:%M}"


class Subspecialty(Bilingual):
    """A field of radiology, as patients and recruits read it."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    name_es = models.CharField(_("name in Spanish"), max_length=100, blank=True)

    class Meta:
        verbose_name = _("subspecialty")
        verbose_name_plural = _("subspecialties")
        ordering = ["name"]

    def __str__(self):
        return self.name


class PhysicianQuerySet(models.QuerySet):
    def practising(self):
        """Those the site presents. A physician who left stays as the reviewer of what they reviewed."""
        return self.filter(is_practising=True)


class Physician(Bilingual):
    """A physician of the practice."""

    name = models.CharField(_("name"), max_length=100)
    credentials = models.CharField(_("credentials"), max_length=50, help_text=_("MD, DO, ..."))
    slug = models.SlugField(_("address on the site"), unique=True)
    subspecialties = models.ManyToManyField(
        Subspecialty, blank=True, related_name="physicians", verbose_name=_("subspecialties")
    )
    biography = models.TextField(_("short biography"), help_text=_("Markdown."))
    biography_es = models.TextField(_("short biography in Spanish"), blank=True)
    portrait = models.ImageField(_("portrait"), upload_to=portrait_path, blank=True, validators=[check_picture])
    languages = models.CharField(_("languages"), max_length=100, blank=True)
    is_practising = models.BooleanField(_("works here now"), default=True)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    objects = PhysicianQuerySet.as_manager()

    class Meta:
        verbose_name = _("physician")
        verbose_name_plural = _("physicians")
        ordering = ["position", "name"]

    def __str__(self):
        return f"{self.name}, {self.credentials}"

    def get_absolute_url(self):
        return reverse("practice:physician", args=[self.slug])

    @property
    def initials(self):
        return "".join(word[0] for word in self.name.split() if word[0].isupper())[:2]


class Notice(Bilingual):
    """A text the law or the practice wants on the site, kept in versions."""

    title = models.CharField(_("title"), max_length=120)
    title_es = models.CharField(_("title in Spanish"), max_length=120, blank=True)
    slug = models.SlugField(_("address on the site"), unique=True)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        ordering = ["position", "title"]

    def __str__(self):
        return self.title

    def get_absolute_url(self):
        if self.slug in ("terms", "privacy", "accessibility"):
            return reverse(f"practice:{self.slug}")
        return reverse("practice:notice", args=[self.slug])


class NoticeVersionQuerySet(models.QuerySet):
    def in_force(self, on=None):
        """The versions that held on that day (today when not given): of each notice, the last to take effect."""
        on = on or timezone.localdate()
        return self.filter(effective_on__lte=on).order_by("notice_id", "-effective_on", "-pk").distinct("notice_id")


class NoticeVersion(Bilingual):
    """What a notice says from a day on. Once in force it is a record: a trigger refuses to change it."""

    notice = models.ForeignKey(Notice, on_delete=models.PROTECT, related_name="versions", verbose_name=_("notice"))
    effective_on = models.DateField(_("in force from"), validators=[validate_near])
    body = models.TextField(_("text"), help_text=_("Markdown."))
    body_es = models.TextField(_("text in Spanish"), blank=True)

    objects = NoticeVersionQuerySet.as_manager()

    class Meta:
        verbose_name = _("version of a notice")
        verbose_name_plural = _("versions of notices")
        ordering = ["notice", "-effective_on"]
        constraints = [
            models.UniqueConstraint(
                name="practice_noticeversion_one_per_day",
                fields=["notice", "effective_on"],
                violation_error_message=_("This notice already has a version that starts on this day."),
            ),
        ]

    def __str__(self):
        return f"{self.notice}, {self.effective_on}"

    @property
    def has_begun(self):
        return self.effective_on <= timezone.localdate()

    def clean(self):
        super().clean()
        if self._state.adding and self.effective_on and self.effective_on < timezone.localdate():
            raise ValidationError({"effective_on": _("A new version takes effect today or later, never in the past.")})


class NoticeTranslation(models.Model):
    """What a version says in a language beyond English and Spanish. It belongs to the version's record."""

    version = models.ForeignKey(
        NoticeVersion, on_delete=models.CASCADE, related_name="translations", verbose_name=_("version")
    )
    language = models.CharField(_("language"), max_length=10, choices=languages.CHOICES)
    body = models.TextField(_("text"), help_text=_("Markdown. As a qualified translator, or the agency, worded it."))

    class Meta:
        verbose_name = _("text in another language")
        verbose_name_plural = _("texts in other languages")
        ordering = ["version", "pk"]
        constraints = [
            models.UniqueConstraint(
                name="practice_noticetranslation_once_each",
                fields=["version", "language"],
                violation_error_message=_("This version already has a text in this language."),
            ),
            models.CheckConstraint(
                name="practice_noticetranslation_language_known", condition=Q(language__in=sorted(languages.KNOWN))
            ),
        ]

    def __str__(self):
        return self.native_name

    @property
    def native_name(self):
        return languages.native_name(self.language)

    @property
    def direction(self):
        return languages.direction(self.language)


class FeedbackTopic(models.TextChoices):
    VISIT = "visit", _("My visit")
    WEBSITE = "website", _("This website")
    BILL = "bill", _("My bill")
    ACCESSIBILITY = "accessibility", _("Accessibility or language help")
    OTHER = "other", _("Something else")


class FeedbackTeam(models.TextChoices):
    FRONT_DESK = "front desk", _("Front desk")
    BILLING = "billing", _("Billing office")
    WEBSITE = "website", _("Editors of the website")


class FeedbackStatus(models.TextChoices):
    NEW = "new", _("New")
    ANSWERED = "answered", _("Answered")


class FeedbackQuerySet(models.QuerySet):
    def unanswered(self):
        return self.filter(status=FeedbackStatus.NEW)

    def overdue(self):
        """Unanswered past the day that the writer was promised."""
        return self.unanswered().filter(due_on__lt=timezone.localdate())


FEEDBACK_DAYS = 3  # business days


def feedback_due_on():
    """The day by which what arrives now is answered."""
    return business_days_after(timezone.localdate(), FEEDBACK_DAYS)


class Feedback(models.Model):
    """What somebody told the practice through the site, whose it is to answer and by when, and the answer."""

    topic = models.CharField(_("about"), max_length=20, choices=FeedbackTopic)
    message = models.TextField(_("message"), max_length=4000)
    name = models.CharField(_("name"), max_length=100, blank=True)
    email = models.EmailField(_("e-mail address"), blank=True)  # only to answer with
    language = models.CharField(_("language"), max_length=2, choices=settings.LANGUAGES)
    team = models.CharField(_("who answers"), max_length=20, choices=FeedbackTeam, default=FeedbackTeam.FRONT_DESK)
    status = models.CharField(_("status"), max_length=10, choices=FeedbackStatus, default=FeedbackStatus.NEW)
    received_at = models.DateTimeField(_("received at"), auto_now_add=True)
    due_on = models.DateField(_("answer by"), default=feedback_due_on)
    answer = models.TextField(_("answer, or what was done"), blank=True)
    is_answer_mailed = models.BooleanField(_("answered by e-mail"), default=False)
    answered_at = models.DateTimeField(_("answered at"), null=True, blank=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("answered by"),
    )

    objects = FeedbackQuerySet.as_manager()

    class Meta:
        verbose_name = _("feedback")
        verbose_name_plural = _("feedback")
        ordering = ["-received_at"]
        constraints = [
            models.CheckConstraint(name="practice_feedback_topic_known", condition=Q(topic__in=FeedbackTopic.values)),
            models.CheckConstraint(name="practice_feedback_team_known", condition=Q(team__in=FeedbackTeam.values)),
            models.CheckConstraint(
                name="practice_feedback_answered_by_somebody",
                condition=Q(status=FeedbackStatus.NEW, answered_at=None, answered_by=None, answer="")
                | Q(status=FeedbackStatus.ANSWERED, answered_at__isnull=False, answered_by__isnull=False),
            ),
            models.CheckConstraint(
                name="practice_feedback_mailed_where_there_is_an_address",
                condition=Q(is_answer_mailed=False) | (~Q(email="") & ~Q(answer="")),
            ),
        ]
        indexes = [models.Index(fields=["due_on"], name="practice_feedback_new", condition=Q(status="new"))]

    def __str__(self):
        return f"Feedback {self.pk}"


class Throttle(models.Model):
    """How often something was tried in a stretch of time. The key is a digest, so the table names nobody.

    Counts that are about the same thing (a statement tried from many places) share a `subject`, also a digest, so
    that staff can forget them together.
    """

    key = models.CharField(max_length=64, primary_key=True)
    subject = models.CharField(max_length=64, blank=True)
    count = models.PositiveIntegerField()
    window_ends_at = models.DateTimeField()

    class Meta:
        verbose_name = _("limit")
        verbose_name_plural = _("limits")
        indexes = [
            models.Index(fields=["window_ends_at"], name="practice_throttle_window"),
            models.Index(fields=["subject"], name="practice_throttle_subject", condition=~Q(subject="")),
        ]

    def __str__(self):
        return self.key[:12]


class ContentChange(models.Model):
    """That a transaction changed what visitors read. Written by triggers alone; the sum of `changes` is the version.

    A row for each transaction, so that two people who write at once never wait for each other; the sweep makes one of
    them (`transaction` 0). `at` tells a second change of one transaction from an old row of its number, which there
    may be in a database that was restored from another server's.
    """

    transaction = models.BigIntegerField(primary_key=True)
    changes = models.BigIntegerField()
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("change of content")
        verbose_name_plural = _("changes of content")

    def __str__(self):
        return str(self.transaction)
