import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import careers.models.applications


class Migration(migrations.Migration):
    dependencies = [
        ("careers", "0008_cvs_become_files"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="application",
            options={
                "ordering": ["-received_at", "-pk"],
                "permissions": [
                    ("score_application", "Can score application"),
                    ("export_application", "Can export application"),
                    ("read_survey_counts", "Can view the counts of the voluntary questions"),
                ],
                "verbose_name": "application",
                "verbose_name_plural": "applications",
            },
        ),
        migrations.RemoveConstraint(
            model_name="application",
            name="careers_application_status_known",
        ),
        migrations.AlterField(  # so that the way back has something to put there, until the step before fills it in
            model_name="application",
            name="cv",
            field=models.FileField(default="", upload_to=careers.models.applications.file_path),
        ),
        migrations.RemoveField(
            model_name="application",
            name="cv",
        ),
        migrations.AddField(
            model_name="application",
            name="answer_by",
            field=models.DateField(blank=True, null=True, verbose_name="answer promised by"),
        ),
        migrations.AddField(
            model_name="application",
            name="answered_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="first answered at"),
        ),
        migrations.AddField(
            model_name="application",
            name="decided_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="decided at"),
        ),
        migrations.AddField(
            model_name="application",
            name="decided_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="decided by",
            ),
        ),
        migrations.AddField(
            model_name="application",
            name="decline_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="will be declined at"),
        ),
        migrations.AddField(
            model_name="application",
            name="erasure_answered_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="told that it is kept at"),
        ),
        migrations.AddField(
            model_name="application",
            name="erasure_asked_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="asked to be erased at"),
        ),
        migrations.AddField(
            model_name="application",
            name="has_seen_survey",
            field=models.BooleanField(default=False, editable=False),
        ),
        migrations.AddField(
            model_name="application",
            name="merged_into",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="merged",
                to="careers.application",
                verbose_name="merged into",
            ),
        ),
        migrations.AddField(
            model_name="application",
            name="once",
            field=models.UUIDField(editable=False, null=True, unique=True),
        ),
        migrations.AddField(
            model_name="application",
            name="reason",
            field=models.CharField(
                blank=True,
                choices=[
                    ("licence", "Licence or board status does not fit"),
                    ("experience", "Others had more of the experience asked for"),
                    ("interview", "After the interview"),
                    ("terms", "Pay, hours or place did not fit"),
                    ("filled", "The position is filled"),
                    ("stopped", "The position is not filled after all"),
                    ("incomplete", "Papers were missing and did not come"),
                    ("other", "Another reason, in the note"),
                ],
                max_length=20,
                verbose_name="reason",
            ),
        ),
        migrations.AddField(
            model_name="application",
            name="reason_note",
            field=models.CharField(blank=True, max_length=500, verbose_name="note to the reason"),
        ),
        migrations.AlterField(
            model_name="application",
            name="received_at",
            field=models.DateTimeField(default=django.utils.timezone.now, verbose_name="received at"),
        ),
        migrations.AlterField(
            model_name="application",
            name="status",
            field=models.CharField(
                choices=[
                    ("received", "Received"),
                    ("in review", "In review"),
                    ("interview", "Interview"),
                    ("hired", "Hired"),
                    ("declined", "Not chosen"),
                    ("withdrawn", "Withdrawn"),
                    ("merged", "Merged"),
                ],
                default="received",
                max_length=20,
                verbose_name="status",
            ),
        ),
    ]
