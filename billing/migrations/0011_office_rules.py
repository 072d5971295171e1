"""The rules about refunds, disputes, plans and closed days; see sql/office_rules.sql."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("billing", "0010_ledger_seals_itself")]
    operations = [
        migrations.RunSQL((SQL / "office_rules.sql").read_text(), (SQL / "office_rules_undo.sql").read_text()),
    ]
