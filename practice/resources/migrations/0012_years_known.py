import datetime

from django.db import migrations, models

import practice.instants


class Migration(migrations.Migration):
    dependencies = [
        ("resources", "0011_change_log"),
    ]

    operations = [
        migrations.RunSQL(
            "UPDATE resources_callshift SET ends_at = '2099-12-31' "
            "WHERE ends_at >= '2100-01-01' AND starts_at < '2099-12-31'",
            migrations.RunSQL.noop,
        ),
        migrations.AlterField(
            model_name="callshift",
            name="ends_at",
            field=models.DateTimeField(validators=[practice.instants.validate_year], verbose_name="hands over at"),
        ),
        migrations.AlterField(
            model_name="callshift",
            name="starts_at",
            field=models.DateTimeField(validators=[practice.instants.validate_year], verbose_name="from"),
        ),
        migrations.AddConstraint(
            model_name="callshift",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("starts_at", None),
                        models.Q(
                            ("starts_at__gte", datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.UTC)),
                            ("starts_at__lt", datetime.datetime(2100, 1, 1, 0, 0, tzinfo=datetime.UTC)),
                        ),
                        _connector="OR",
                    ),
                    models.Q(
                        ("ends_at", None),
                        models.Q(
                            ("ends_at__gte", datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.UTC)),
                            ("ends_at__lt", datetime.datetime(2100, 1, 1, 0, 0, tzinfo=datetime.UTC)),
                        ),
                        _connector="OR",
                    ),
                ),
                name="resources_callshift_years_known",
                violation_error_message="Give a day between 2000 and 2099.",
            ),
        ),
    ]
