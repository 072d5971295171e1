"""django-import-export on a model of the statement file's shape: `python -m benchmarks.peers.import_export FILE`.

Prints the seconds of one import, as its documentation recommends for many rows: in bulk, without reports of what
differs, without looking for rows that are there. It keeps one flat row for each line of the file: no patients, no
encryption, no look-up codes, no ledger.
"""

import os
import sys
import time
from pathlib import Path

import django
from django.conf import settings

settings.configure(
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "import_export"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": os.environ["PEER_DATABASE_HOST"],
            "NAME": os.environ["PEER_DATABASE"],
            "USER": os.environ["PEER_DATABASE_USER"],
        }
    },
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True,
)
django.setup()

import tablib  # noqa: E402
from django.db import connection, models  # noqa: E402
from import_export import resources  # noqa: E402


class Line(models.Model):
    """A row of the file."""

    statement_number = models.CharField(max_length=40)
    issued_on = models.DateField()
    due_on = models.DateField()
    account_number = models.CharField(max_length=40, db_index=True)
    first_name = models.CharField(max_length=100)
    last_name = models.CharField(max_length=100)
    date_of_birth = models.DateField()
    line = models.IntegerField()
    service_date = models.DateField()
    description = models.CharField(max_length=200)
    charge = models.DecimalField(max_digits=12, decimal_places=2)
    insurance_paid = models.DecimalField(max_digits=12, decimal_places=2)
    adjustment = models.DecimalField(max_digits=12, decimal_places=2)
    patient_owes = models.DecimalField(max_digits=12, decimal_places=2)
    procedure_code = models.CharField(max_length=20, blank=True)
    facility = models.CharField(max_length=200, blank=True)
    insurer = models.CharField(max_length=200, blank=True)
    language = models.CharField(max_length=2)
    statement_code = models.CharField(max_length=13, blank=True)
    statement_total = models.DecimalField(max_digits=12, decimal_places=2, null=True)

    def __str__(self):
        return f"{self.statement_number}/{self.line}"

    class Meta:
        app_label = "peer"
        db_table = "peer_line"
        constraints = [
            models.UniqueConstraint(name="peer_line_once", fields=["statement_number", "line"]),
        ]


class LineResource(resources.ModelResource):
    class Meta:
        model = Line
        exclude = ["id"]
        import_id_fields = ["statement_number", "line"]
        use_bulk = True
        batch_size = 1000
        force_init_instance = True
        skip_diff = True
        use_transactions = True


def main() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS peer_line")
    with connection.schema_editor() as editor:
        editor.create_model(Line)
    text = Path(sys.argv[1]).read_text()
    start = time.perf_counter()
    result = LineResource().import_data(tablib.Dataset().load(text, format="csv"), raise_errors=True)
    taken = time.perf_counter() - start
    if Line._default_manager.count() != result.total_rows or not result.total_rows:
        raise SystemExit("django-import-export did not import every row.")
    sys.stdout.write(f"{taken}\n")


if __name__ == "__main__":
    main()
