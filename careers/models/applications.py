"""Applications, their files, and those that are not finished yet."""

from django.conf import settings
from django.core.files.storage import storages
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import get_random_string
from django.utils.translation import gettext_lazy as _

from careers.models.openings import Opening
from practice.private_files import random_name

MOST_OTHER_FILES = 3


class ApplicationStatus(models.TextChoices):
    RECEIVED = "received", _("Received")
    IN_REVIEW = "in review", _("In review")
    INTERVIEW = "interview", _("Interview")
    HIRED = "hired", _("Hired")
    DECLINED = "declined", _("Not chosen")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    MERGED = "merged", _("Merged")


DECISIONS = {ApplicationStatus.DECLINED, ApplicationStatus.WITHDRAWN, ApplicationStatus.MERGED}
NEXT_STATUSES: dict[ApplicationStatus, set[ApplicationStatus]] = {
    ApplicationStatus.RECEIVED: {ApplicationStatus.IN_REVIEW, *DECISIONS},
    ApplicationStatus.IN_REVIEW: {ApplicationStatus.INTERVIEW, *DECISIONS},
    ApplicationStatus.INTERVIEW: {ApplicationStatus.HIRED, *DECISIONS},
    ApplicationStatus.HIRED: set(),
    ApplicationStatus.DECLINED: set(),
    ApplicationStatus.WITHDRAWN: set(),
    ApplicationStatus.MERGED: set(),
}
FINAL_STATUSES = [status for status, following in NEXT_STATUSES.items() if not following]


class DeclineReason(models.TextChoices):
    """Why somebody was not chosen, for the office's own record; the applicant's letter is written apart from it."""

    LICENCE = "licence", _("Licence or board status does not fit")
    EXPERIENCE = "experience", _("Others had more of the experience asked for")
    INTERVIEW = "interview", _("After the interview")
    TERMS = "terms", _("Pay, hours or place did not fit")
    FILLED = "filled", _("The position is filled")
    STOPPED = "stopped", _("The position is not filled after all")
    INCOMPLETE = "incomplete", _("Papers were missing and did not come")
    OTHER = "other", _("Another reason, in the note")


def new_token() -> str:
    """190 random bits: whoever holds the link may see the application's status, and nobody can guess it."""
    return get_random_string(32)


def private_storage():
    return storages["private"]


class ApplicationQuerySet(models.QuerySet):
    def unanswered(self):
        return self.exclude(status__in=FINAL_STATUSES)

    def overdue(self, on=None):
        """Those whose promised day has passed without a word."""
        return self.unanswered().filter(answer_by__lt=on or timezone.localdate())

    def visible_to(self, user):
        """Those this person may read; see `Opening.objects.visible_to`."""
        if user.has_perm("careers.change_application"):
            return self
        return self.filter(opening__in=Opening.objects.visible_to(user))

    def scored_by(self, user):
        return self.filter(scorecards__reviewer=user)

    def held(self):
        """Those that nobody may delete: somebody placed a legal hold."""
        return self.filter(holds__released_at=None).exclude(holds=None)

    def without_time(self):
        """Those invited to an interview whose offered times are all gone, and none was taken."""
        from careers.models.review import InterviewSlot, SlotState  # noqa: PLC0415  (they point here)

        alive = InterviewSlot.objects.exclude(state=SlotState.GONE).values("application")
        return (
            self.filter(status=ApplicationStatus.INTERVIEW, slots__state=SlotState.GONE)
            .exclude(pk__in=alive)
            .distinct()
        )

    def to_erase(self):
        """Those whose writers asked for it and have no answer yet."""
        return self.filter(erasure_asked_at__isnull=False, erasure_answered_at=None)

    def known(self):
        """Those whose name may be seen; of `with_known_to`."""
        return self.filter(Q(is_known=True) | Q(opening__is_read_blind=False))

    def with_known_to(self, user):
        """Annotates `has_scored`, and `is_known`: whether this person has, or has asked to see who it is.

        See `is_blind_for`.
        """
        from careers.models.review import Reveal, Scorecard  # noqa: PLC0415  (they point here)

        scored = Exists(Scorecard.objects.filter(application=OuterRef("pk"), reviewer=user))
        revealed = Exists(Reveal.objects.filter(application=OuterRef("pk"), person=user))
        return self.annotate(has_scored=scored, is_known=scored | revealed)


