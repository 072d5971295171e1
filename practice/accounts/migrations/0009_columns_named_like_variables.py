"""A table may have a column called `person`, as shifts have: in the trigger's function the word means its variable.

Without this, deleting such a row was refused by the database.
"""

from importlib import import_module

from django.db import migrations

before = import_module("practice.accounts.migrations.0005_change_log").FUNCTION.split("CREATE TRIGGER", 1)[0]
BEFORE = before.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
AFTER = BEFORE.replace("AS $$\nDECLARE", "AS $$\n#variable_conflict use_variable\nDECLARE")


class Migration(migrations.Migration):
    dependencies = [("accounts", "0008_search_the_logs")]
    operations = [migrations.RunSQL(AFTER, BEFORE)]
