"""Legs in bulk, journals sealed in a chain at commit; see sql/sealed_ledger.sql."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("billing", "0009_uploads_and_daily_closes")]
    operations = [
        migrations.RunSQL((SQL / "sealed_ledger.sql").read_text(), (SQL / "sealed_ledger_undo.sql").read_text()),
    ]
