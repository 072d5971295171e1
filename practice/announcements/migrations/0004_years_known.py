import datetime

import django.utils.timezone
from django.db import migrations, models

import practice.instants


class Migration(migrations.Migration):
    dependencies = [
        ("announcements", "0003_change_log"),
        ("practice", "0008_notice_translations"),
    ]

    operations = [
        migrations.RunSQL(
            "UPDATE announcements_announcement SET publish_until = NULL WHERE publish_until >= '2100-01-01'",
            migrations.RunSQL.noop,
        ),
        migrations.RunSQL(
            "UPDATE announcements_announcement SET publish_from = now() "
            "WHERE publish_from NOT BETWEEN '2000-01-01' AND '2099-12-31'",
            migrations.RunSQL.noop,
        ),
        migrations.AlterField(
            model_name="announcement",
            name="publish_from",
            field=models.DateTimeField(
                default=django.utils.timezone.now,
                validators=[practice.instants.validate_year],
                verbose_name="publish from",
            ),
        ),
        migrations.AlterField(
            model_name="announcement",
            name="publish_until",
            field=models.DateTimeField(
                blank=True,
                help_text="Empty: stays.",
                null=True,
                validators=[practice.instants.validate_year],
                verbose_name="publish until",
            ),
        ),
        migrations.AddConstraint(
            model_name="announcement",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("publish_from", None),
                        models.Q(
                            ("publish_from__gte", datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.UTC)),
                            ("publish_from__lt", datetime.datetime(2100, 1, 1, 0, 0, tzinfo=datetime.UTC)),
                        ),
                        _connector="OR",
                    ),
                    models.Q(
                        ("publish_until", None),
                        models.Q(
                            ("publish_until__gte", datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.UTC)),
                            ("publish_until__lt", datetime.datetime(2100, 1, 1, 0, 0, tzinfo=datetime.UTC)),
                        ),
                        _connector="OR",
                    ),
                ),
                name="announcements_announcement_years_known",
                violation_error_message="Give a day between 2000 and 2099.",
            ),
        ),
    ]
