"""Journals name who posted them and are sealed in a chain; more kinds and books."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0004_statement_links_and_holds"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.CreateModel(
            name="ChainLink",
            fields=[
                ("position", models.BigIntegerField(primary_key=True, serialize=False, verbose_name="position")),
                ("digest", models.CharField(max_length=64, verbose_name="digest")),
            ],
            options={
                "verbose_name": "seal",
                "verbose_name_plural": "seals",
                "ordering": ["-position"],
            },
        ),
        migrations.RemoveConstraint(
            model_name="journal",
            name="billing_journal_kind_known",
        ),
        migrations.RemoveConstraint(
            model_name="leg",
            name="billing_leg_account_known",
        ),
        migrations.AddField(
            model_name="journal",
            name="note",
            field=models.CharField(blank=True, max_length=200, verbose_name="reason"),
        ),
        migrations.AddField(
            model_name="journal",
            name="posted_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="posted by",
            ),
        ),
        migrations.AlterField(
            model_name="journal",
            name="kind",
            field=models.CharField(
                choices=[
                    ("charge", "Statements issued"),
                    ("revision", "Statement revised"),
                    ("release", "Overpaid after a revision"),
                    ("payment", "Payment"),
                    ("refund", "Refund"),
                    ("refund failed", "Refund that came back"),
                    ("dispute", "Disputed: taken by the card processor"),
                    ("dispute won", "Dispute won: given back"),
                    ("dispute lost", "Dispute lost"),
                    ("write-off", "Written off"),
                    ("void", "Statement voided"),
                    ("transfer", "Credit used for another statement"),
                    ("deposit", "Paid out to the bank"),
                ],
                max_length=20,
                verbose_name="kind",
            ),
        ),
        migrations.AlterField(
            model_name="leg",
            name="account",
            field=models.CharField(
                choices=[
                    ("receivable", "Owed by patients"),
                    ("revenue", "Billed to patients"),
                    ("gateway", "Held by the card processor"),
                    ("credit", "Owed back to patients"),
                    ("dispute", "Held back in disputes"),
                    ("adjustment", "Written off"),
                    ("loss", "Returned beyond what was owed"),
                    ("bank", "At the bank"),
                    ("fees", "Fees of the card processor"),
                ],
                max_length=20,
                verbose_name="account",
            ),
        ),
        migrations.AddConstraint(
            model_name="journal",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "kind__in",
                        [
                            "charge",
                            "revision",
                            "release",
                            "payment",
                            "refund",
                            "refund failed",
                            "dispute",
                            "dispute won",
                            "dispute lost",
                            "write-off",
                            "void",
                            "transfer",
                            "deposit",
                        ],
                    )
                ),
                name="billing_journal_kind_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="leg",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "account__in",
                        ["receivable", "revenue", "gateway", "credit", "dispute", "adjustment", "loss", "bank", "fees"],
                    )
                ),
                name="billing_leg_account_known",
            ),
        ),
        migrations.AddField(
            model_name="chainlink",
            name="journal",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="link",
                to="billing.journal",
                verbose_name="entry",
            ),
        ),
    ]
