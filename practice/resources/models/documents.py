"""Documents and links in collections. Readers get the version that is in force; `visible_to(user)` says who."""

from django.conf import settings
from django.core.files.storage import storages
from django.core.validators import URLValidator
from django.db import models
from django.db.models import F, OuterRef, Q, Subquery
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from practice.private_files import random_name
from practice.resources.audiences import Audience, VisibleQuerySet, addressed_by, audience_known, audiences_of

# Addresses below /resources/ that are pages of their own.
RESERVED_SLUGS = ("collections", "contacts", "on-call", "ordering-guide", "search")


class Collection(models.Model):
    """A shelf of documents, all for one audience."""

    title = models.CharField(_("title"), max_length=100)
    slug = models.SlugField(_("address on the site"), max_length=80, unique=True)
    summary = models.CharField(_("what is in it"), max_length=300, blank=True)
    audience = models.CharField(
        _("for"),
        max_length=20,
        choices=Audience,
        help_text=_("Staff also see what is for referring offices, and physicians what is for staff."),
    )
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    objects = VisibleQuerySet.as_manager()

    class Meta:
        verbose_name = _("collection")
        verbose_name_plural = _("collections")
        ordering = ["position", "title"]
        constraints = [audience_known("collection")]

    def __str__(self):
        return f"{self.title} ({self.get_audience_display()})"

    def get_absolute_url(self):
        return reverse("resources:collection", args=[self.slug])


class DocumentKind(models.TextChoices):
    PROTOCOL = "protocol", _("Protocol")
    PREP_SHEET = "prep sheet", _("Prep sheet")
    FORM = "form", _("Form")
    SCHEDULE = "schedule", _("Call schedule")
    POLICY = "policy", _("Policy")


class DocumentQuerySet(models.QuerySet):
    def visible_to(self, user, on=None):
        return self.filter(
            is_current=True,
            collection__audience__in=audiences_of(user),
            pk__in=Version.objects.in_force(on).values("document"),
        )


class Document(models.Model):
    """Something to read or to fill in, under one address; what it says is in its versions."""

    collection = models.ForeignKey(
        Collection, on_delete=models.PROTECT, related_name="documents", verbose_name=_("collection")
    )
    title = models.CharField(_("title"), max_length=120)
    slug = models.SlugField(_("address on the site"), max_length=80, unique=True)
    kind = models.CharField(_("kind"), max_length=20, choices=DocumentKind)
    summary = models.CharField(_("summary"), max_length=300, blank=True)
    is_must_read = models.BooleanField(
        _("must be read"),
        default=False,
        help_text=_("Everybody it is for is asked to confirm each version. The report says who has not."),
    )
    is_current = models.BooleanField(_("on the site"), default=True, help_text=_("Clear this to take it off the site."))

    objects = DocumentQuerySet.as_manager()

    class Meta:
        verbose_name = _("document")
        verbose_name_plural = _("documents")
        ordering = ["title"]
        constraints = [
            models.CheckConstraint(name="resources_document_kind_known", condition=Q(kind__in=DocumentKind.values)),
            models.CheckConstraint(
                name="resources_document_address_free",
                condition=~Q(slug__in=RESERVED_SLUGS),
                violation_error_message=_("This address belongs to a page of the site. Please choose another."),
            ),
        ]

    def __str__(self):
        return self.title

    def get_absolute_url(self):
        return reverse("resources:document", args=[self.slug])


def private_storage():
    return storages["private"]


def document_path(version, original_name):
    return random_name("resources", original_name)


