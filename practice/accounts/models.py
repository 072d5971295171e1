"""Users sign in with an e-mail address. What a person may do follows from the roles (groups) they hold."""

from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _


class UserManager(BaseUserManager["User"]):
    """Makes users by address, always in lower case."""

    use_in_migrations = True

    def create_user(self, email, password=None, **fields):
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email, password=None, **fields):
        return self.create_user(email, password, **{"is_staff": True, "is_superuser": True} | fields)

    def get_by_natural_key(self, email):
        return self.get(email=email.strip().lower())


class User(AbstractUser):
    """A member of the practice or of a referring office. Patients never have an account."""

    username = None  # type: ignore[assignment]
    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    email = models.EmailField(_("e-mail address"), unique=True, error_messages={"unique": _("This address is taken.")})
    name = models.CharField(_("name"), max_length=150)

    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ["name"]

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        ordering = ["name", "email"]
        constraints = [
            models.CheckConstraint(
                name="accounts_user_email_lower_case",
                condition=Q(email=Lower("email")),
                violation_error_message=_("Write the address in lower case."),
            ),
        ]

    def __str__(self):
        return self.email

    def clean(self):
        super().clean()
        self.email = self.email.lower()

    def get_full_name(self):
        return self.name

    def get_short_name(self):
        return self.name

    def holds_role(self, *roles: str) -> bool:
        """Whether the user is in one of these groups; asked once per user object."""
        if not hasattr(self, "_role_names"):
            self._role_names = set(self.groups.values_list("name", flat=True))
        return bool(self._role_names & set(roles))


class ChangeAction(models.TextChoices):
    INSERT = "insert", _("Added")
    UPDATE = "update", _("Changed")
    DELETE = "delete", _("Deleted")
    TRUNCATE = "truncate", _("Emptied")


class Change(models.Model):
    """What happened to a row, written by a trigger (change_log.py) whoever wrote it and however. Append-only.

    `before` has the values that an update or a delete took away; those about a person stand as "…".
    """

    table_name = models.CharField(_("table"), max_length=100)
    row = models.CharField(_("row"), max_length=200)  # of a bulk load: the first and the last
    count = models.PositiveIntegerField(_("rows"))
    action = models.CharField(_("what"), max_length=10, choices=ChangeAction)
    before = models.JSONField(_("before"), default=dict)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        null=True,
        db_constraint=False,
        related_name="+",
        verbose_name=_("by"),
    )
    route = models.CharField(_("how"), max_length=200)  # a page, or the database's role where it was no page
    address = models.GenericIPAddressField(_("address"), null=True)
    changed_at = models.DateTimeField(_("when"))

    class Meta:
        verbose_name = _("change")
        verbose_name_plural = _("change log")
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["table_name", "row"], name="accounts_change_row"),
            models.Index(fields=["row"], name="accounts_change_row_alone"),
            models.Index(fields=["user", "-id"], name="accounts_change_user"),
        ]

    def __str__(self):
        return f"{self.table_name} {self.row}"


class AccessEntry(models.Model):
    """One reading of something about a person: who, what, when, from where. Field names at most, never values.

    Append-only: a trigger refuses to change or delete a row.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("user")
    )
    what = models.CharField(_("what"), max_length=100)
    row = models.CharField(_("row"), max_length=64)
    how = models.CharField(_("how"), max_length=100)
    address = models.GenericIPAddressField(_("address"), null=True)
    read_at = models.DateTimeField(_("read at"), auto_now_add=True)

    class Meta:
        verbose_name = _("access log entry")
        verbose_name_plural = _("access log")
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["what", "row"], name="accounts_access_what_row"),
            models.Index(fields=["row"], name="accounts_access_row"),
        ]

    def __str__(self):
        return f"{self.what} {self.row}"
