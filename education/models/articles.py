"""What patients read. A topic is an exam or a treatment; it has one article a language, made of fixed sections.

The article and its sections are what editors work on. The site shows an edition: a copy of the whole text at one
moment, which never changes. Codes tie a topic to the lines of a bill and to health record systems.
"""

from collections.abc import Iterable

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import F, OuterRef, Q, Subquery
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.crypto import get_random_string
from django.utils.translation import gettext_lazy as _

from practice.folding import fold
from practice.models import Bilingual, Location, Physician


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
    """The parts of an article, in the order patients read them: how to get ready comes before everything else."""

    BASIC_FACTS = "basic facts", _("Basic facts")
    PREPARE = "prepare", _("How to prepare")
    WEEK_BEFORE = "week before", _("The week before")
    DAY_BEFORE = "day before", _("The day before")
    DAY_OF = "day of", _("The day of")
    WHAT_HAPPENS = "what happens", _("What happens")
    AFTER = "after", _("Afterward")
    WHEN_TO_CALL = "when to call", _("When to call us")
    WHY = "why", _("Why it is done")
    RISKS = "risks", _("Risks")
    RESULTS = "results", _("Your results")
    COST = "cost", _("What it costs, and why two bills")


PREPARATION = (SectionKind.PREPARE, SectionKind.WEEK_BEFORE, SectionKind.DAY_BEFORE, SectionKind.DAY_OF)


class ArticleStatus(models.TextChoices):
    DRAFT = "draft", _("Draft")
    IN_REVIEW = "in review", _("In review")
    PUBLISHED = "published", _("Published")
    RETIRED = "retired", _("Retired")


NEXT_STATUSES: dict[ArticleStatus, set[ArticleStatus]] = {
    ArticleStatus.DRAFT: {ArticleStatus.IN_REVIEW, ArticleStatus.RETIRED},
    ArticleStatus.IN_REVIEW: {ArticleStatus.DRAFT, ArticleStatus.PUBLISHED, ArticleStatus.RETIRED},
    ArticleStatus.PUBLISHED: {ArticleStatus.IN_REVIEW, ArticleStatus.RETIRED},
    ArticleStatus.RETIRED: {ArticleStatus.DRAFT},
}


class Illustration(Bilingual):
    """A drawing of our own, as SVG in one colour that follows the page: the text's, also in the dark and on paper."""

    slug = models.SlugField(_("name"), max_length=80, unique=True)
    drawing = models.TextField(_("drawing"), help_text=_("SVG of plain shapes in currentColor, without text."))
    alt = models.CharField(_("what it shows"), max_length=300)
    alt_es = models.CharField(_("what it shows, in Spanish"), max_length=300)

    class Meta:
        verbose_name = _("illustration")
        verbose_name_plural = _("illustrations")
        ordering = ["slug"]

    def __str__(self):
        return self.slug


class Topic(models.Model):
    """An exam or a treatment, whatever the language."""

    slug = models.SlugField(_("address on the site"), max_length=80, unique=True)
    kind = models.CharField(_("kind"), max_length=20, choices=TopicKind)
    body_region = models.CharField(_("body region"), max_length=20, choices=BodyRegion)
    modality = models.CharField(_("exam type"), max_length=20, choices=Modality)
    sample_charge_cents = models.BigIntegerField(
        _("sample charge"), null=True, blank=True, help_text=_("What the sample bill line shows as our charge.")
    )
    illustration = models.ForeignKey(
        Illustration,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="topics",
        verbose_name=_("illustration"),
    )
    locations = models.ManyToManyField(Location, blank=True, related_name="topics", verbose_name=_("where it is done"))

    class Meta:
        verbose_name = _("topic")
        verbose_name_plural = _("topics")
        ordering = ["slug"]
        constraints = [
            models.CheckConstraint(
                name="education_topic_slug_free",
                condition=~Q(slug="feed"),
                violation_error_message=_("This address is taken by the list of newest articles."),
            ),
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


class CodeSystem(models.TextChoices):
    """Vocabularies by which health record systems name what they ask about."""

    ICD_10_CM = "icd-10-cm", "ICD-10-CM"
    LOINC = "loinc", "LOINC"
    SNOMED_CT = "snomed-ct", "SNOMED CT"
    RADLEX = "radlex", "RadLex"
    CPT = "cpt", "CPT"


class ReferenceCode(models.Model):
    """A code under which a health record system finds a topic. Several topics may share one."""

    topic = models.ForeignKey(Topic, on_delete=models.CASCADE, related_name="reference_codes", verbose_name=_("topic"))
    system = models.CharField(_("vocabulary"), max_length=20, choices=CodeSystem)
    code = models.CharField(_("code"), max_length=30)

    class Meta:
        verbose_name = _("reference code")
        verbose_name_plural = _("reference codes")
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                name="education_referencecode_once_a_topic",
                fields=["system", "code", "topic"],
                violation_error_message=_("This code is already there."),
            ),
            models.CheckConstraint(
                name="education_referencecode_system_known", condition=Q(system__in=CodeSystem.values)
            ),
            models.CheckConstraint(
                name="education_referencecode_plain",
                condition=Q(code__regex=PLAIN_CODE),
                violation_error_message=_(
                    "A code has letters and digits, with single spaces, dots or hyphens between."
                ),
            ),
        ]

    def __str__(self):
        return f"{self.get_system_display()} {self.code}"

    def save(self, *args, **options):
        self.code = plain_code(self.code)
        super().save(*args, **options)


