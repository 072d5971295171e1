"""What referring offices ask: which exam to order, and whom to call about what."""

import re

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from practice.instants import validate_not_future
from practice.models import Physician, validate_phone
from practice.resources.audiences import Audience, VisibleQuerySet, audience_known

CODE = re.compile(r"[0-9]{4}[0-9A-Z]")


def validate_codes(text: str) -> None:
    wrong = [code for code in text.replace(",", " ").split() if not CODE.fullmatch(code)]
    if wrong:
        raise ValidationError(
            _("%(code)s is no CPT code. Write codes of five characters with commas between, like 70450, 70496."),
            params={"code": wrong[0]},
        )


class AdviceRegion(models.TextChoices):
    HEAD = "head", _("Head and neck")
    SPINE = "spine", _("Spine")
    CHEST = "chest", _("Chest and heart")
    BREAST = "breast", _("Breast")
    ABDOMEN = "abdomen", _("Abdomen and pelvis")
    BONES = "bones", _("Bones and joints")
    VESSELS = "vessels", _("Vessels")
    CHILDREN = "children", _("Children")


class OrderingAdvice(models.Model):
    """For one clinical question: the exam to order first, and what to think of. For referring offices."""

    region = models.CharField(_("region"), max_length=20, choices=AdviceRegion)
    question = models.CharField(_("clinical question"), max_length=200)
    also = models.CharField(
        _("other words for it"), max_length=300, blank=True, help_text=_("Found by search, not shown.")
    )
    exam = models.CharField(_("order first"), max_length=200)
    codes = models.CharField(_("CPT codes"), max_length=100, blank=True, validators=[validate_codes])
    alternative = models.CharField(_("instead, when"), max_length=400, blank=True)
    before = models.CharField(
        _("before you order"), max_length=400, blank=True, help_text=_("Kidneys, allergies, implants, pregnancy.")
    )
    tell_us = models.CharField(_("write on the order"), max_length=400, blank=True)
    is_urgent = models.BooleanField(_("call first"), default=False, help_text=_("Says: call the radiologist."))
    is_sample = models.BooleanField(
        _("sample"), default=False, help_text=_("Says that a physician of the practice has not reviewed it yet.")
    )
    reviewed_by = models.ForeignKey(
        Physician, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("reviewed by")
    )
    reviewed_on = models.DateField(_("reviewed on"), null=True, blank=True, validators=[validate_not_future])

    class Meta:
        verbose_name = _("ordering advice")
        verbose_name_plural = _("ordering guide")
        ordering = ["question"]
        constraints = [
            models.CheckConstraint(
                name="resources_orderingadvice_region_known", condition=Q(region__in=AdviceRegion.values)
            ),
            models.CheckConstraint(
                name="resources_orderingadvice_reviewed_or_sample",
                condition=Q(is_sample=True, reviewed_by=None, reviewed_on=None)
                | Q(is_sample=False, reviewed_by__isnull=False, reviewed_on__isnull=False),
                violation_error_message=_("Say which physician reviewed it and when, or mark it as a sample."),
            ),
        ]

    def __str__(self):
        return self.question

    @property
    def code_list(self) -> list[str]:
        return self.codes.replace(",", " ").split()


class Contact(models.Model):
    """Whom to call or write to, and about what."""

    name = models.CharField(_("name"), max_length=100)
    what_for = models.CharField(_("what for"), max_length=300)
    phone = models.CharField(_("phone"), max_length=20, validators=[validate_phone])
    fax = models.CharField(_("fax"), max_length=20, blank=True, validators=[validate_phone])
    email = models.EmailField(_("e-mail address"), blank=True)
    hours = models.CharField(_("hours"), max_length=100, blank=True)
    audience = models.CharField(_("for"), max_length=20, choices=Audience)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    objects = VisibleQuerySet.as_manager()

    class Meta:
        verbose_name = _("contact")
        verbose_name_plural = _("contacts")
        ordering = ["position", "name"]
        constraints = [audience_known("contact")]

    def __str__(self):
        return self.name
