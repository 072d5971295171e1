import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import education.models.articles


class Migration(migrations.Migration):
    dependencies = [
        ("search", "0001_search"),
        ("education", "0005_procedure_code_roles"),
        ("practice", "0005_limits_by_subject"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Edition",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField(verbose_name="edition")),
                (
                    "code",
                    models.CharField(
                        default=education.models.articles.new_sheet_code,
                        max_length=8,
                        unique=True,
                        verbose_name="code on hand-outs",
                    ),
                ),
                ("made_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="saved at")),
                ("note", models.CharField(blank=True, max_length=200, verbose_name="what was done")),
                (
                    "language",
                    models.CharField(
                        choices=[("en", "English"), ("es", "Spanish")], max_length=2, verbose_name="language"
                    ),
                ),
                ("title", models.CharField(max_length=120, verbose_name="title")),
                ("sort_key", models.CharField(max_length=120)),
                ("summary", models.CharField(max_length=300, verbose_name="summary")),
                ("also_called", models.TextField(blank=True, verbose_name="also called")),
                ("sections", models.JSONField(default=list, verbose_name="sections")),
                ("places", models.JSONField(default=list, verbose_name="notes for locations")),
                ("sources", models.TextField(blank=True, verbose_name="sources")),
                ("copyright", models.CharField(max_length=200, verbose_name="copyright")),
                ("licence", models.CharField(max_length=200, verbose_name="licence")),
                ("digest", models.CharField(max_length=64)),
                ("grade", models.FloatField(verbose_name="reading grade")),
                ("is_sample", models.BooleanField(default=False, verbose_name="sample text")),
                ("reviewed_on", models.DateField(null=True, verbose_name="reviewed on")),
                ("next_review_on", models.DateField(null=True, verbose_name="next review due")),
                ("grade_reason", models.TextField(blank=True, verbose_name="why it reads above grade 12")),
                ("is_live", models.BooleanField(default=False, verbose_name="on the site")),
                ("published_at", models.DateTimeField(null=True, verbose_name="published at")),
                ("replaced_at", models.DateTimeField(null=True, verbose_name="taken off at")),
                ("translated_from", models.JSONField(default=dict)),
                ("shown", models.JSONField(null=True)),
                ("search_vector", django.contrib.postgres.search.SearchVectorField(null=True)),
                ("names_vector", django.contrib.postgres.search.SearchVectorField(null=True)),
            ],
            options={
                "verbose_name": "edition",
                "verbose_name_plural": "editions",
                "ordering": ["-number"],
            },
        ),
        migrations.CreateModel(
            name="Illustration",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("slug", models.SlugField(max_length=80, unique=True, verbose_name="name")),
                (
                    "drawing",
                    models.TextField(
                        help_text="SVG of plain shapes in currentColor, without text.", verbose_name="drawing"
                    ),
                ),
                ("alt", models.CharField(max_length=300, verbose_name="what it shows")),
                ("alt_es", models.CharField(max_length=300, verbose_name="what it shows, in Spanish")),
            ],
            options={
                "verbose_name": "illustration",
                "verbose_name_plural": "illustrations",
                "ordering": ["slug"],
            },
        ),
        migrations.CreateModel(
            name="LocalNote",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "body",
                    models.TextField(
                        help_text="Markdown. What is different there: a door, a time, a form.", verbose_name="text"
                    ),
                ),
            ],
            options={
                "verbose_name": "note for a location",
                "verbose_name_plural": "notes for locations",
                "ordering": ["location__position", "pk"],
            },
        ),
        migrations.CreateModel(
            name="ReferenceCode",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "system",
                    models.CharField(
                        choices=[
                            ("icd-10-cm", "ICD-10-CM"),
                            ("loinc", "LOINC"),
                            ("snomed-ct", "SNOMED CT"),
                            ("radlex", "RadLex"),
                            ("cpt", "CPT"),
                        ],
                        max_length=20,
                        verbose_name="vocabulary",
                    ),
                ),
                ("code", models.CharField(max_length=30, verbose_name="code")),
            ],
            options={
                "verbose_name": "reference code",
                "verbose_name_plural": "reference codes",
                "ordering": ["pk"],
            },
        ),
        migrations.RemoveConstraint(
            model_name="section",
            name="education_section_kind_known",
        ),
        migrations.AddField(
            model_name="article",
            name="checklist",
            field=models.JSONField(default=dict, editable=False),
        ),
        migrations.AddField(
            model_name="article",
            name="digest",
            field=models.CharField(blank=True, editable=False, max_length=64),
        ),
        migrations.AddField(
            model_name="article",
            name="grade_reason",
            field=models.TextField(
                blank=True,
                help_text="Text above grade 12 is published only with a reason, which stays in the history.",
                verbose_name="why it reads above grade 12",
            ),
        ),
        migrations.AddField(
            model_name="article",
            name="reviewed_digest",
            field=models.CharField(blank=True, editable=False, max_length=64),
        ),
        migrations.AddField(
            model_name="article",
            name="stale_blocks",
            field=models.PositiveIntegerField(default=0, editable=False, verbose_name="paragraphs to translate again"),
        ),
        migrations.AddField(
            model_name="section",
            name="translated_from",
            field=models.JSONField(default=list, editable=False),
        ),
        migrations.AddField(
            model_name="term",
            name="is_explained_in_text",
            field=models.BooleanField(
                default=True,
                help_text="Articles explain the word where they first use it. Clear this for an everyday word.",
                verbose_name="explained in articles",
            ),
        ),
        migrations.AddField(
            model_name="topic",
            name="locations",
            field=models.ManyToManyField(
                blank=True, related_name="topics", to="practice.location", verbose_name="where it is done"
            ),
        ),
        migrations.AlterField(
            model_name="article",
            name="is_sample",
            field=models.BooleanField(
                default=False,
                editable=False,
                help_text="Of the sample pack. The page says that no physician has reviewed it yet.",
                verbose_name="sample text",
            ),
        ),
        migrations.AlterField(
            model_name="section",
            name="kind",
            field=models.CharField(
                choices=[
                    ("basic facts", "Basic facts"),
                    ("prepare", "How to prepare"),
                    ("week before", "The week before"),
                    ("day before", "The day before"),
                    ("day of", "The day of"),
                    ("what happens", "What happens"),
                    ("after", "Afterward"),
                    ("when to call", "When to call us"),
                    ("why", "Why it is done"),
                    ("risks", "Risks"),
                    ("results", "Your results"),
                    ("cost", "What it costs, and why two bills"),
                ],
                max_length=20,
                verbose_name="section",
            ),
        ),
        migrations.AddIndex(
            model_name="article",
            index=models.Index(
                condition=models.Q(("stale_blocks__gt", 0)), fields=["topic"], name="education_article_stale"
            ),
        ),
        migrations.AddConstraint(
            model_name="section",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "kind__in",
                        [
                            "basic facts",
                            "prepare",
                            "week before",
                            "day before",
                            "day of",
                            "what happens",
                            "after",
                            "when to call",
                            "why",
                            "risks",
                            "results",
                            "cost",
                        ],
                    )
                ),
                name="education_section_kind_known",
            ),
        ),
        migrations.AddField(
            model_name="edition",
            name="article",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="editions",
                to="education.article",
                verbose_name="article",
            ),
        ),
        migrations.AddField(
            model_name="edition",
            name="made_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="saved by",
            ),
        ),
        migrations.AddField(
            model_name="edition",
            name="reviewer",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="reviewed_editions",
                to="practice.physician",
                verbose_name="reviewed by",
            ),
        ),
        migrations.AddField(
            model_name="topic",
            name="illustration",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="topics",
                to="education.illustration",
                verbose_name="illustration",
            ),
        ),
        migrations.AddField(
            model_name="localnote",
            name="article",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="local_notes",
                to="education.article",
                verbose_name="article",
            ),
        ),
        migrations.AddField(
            model_name="localnote",
            name="location",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="local_notes",
                to="practice.location",
                verbose_name="location",
            ),
        ),
        migrations.AddField(
            model_name="referencecode",
            name="topic",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="reference_codes",
                to="education.topic",
                verbose_name="topic",
            ),
        ),
        migrations.AddIndex(
            model_name="edition",
            index=models.Index(
                condition=models.Q(("is_live", True)), fields=["language", "sort_key"], name="education_edition_list"
            ),
        ),
        migrations.AddIndex(
            model_name="edition",
            index=models.Index(
                condition=models.Q(("is_live", True)), fields=["next_review_on"], name="education_edition_due"
            ),
        ),
        migrations.AddIndex(
            model_name="edition",
            index=django.contrib.postgres.indexes.GinIndex(fields=["search_vector"], name="education_edition_search"),
        ),
        migrations.AddIndex(
            model_name="edition",
            index=django.contrib.postgres.indexes.GinIndex(fields=["names_vector"], name="education_edition_names"),
        ),
        migrations.AddConstraint(
            model_name="edition",
            constraint=models.UniqueConstraint(fields=("article", "number"), name="education_edition_one_a_number"),
        ),
        migrations.AddConstraint(
            model_name="edition",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_live", True)), fields=("article",), name="education_edition_one_live"
            ),
        ),
        migrations.AddConstraint(
            model_name="edition",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("is_live", False),
                    ("is_sample", True),
                    models.Q(
                        ("next_review_on__isnull", False), ("reviewed_on__isnull", False), ("reviewer__isnull", False)
                    ),
                    _connector="OR",
                ),
                name="education_edition_live_is_reviewed",
            ),
        ),
        migrations.AddConstraint(
            model_name="edition",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("is_live", False),
                    models.Q(("published_at__isnull", False), ("replaced_at", None)),
                    _connector="OR",
                ),
                name="education_edition_live_is_published",
            ),
        ),
        migrations.AddConstraint(
            model_name="edition",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("next_review_on", None), ("next_review_on__gt", models.F("reviewed_on")), _connector="OR"
                ),
                name="education_edition_next_review_after_last",
            ),
        ),
        migrations.AddConstraint(
            model_name="edition",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("is_live", False),
                    ("grade__lte", 12),
                    models.Q(("grade_reason", ""), _negated=True),
                    _connector="OR",
                ),
                name="education_edition_above_grade_12_has_a_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="localnote",
            constraint=models.UniqueConstraint(
                fields=("article", "location"),
                name="education_localnote_one_a_location",
                violation_error_message="This article already has a note for this location.",
            ),
        ),
        migrations.AddConstraint(
            model_name="referencecode",
            constraint=models.UniqueConstraint(
                fields=("system", "code", "topic"),
                name="education_referencecode_once_a_topic",
                violation_error_message="This code is already there.",
            ),
        ),
        migrations.AddConstraint(
            model_name="referencecode",
            constraint=models.CheckConstraint(
                condition=models.Q(("system__in", ["icd-10-cm", "loinc", "snomed-ct", "radlex", "cpt"])),
                name="education_referencecode_system_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="referencecode",
            constraint=models.CheckConstraint(
                condition=models.Q(("code__regex", "^[A-Z0-9]+([ .-][A-Z0-9]+)*$")),
                name="education_referencecode_plain",
                violation_error_message="A code has letters and digits, with single spaces, dots or hyphens between.",
            ),
        ),
        migrations.AddConstraint(
            model_name="topic",
            constraint=models.CheckConstraint(
                name="education_topic_slug_free",
                condition=models.Q(("slug", "feed"), _negated=True),
                violation_error_message="This address is taken by the list of newest articles.",
            ),
        ),
    ]
