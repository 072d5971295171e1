"""Documents for people who sign in. Who may see one is answered in one place: `visible_to(user)`."""

from django.core.files.storage import storages
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from practice.accounts import roles
from practice.private_files import random_name


class Audience(models.TextChoices):
    STAFF = "staff", _("Staff")
    PHYSICIANS = "physicians", _("Physicians")
    REFERRING_OFFICES = "referring offices", _("Referring offices")


def audiences_of(user) -> set[str]:
    """The audiences a person belongs to. The practice's own people also see what referring offices see."""
    if not user.is_authenticated or not user.is_active:
        return set()
    if user.is_superuser or user.holds_role(roles.ADMINISTRATOR, roles.RESOURCES_EDITOR):
        return set(Audience.values)
    audiences: set[str] = set()
    if user.holds_role(*roles.STAFF_ROLES):
        audiences |= {Audience.STAFF, Audience.REFERRING_OFFICES}
    if user.holds_role(roles.PHYSICIAN):
        audiences |= {Audience.STAFF, Audience.PHYSICIANS, Audience.REFERRING_OFFICES}
    if user.holds_role(roles.REFERRING_OFFICE):
        audiences |= {Audience.REFERRING_OFFICES}
    return audiences


class DocumentKind(models.TextChoices):
    PROTOCOL = "protocol", _("Protocol")
    PREP_SHEET = "prep sheet", _("Prep sheet")
    FORM = "form", _("Form")
    SCHEDULE = "schedule", _("Call schedule")
    POLICY = "policy", _("Policy")


class DocumentQuerySet(models.QuerySet):
    def visible_to(self, user):
        return self.filter(audience__in=audiences_of(user), is_current=True)


def private_storage():
    return storages["private"]


def document_path(document, original_name):
    return random_name("resources", original_name)


class Document(models.Model):
    """A file and for whom it is."""

    title = models.CharField(_("title"), max_length=120)
    slug = models.SlugField(_("address on the site"), max_length=80, unique=True)
    kind = models.CharField(_("kind"), max_length=20, choices=DocumentKind)
    audience = models.CharField(_("audience"), max_length=20, choices=Audience)
    summary = models.CharField(_("summary"), max_length=300, blank=True)
    file = models.FileField(_("file"), upload_to=document_path, storage=private_storage)
    is_current = models.BooleanField(_("current"), default=True, help_text=_("Clear this to take it off the list."))
    updated_on = models.DateField(_("updated on"), default=timezone.localdate)

    objects = DocumentQuerySet.as_manager()

    class Meta:
        verbose_name = _("document")
        verbose_name_plural = _("documents")
        ordering = ["kind", "title"]
        constraints = [
            models.CheckConstraint(name="resources_document_kind_known", condition=Q(kind__in=DocumentKind.values)),
            models.CheckConstraint(name="resources_document_audience_known", condition=Q(audience__in=Audience.values)),
        ]

    def __str__(self):
        return self.title

    def get_absolute_url(self):
        return reverse("resources:document", args=[self.slug])

    @property
    def download_name(self):
        """What the reader's computer calls the file."""
        return f"{self.slug}.{str(self.file).rsplit('.', 1)[-1]}"
