"""The rules about money that constraints on one row cannot say; see sql/ledger.sql."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_billing")]
    operations = [
        migrations.RunSQL((SQL / "ledger.sql").read_text(), (SQL / "ledger_undo.sql").read_text()),
    ]
