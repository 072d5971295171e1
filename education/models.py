"""What patients read. A topic is an exam or a treatment; it has one article a language, made of fixed sections.

Procedure codes tie a topic to the lines of a bill.
The glossary explains words: a term is an idea, an entry is its name and meaning in one language.
"""

from collections.abc import Iterable

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, OuterRef, Q, Subquery
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from practice.folding import fold
from practice.models import Physician


class TopicKind(models.TextChoices):
    EXAM = "exam", _("Exam")
    TREATMENT = "treatment", _("Treatment")


class BodyRegion(models.TextChoices):
    HEAD_NECK = "head-neck", _("Head and neck")
    CHEST = "chest", _("Chest and lungs")
    HEART_VESSELS = "heart-vessels", _("Heart and blood vessels")
    BREAST = "breast", _("Breast")
    ABDOMEN = "abdomen", _("Belly")
    PELVIS = "pelvis", _("Pelvis")
    SPINE = "spine", _("Back and spine")
    ARMS_LEGS = "arms-legs", _("Arms and legs")
    WHOLE_BODY = "whole-body", _("Whole body")


class Modality(models.TextChoices):
    XRAY = "xray", _("X-ray")
    CT = "ct", _("CT scan")
    MRI = "mri", _("MRI")
    ULTRASOUND = "ultrasound", _("Ultrasound")
    MAMMOGRAPHY = "mammography", _("Mammography")
    NUCLEAR = "nuclear", _("Nuclear medicine")
    PET_CT = "pet-ct", _("PET-CT")
    FLUOROSCOPY = "fluoroscopy", _("Fluoroscopy (moving X-ray)")
    DEXA = "dexa", _("Bone density (DEXA)")
    INTERVENTIONAL = "interventional", _("Image-guided procedure")


class SectionKind(models.TextChoices):
    """The parts of an article, in the order patients read them."""

    BASIC_FACTS = "basic facts", _("Basic facts")
    WHY = "why", _("Why it is done")
    PREPARE = "prepare", _("How to prepare")
    WHAT_HAPPENS = "what happens", _("What happens")
    AFTER = "after", _("Afterward")
    WHEN_TO_CALL = "when to call", _("When to call us")
    RISKS = "risks", _("Risks")
    RESULTS = "results", _("Your results")


class ArticleStatus(models.TextChoices):
    DRAFT = "draft", _("Draft")
    IN_REVIEW = "in review", _("In review")
    PUBLISHED = "published", _("Published")
    RETIRED = "retired", _("Retired")


NEXT_STATUSES: dict[ArticleStatus, set[ArticleStatus]] = {
    ArticleStatus.DRAFT: {ArticleStatus.IN_REVIEW},
    ArticleStatus.IN_REVIEW: {ArticleStatus.DRAFT, ArticleStatus.PUBLISHED},
    ArticleStatus.PUBLISHED: {ArticleStatus.IN_REVIEW, ArticleStatus.RETIRED},
    ArticleStatus.RETIRED: {ArticleStatus.DRAFT},
}


class Topic(models.Model):
    """An exam or a treatment, whatever the language."""

    slug = models.SlugField(_("address on the site"), max_length=80, unique=True)
    kind = models.CharField(_("kind"), max_length=20, choices=TopicKind)
    body_region = models.CharField(_("body region"), max_length=20, choices=BodyRegion)
    modality = models.CharField(_("exam type"), max_length=20, choices=Modality)
    sample_charge_cents = models.BigIntegerField(
        _("sample charge"), null=True, blank=True, help_text=_("What the sample bill line shows as our charge.")
    )

    class Meta:
        verbose_name = _("topic")
        verbose_name_plural = _("topics")
        ordering = ["slug"]
        constraints = [
            models.CheckConstraint(name="education_topic_kind_known", condition=Q(kind__in=TopicKind.values)),
            models.CheckConstraint(
                name="education_topic_body_region_known", condition=Q(body_region__in=BodyRegion.values)
            ),
            models.CheckConstraint(name="education_topic_modality_known", condition=Q(modality__in=Modality.values)),
            models.CheckConstraint(
                name="education_topic_sample_charge_not_negative", condition=Q(sample_charge_cents__gte=0)
            ),
        ]

    def __str__(self):
        return self.slug

    def get_absolute_url(self):
        return reverse("education:article", args=[self.slug])


PLAIN_CODE = r"^[A-Z0-9]+([ .-][A-Z0-9]+)*$"


def plain_code(text: str) -> str:
    """A procedure code as we keep it. Bills are not as careful with spaces and capitals."""
    return text.strip().upper()