class ArticleQuerySet(models.QuerySet):
    def in_language(self, language: str):
        return self.filter(language=language)

    def on_the_site(self):
        return self.filter(editions__is_live=True)

    def due_for_review(self, on=None):
        """Articles on the site whose next review day has come."""
        return self.filter(editions__is_live=True, editions__next_review_on__lte=on or timezone.localdate())


class Article(models.Model):
    """A topic told in one language, as editors last saved it. What visitors read is its live edition.

    `digest` names the text as it stands; a review is of the text named by `reviewed_digest`, and of no other.
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
        _("sample text"),
        default=False,
        editable=False,
        help_text=_("Of the sample pack. The page says that no physician has reviewed it yet."),
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
    digest = models.CharField(max_length=64, editable=False, blank=True)
    reviewed_digest = models.CharField(max_length=64, editable=False, blank=True)
    grade_reason = models.TextField(
        _("why it reads above grade 12"),
        blank=True,
        help_text=_("Text above grade 12 is published only with a reason, which stays in the history."),
    )
    checklist = models.JSONField(default=dict, editable=False)  # {question: "yes", "no" or "n/a"}
    stale_blocks = models.PositiveIntegerField(_("paragraphs to translate again"), default=0, editable=False)
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
        indexes = [
            models.Index(fields=["language", "status", "sort_key"], name="education_article_list"),
            models.Index(fields=["topic"], name="education_article_stale", condition=Q(stale_blocks__gt=0)),
        ]

    def __str__(self):
        return f"{self.title} ({self.language})"

    def save(self, *args, **options):
        self.sort_key = sort_key_of(self.title)
        super().save(*args, **options)

    def get_absolute_url(self):
        with translation.override(self.language):
            return self.topic.get_absolute_url()

    @property
    def other_names(self) -> list[str]:
        return lines_of(self.also_called)

    @property
    def is_reviewed_as_it_stands(self) -> bool:
        return bool(self.digest) and self.digest == self.reviewed_digest


def sort_key_of(title: str) -> str:
    """What a title is sorted by: without case and accents. “ß” folds to two letters, and the column has an end."""
    return fold(title)[:120]


def lines_of(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


class Section(models.Model):
    """One part of an article: its kind gives the heading, its body is Markdown."""

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="sections", verbose_name=_("article"))
    kind = models.CharField(_("section"), max_length=20, choices=SectionKind)
    body = models.TextField(_("text"), help_text=_("Markdown. Short sentences, everyday words."))
    translated_from = models.JSONField(default=list, editable=False)  # digests of the English paragraphs, in order

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


class LocalNote(models.Model):
    """How to prepare at one location, where that differs. It is part of the article's text and of its review."""

    article = models.ForeignKey(
        Article, on_delete=models.CASCADE, related_name="local_notes", verbose_name=_("article")
    )
    location = models.ForeignKey(
        Location, on_delete=models.PROTECT, related_name="local_notes", verbose_name=_("location")
    )
    body = models.TextField(_("text"), help_text=_("Markdown. What is different there: a door, a time, a form."))

    class Meta:
        verbose_name = _("note for a location")
        verbose_name_plural = _("notes for locations")
        ordering = ["location__position", "pk"]
        constraints = [
            models.UniqueConstraint(
                name="education_localnote_one_a_location",
                fields=["article", "location"],
                violation_error_message=_("This article already has a note for this location."),
            ),
        ]

    def __str__(self):
        return str(self.location)


CODE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # nothing that looks like something else


def new_sheet_code() -> str:
    """Eight characters that name an edition on paper: 30 ** 8 of them."""
    return get_random_string(8, CODE_ALPHABET)


class EditionQuerySet(models.QuerySet):
    def live(self):
        """What visitors read: at most one of each article."""
        return self.filter(is_live=True)

    def in_language(self, language: str):
        return self.filter(language=language)

    def of_topic(self, slug: str):
        return self.filter(article__topic__slug=slug)

    def with_procedure_code(self):
        """`procedure_code` is the first code of the topic, or None."""
        codes = ProcedureCode.objects.filter(topic=OuterRef("article__topic")).order_by("pk")
        return self.annotate(procedure_code=Subquery(codes.values("code")[:1]))

    def for_procedures(self, codes: Iterable[str], language: str) -> "dict[str, Edition]":
        """{code as given: the live edition about it in the language}, with topics, in one query.

        A code that no topic has, or whose topic has no such article, is left out.
        """
        plain = {code: plain_code(code) for code in codes}
        found = {
            edition.matched_code: edition
            for edition in self.live()
            .in_language(language)
            .filter(article__topic__procedure_codes__code__in=set(plain.values()))
            .annotate(matched_code=F("article__topic__procedure_codes__code"))
            .select_related("article__topic")
        }
        return {code: found[kept] for code, kept in plain.items() if kept in found}


