from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("education", "0003_procedure_codes")]
    operations = [
        migrations.AddField(
            model_name="topic",
            name="sample_charge_cents",
            field=models.BigIntegerField(
                blank=True,
                help_text="What the sample bill line shows as our charge.",
                null=True,
                verbose_name="sample charge",
            ),
        ),
        migrations.AddConstraint(
            model_name="topic",
            constraint=models.CheckConstraint(
                name="education_topic_sample_charge_not_negative", condition=models.Q(sample_charge_cents__gte=0)
            ),
        ),
    ]
