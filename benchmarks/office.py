"""How long the office's lists take with a million rows, against the same lists with a thousand.

    DEMO=1 VAR_DIR=/tmp/bench-office .venv/bin/python -m benchmarks.office [--rows 1000000]

Fills a database of its own, measures, fills it on, and measures again, all in one run. The rows are one real row of
each table many times over, with other numbers and days. It needs the packages of requirements-dev.txt.
"""

import argparse
import os
import statistics
import time
from functools import partial

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "practice.settings")
django.setup()

from django.apps import apps  # noqa: E402
from django.contrib import admin  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import override_settings  # noqa: E402

from benchmarks.ground import lay_ground  # noqa: E402
from benchmarks.results import Results  # noqa: E402
from billing.models import QuestionKind  # noqa: E402
from billing.questions import ask, request_estimate  # noqa: E402
from practice.accounts.models import AccessEntry, User  # noqa: E402
from practice.office_lists import LargeListMixin  # noqa: E402
from tests import factories  # noqa: E402
from tests.billing.books import pay  # noqa: E402
from tests.signing_in import sign_in  # noqa: E402

SMALL = 1_000
# {table: a search that finds one row, or few}
SEARCHES = {
    "billing_statement": "SELECT number FROM billing_statement OFFSET 500 LIMIT 1",
    "billing_payment": "SELECT receipt_number FROM billing_payment OFFSET 500 LIMIT 1",
    "patients_patient": "SELECT account_number FROM patients_patient OFFSET 500 LIMIT 1",
    "accounts_accessentry": "SELECT '777'",
    "accounts_change": "SELECT '777'",
}
OTHERWISE_UNIQUE = {
    "cause",
    "event_id",
    "payment_ref",
    "refund_ref",
    "dispute_ref",
    "session_ref",
    "words",
}  # with others
COLUMNS = """
SELECT a.attname, format_type(a.atttypid, NULL), coalesce(nullif(a.atttypmod, -1) - 4, 64), a.attidentity <> '',
    EXISTS (SELECT FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indisunique AND i.indkey::text = a.attnum::text)
FROM pg_attribute a WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""


def seed() -> None:
    """One row of each large table, made as the site makes it."""
    if AccessEntry.objects.exists():
        return
    factories.IdentityFactory()
    user = User.objects.create_superuser("bench@example.com", "bench", name="Bench")
    bill = factories.StatementFactory(owes=10_000)
    pay(bill, 5_000)
    ask(factories.StatementFactory(), QuestionKind.CHARGE, "Why?")
    request_estimate(name="Ann", contact="ann@example.com", exam="MRI", scheduled_on=None, language="en")
    factories.ApplicationFactory()
    factories.FeedbackFactory()
    AccessEntry.objects.create(user=user, what="patients.patient", row="1", how="x")


def fill(table: str, rows: int) -> None:
    """Repeat the table's first row until it has so many."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")  # no triggers: these are no bookings
        cursor.execute(f"SELECT count(*) FROM {table}")  # noqa: S608
        (present,) = cursor.fetchone()
        if not present or present >= rows:
            return
        cursor.execute(COLUMNS, [table])
        columns = [(facts[0], value_of(*facts)) for facts in cursor.fetchall()]
        kept = [(name, value) for name, value in columns if value]
        names, values = ", ".join(name for name, _v in kept), ", ".join(value for _n, value in kept)
        cursor.execute(
            f"INSERT INTO {table} ({names}) SELECT {values} FROM (SELECT * FROM {table} LIMIT 1) AS first, "  # noqa: S608
            f"generate_series({present + 1}, {rows}) AS g"
        )


def value_of(name: str, kind: str, length: int, is_identity: bool, is_unique: bool) -> str:
    """The SQL for the value of a column in the row of number `g`; nothing where the database gives it."""
    if is_identity:
        return ""
    if kind == "uuid" and is_unique:
        return "gen_random_uuid()"
    if is_unique or name in OTHERWISE_UNIQUE:
        other = "g" if kind in ("bigint", "integer") else f"left(md5('{name}' || g), {length})"
        return f"CASE WHEN first.{name} IS NOT NULL THEN {other} END"
    if kind == "date":
        return f"first.{name} - g % 1500"
    if kind == "timestamp with time zone":
        return f"first.{name} - g % 1500 * interval '1 day'"
    return "(g % 50000)::text" if name == "row" else f"first.{name}"


def seconds(function, times: int = 9) -> float:
    """The median of several runs, the first not counted."""
    function()
    taken = []
    for _time in range(times):
        start = time.perf_counter()
        function()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def pages(table: str, address: str) -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute(SEARCHES.get(table, "SELECT NULL"))
        found = cursor.fetchone()
    searched = {"searched": f"{address}?q={found[0]}"} if found and found[0] else {}
    return {"list": address, "9th page": f"{address}?p=9"} | searched


def measure(client: Client, times: int) -> dict[tuple[str, str], float]:
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    taken = {}
    for model, page in admin.site._registry.items():
        if isinstance(page, LargeListMixin):
            address = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
            for name, url in pages(model._meta.db_table, address).items():
                taken[model._meta.label_lower, name] = seconds(partial(client.get, url, follow=True), times)
    return taken


def seconds_of_list(client: Client) -> float:
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE billing_statement")
    return seconds(lambda: client.get("/admin/billing/statement/").content)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rows", type=int)
    options = parser.parse_args()
    times = 3 if options.quick else 7
    rows = options.rows or (100_000 if options.quick else 1_000_000)
    lay_ground()
    call_command("collectstatic", interactive=False, verbosity=0)
    results = Results()
    with override_settings(ALLOWED_HOSTS=["*"], SECURE_SSL_REDIRECT=False):
        seed()
        client = sign_in(Client(), User.objects.get(email="bench@example.com"))
        tables = [m._meta.db_table for m, page in admin.site._registry.items() if isinstance(page, LargeListMixin)]
        for table in tables:
            fill(table, SMALL)
        few = measure(client, times)
        for size in (SMALL, 10 * SMALL, 100 * SMALL):
            fill("billing_statement", size)
            results.add_point("admin list", size, seconds_of_list(client))
        for table in tables:
            fill(table, rows)
        many = measure(client, times)
    print(f"{'list':26} {'page':10} {SMALL:>10} {rows:>10} {'ratio':>6}")
    for (label, page), before in few.items():
        after = many[label, page]
        print(f"{label:26} {page:10} {before * 1e3:7.1f} ms {after * 1e3:7.1f} ms {after / before:6.2f}")
    compare(few, many, rows, results)
    results.leave()


def compare(few: dict[tuple[str, str], float], many: dict[tuple[str, str], float], rows: int, results: Results) -> None:
    """The list of statements, and the worst of all lists, against themselves when they were short."""
    peer = f"the same with {SMALL:,}"
    for (label, page), before in few.items():
        if label == "billing.statement":
            figures = many[label, page] * 1e3, before * 1e3
            results.compare(f"admin, {rows:,} statements: {page}", peer, *figures, "ms", at_most=2)
    others = [which for which in few if apps.get_model(which[0])._default_manager.count() >= rows]
    label, page = worst = max(others, key=lambda which: many[which] / few[which])
    figures = many[worst] * 1e3, few[worst] * 1e3
    what = f"admin, {rows:,} rows each: worst of {len(others)} ({label}, {page})"
    results.compare(what, peer, *figures, "ms")


if __name__ == "__main__":
    main()
