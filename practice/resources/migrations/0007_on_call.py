"""Who is on call: an exclusion constraint keeps two from being so at one time."""

import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.core.validators
import django.db.models.deletion
from django.contrib.postgres.operations import BtreeGistExtension
from django.db import migrations, models

import practice.resources.models.on_call


class Migration(migrations.Migration):
    dependencies = [("resources", "0006_documents_in_collections")]

    operations = [
        BtreeGistExtension(),  # for “one at a time, of each service”
        migrations.CreateModel(
            name="CallService",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100, verbose_name="service")),
                (
                    "phone",
                    models.CharField(
                        help_text="It leads to whoever is on call, or to the operator.",
                        max_length=20,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A\\([0-9]{3}\\) [0-9]{3}-[0-9]{4}\\Z", "Write the number as (574) 555-0100."
                            )
                        ],
                        verbose_name="number to call",
                    ),
                ),
                ("note", models.CharField(blank=True, max_length=300, verbose_name="when to call")),
                (
                    "audience",
                    models.CharField(
                        choices=[
                            ("staff", "Staff"),
                            ("physicians", "Physicians"),
                            ("referring offices", "Referring offices"),
                        ],
                        max_length=20,
                        verbose_name="for",
                    ),
                ),
                ("position", models.PositiveSmallIntegerField(default=0, verbose_name="position")),
            ],
            options={
                "verbose_name": "on-call service",
                "verbose_name_plural": "on-call services",
                "ordering": ["position", "name"],
            },
        ),
        migrations.CreateModel(
            name="CallShift",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "tier",
                    models.CharField(
                        choices=[("first", "First"), ("backup", "Backup")],
                        default="first",
                        max_length=10,
                        verbose_name="first or backup",
                    ),
                ),
                ("person", models.CharField(max_length=100, verbose_name="who")),
                (
                    "phone",
                    models.CharField(
                        blank=True,
                        help_text="Only the practice’s own people see it; others call the service’s number.",
                        max_length=20,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A\\([0-9]{3}\\) [0-9]{3}-[0-9]{4}\\Z", "Write the number as (574) 555-0100."
                            )
                        ],
                        verbose_name="own number",
                    ),
                ),
                ("starts_at", models.DateTimeField(verbose_name="from")),
                ("ends_at", models.DateTimeField(verbose_name="hands over at")),
            ],
            options={
                "verbose_name": "shift",
                "verbose_name_plural": "shifts",
                "ordering": ["starts_at"],
            },
        ),
        migrations.AddConstraint(
            model_name="callservice",
            constraint=models.CheckConstraint(
                condition=models.Q(("audience__in", ["staff", "physicians", "referring offices"])),
                name="resources_callservice_audience_known",
            ),
        ),
        migrations.AddField(
            model_name="callshift",
            name="service",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="shifts",
                to="resources.callservice",
                verbose_name="service",
            ),
        ),
        migrations.AddConstraint(
            model_name="callshift",
            constraint=models.CheckConstraint(
                condition=models.Q(("tier__in", ["first", "backup"])), name="resources_callshift_tier_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="callshift",
            constraint=models.CheckConstraint(
                condition=models.Q(("ends_at__gt", models.F("starts_at"))),
                name="resources_callshift_ends_after_start",
                violation_error_message="The hand-over must be after the start.",
            ),
        ),
        migrations.AddConstraint(
            model_name="callshift",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                expressions=[
                    (
                        practice.resources.models.on_call.TsTzRange(
                            "starts_at", "ends_at", django.contrib.postgres.fields.ranges.RangeBoundary()
                        ),
                        "&&",
                    ),
                    ("service", "="),
                    ("tier", "="),
                ],
                name="resources_callshift_one_at_a_time",
                violation_error_message="Somebody else is on call then. Change that shift first.",
            ),
        ),
    ]
