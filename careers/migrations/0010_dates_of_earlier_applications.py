"""Applications from before dates were promised: those that wait get a day, those decided the day of their decision."""

from django.db import migrations
from django.utils import timezone

from practice.business_days import business_days_after

FINAL = ["hired", "declined"]


def forward(apps, schema_editor):
    applications = apps.get_model("careers", "Application").objects
    applications.exclude(status__in=FINAL).update(answer_by=business_days_after(timezone.localdate(), 10))
    for application in applications.exclude(status="received").iterator(chunk_size=500):
        application.answered_at = application.status_changed_at
        if application.status in FINAL:
            application.decided_at = application.status_changed_at
        if application.status == "declined":
            application.reason, application.reason_note = "other", "Declined before reasons were kept."
        application.save()


class Migration(migrations.Migration):
    dependencies = [("careers", "0009_applications_are_answered")]
    operations = [migrations.RunPython(forward, migrations.RunPython.noop)]
