"""Two to four equal payments with a card kept at the processor."""

import uuid

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import billing.models.plans
import practice.encryption


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0006_refunds_and_disputes"),
    ]
    operations = [
        migrations.CreateModel(
            name="Instalment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveSmallIntegerField(verbose_name="part")),
                ("amount_cents", models.BigIntegerField(verbose_name="amount")),
                ("due_on", models.DateField(verbose_name="due on")),
                ("next_try_on", models.DateField(verbose_name="next try on")),
                (
                    "state",
                    models.CharField(
                        choices=[("due", "To be paid"), ("paid", "Paid"), ("cancelled", "Not needed any more")],
                        default="due",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("declines", models.PositiveSmallIntegerField(default=0, verbose_name="declined")),
                ("reminded_at", models.DateTimeField(blank=True, null=True, verbose_name="reminded at")),
            ],
            options={
                "verbose_name": "instalment",
                "verbose_name_plural": "instalments",
                "ordering": ["plan", "position"],
            },
        ),
        migrations.CreateModel(
            name="PaymentPlan",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "token",
                    models.CharField(
                        default=billing.models.plans.new_token, editable=False, max_length=40, unique=True
                    ),
                ),
                ("total_cents", models.BigIntegerField(verbose_name="total")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "First payment not made yet"),
                            ("active", "Active"),
                            ("completed", "Completed"),
                            ("cancelled", "Cancelled"),
                            ("stopped", "Stopped after declined cards"),
                            ("abandoned", "Never begun"),
                        ],
                        default="pending",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("email", practice.encryption.EncryptedTextField(verbose_name="e-mail")),
                ("language", models.CharField(default="en", max_length=2, verbose_name="language")),
                ("consent_text", models.TextField(verbose_name="text agreed to")),
                ("consented_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="agreed at")),
                ("consented_from", models.GenericIPAddressField(null=True, verbose_name="agreed from")),
                ("gateway", models.CharField(max_length=20, verbose_name="processor")),
                ("customer_ref", models.CharField(blank=True, max_length=100, verbose_name="payer at the processor")),
                ("card_ref", models.CharField(blank=True, max_length=100, verbose_name="card at the processor")),
                ("closed_at", models.DateTimeField(blank=True, null=True, verbose_name="closed at")),
            ],
            options={
                "verbose_name": "payment plan",
                "verbose_name_plural": "payment plans",
                "ordering": ["-consented_at"],
            },
        ),
        migrations.AddField(
            model_name="attempt",
            name="generation",
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="attempt",
            name="kind",
            field=models.CharField(
                choices=[("checkout", "Card page"), ("instalment", "Stored card")],
                default="checkout",
                max_length=10,
                verbose_name="kind",
            ),
        ),
        migrations.AddField(
            model_name="attempt",
            name="last_error",
            field=models.CharField(blank=True, max_length=200, verbose_name="last answer"),
        ),
        migrations.AddField(
            model_name="attempt",
            name="receipt_to",
            field=practice.encryption.EncryptedTextField(blank=True, verbose_name="receipt to"),
        ),
        migrations.AddField(
            model_name="attempt",
            name="instalment",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="attempts",
                to="billing.instalment",
                verbose_name="instalment",
            ),
        ),
        migrations.AddConstraint(
            model_name="attempt",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["checkout", "instalment"])), name="billing_attempt_kind_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="attempt",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind", "checkout"), ("instalment__isnull", False), _connector="OR"),
                name="billing_attempt_stored_card_is_for_instalments",
            ),
        ),
        migrations.AddField(
            model_name="paymentplan",
            name="statement",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="plans",
                to="billing.statement",
                verbose_name="statement",
            ),
        ),
        migrations.AddField(
            model_name="instalment",
            name="plan",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="instalments",
                to="billing.paymentplan",
                verbose_name="plan",
            ),
        ),
        migrations.AddConstraint(
            model_name="paymentplan",
            constraint=models.CheckConstraint(
                condition=models.Q(("total_cents__gt", 0)), name="billing_paymentplan_total_positive"
            ),
        ),
        migrations.AddConstraint(
            model_name="paymentplan",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ["pending", "active", "completed", "cancelled", "stopped", "abandoned"])
                ),
                name="billing_paymentplan_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="paymentplan",
            constraint=models.CheckConstraint(
                condition=models.Q(("consent_text", ""), _negated=True), name="billing_paymentplan_consent_given"
            ),
        ),
        migrations.AddConstraint(
            model_name="paymentplan",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("closed_at", None), ("state__in", ("pending", "active"))),
                    models.Q(
                        models.Q(("state__in", ("pending", "active")), _negated=True), ("closed_at__isnull", False)
                    ),
                    _connector="OR",
                ),
                name="billing_paymentplan_closed_with_its_state",
            ),
        ),
        migrations.AddConstraint(
            model_name="paymentplan",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ("pending", "active"))),
                fields=("statement",),
                name="billing_paymentplan_one_running",
            ),
        ),
        migrations.AddIndex(
            model_name="instalment",
            index=models.Index(
                condition=models.Q(("state", "due")), fields=["next_try_on"], name="billing_instalment_to_pay"
            ),
        ),
        migrations.AddConstraint(
            model_name="instalment",
            constraint=models.CheckConstraint(
                condition=models.Q(("position__gte", 1), ("position__lte", 4)), name="billing_instalment_at_most_four"
            ),
        ),
        migrations.AddConstraint(
            model_name="instalment",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount_cents__gte", 50)), name="billing_instalment_amount_large_enough"
            ),
        ),
        migrations.AddConstraint(
            model_name="instalment",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["due", "paid", "cancelled"])), name="billing_instalment_state_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="instalment",
            constraint=models.CheckConstraint(
                condition=models.Q(("declines__lte", 3)), name="billing_instalment_declines_within"
            ),
        ),
        migrations.AddConstraint(
            model_name="instalment",
            constraint=models.UniqueConstraint(fields=("plan", "position"), name="billing_instalment_unique_position"),
        ),
    ]