class ProcedureCode(models.Model):
    """A code by which bills name a topic. It names no other one: a bill line leads to one article at most."""

    topic = models.ForeignKey(Topic, on_delete=models.CASCADE, related_name="procedure_codes", verbose_name=_("topic"))
    code = models.CharField(_("code"), max_length=20, help_text=_("As it stands on a bill, for example 71046."))

    class Meta:
        verbose_name = _("procedure code")
        verbose_name_plural = _("procedure codes")
        ordering = ["pk"]  # as they were given: the sample bill line shows the first
        constraints = [
            models.UniqueConstraint(
                name="education_procedurecode_one_topic",
                fields=["code"],
                violation_error_message=_("This code already belongs to a topic."),
            ),
            models.CheckConstraint(
                name="education_procedurecode_plain",
                condition=Q(code__regex=PLAIN_CODE),
                violation_error_message=_(
                    "A code has letters and digits, with single spaces, dots or hyphens between."
                ),
            ),
        ]

    def __str__(self):
        return self.code

    def save(self, *args, **options):
        self.code = plain_code(self.code)
        super().save(*args, **options)


class ArticleQuerySet(models.QuerySet):
    def published(self):
        return self.filter(status=ArticleStatus.PUBLISHED)

    def in_language(self, language: str):
        return self.filter(language=language)

    def due_for_review(self, on=None):
        """Published articles whose next review day has come."""
        return self.published().filter(next_review_on__lte=on or timezone.localdate())

    def with_procedure_code(self):
        """`procedure_code` is the first code of the article's topic, or None."""
        codes = ProcedureCode.objects.filter(topic=OuterRef("topic")).order_by("pk")
        return self.annotate(procedure_code=Subquery(codes.values("code")[:1]))

    def for_procedures(self, codes: Iterable[str], language: str) -> "dict[str, Article]":
        """{code as given: the published article about it in the language}, with topics, in one query.

        A code that no topic has, or whose topic has no such article, is left out.
        """
        plain = {code: plain_code(code) for code in codes}
        found = {
            article.matched_code: article
            for article in self.published()
            .in_language(language)
            .filter(topic__procedure_codes__code__in=set(plain.values()))
            .annotate(matched_code=F("topic__procedure_codes__code"))
            .select_related("topic")
        }
        return {code: found[kept] for code, kept in plain.items() if kept in found}


class Article(models.Model):
    """A topic told in one language.

    Published means reviewed by a physician on a day, or openly marked as sample text; the database holds to that.
    """

    topic = models.ForeignKey(Topic, on_delete=models.PROTECT, related_name="articles", verbose_name=_("topic"))
    language = models.CharField(_("language"), max_length=2, choices=settings.LANGUAGES)
    title = models.CharField(_("title"), max_length=120)
    sort_key = models.CharField(max_length=120, editable=False)
    summary = models.CharField(_("summary"), max_length=300)
    also_called = models.TextField(_("also called"), blank=True, help_text=_("Everyday names, one a line."))
    sources = models.TextField(_("sources"), blank=True, help_text=_("Markdown."))
    copyright = models.CharField(_("copyright"), max_length=200)
    licence = models.CharField(_("licence"), max_length=200)
    is_sample = models.BooleanField(
        _("sample text"), default=False, help_text=_("The page says that no physician has reviewed it yet.")
    )
    status = models.CharField(_("status"), max_length=20, choices=ArticleStatus, default=ArticleStatus.DRAFT)
    reviewer = models.ForeignKey(
        Physician,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="reviewed_articles",
        verbose_name=_("reviewed by"),
    )
    reviewed_on = models.DateField(_("reviewed on"), null=True, blank=True)
    next_review_on = models.DateField(_("next review due"), null=True, blank=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)

    objects = ArticleQuerySet.as_manager()

    class Meta:
        verbose_name = _("article")
        verbose_name_plural = _("articles")
        ordering = ["sort_key", "language"]
        permissions = [("publish_article", "Can publish and retire articles")]
        constraints = [
            models.UniqueConstraint(
                name="education_article_one_per_language",
                fields=["topic", "language"],
                violation_error_message=_("This topic already has an article in this language."),
            ),
            models.CheckConstraint(
                name="education_article_language_known",
                condition=Q(language__in=[code for code, _n in settings.LANGUAGES]),
            ),
            models.CheckConstraint(name="education_article_status_known", condition=Q(status__in=ArticleStatus.values)),
            models.CheckConstraint(
                name="education_article_published_is_reviewed",
                condition=~Q(status=ArticleStatus.PUBLISHED)
                | Q(is_sample=True)
                | Q(reviewer__isnull=False, reviewed_on__isnull=False, next_review_on__isnull=False),
                violation_error_message=_(
                    "An article is published only after a physician's review: give the reviewer and both dates."
                ),
            ),
            models.CheckConstraint(
                name="education_article_next_review_after_last",
                condition=Q(next_review_on=None) | Q(next_review_on__gt=F("reviewed_on")),
                violation_error_message=_("The next review must be after the last one."),
            ),
        ]
        indexes = [models.Index(fields=["language", "status", "sort_key"], name="education_article_list")]

    def __str__(self):
        return f"{self.title} ({self.language})"

    def save(self, *args, **options):
        self.sort_key = fold(self.title)[:120]  # “ß” folds to two letters
        super().save(*args, **options)

    def get_absolute_url(self):
        return self.topic.get_absolute_url()

    @property
    def other_names(self) -> list[str]:
        return [line.strip() for line in self.also_called.splitlines() if line.strip()]


