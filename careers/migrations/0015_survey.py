import uuid

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("careers", "0014_retention"),
    ]

    operations = [
        migrations.CreateModel(
            name="SurveyAnswer",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("radiologist", "Radiologist"),
                            ("technologist", "Technologist"),
                            ("nurse", "Nurse"),
                            ("office", "Office"),
                        ],
                        max_length=20,
                    ),
                ),
                ("year", models.PositiveSmallIntegerField()),
                (
                    "sex",
                    models.CharField(
                        choices=[("female", "Female"), ("male", "Male"), ("unsaid", "I would rather not say")],
                        max_length=10,
                        verbose_name="sex",
                    ),
                ),
                (
                    "ethnicity",
                    models.CharField(
                        choices=[
                            ("hispanic", "Hispanic or Latino"),
                            ("white", "White"),
                            ("black", "Black or African American"),
                            ("pacific", "Native Hawaiian or other Pacific Islander"),
                            ("asian", "Asian"),
                            ("native", "American Indian or Alaska Native"),
                            ("several", "Two or more races"),
                            ("unsaid", "I would rather not say"),
                        ],
                        max_length=10,
                        verbose_name="race and ethnicity",
                    ),
                ),
                ("is_counted", models.BooleanField(default=False)),
            ],
            options={
                "verbose_name": "answer to the voluntary questions",
                "verbose_name_plural": "answers to the voluntary questions",
                "default_permissions": (),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("role__in", ["radiologist", "technologist", "nurse", "office"])),
                        name="careers_surveyanswer_role_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("sex__in", ["female", "male", "unsaid"])),
                        name="careers_surveyanswer_sex_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "ethnicity__in",
                                ["hispanic", "white", "black", "pacific", "asian", "native", "several", "unsaid"],
                            )
                        ),
                        name="careers_surveyanswer_ethnicity_known",
                    ),
                ],
            },
        ),
    ]
