import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("education", "0002_roles")]
    operations = [
        migrations.CreateModel(
            name="ProcedureCode",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "code",
                    models.CharField(
                        help_text="As it stands on a bill, for example 71046.", max_length=20, verbose_name="code"
                    ),
                ),
                (
                    "topic",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="procedure_codes",
                        to="education.topic",
                        verbose_name="topic",
                    ),
                ),
            ],
            options={
                "verbose_name": "procedure code",
                "verbose_name_plural": "procedure codes",
                "ordering": ["pk"],
                "constraints": [
                    models.UniqueConstraint(
                        name="education_procedurecode_one_topic",
                        fields=["code"],
                        violation_error_message="This code already belongs to a topic.",
                    ),
                    models.CheckConstraint(
                        name="education_procedurecode_plain",
                        condition=models.Q(code__regex="^[A-Z0-9]+([ .-][A-Z0-9]+)*$"),
                        violation_error_message=(
                            "A code has letters and digits, with single spaces, dots or hyphens between."
                        ),
                    ),
                ],
            },
        ),
    ]