class Section(models.Model):
    """One part of an article: its kind gives the heading, its body is Markdown."""

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="sections", verbose_name=_("article"))
    kind = models.CharField(_("section"), max_length=20, choices=SectionKind)
    body = models.TextField(_("text"), help_text=_("Markdown. Short sentences, everyday words."))

    class Meta:
        verbose_name = _("section")
        verbose_name_plural = _("sections")
        constraints = [
            models.UniqueConstraint(
                name="education_section_one_of_a_kind",
                fields=["article", "kind"],
                violation_error_message=_("This article already has this section."),
            ),
            models.CheckConstraint(name="education_section_kind_known", condition=Q(kind__in=SectionKind.values)),
        ]

    def __str__(self):
        return self.get_kind_display()

    @property
    def position(self) -> int:
        return SectionKind.values.index(self.kind)

    @property
    def anchor(self) -> str:
        return self.kind.replace(" ", "-")


class Term(models.Model):
    """An idea the glossary explains, whatever the language."""

    slug = models.SlugField(_("address on the site"), max_length=120, unique=True)

    class Meta:
        verbose_name = _("glossary term")
        verbose_name_plural = _("glossary terms")
        ordering = ["slug"]

    def __str__(self):
        return self.slug

    def get_absolute_url(self):
        return reverse("education:term", args=[self.slug])


class Entry(models.Model):
    """A term's name and meaning in one language."""

    term = models.ForeignKey(Term, on_delete=models.CASCADE, related_name="entries", verbose_name=_("term"))
    language = models.CharField(_("language"), max_length=2, choices=settings.LANGUAGES)
    name = models.CharField(_("word"), max_length=200)
    pronunciation = models.CharField(_("say it"), max_length=200, blank=True)
    definition = models.TextField(_("meaning"))

    class Meta:
        verbose_name = _("glossary entry")
        verbose_name_plural = _("glossary entries")
        constraints = [
            models.UniqueConstraint(
                name="education_entry_one_per_language",
                fields=["term", "language"],
                violation_error_message=_("This term already has an entry in this language."),
            ),
            models.CheckConstraint(
                name="education_entry_language_known",
                condition=Q(language__in=[code for code, _n in settings.LANGUAGES]),
            ),
        ]

    def __str__(self):
        return self.name

    def get_absolute_url(self):
        return self.term.get_absolute_url()


def key_of(text: str) -> str:
    """What a name is found by. Folding can make a text longer, and the column has an end."""
    return fold(text)[:250]


class Name(models.Model):
    """A name by which an entry is found: its own, or a synonym. `key` is the name without case and accents."""

    entry = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="names", verbose_name=_("entry"))
    text = models.CharField(_("name"), max_length=200)
    key = models.CharField(max_length=250, editable=False)
    is_synonym = models.BooleanField(_("synonym"), default=True)

    class Meta:
        verbose_name = _("name")
        verbose_name_plural = _("names")
        ordering = ["-is_synonym", "key"]
        constraints = [
            models.UniqueConstraint(
                name="education_name_unique_text",
                fields=["entry", "text"],
                violation_error_message=_("This name is already there."),
            ),
            models.UniqueConstraint(
                name="education_name_one_own_name", fields=["entry"], condition=Q(is_synonym=False)
            ),
        ]
        indexes = [
            models.Index(OpClass(F("key"), name="text_pattern_ops"), name="education_name_prefix"),
            GinIndex(OpClass(F("key"), name="gin_trgm_ops"), name="education_name_inside"),
        ]

    def __str__(self):
        return self.text

    def save(self, *args, **options):
        self.key = key_of(self.text)
        super().save(*args, **options)

    def clean(self):
        super().clean()
        self.key = key_of(self.text)
        if not self.key:
            raise ValidationError({"text": _("Write a word.")})


class PackFile(models.Model):
    """A file of a content pack as it was last imported, so that an export gives back the very same bytes.

    It also tells whether somebody has edited the row since: then an import leaves the row alone.
    """

    path = models.CharField(max_length=250, unique=True)
    text = models.TextField()

    class Meta:
        ordering = ["path"]

    def __str__(self):
        return self.path
