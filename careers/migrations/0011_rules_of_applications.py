from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("careers", "0010_dates_of_earlier_applications"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="application",
            index=models.Index(fields=["email"], name="careers_application_email"),
        ),
        migrations.AddIndex(
            model_name="application",
            index=models.Index(
                condition=models.Q(("status__in", ["hired", "declined", "withdrawn", "merged"]), _negated=True),
                fields=["answer_by"],
                name="careers_application_waiting",
            ),
        ),
        migrations.AddIndex(
            model_name="application",
            index=models.Index(fields=["decided_at"], name="careers_application_decided"),
        ),
        migrations.AddIndex(
            model_name="application",
            index=models.Index(
                condition=models.Q(("erasure_answered_at", None), ("erasure_asked_at__isnull", False)),
                fields=["erasure_asked_at"],
                name="careers_application_to_erase",
            ),
        ),
        migrations.AddConstraint(
            model_name="application",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("status__in", ["received", "in review", "interview", "hired", "declined", "withdrawn", "merged"])
                ),
                name="careers_application_status_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="application",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "reason__in",
                        ["", "licence", "experience", "interview", "terms", "filled", "stopped", "incomplete", "other"],
                    )
                ),
                name="careers_application_reason_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="application",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("answer_by", None),
                        ("decided_at__isnull", False),
                        ("decline_at", None),
                        ("status__in", ["hired", "declined", "withdrawn", "merged"]),
                    ),
                    models.Q(
                        models.Q(("status__in", ["hired", "declined", "withdrawn", "merged"]), _negated=True),
                        ("answer_by__isnull", False),
                        ("decided_at", None),
                    ),
                    _connector="OR",
                ),
                name="careers_application_decided_when_final",
            ),
        ),
        migrations.AddConstraint(
            model_name="application",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("reason", ""), _negated=True),
                    models.Q(models.Q(("status", "declined"), _negated=True), ("decline_at", None)),
                    _connector="OR",
                ),
                name="careers_application_declined_with_a_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="application",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("merged_into__isnull", False),
                        ("status", "merged"),
                        models.Q(("merged_into", models.F("id")), _negated=True),
                    ),
                    models.Q(models.Q(("status", "merged"), _negated=True), ("merged_into", None)),
                    _connector="OR",
                ),
                name="careers_application_merged_into_another",
            ),
        ),
    ]
