"""Card pages that were paid before the sandbox kept movements get theirs."""

from django.db import migrations


def make_movements(apps, schema_editor):
    session = apps.get_model("sandbox", "CardSession")
    movement = apps.get_model("sandbox", "Movement")
    movement.objects.bulk_create(
        movement(
            ref=paid.payment_ref,
            kind="payment",
            key=paid.key,
            payment_ref=paid.payment_ref,
            amount_cents=paid.amount_cents,
            moved_at=paid.created_at,
        )
        for paid in session.objects.filter(state="paid").exclude(payment_ref__in=movement.objects.values("payment_ref"))
    )


class Migration(migrations.Migration):
    dependencies = [("sandbox", "0002_movements")]
    operations = [migrations.RunPython(make_movements, migrations.RunPython.noop)]
