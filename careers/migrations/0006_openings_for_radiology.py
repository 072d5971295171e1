import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import practice.instants


class Migration(migrations.Migration):
    dependencies = [
        ("careers", "0005_dates_checked"),
    ]

    operations = [
        migrations.AddField(
            model_name="opening",
            name="answer_days",
            field=models.PositiveSmallIntegerField(
                default=10,
                help_text="Business days within which applicants hear of each step. They are told the date.",
                validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(60)],
                verbose_name="days to answer",
            ),
        ),
        migrations.AddField(
            model_name="opening",
            name="call_es",
            field=models.CharField(blank=True, max_length=200, verbose_name="call in Spanish"),
        ),
        migrations.AddField(
            model_name="opening",
            name="is_read_blind",
            field=models.BooleanField(
                default=True,
                help_text="Who reads an application sees no name, photo or school before they have scored it.",
                verbose_name="first read without names",
            ),
        ),
        migrations.AddField(
            model_name="opening",
            name="partnership_es",
            field=models.CharField(blank=True, max_length=200, verbose_name="about the partnership in Spanish"),
        ),
        migrations.AddField(
            model_name="opening",
            name="partnership_months",
            field=models.PositiveSmallIntegerField(
                blank=True,
                help_text="Empty: there is no track to partnership.",
                null=True,
                verbose_name="months to partnership",
            ),
        ),
        migrations.AddField(
            model_name="opening",
            name="productivity",
            field=models.CharField(
                blank=True,
                choices=[
                    ("salary", "Salary alone"),
                    ("bonus", "Salary and a productivity bonus"),
                    ("rvu", "Productivity (RVUs)"),
                    ("shares", "Equal shares"),
                ],
                help_text="For physicians.",
                max_length=10,
                verbose_name="how pay is worked out",
            ),
        ),
        migrations.AddField(
            model_name="opening",
            name="reviewers",
            field=models.ManyToManyField(
                blank=True,
                help_text="Application reviewers see only the openings at which they are named.",
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="reviewers",
            ),
        ),
        migrations.AddField(
            model_name="opening",
            name="schedule_es",
            field=models.CharField(blank=True, max_length=200, verbose_name="schedule in Spanish"),
        ),
        migrations.AddField(
            model_name="opening",
            name="starts_on",
            field=models.DateField(
                blank=True,
                help_text="Empty: as soon as it suits both.",
                null=True,
                validators=[practice.instants.validate_year],
                verbose_name="start",
            ),
        ),
        migrations.AddField(
            model_name="opening",
            name="visa",
            field=models.CharField(
                blank=True,
                choices=[
                    ("none", "Not sponsored"),
                    ("h1b", "H-1B"),
                    ("j1", "J-1 waiver"),
                    ("both", "H-1B or J-1 waiver"),
                ],
                max_length=10,
                verbose_name="visa",
            ),
        ),
        migrations.AddField(
            model_name="opening",
            name="weeks_off",
            field=models.PositiveSmallIntegerField(blank=True, null=True, verbose_name="weeks off a year"),
        ),
        migrations.AlterField(
            model_name="opening",
            name="partnership",
            field=models.CharField(
                blank=True, help_text="Buy-in, voting, ...", max_length=200, verbose_name="about the partnership"
            ),
        ),
        migrations.AddConstraint(
            model_name="opening",
            constraint=models.CheckConstraint(
                condition=models.Q(("productivity__in", ["", "salary", "bonus", "rvu", "shares"])),
                name="careers_opening_productivity_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="opening",
            constraint=models.CheckConstraint(
                condition=models.Q(("visa__in", ["", "none", "h1b", "j1", "both"])), name="careers_opening_visa_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="opening",
            constraint=models.CheckConstraint(
                condition=models.Q(("answer_days__gte", 1), ("answer_days__lte", 60)),
                name="careers_opening_answer_days",
                violation_error_message="Applicants are answered within 1 to 60 business days.",
            ),
        ),
        migrations.CreateModel(
            name="Criterion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "text",
                    models.CharField(
                        help_text="What the job asks for, not who has it.", max_length=120, verbose_name="criterion"
                    ),
                ),
                ("position", models.PositiveSmallIntegerField(default=0, verbose_name="position")),
                (
                    "opening",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="criteria",
                        to="careers.opening",
                        verbose_name="opening",
                    ),
                ),
            ],
            options={
                "verbose_name": "criterion",
                "verbose_name_plural": "criteria",
                "ordering": ["position", "pk"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("opening", "text"),
                        name="careers_criterion_once_each",
                        violation_error_message="This opening has this criterion already.",
                    )
                ],
            },
        ),
    ]
