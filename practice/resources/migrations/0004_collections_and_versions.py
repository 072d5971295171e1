"""Shelves with an audience each, and versions of what a document says."""

import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import practice.resources.models.documents


class Migration(migrations.Migration):
    dependencies = [("resources", "0003_change_log"), migrations.swappable_dependency(settings.AUTH_USER_MODEL)]

    operations = [
        migrations.CreateModel(
            name="Acknowledgement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("made_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="read at")),
            ],
            options={
                "verbose_name": "confirmation",
                "verbose_name_plural": "confirmations",
                "ordering": ["-made_at"],
            },
        ),
        migrations.CreateModel(
            name="Collection",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("title", models.CharField(max_length=100, verbose_name="title")),
                ("slug", models.SlugField(max_length=80, unique=True, verbose_name="address on the site")),
                ("summary", models.CharField(blank=True, max_length=300, verbose_name="what is in it")),
                (
                    "audience",
                    models.CharField(
                        choices=[
                            ("staff", "Staff"),
                            ("physicians", "Physicians"),
                            ("referring offices", "Referring offices"),
                        ],
                        help_text="Staff also see what is for referring offices, and physicians what is for staff.",
                        max_length=20,
                        verbose_name="for",
                    ),
                ),
                ("position", models.PositiveSmallIntegerField(default=0, verbose_name="position")),
            ],
            options={
                "verbose_name": "collection",
                "verbose_name_plural": "collections",
                "ordering": ["position", "title"],
            },
        ),
        migrations.CreateModel(
            name="Version",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveSmallIntegerField(verbose_name="version")),
                (
                    "file",
                    models.FileField(
                        blank=True,
                        storage=practice.resources.models.documents.private_storage,
                        upload_to=practice.resources.models.documents.document_path,
                        verbose_name="file",
                    ),
                ),
                (
                    "url",
                    models.URLField(
                        blank=True,
                        max_length=500,
                        validators=[django.core.validators.URLValidator(schemes=["https"])],
                        verbose_name="link",
                    ),
                ),
                ("sha256", models.CharField(blank=True, max_length=64)),
                ("note", models.CharField(blank=True, max_length=300, verbose_name="what is new")),
                (
                    "effective_on",
                    models.DateField(default=django.utils.timezone.localdate, verbose_name="in force from"),
                ),
                ("expires_on", models.DateField(blank=True, null=True, verbose_name="last day")),
                ("added_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="added")),
                ("withdrawn_at", models.DateTimeField(blank=True, null=True, verbose_name="withdrawn")),
            ],
            options={
                "verbose_name": "version of a document",
                "verbose_name_plural": "versions of documents",
                "ordering": ["document", "-number"],
            },
        ),
        migrations.CreateModel(
            name="Visit",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
                ("since", models.DateTimeField(verbose_name="new since")),
                ("last_at", models.DateTimeField(verbose_name="last here")),
            ],
            options={
                "verbose_name": "visit",
                "verbose_name_plural": "visits",
            },
        ),
        migrations.AddField(
            model_name="document",
            name="collection",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="documents",
                to="resources.collection",
                verbose_name="collection",
            ),
        ),
        migrations.AddField(
            model_name="document",
            name="is_must_read",
            field=models.BooleanField(
                default=False,
                help_text="Everybody it is for is asked to confirm each version. The report says who has not.",
                verbose_name="must be read",
            ),
        ),
        migrations.AddField(
            model_name="acknowledgement",
            name="user",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="read by",
            ),
        ),
        migrations.AddConstraint(
            model_name="collection",
            constraint=models.CheckConstraint(
                condition=models.Q(("audience__in", ["staff", "physicians", "referring offices"])),
                name="resources_collection_audience_known",
            ),
        ),
        migrations.AddField(
            model_name="version",
            name="added_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="added by",
            ),
        ),
        migrations.AddField(
            model_name="version",
            name="document",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="versions",
                to="resources.document",
                verbose_name="document",
            ),
        ),
        migrations.AddField(
            model_name="acknowledgement",
            name="version",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="acknowledgements",
                to="resources.version",
                verbose_name="version",
            ),
        ),
        migrations.AddIndex(
            model_name="version",
            index=models.Index(fields=["document", "-effective_on", "-number"], name="resources_version_latest"),
        ),
        migrations.AddConstraint(
            model_name="version",
            constraint=models.UniqueConstraint(fields=("document", "number"), name="resources_version_number_unique"),
        ),
        migrations.AddConstraint(
            model_name="version",
            constraint=models.CheckConstraint(
                condition=models.Q(("number__gte", 1)), name="resources_version_number_from_one"
            ),
        ),
        migrations.AddConstraint(
            model_name="version",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("url", ""), models.Q(("file", ""), _negated=True)),
                    models.Q(("file", ""), ("url__startswith", "https://")),
                    _connector="OR",
                ),
                name="resources_version_file_or_link",
                violation_error_message="Give a file or a link, one of the two.",
            ),
        ),
        migrations.AddConstraint(
            model_name="version",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("expires_on", None), ("expires_on__gte", models.F("effective_on")), _connector="OR"
                ),
                name="resources_version_ends_after_it_began",
                violation_error_message="The last day must not be before the first.",
            ),
        ),
        migrations.AddConstraint(
            model_name="acknowledgement",
            constraint=models.UniqueConstraint(fields=("version", "user"), name="resources_acknowledgement_once"),
        ),
    ]