class Edition(models.Model):
    """The whole text of an article at one moment. A trigger refuses to change the text or to delete the row.

    Live means on the site: reviewed by a physician, or openly marked as sample text; the database holds to that.
    """

    article = models.ForeignKey(Article, on_delete=models.PROTECT, related_name="editions", verbose_name=_("article"))
    number = models.PositiveIntegerField(_("edition"))
    code = models.CharField(_("code on hand-outs"), max_length=8, unique=True, default=new_sheet_code)
    made_at = models.DateTimeField(_("saved at"), default=timezone.now)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("saved by"),
    )
    note = models.CharField(_("what was done"), max_length=200, blank=True)

    # The text.
    language = models.CharField(_("language"), max_length=2, choices=settings.LANGUAGES)
    title = models.CharField(_("title"), max_length=120)
    sort_key = models.CharField(max_length=120)
    summary = models.CharField(_("summary"), max_length=300)
    also_called = models.TextField(_("also called"), blank=True)
    sections = models.JSONField(_("sections"), default=list)  # [{"kind", "body"}] as patients read them
    places = models.JSONField(_("notes for locations"), default=list)  # [{"location": slug, "body"}]
    sources = models.TextField(_("sources"), blank=True)
    copyright = models.CharField(_("copyright"), max_length=200)
    licence = models.CharField(_("licence"), max_length=200)
    digest = models.CharField(max_length=64)
    grade = models.FloatField(_("reading grade"))

    # Its life.
    is_sample = models.BooleanField(_("sample text"), default=False)
    reviewer = models.ForeignKey(
        Physician, on_delete=models.PROTECT, null=True, related_name="reviewed_editions", verbose_name=_("reviewed by")
    )
    reviewed_on = models.DateField(_("reviewed on"), null=True)
    next_review_on = models.DateField(_("next review due"), null=True)
    grade_reason = models.TextField(_("why it reads above grade 12"), blank=True)
    is_live = models.BooleanField(_("on the site"), default=False)
    published_at = models.DateTimeField(_("published at"), null=True)
    replaced_at = models.DateTimeField(_("taken off at"), null=True)
    translated_from = models.JSONField(default=dict)  # {section: digests of the English paragraphs, in order}
    shown = models.JSONField(null=True)  # what the page shows, made when it is published: see publishing.py
    search_vector = SearchVectorField(null=True)  # every word, weighted
    names_vector = SearchVectorField(null=True)  # of the title and the other names only: most searches need no more

    objects = EditionQuerySet.as_manager()

    class Meta:
        verbose_name = _("edition")
        verbose_name_plural = _("editions")
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(name="education_edition_one_a_number", fields=["article", "number"]),
            models.UniqueConstraint(name="education_edition_one_live", fields=["article"], condition=Q(is_live=True)),
            models.CheckConstraint(
                name="education_edition_live_is_reviewed",
                condition=Q(is_live=False)
                | Q(is_sample=True)
                | Q(reviewer__isnull=False, reviewed_on__isnull=False, next_review_on__isnull=False),
            ),
            models.CheckConstraint(
                name="education_edition_live_is_published",
                condition=Q(is_live=False) | Q(published_at__isnull=False, replaced_at=None),
            ),
            models.CheckConstraint(
                name="education_edition_next_review_after_last",
                condition=Q(next_review_on=None) | Q(next_review_on__gt=F("reviewed_on")),
            ),
            models.CheckConstraint(
                name="education_edition_above_grade_12_has_a_reason",
                condition=Q(is_live=False) | Q(grade__lte=12) | ~Q(grade_reason=""),
            ),
        ]
        indexes = [
            models.Index(fields=["language", "sort_key"], name="education_edition_list", condition=Q(is_live=True)),
            models.Index(fields=["next_review_on"], name="education_edition_due", condition=Q(is_live=True)),
            GinIndex(fields=["search_vector"], name="education_edition_search"),
            GinIndex(fields=["names_vector"], name="education_edition_names"),
        ]

    def __str__(self):
        return f"{self.title} ({self.language}), {self.number}"

    @property
    def topic(self) -> Topic:
        return self.article.topic

    def get_absolute_url(self):
        with translation.override(self.language):
            return self.topic.get_absolute_url()

    @property
    def other_names(self) -> list[str]:
        return lines_of(self.also_called)

    @property
    def code_in_groups(self) -> str:
        """As it is printed: `K7Q2-9FMB`."""
        return f"{self.code[:4]}-{self.code[4:]}"
