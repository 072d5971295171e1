import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("careers", "0011_rules_of_applications"),
    ]

    operations = [
        migrations.CreateModel(
            name="MailText",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("saved", "An unfinished application was saved"),
                            ("received", "The application arrived"),
                            ("in review", "It is being reviewed"),
                            ("interview", "Invitation to an interview"),
                            ("booked", "The time of the interview is fixed"),
                            ("hired", "We would like to hire you"),
                            ("declined", "Somebody else was chosen"),
                            ("withdrawn", "The applicant withdrew"),
                        ],
                        max_length=20,
                        unique=True,
                        verbose_name="when",
                    ),
                ),
                ("subject", models.CharField(max_length=150, verbose_name="subject")),
                ("subject_es", models.CharField(max_length=150, verbose_name="subject in Spanish")),
                ("body", models.TextField(max_length=4000, verbose_name="text")),
                ("body_es", models.TextField(max_length=4000, verbose_name="text in Spanish")),
            ],
            options={
                "verbose_name": "mail to applicants",
                "verbose_name_plural": "mails to applicants",
                "ordering": ["pk"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "kind__in",
                                [
                                    "saved",
                                    "received",
                                    "in review",
                                    "interview",
                                    "booked",
                                    "hired",
                                    "declined",
                                    "withdrawn",
                                ],
                            )
                        ),
                        name="careers_mailtext_kind_known",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Letter",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("saved", "An unfinished application was saved"),
                            ("received", "The application arrived"),
                            ("in review", "It is being reviewed"),
                            ("interview", "Invitation to an interview"),
                            ("booked", "The time of the interview is fixed"),
                            ("hired", "We would like to hire you"),
                            ("declined", "Somebody else was chosen"),
                            ("withdrawn", "The applicant withdrew"),
                        ],
                        max_length=20,
                        verbose_name="when",
                    ),
                ),
                ("subject", models.CharField(max_length=300, verbose_name="subject")),
                ("body", models.TextField(verbose_name="text")),
                ("written_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="written at")),
                ("sent_at", models.DateTimeField(blank=True, null=True, verbose_name="sent at")),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="letters",
                        to="careers.application",
                        verbose_name="application",
                    ),
                ),
                (
                    "written_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="written by",
                    ),
                ),
            ],
            options={
                "verbose_name": "letter",
                "verbose_name_plural": "letters",
                "ordering": ["written_at", "pk"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "kind__in",
                                [
                                    "saved",
                                    "received",
                                    "in review",
                                    "interview",
                                    "booked",
                                    "hired",
                                    "declined",
                                    "withdrawn",
                                ],
                            )
                        ),
                        name="careers_letter_kind_known",
                    )
                ],
            },
        ),
    ]
