from django.db import migrations

from practice.accounts.change_log import track


class Migration(migrations.Migration):
    dependencies = [("practice", "0005_limits_by_subject"), ("accounts", "0005_change_log")]
    operations = [
        track(
            "practice_identity",
            "practice_location",
            "practice_notice",
            "practice_noticeversion",
            "practice_openinghours",
            "practice_physician",
            "practice_physician_subspecialties",
            "practice_subspecialty",
        ),
        track("practice_feedback", hidden=("message", "name", "email")),
    ]
