import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import careers.models.applications


class Migration(migrations.Migration):
    dependencies = [
        ("careers", "0006_openings_for_radiology"),
    ]

    operations = [
        migrations.CreateModel(
            name="Draft",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "token",
                    models.CharField(
                        default=careers.models.applications.new_token, editable=False, max_length=32, unique=True
                    ),
                ),
                ("name", models.CharField(blank=True, max_length=100, verbose_name="name")),
                ("email", models.EmailField(blank=True, max_length=254, verbose_name="e-mail address")),
                ("phone", models.CharField(blank=True, max_length=40, verbose_name="phone")),
                ("message", models.TextField(blank=True, max_length=4000, verbose_name="message")),
                (
                    "language",
                    models.CharField(
                        choices=[("en", "English"), ("es", "Spanish")], max_length=2, verbose_name="language"
                    ),
                ),
                ("is_saved", models.BooleanField(default=False, verbose_name="saved by the applicant")),
                ("changed_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="changed at")),
                (
                    "opening",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="drafts",
                        to="careers.opening",
                        verbose_name="opening",
                    ),
                ),
            ],
            options={
                "verbose_name": "unfinished application",
                "verbose_name_plural": "unfinished applications",
                "indexes": [models.Index(fields=["changed_at"], name="careers_draft_changed")],
            },
        ),
        migrations.CreateModel(
            name="ApplicationFile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(choices=[("cv", "CV"), ("other", "Other")], max_length=10, verbose_name="kind"),
                ),
                ("name", models.CharField(max_length=200, verbose_name="name of the file")),
                (
                    "stored",
                    models.FileField(
                        storage=careers.models.applications.private_storage,
                        unique=True,
                        upload_to=careers.models.applications.file_path,
                        verbose_name="file",
                    ),
                ),
                ("size", models.PositiveIntegerField(verbose_name="size in bytes")),
                ("sha256", models.CharField(max_length=64, verbose_name="SHA-256")),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="created at")),
                (
                    "application",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="files",
                        to="careers.application",
                        verbose_name="application",
                    ),
                ),
                (
                    "draft",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="files",
                        to="careers.draft",
                        verbose_name="draft",
                    ),
                ),
            ],
            options={
                "verbose_name": "file of an application",
                "verbose_name_plural": "files of applications",
                "ordering": ["kind", "pk"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("application", None), ("draft", None)),
                        fields=["created_at"],
                        name="careers_file_loose",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["cv", "other"])), name="careers_file_kind_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("application", None), ("draft", None), _connector="OR"),
                        name="careers_file_of_one_thing",
                    ),
                ],
            },
        ),
    ]
