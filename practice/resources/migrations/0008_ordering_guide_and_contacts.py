"""Which exam to order, and whom to call about what."""

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

import practice.resources.models.guide


class Migration(migrations.Migration):
    dependencies = [("resources", "0007_on_call"), ("practice", "0001_practice")]

    operations = [
        migrations.CreateModel(
            name="Contact",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100, verbose_name="name")),
                ("what_for", models.CharField(max_length=300, verbose_name="what for")),
                (
                    "phone",
                    models.CharField(
                        max_length=20,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A\\([0-9]{3}\\) [0-9]{3}-[0-9]{4}\\Z", "Write the number as (574) 555-0100."
                            )
                        ],
                        verbose_name="phone",
                    ),
                ),
                (
                    "fax",
                    models.CharField(
                        blank=True,
                        max_length=20,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A\\([0-9]{3}\\) [0-9]{3}-[0-9]{4}\\Z", "Write the number as (574) 555-0100."
                            )
                        ],
                        verbose_name="fax",
                    ),
                ),
                ("email", models.EmailField(blank=True, max_length=254, verbose_name="e-mail address")),
                ("hours", models.CharField(blank=True, max_length=100, verbose_name="hours")),
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
                "verbose_name": "contact",
                "verbose_name_plural": "contacts",
                "ordering": ["position", "name"],
            },
        ),
        migrations.CreateModel(
            name="OrderingAdvice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "region",
                    models.CharField(
                        choices=[
                            ("head", "Head and neck"),
                            ("spine", "Spine"),
                            ("chest", "Chest and heart"),
                            ("breast", "Breast"),
                            ("abdomen", "Abdomen and pelvis"),
                            ("bones", "Bones and joints"),
                            ("vessels", "Vessels"),
                            ("children", "Children"),
                        ],
                        max_length=20,
                        verbose_name="region",
                    ),
                ),
                ("question", models.CharField(max_length=200, verbose_name="clinical question")),
                (
                    "also",
                    models.CharField(
                        blank=True,
                        help_text="Found by search, not shown.",
                        max_length=300,
                        verbose_name="other words for it",
                    ),
                ),
                ("exam", models.CharField(max_length=200, verbose_name="order first")),
                (
                    "codes",
                    models.CharField(
                        blank=True,
                        max_length=100,
                        validators=[practice.resources.models.guide.validate_codes],
                        verbose_name="CPT codes",
                    ),
                ),
                ("alternative", models.CharField(blank=True, max_length=400, verbose_name="instead, when")),
                (
                    "before",
                    models.CharField(
                        blank=True,
                        help_text="Kidneys, allergies, implants, pregnancy.",
                        max_length=400,
                        verbose_name="before you order",
                    ),
                ),
                ("tell_us", models.CharField(blank=True, max_length=400, verbose_name="write on the order")),
                (
                    "is_urgent",
                    models.BooleanField(
                        default=False, help_text="Says: call the radiologist.", verbose_name="call first"
                    ),
                ),
                (
                    "is_sample",
                    models.BooleanField(
                        default=False,
                        help_text="Says that a physician of the practice has not reviewed it yet.",
                        verbose_name="sample",
                    ),
                ),
                ("reviewed_on", models.DateField(blank=True, null=True, verbose_name="reviewed on")),
            ],
            options={
                "verbose_name": "ordering advice",
                "verbose_name_plural": "ordering guide",
                "ordering": ["question"],
            },
        ),
        migrations.AddConstraint(
            model_name="contact",
            constraint=models.CheckConstraint(
                condition=models.Q(("audience__in", ["staff", "physicians", "referring offices"])),
                name="resources_contact_audience_known",
            ),
        ),
        migrations.AddField(
            model_name="orderingadvice",
            name="reviewed_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="practice.physician",
                verbose_name="reviewed by",
            ),
        ),
        migrations.AddConstraint(
            model_name="orderingadvice",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("region__in", ["head", "spine", "chest", "breast", "abdomen", "bones", "vessels", "children"])
                ),
                name="resources_orderingadvice_region_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="orderingadvice",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("is_sample", True), ("reviewed_by", None), ("reviewed_on", None)),
                    models.Q(("is_sample", False), ("reviewed_by__isnull", False), ("reviewed_on__isnull", False)),
                    _connector="OR",
                ),
                name="resources_orderingadvice_reviewed_or_sample",
                violation_error_message="Say which physician reviewed it and when, or mark it as a sample.",
            ),
        ),
    ]
