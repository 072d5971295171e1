"""What went back: refunds, and disputes at the card's bank."""

import uuid

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import practice.encryption
from practice.encryption import decrypt, encrypt


def seal_bodies(apps, schema_editor):
    """Encrypt the messages that were stored as they came."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT id, body FROM billing_gatewayevent")
        for pk, body in cursor.fetchall():
            sealed = encrypt(body, "billing_gatewayevent.body")
            cursor.execute("UPDATE billing_gatewayevent SET body = %s WHERE id = %s", [sealed, pk])


def open_bodies(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT id, body FROM billing_gatewayevent")
        for pk, sealed in cursor.fetchall():
            body = decrypt(sealed, "billing_gatewayevent.body")
            cursor.execute("UPDATE billing_gatewayevent SET body = %s WHERE id = %s", [body, pk])


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0005_sealed_journals"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.CreateModel(
            name="Dispute",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("gateway", models.CharField(max_length=20, verbose_name="processor")),
                ("dispute_ref", models.CharField(max_length=100, verbose_name="processor's reference")),
                ("amount_cents", models.BigIntegerField(verbose_name="amount")),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "Open"), ("won", "Won"), ("lost", "Lost")],
                        default="open",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("answer_due_at", models.DateTimeField(blank=True, null=True, verbose_name="answer due")),
                ("opened_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="opened at")),
                ("closed_at", models.DateTimeField(blank=True, null=True, verbose_name="closed at")),
            ],
            options={
                "verbose_name": "dispute",
                "verbose_name_plural": "disputes",
                "ordering": ["-opened_at"],
            },
        ),
        migrations.CreateModel(
            name="Refund",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("amount_cents", models.BigIntegerField(verbose_name="amount")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("proposed", "Waits for a second person"),
                            ("declined", "Declined by a second person"),
                            ("requested", "Asked for"),
                            ("unknown", "Outcome unknown"),
                            ("pending", "On its way"),
                            ("succeeded", "Returned"),
                            ("failed", "Failed"),
                        ],
                        default="requested",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        choices=[("office", "The office"), ("processor", "Made at the card processor")],
                        default="office",
                        max_length=10,
                        verbose_name="made by",
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=200, verbose_name="reason")),
                ("needs_second_person", models.BooleanField(default=False, verbose_name="needs a second person")),
                ("gateway", models.CharField(max_length=20, verbose_name="processor")),
                ("decided_at", models.DateTimeField(blank=True, null=True, verbose_name="decided at")),
                ("refund_ref", models.CharField(blank=True, max_length=100, verbose_name="processor's reference")),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="asked for at")),
                ("closed_at", models.DateTimeField(blank=True, null=True, verbose_name="closed at")),
                ("last_error", models.CharField(blank=True, max_length=200, verbose_name="last answer")),
            ],
            options={
                "verbose_name": "refund",
                "verbose_name_plural": "refunds",
                "ordering": ["-created_at"],
                "permissions": [
                    ("request_refund", "Can ask for a refund"),
                    ("approve_refund", "Can approve a refund somebody else asked for"),
                ],
            },
        ),
        migrations.AlterModelOptions(
            name="payment",
            options={"ordering": ["-captured_at", "-pk"], "verbose_name": "payment", "verbose_name_plural": "payments"},
        ),
        migrations.AddField(
            model_name="payment",
            name="disputed_cents",
            field=models.BigIntegerField(default=0, editable=False, verbose_name="disputed"),
        ),
        migrations.AddField(
            model_name="payment",
            name="refund_reserved_cents",
            field=models.BigIntegerField(default=0, editable=False, verbose_name="returned or being returned"),
        ),
        migrations.AlterField(
            model_name="payment",
            name="attempt",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="payments",
                to="billing.attempt",
                verbose_name="attempt",
            ),
        ),
        migrations.AddIndex(
            model_name="payment",
            index=models.Index(fields=["-captured_at"], name="billing_payment_captured"),
        ),
        migrations.AddIndex(
            model_name="payment",
            index=models.Index(
                condition=models.Q(("needs_review", ""), _negated=True),
                fields=["captured_at"],
                name="billing_payment_to_review",
            ),
        ),
        migrations.AddConstraint(
            model_name="payment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("refund_reserved_cents__gte", 0), ("refund_reserved_cents__lte", models.F("amount_cents"))
                ),
                name="billing_payment_never_returned_beyond",
            ),
        ),
        migrations.AddConstraint(
            model_name="payment",
            constraint=models.CheckConstraint(
                condition=models.Q(("disputed_cents__gte", 0), ("disputed_cents__lte", models.F("amount_cents"))),
                name="billing_payment_never_disputed_beyond",
            ),
        ),
        migrations.AddField(
            model_name="dispute",
            name="payment",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="disputes",
                to="billing.payment",
                verbose_name="payment",
            ),
        ),
        migrations.AddField(
            model_name="refund",
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
            model_name="refund",
            name="payment",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="refunds",
                to="billing.payment",
                verbose_name="payment",
            ),
        ),
        migrations.AddField(
            model_name="refund",
            name="requested_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="asked for by",
            ),
        ),
        migrations.AddConstraint(
            model_name="dispute",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount_cents__gt", 0)), name="billing_dispute_amount_positive"
            ),
        ),
        migrations.AddConstraint(
            model_name="dispute",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["open", "won", "lost"])), name="billing_dispute_state_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="dispute",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("closed_at", None), ("state", "open")),
                    models.Q(models.Q(("state", "open"), _negated=True), ("closed_at__isnull", False)),
                    _connector="OR",
                ),
                name="billing_dispute_closed_with_its_state",
            ),
        ),
        migrations.AddConstraint(
            model_name="dispute",
            constraint=models.UniqueConstraint(fields=("gateway", "dispute_ref"), name="billing_dispute_ref_unique"),
        ),
        migrations.AddIndex(
            model_name="refund",
            index=models.Index(
                condition=models.Q(("state__in", ["proposed", "requested", "unknown", "pending"])),
                fields=["created_at"],
                name="billing_refund_unresolved",
            ),
        ),
        migrations.AddConstraint(
            model_name="refund",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount_cents__gt", 0)), name="billing_refund_amount_positive"
            ),
        ),
        migrations.AddConstraint(
            model_name="refund",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ["proposed", "declined", "requested", "unknown", "pending", "succeeded", "failed"])
                ),
                name="billing_refund_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="refund",
            constraint=models.CheckConstraint(
                condition=models.Q(("source__in", ["office", "processor"])), name="billing_refund_source_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="refund",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("needs_second_person", False),
                    ("state__in", ["proposed", "declined"]),
                    models.Q(
                        ("decided_by__isnull", False),
                        ("requested_by__isnull", False),
                        models.Q(("decided_by", models.F("requested_by")), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="billing_refund_second_person_decides",
            ),
        ),
        migrations.AddConstraint(
            model_name="refund",
            constraint=models.CheckConstraint(
                condition=models.Q(("source", "processor"), ("requested_by__isnull", False), _connector="OR"),
                name="billing_refund_office_names_who_asked",
            ),
        ),
        migrations.AddConstraint(
            model_name="refund",
            constraint=models.UniqueConstraint(
                condition=models.Q(("refund_ref", ""), _negated=True),
                fields=("gateway", "refund_ref"),
                name="billing_refund_ref_unique",
            ),
        ),
        migrations.AlterField(
            model_name="gatewayevent",
            name="body",
            field=practice.encryption.EncryptedTextField(verbose_name="message"),
        ),
        migrations.RunPython(seal_bodies, open_bodies),
    ]
