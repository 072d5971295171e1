import datetime
import uuid

import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("careers", "0012_letters"),
    ]

    operations = [
        migrations.CreateModel(
            name="Scorecard",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "recommendation",
                    models.CharField(
                        choices=[
                            ("strong yes", "Yes, strongly"),
                            ("yes", "Yes"),
                            ("no", "No"),
                            ("strong no", "No, strongly"),
                        ],
                        max_length=10,
                        verbose_name="recommendation",
                    ),
                ),
                ("note", models.TextField(blank=True, max_length=2000, verbose_name="why")),
                ("was_blind", models.BooleanField(default=False, verbose_name="without the name")),
                ("scored_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="scored at")),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="scorecards",
                        to="careers.application",
                        verbose_name="application",
                    ),
                ),
                (
                    "reviewer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="reviewer",
                    ),
                ),
            ],
            options={
                "verbose_name": "scorecard",
                "verbose_name_plural": "scorecards",
                "ordering": ["scored_at"],
                "constraints": [
                    models.UniqueConstraint(fields=("application", "reviewer"), name="careers_scorecard_one_each"),
                    models.CheckConstraint(
                        condition=models.Q(("recommendation__in", ["strong yes", "yes", "no", "strong no"])),
                        name="careers_scorecard_recommendation_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Score",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("points", models.PositiveSmallIntegerField(verbose_name="points")),
                (
                    "criterion",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="scores", to="careers.criterion"
                    ),
                ),
                (
                    "scorecard",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="scores", to="careers.scorecard"
                    ),
                ),
            ],
            options={
                "ordering": ["criterion__position", "pk"],
                "constraints": [
                    models.UniqueConstraint(fields=("scorecard", "criterion"), name="careers_score_once_each"),
                    models.CheckConstraint(
                        condition=models.Q(("points__gte", 1), ("points__lte", 4)), name="careers_score_points"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Comment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("text", models.TextField(max_length=2000, verbose_name="comment")),
                ("written_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="written at")),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="comments",
                        to="careers.application",
                        verbose_name="application",
                    ),
                ),
                (
                    "author",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="author",
                    ),
                ),
            ],
            options={
                "verbose_name": "comment",
                "verbose_name_plural": "comments",
                "ordering": ["written_at", "pk"],
            },
        ),
        migrations.CreateModel(
            name="Reveal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("reason", models.CharField(max_length=200, verbose_name="reason")),
                ("revealed_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="shown at")),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="reveals",
                        to="careers.application",
                        verbose_name="application",
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="person",
                    ),
                ),
            ],
            options={
                "verbose_name": "name shown",
                "verbose_name_plural": "names shown",
                "ordering": ["revealed_at"],
                "constraints": [
                    models.UniqueConstraint(fields=("application", "person"), name="careers_reveal_one_each")
                ],
            },
        ),
        migrations.CreateModel(
            name="InterviewSlot",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("starts_at", models.DateTimeField(verbose_name="starts at")),
                (
                    "minutes",
                    models.PositiveSmallIntegerField(
                        default=45,
                        validators=[
                            django.core.validators.MinValueValidator(10),
                            django.core.validators.MaxValueValidator(480),
                        ],
                        verbose_name="minutes",
                    ),
                ),
                ("place", models.CharField(max_length=200, verbose_name="place, or how to call")),
                ("interviewer", models.CharField(blank=True, max_length=100, verbose_name="with whom")),
                (
                    "state",
                    models.CharField(
                        choices=[("offered", "Offered"), ("chosen", "Chosen"), ("gone", "No longer offered")],
                        default="offered",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("offered_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="offered at")),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="slots",
                        to="careers.application",
                        verbose_name="application",
                    ),
                ),
            ],
            options={
                "verbose_name": "interview time",
                "verbose_name_plural": "interview times",
                "ordering": ["starts_at"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["offered", "chosen", "gone"])),
                        name="careers_slot_state_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("minutes__gte", 10), ("minutes__lte", 480)), name="careers_slot_minutes"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "chosen")), fields=("application",), name="careers_slot_one_chosen"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("starts_at", None),
                            models.Q(
                                ("starts_at__gte", datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.UTC)),
                                ("starts_at__lt", datetime.datetime(2100, 1, 1, 0, 0, tzinfo=datetime.UTC)),
                            ),
                            _connector="OR",
                        ),
                        name="careers_slot_years",
                        violation_error_message="Give a day between 2000 and 2099.",
                    ),
                ],
            },
        ),
    ]