class Application(models.Model):
    """One person's application for one opening."""

    opening = models.ForeignKey(
        Opening, on_delete=models.PROTECT, related_name="applications", verbose_name=_("opening")
    )
    token = models.CharField(max_length=32, unique=True, default=new_token, editable=False)
    once = models.UUIDField(unique=True, null=True, editable=False)  # of the page it was sent from, sent twice or not
    name = models.CharField(_("name"), max_length=100)
    email = models.EmailField(_("e-mail address"))
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    message = models.TextField(_("message"), max_length=4000, blank=True)
    language = models.CharField(_("language"), max_length=2, choices=settings.LANGUAGES)
    status = models.CharField(_("status"), max_length=20, choices=ApplicationStatus, default=ApplicationStatus.RECEIVED)
    received_at = models.DateTimeField(_("received at"), default=timezone.now)
    status_changed_at = models.DateTimeField(_("status changed at"), default=timezone.now)
    answer_by = models.DateField(_("answer promised by"), null=True, blank=True)
    answered_at = models.DateTimeField(_("first answered at"), null=True, blank=True)
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("decided by"),
    )
    reason = models.CharField(_("reason"), max_length=20, choices=DeclineReason, blank=True)
    reason_note = models.CharField(_("note to the reason"), max_length=500, blank=True)
    decline_at = models.DateTimeField(_("will be declined at"), null=True, blank=True)
    merged_into = models.ForeignKey(  # what became one goes as one
        "self",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="merged",
        verbose_name=_("merged into"),
    )
    erasure_asked_at = models.DateTimeField(_("asked to be erased at"), null=True, blank=True)
    erasure_answered_at = models.DateTimeField(_("told that it is kept at"), null=True, blank=True)
    has_seen_survey = models.BooleanField(default=False, editable=False)  # and answered it, which is in no log

    objects = ApplicationQuerySet.as_manager()

    class Meta:
        verbose_name = _("application")
        verbose_name_plural = _("applications")
        ordering = ["-received_at", "-pk"]
        permissions = [
            ("score_application", "Can score application"),
            ("export_application", "Can export application"),
            ("read_survey_counts", "Can view the counts of the voluntary questions"),
        ]
        constraints = [
            models.CheckConstraint(
                name="careers_application_status_known", condition=Q(status__in=ApplicationStatus.values)
            ),
            models.CheckConstraint(
                name="careers_application_reason_known", condition=Q(reason__in=["", *DeclineReason.values])
            ),
            models.CheckConstraint(
                name="careers_application_decided_when_final",
                condition=Q(status__in=FINAL_STATUSES, decided_at__isnull=False, answer_by=None, decline_at=None)
                | (~Q(status__in=FINAL_STATUSES) & Q(decided_at=None, answer_by__isnull=False)),
            ),
            models.CheckConstraint(
                name="careers_application_declined_with_a_reason",
                condition=~Q(reason="") | (~Q(status="declined") & Q(decline_at=None)),
            ),
            models.CheckConstraint(
                name="careers_application_merged_into_another",
                condition=Q(status="merged", merged_into__isnull=False) & ~Q(merged_into=F("id"))
                | (~Q(status="merged") & Q(merged_into=None)),
            ),
        ]
        indexes = [
            models.Index(fields=["-received_at", "-id"], name="careers_application_newest"),
            models.Index(fields=["email"], name="careers_application_email"),
            models.Index(
                fields=["answer_by"], name="careers_application_waiting", condition=~Q(status__in=FINAL_STATUSES)
            ),
            models.Index(fields=["decided_at"], name="careers_application_decided"),
            models.Index(
                fields=["erasure_asked_at"],
                name="careers_application_to_erase",
                condition=Q(erasure_asked_at__isnull=False, erasure_answered_at=None),
            ),
        ]

    def __str__(self):
        return f"Application {self.pk}"

    def get_absolute_url(self):
        return reverse("careers:application", args=[self.token])

    @property
    def is_decided(self) -> bool:
        return self.status in FINAL_STATUSES

    @property
    def is_late(self) -> bool:
        """Whether the promised day has passed without a word; see `overdue`."""
        return self.answer_by is not None and self.answer_by < timezone.localdate()

    @property
    def is_held(self) -> bool:
        """Whether somebody has placed a legal hold that is not released."""
        return self.holds.active().exists()

    def is_blind_for(self, user) -> bool:
        """Whether this person may not see yet who it is: they have neither scored it nor asked to see the name.

        However far the application is: one that is merged, withdrawn or declined could tell of another.
        """
        if not self.opening.is_read_blind:
            return False
        if hasattr(self, "is_known"):  # of `with_known_to`, for lists
            return not self.is_known
        return not (self.scorecards.filter(reviewer=user).exists() or self.reveals.filter(person=user).exists())

    def name_for(self, user) -> str:
        """The applicant's name, or the number where this person may not see the name yet."""
        return str(self) if self.is_blind_for(user) else self.name


