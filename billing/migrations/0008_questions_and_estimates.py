"""What patients ask the office."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import billing.models.plans
import practice.encryption


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0007_payment_plans"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.CreateModel(
            name="EstimateRequest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "token",
                    models.CharField(
                        default=billing.models.plans.new_token, editable=False, max_length=40, unique=True
                    ),
                ),
                ("name", practice.encryption.EncryptedTextField(verbose_name="name")),
                ("contact", practice.encryption.EncryptedTextField(verbose_name="e-mail or phone")),
                ("exam", practice.encryption.EncryptedTextField(verbose_name="exam")),
                ("scheduled_on", models.DateField(blank=True, null=True, verbose_name="day of the exam")),
                ("language", models.CharField(default="en", max_length=2, verbose_name="language")),
                ("asked_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="asked at")),
                ("due_on", models.DateField(verbose_name="estimate due on")),
                ("answered_at", models.DateTimeField(blank=True, null=True, verbose_name="sent at")),
                ("estimate_cents", models.BigIntegerField(blank=True, null=True, verbose_name="estimate")),
            ],
            options={
                "verbose_name": "request for an estimate",
                "verbose_name_plural": "requests for an estimate",
                "ordering": ["due_on", "pk"],
            },
        ),
        migrations.CreateModel(
            name="Question",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("charge", "About a charge"),
                            ("insurance", "Update my insurance"),
                            ("assistance", "Help with paying"),
                        ],
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "Waits for the office"), ("answered", "Answered"), ("closed", "Closed")],
                        default="open",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("email", practice.encryption.EncryptedTextField(blank=True, verbose_name="e-mail")),
                (
                    "language",
                    models.CharField(
                        choices=[("en", "English"), ("es", "Spanish")],
                        default="en",
                        max_length=2,
                        verbose_name="language",
                    ),
                ),
                ("asked_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="asked at")),
                ("due_on", models.DateField(verbose_name="answer due on")),
                ("answered_at", models.DateTimeField(blank=True, null=True, verbose_name="first answered at")),
            ],
            options={
                "verbose_name": "question",
                "verbose_name_plural": "questions",
                "ordering": ["due_on", "pk"],
            },
        ),
        migrations.CreateModel(
            name="QuestionMessage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("body", practice.encryption.EncryptedTextField(verbose_name="message")),
                ("written_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="written at")),
            ],
            options={
                "verbose_name": "message",
                "verbose_name_plural": "messages",
                "ordering": ["written_at", "pk"],
            },
        ),
        migrations.AddField(
            model_name="estimaterequest",
            name="answered_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="sent by",
            ),
        ),
        migrations.AddField(
            model_name="question",
            name="line",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="questions",
                to="billing.statementline",
                verbose_name="line",
            ),
        ),
        migrations.AddField(
            model_name="question",
            name="statement",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="questions",
                to="billing.statement",
                verbose_name="statement",
            ),
        ),
        migrations.AddField(
            model_name="questionmessage",
            name="question",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="messages",
                to="billing.question",
                verbose_name="question",
            ),
        ),
        migrations.AddField(
            model_name="questionmessage",
            name="written_by",
            field=models.ForeignKey(
                blank=True,
                help_text="Empty: the patient.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="written by",
            ),
        ),
        migrations.AddConstraint(
            model_name="estimaterequest",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("answered_at", None), ("estimate_cents", None)),
                    models.Q(
                        ("answered_at__isnull", False), ("estimate_cents__gte", 0), ("estimate_cents__isnull", False)
                    ),
                    _connector="OR",
                ),
                name="billing_estimaterequest_answered_with_sum",
            ),
        ),
        migrations.AddConstraint(
            model_name="question",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["charge", "insurance", "assistance"])),
                name="billing_question_kind_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="question",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["open", "answered", "closed"])), name="billing_question_state_known"
            ),
        ),
    ]
