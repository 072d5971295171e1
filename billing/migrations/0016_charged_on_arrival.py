"""Statements may arrive with what is owed on them, when the ledger has it; see sql/charged_on_arrival.sql."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("billing", "0015_lists_at_any_size")]
    operations = [
        migrations.RunSQL(
            (SQL / "charged_on_arrival.sql").read_text(), (SQL / "charged_on_arrival_undo.sql").read_text()
        ),
    ]