class Draft(models.Model):
    """An application that is not sent yet: what was typed and chosen so far, behind a private link."""

    opening = models.ForeignKey(Opening, on_delete=models.CASCADE, related_name="drafts", verbose_name=_("opening"))
    token = models.CharField(max_length=32, unique=True, default=new_token, editable=False)
    name = models.CharField(_("name"), max_length=100, blank=True)
    email = models.EmailField(_("e-mail address"), blank=True)
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    message = models.TextField(_("message"), max_length=4000, blank=True)
    language = models.CharField(_("language"), max_length=2, choices=settings.LANGUAGES)
    is_saved = models.BooleanField(_("saved by the applicant"), default=False)  # else kept over an error in the form
    changed_at = models.DateTimeField(_("changed at"), default=timezone.now)

    class Meta:
        verbose_name = _("unfinished application")
        verbose_name_plural = _("unfinished applications")
        indexes = [models.Index(fields=["changed_at"], name="careers_draft_changed")]

    def __str__(self):
        return f"Unfinished application {self.pk}"

    def get_absolute_url(self):
        return reverse("careers:draft", args=[self.opening.slug, self.token])


class FileKind(models.TextChoices):
    CV = "cv", _("CV")
    OTHER = "other", _("Other")


def file_path(file, original_name):
    return random_name("applications", original_name)


class ApplicationFileQuerySet(models.QuerySet):
    def loose(self):
        """Those that belong to nothing: on their way in or out, or left by a worker that was killed."""
        return self.filter(application=None, draft=None)


class ApplicationFile(models.Model):
    """A file of an application or of a draft. The row is there before the file and until after it: see `files`."""

    application = models.ForeignKey(
        Application,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="files",
        verbose_name=_("application"),
    )
    draft = models.ForeignKey(
        Draft, on_delete=models.PROTECT, null=True, blank=True, related_name="files", verbose_name=_("draft")
    )
    kind = models.CharField(_("kind"), max_length=10, choices=FileKind)
    name = models.CharField(_("name of the file"), max_length=200)  # as the applicant calls it
    stored = models.FileField(_("file"), upload_to=file_path, storage=private_storage, unique=True)
    size = models.PositiveIntegerField(_("size in bytes"))
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    created_at = models.DateTimeField(_("created at"), default=timezone.now)

    objects = ApplicationFileQuerySet.as_manager()

    class Meta:
        verbose_name = _("file of an application")
        verbose_name_plural = _("files of applications")
        ordering = ["kind", "pk"]
        constraints = [
            models.CheckConstraint(name="careers_file_kind_known", condition=Q(kind__in=FileKind.values)),
            models.CheckConstraint(name="careers_file_of_one_thing", condition=Q(application=None) | Q(draft=None)),
        ]
        indexes = [
            models.Index(fields=["created_at"], name="careers_file_loose", condition=Q(application=None, draft=None))
        ]

    def __str__(self):
        return f"{self.get_kind_display()} {self.pk}"

    @property
    def ending(self) -> str:
        return str(self.stored.name).rpartition(".")[2]
