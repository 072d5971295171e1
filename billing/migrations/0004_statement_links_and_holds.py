"""A revocable link for the QR code, a hold, and what replaces a voided statement."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0003_roles"),
    ]
    operations = [
        migrations.AlterModelOptions(
            name="statement",
            options={
                "ordering": ["-issued_on", "-pk"],
                "permissions": [
                    ("void_statement", "Can void a statement and issue it again"),
                    ("write_off_statement", "Can write off what is owed"),
                    ("print_statement", "Can download the codes for the print house"),
                ],
                "verbose_name": "statement",
                "verbose_name_plural": "statements",
            },
        ),
        migrations.AddField(
            model_name="statement",
            name="held_since",
            field=models.DateTimeField(blank=True, editable=False, null=True, verbose_name="on hold since"),
        ),
        migrations.AddField(
            model_name="statement",
            name="link_index",
            field=models.CharField(editable=False, max_length=64, null=True, unique=True),
        ),
        migrations.AddField(
            model_name="statement",
            name="link_version",
            field=models.PositiveSmallIntegerField(default=1, editable=False),
        ),
        migrations.AddField(
            model_name="statement",
            name="replaces",
            field=models.OneToOneField(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="replaced_by",
                to="billing.statement",
                verbose_name="issued again for",
            ),
        ),
        migrations.AddIndex(
            model_name="statement",
            index=models.Index(
                condition=models.Q(("applied_cents__lt", models.F("charges_cents")), ("voided_at", None)),
                fields=["-issued_on", "-id"],
                name="billing_statement_owed",
            ),
        ),
        migrations.AddConstraint(
            model_name="statement",
            constraint=models.CheckConstraint(
                condition=models.Q(("replaces", models.F("pk")), _negated=True),
                name="billing_statement_not_its_own_heir",
            ),
        ),
    ]
