"""What search needs besides the pages: words that mean the same, every word there is, and what was not found."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Func, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from practice.folding import fold


def same_words(text: str) -> list[str]:
    """`Broken = fracture` as `["broken", "fracture"]`: each once, without case and accents."""
    return list(dict.fromkeys(key for part in text.split("=") if (key := fold(part))))


class SynonymGroup(models.Model):
    """Words and short phrases that search takes for one another: `broken = fracture`."""

    language = models.CharField(_("language"), max_length=2, choices=settings.LANGUAGES)
    text = models.CharField(
        _("words that mean the same"), max_length=500, help_text=_("With = between: cat scan = ct scan")
    )
    keys = ArrayField(models.CharField(max_length=250), editable=False)

    class Meta:
        verbose_name = _("search synonyms")
        verbose_name_plural = _("search synonyms")
        ordering = ["language", "text"]
        constraints = [
            models.UniqueConstraint(
                name="search_synonymgroup_once",
                fields=["language", "text"],
                violation_error_message=_("These words are already there."),
            ),
            models.CheckConstraint(name="search_synonymgroup_several", condition=Q(keys__len__gte=2)),
        ]
        indexes = [GinIndex(fields=["keys"], name="search_synonymgroup_keys")]

    def __str__(self):
        return self.text

    def save(self, *args, **options):
        self.keys = same_words(self.text)
        super().save(*args, **options)

    def clean(self):
        super().clean()
        self.keys = same_words(self.text or "")
        if self.text and len(self.keys) < 2:
            raise ValidationError({"text": _("Write at least two words with = between them.")})


class Word(models.Model):
    """A word that stands somewhere on the site, folded: what a misspelled word is compared with."""

    language = models.CharField(max_length=2, choices=settings.LANGUAGES)
    word = models.CharField(max_length=60)
    is_name = models.BooleanField(default=False)  # it stands in a title or another name

    class Meta:
        constraints = [models.UniqueConstraint(name="search_word_once", fields=["word", "language"])]
        indexes = [
            GinIndex(OpClass(F("word"), name="gin_trgm_ops"), name="search_word_alike"),
            models.Index(OpClass(F("word"), name="text_pattern_ops"), name="search_word_prefix"),
            models.Index(Func(F("word"), function="dmetaphone"), name="search_word_sound"),
        ]

    def __str__(self):
        return self.word


class MissedSearchQuerySet(models.QuerySet):
    def open(self):
        return self.filter(handled_at=None)


class MissedSearch(models.Model):
    """Words somebody searched for and did not find, so that an editor can add a page, a word or a synonym."""

    language = models.CharField(_("language"), max_length=2, choices=settings.LANGUAGES)
    words = models.CharField(_("searched for"), max_length=60)
    count = models.PositiveIntegerField(_("times"), default=1)
    last_at = models.DateTimeField(_("last time"), default=timezone.now)
    handled_at = models.DateTimeField(_("dealt with"), null=True, blank=True)

    objects = MissedSearchQuerySet.as_manager()

    class Meta:
        verbose_name = _("search without a result")
        verbose_name_plural = _("searches without a result")
        ordering = ["-count", "-last_at"]
        constraints = [models.UniqueConstraint(name="search_missed_once", fields=["language", "words"])]

    def __str__(self):
        return self.words
