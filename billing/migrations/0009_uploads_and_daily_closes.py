"""Files uploaded in the office, and the closed days."""

import uuid

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import billing.models.office


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0008_questions_and_estimates"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.CreateModel(
            name="DailyClose",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField(unique=True, verbose_name="day")),
                ("closed_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="closed at")),
                ("first_position", models.BigIntegerField(verbose_name="first position")),
                ("last_position", models.BigIntegerField(verbose_name="last position")),
                ("chain_digest", models.CharField(max_length=64, verbose_name="ledger's digest")),
                ("entries", models.PositiveIntegerField(verbose_name="rows")),
                ("payments_cents", models.BigIntegerField(verbose_name="paid")),
                ("refunds_cents", models.BigIntegerField(verbose_name="returned")),
                ("disputes_cents", models.BigIntegerField(verbose_name="taken in disputes")),
                ("fees_cents", models.BigIntegerField(verbose_name="fees")),
                ("deposit_cents", models.BigIntegerField(verbose_name="deposit")),
                ("body", models.TextField(verbose_name="file")),
                ("sha256", models.CharField(max_length=64, verbose_name="digest of the file")),
            ],
            options={
                "verbose_name": "daily close",
                "verbose_name_plural": "daily closes",
                "ordering": ["-day"],
                "permissions": [("close_day", "Can close the day")],
            },
        ),
        migrations.CreateModel(
            name="StatementUpload",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "file",
                    models.FileField(
                        blank=True,
                        storage=billing.models.office.private_storage,
                        upload_to=billing.models.office.upload_path,
                        verbose_name="file",
                    ),
                ),
                ("file_name", models.CharField(max_length=200, verbose_name="file")),
                ("uploaded_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="uploaded at")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waits to be checked"),
                            ("checked", "Checked: waits for your word"),
                            ("refused", "Refused"),
                            ("accepted", "Being imported"),
                            ("imported", "Imported"),
                            ("discarded", "Discarded"),
                        ],
                        default="waiting",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("stage", models.CharField(blank=True, max_length=60, verbose_name="at work on")),
                ("done", models.PositiveIntegerField(default=0, verbose_name="done")),
                ("total", models.PositiveIntegerField(default=0, verbose_name="of")),
                ("report", models.JSONField(blank=True, default=dict, verbose_name="report")),
            ],
            options={
                "verbose_name": "upload",
                "verbose_name_plural": "uploads",
                "ordering": ["-uploaded_at"],
            },
        ),
        migrations.AlterModelOptions(
            name="importbatch",
            options={
                "ordering": ["-imported_at"],
                "permissions": [("import_statements", "Can import statements")],
                "verbose_name": "import",
                "verbose_name_plural": "imports",
            },
        ),
        migrations.AddField(
            model_name="dailyclose",
            name="closed_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="closed by",
            ),
        ),
        migrations.AddField(
            model_name="statementupload",
            name="uploaded_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="by",
            ),
        ),
        migrations.AddConstraint(
            model_name="dailyclose",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "last_position__gte",
                        django.db.models.expressions.CombinedExpression(
                            models.F("first_position"), "-", models.Value(1)
                        ),
                    )
                ),
                name="billing_dailyclose_positions_in_order",
            ),
        ),
        migrations.AddConstraint(
            model_name="dailyclose",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "deposit_cents",
                        django.db.models.expressions.CombinedExpression(
                            django.db.models.expressions.CombinedExpression(
                                django.db.models.expressions.CombinedExpression(
                                    models.F("payments_cents"), "-", models.F("refunds_cents")
                                ),
                                "-",
                                models.F("disputes_cents"),
                            ),
                            "-",
                            models.F("fees_cents"),
                        ),
                    )
                ),
                name="billing_dailyclose_deposit_ties",
            ),
        ),
        migrations.AddConstraint(
            model_name="statementupload",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ["waiting", "checked", "refused", "accepted", "imported", "discarded"])
                ),
                name="billing_statementupload_state_known",
            ),
        ),
    ]