class VersionQuerySet(models.QuerySet):
    def in_force(self, on=None):
        """Of each document the version that holds on that day (today when not given), and none that has run out.

        It is the one that took effect last; of two that took effect on one day, the later one.
        """
        on = on or timezone.localdate()
        begun = Version.objects.filter(document=OuterRef("document"), effective_on__lte=on, withdrawn_at=None)
        latest = begun.order_by("-effective_on", "-number").values("pk")[:1]
        return self.filter(Q(expires_on=None) | Q(expires_on__gte=on), pk=Subquery(latest))

    def visible_to(self, user, on=None):
        """The versions in force of the documents this person may see, with document and collection."""
        found = self.in_force(on).filter(
            document__is_current=True, document__collection__audience__in=audiences_of(user)
        )
        return found.select_related("document__collection")

    def to_read_by(self, user, on=None):
        """Must-reads in force that are addressed to this person, who has not confirmed them yet."""
        return (
            self.visible_to(user, on)
            .filter(document__is_must_read=True, document__collection__audience__in=addressed_by(user))
            .exclude(acknowledgements__user=user)
            .order_by("effective_on", "document__title")
        )

    def new_since(self, instant):
        """Those that readers did not have at that instant."""
        day = timezone.localdate(instant)
        return self.filter(Q(added_at__gt=instant) | Q(effective_on__gt=day)).order_by("-effective_on", "-pk")


class Version(models.Model):
    """What a document says from a day on: a file, or a link. A record: a trigger lets only its end be moved."""

    document = models.ForeignKey(
        Document, on_delete=models.PROTECT, related_name="versions", verbose_name=_("document")
    )
    number = models.PositiveSmallIntegerField(_("version"))
    file = models.FileField(_("file"), upload_to=document_path, storage=private_storage, blank=True)
    url = models.URLField(_("link"), max_length=500, blank=True, validators=[URLValidator(schemes=["https"])])
    sha256 = models.CharField(max_length=64, blank=True)  # of the file
    note = models.CharField(_("what is new"), max_length=300, blank=True)
    effective_on = models.DateField(_("in force from"), default=timezone.localdate)
    expires_on = models.DateField(_("last day"), null=True, blank=True)
    added_at = models.DateTimeField(_("added"), default=timezone.now)
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("added by"),
    )
    withdrawn_at = models.DateTimeField(_("withdrawn"), null=True, blank=True)

    objects = VersionQuerySet.as_manager()

    class Meta:
        verbose_name = _("version of a document")
        verbose_name_plural = _("versions of documents")
        ordering = ["document", "-number"]
        constraints = [
            models.UniqueConstraint(name="resources_version_number_unique", fields=["document", "number"]),
            models.CheckConstraint(name="resources_version_number_from_one", condition=Q(number__gte=1)),
            models.CheckConstraint(
                name="resources_version_file_or_link",
                condition=(Q(url="") & ~Q(file="")) | (Q(file="") & Q(url__startswith="https://")),
                violation_error_message=_("Give a file or a link, one of the two."),
            ),
            models.CheckConstraint(
                name="resources_version_ends_after_it_began",
                condition=Q(expires_on=None) | Q(expires_on__gte=F("effective_on")),
                violation_error_message=_("The last day must not be before the first."),
            ),
        ]
        indexes = [models.Index(fields=["document", "-effective_on", "-number"], name="resources_version_latest")]

    def __str__(self):
        return f"{self.document}, {self.number}"

    @property
    def download_name(self) -> str:
        """What the reader's computer calls the file."""
        return f"{self.document.slug}.{str(self.file).rsplit('.', 1)[-1]}"


class Acknowledgement(models.Model):
    """Somebody says: I have read this version. Append-only."""

    version = models.ForeignKey(
        Version, on_delete=models.PROTECT, related_name="acknowledgements", verbose_name=_("version")
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("read by")
    )
    made_at = models.DateTimeField(_("read at"), default=timezone.now)

    class Meta:
        verbose_name = _("confirmation")
        verbose_name_plural = _("confirmations")
        ordering = ["-made_at"]
        constraints = [models.UniqueConstraint(name="resources_acknowledgement_once", fields=["version", "user"])]

    def __str__(self):
        return f"{self.user_id} {self.version_id}"


class Visit(models.Model):
    """When somebody was here: what came after `since` is new to them during the visit that goes on."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="+", verbose_name=_("user")
    )
    since = models.DateTimeField(_("new since"))
    last_at = models.DateTimeField(_("last here"))

    class Meta:
        verbose_name = _("visit")
        verbose_name_plural = _("visits")

    def __str__(self):
        return str(self.user_id)
