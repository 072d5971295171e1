"""The glossary: a term is an idea, an entry is its name and meaning in one language."""

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from practice.folding import fold


class Term(models.Model):
    """An idea the glossary explains, whatever the language."""

    slug = models.SlugField(_("address on the site"), max_length=120, unique=True)
    is_explained_in_text = models.BooleanField(
        _("explained in articles"),
        default=True,
        help_text=_("Articles explain the word where they first use it. Clear this for an everyday word."),
    )

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

    phrase = ""  # the stretch of a search by which it was found: glossary.named

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
