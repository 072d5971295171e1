"""The whole guest payment in several processes, against the same SQL replayed by pgbench.

One payment is: look the bill up by its code, commit an attempt, open the sandbox's card page, take the money there,
look what became of it and record it. Two payments are recorded, as they are sent, with every BEGIN and COMMIT. What
differs between the two becomes a variable: what the database gave (keys, a receipt number) is taken from its answer,
what Python made (identifiers, digests) comes from a table. So pgbench sends the same statements, for other bills,
without Python. Its one statement more, which reads that table, is not in ours.
"""

import argparse
import multiprocessing
import os
import re
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, cast

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "practice.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402
from psycopg2.extensions import TRANSACTION_STATUS_IDLE  # noqa: E402

from benchmarks.ground import lay_ground  # noqa: E402
from benchmarks.results import Results  # noqa: E402
from benchmarks.servers import BenchmarkError  # noqa: E402
from benchmarks.statement_files import statement_file  # noqa: E402
from billing.codes import code_index  # noqa: E402
from billing.gateways.sandbox.models import CardSession  # noqa: E402
from billing.gateways.sandbox.processor import take_payment  # noqa: E402
from billing.imports import import_statements  # noqa: E402
from billing.lookup import Found, find_statement  # noqa: E402
from billing.models import AttemptState, Payment, Statement  # noqa: E402
from billing.payments import look_at, start_payment  # noqa: E402
from billing.proof import prove  # noqa: E402
from practice.embedded.server import BINARIES  # noqa: E402

PROCESSES = 2
ADDRESS = "192.0.2.7"
# So large that no other number in the SQL is taken for one of these keys.
FIRST_KEYS = {
    "billing_statement_id_seq": 510_000_001,
    "patients_patient_id_seq": 520_000_001,
    "billing_journal_id_seq": 530_000_001,
    "billing_payment_id_seq": 540_000_001,
    "billing_receipt_number": 550_001,
}
OWED_CENTS = 12_345
Bill = tuple[int, str, date]  # key, code, date of birth


def prepare(bills: int) -> list[Bill]:
    """So many bills over the same amount, as an import makes them."""
    lay_ground()
    with connection.cursor() as cursor:
        for sequence, first in FIRST_KEYS.items():
            cursor.execute(f"ALTER SEQUENCE {sequence} RESTART {first}")
    header, *lines = statement_file(2 * bills).decode().splitlines()
    kept = [with_amount(line) for line in lines[::2]]
    import_statements("\n".join([header, *kept, ""]).encode(), "benchmark.csv")
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    made = Statement.objects.select_related("patient").order_by("pk")
    return [(bill.pk, bill.code, cast(date, bill.patient.born_on)) for bill in made]


def with_amount(line: str) -> str:
    cells = line.split(",")
    cells[10:14] = [f"{OWED_CENTS / 100:.2f}", "0.00", "0.00", f"{OWED_CENTS / 100:.2f}"]
    return ",".join(cells)


def pay(bill: Bill) -> None:
    """One guest pays one bill."""
    _key, code, born_on = bill
    found = find_statement(code, born_on, ADDRESS)
    if not isinstance(found, Found):
        raise BenchmarkError(f"The look-up refused: {found}.")
    statement = Statement.objects.get(pk=found.statement.pk)
    attempt = start_payment(statement, statement.balance_cents, "en", receipt_to="payer@example.com")
    take_payment(CardSession.objects.only("pk").get(key=str(attempt.pk)).pk, messages=0)
    if look_at(attempt).state != AttemptState.PAID:
        raise BenchmarkError("A payment did not arrive.")


# ---- Ours -----------------------------------------------------------------------------------------------------------


def pay_for(bills: list[Bill], seconds: float, ready, counts) -> None:
    """What one process does: pay bills until the time is over."""
    connection.ensure_connection()
    pay(bills[0])
    ready.wait()
    start = time.perf_counter()
    paid = 0
    for bill in bills[1:]:
        if time.perf_counter() - start >= seconds:
            break
        pay(bill)
        paid += 1
    else:
        raise BenchmarkError("There were not enough bills.")
    counts.put(paid / (time.perf_counter() - start))


def payments_per_second(bills: list[Bill], seconds: float) -> float:
    connection.close()
    context = multiprocessing.get_context("fork")
    ready, counts = context.Barrier(PROCESSES), context.Queue()
    processes = [
        context.Process(target=pay_for, args=(bills[number::PROCESSES], seconds, ready, counts))
        for number in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    rates = [counts.get(timeout=seconds + 60) for _process in processes]
    for process in processes:
        process.join()
    return sum(rates)


# ---- Recording ------------------------------------------------------------------------------------------------------


@contextmanager
def recording() -> Iterator[list[str]]:
    """All SQL that this connection sends, its values filled in, with the BEGINs and COMMITs of the driver."""
    sent: list[str] = []
    connection.ensure_connection()
    wrapper: Any = connection  # its public type has no `_commit`
    driver = wrapper.connection
    commit = wrapper._commit

    def note(execute, sql, parameters, many, context):
        if many:
            raise BenchmarkError("executemany cannot be replayed.")
        if not driver.autocommit and driver.info.transaction_status == TRANSACTION_STATUS_IDLE:
            sent.append("BEGIN")  # the driver sends it with the first statement
        with driver.cursor() as cursor:
            text = cursor.mogrify(sql, parameters).decode()
        sent.append(" ".join(line.strip() for line in text.splitlines() if line.strip()))
        return execute(sql, parameters, many, context)

    def noted_commit():
        if driver.info.transaction_status != TRANSACTION_STATUS_IDLE:
            sent.append("COMMIT")
        return commit()

    wrapper._commit = noted_commit
    try:
        with connection.execute_wrapper(note):
            yield sent
    finally:
        wrapper._commit = commit


# What Python makes anew for each payment, or what belongs to one bill.
MADE = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\b[0-9a-f]{64}\b|[0-9a-f]{32}\b")
INSTANT = re.compile(r"'\d{4}-\d\d-\d\dT[\d:.]+\+00:00'")
SEALED = re.compile(r"'demo:[A-Za-z0-9+/=]+'")


@dataclass
class Script:
    """The replay: pgbench's text, and what its table has for each bill: {column: how SQL makes it}."""

    text: str
    columns: dict[str, str]


def script_of(first: list[str], second: list[str], known: tuple[dict[str, str], dict[str, str]]) -> Script:
    """What both payments sent, with variables where they differ. Raises BenchmarkError where that is not understood.

    `known` names, for each payment, the values that belong to its bill.
    """
    given = {number: names_of_given(sql) for number, sql in enumerate(first)}
    columns: dict[str, str] = {}
    texts = []
    for sent, other, facts in ((first, second, known[0]), (second, first, known[1])):
        values = facts | values_of_sequences(sent)
        elsewhere = set(MADE.findall("\n".join(other)))
        made: dict[str, str] = {}
        for found in MADE.findall("\n".join(sent)):
            if found not in elsewhere and found not in values and found not in made:
                made[found] = f"made{len(made)}"
                columns[made[found]] = "gen_random_uuid()::text" if "-" in found else f"{random_hex(len(found))}"
        texts.append([with_variables(sql, values | made) for sql in sent])
    compare(*texts)
    lines = ["\\set n :n + 1", "SELECT * FROM replay WHERE number = :client_id * 1000000 + :n \\gset"]
    for number, sql in enumerate(texts[0]):
        lines.append(f"{sql} \\gset" if given[number] else f"{sql};")
    return Script("\n".join(lines) + "\n", columns)


def random_hex(length: int) -> str:
    digest = "replace(gen_random_uuid()::text, '-', '')"
    return digest if length == 32 else f"{digest} || {digest}"


def known_values(bill: Bill) -> dict[str, str]:
    key, code, _born_on = bill
    statement = Statement.objects.get(pk=key)
    return {
        str(key): "statement_id",
        str(statement.patient_id): "patient_id",
        code_index(code): "code_index",
    }


RETURNS = {"billing_journal": "journal_id", "billing_payment": "payment_id"}


def names_of_given(sql: str) -> bool:
    """Whether the answer has a value that later statements need."""
    return "nextval" in sql or any(sql.startswith(f'INSERT INTO "{table}"') for table in RETURNS)


def values_of_sequences(sent: list[str]) -> dict[str, str]:
    """The keys that the database gave in this payment, as they stand in later statements, and their variables."""
    text = "\n".join(sent)
    found = {}
    for first, name in ((530, "journal_id"), (540, "payment_id")):
        for value in re.findall(rf"\b{first}\d{{6}}\b", text):
            found[value] = name
    for value in re.findall(r"\bR-\d{4}-(\d{6})\b", text):
        found[value] = "receipt"
    return found


def with_variables(sql: str, values: dict[str, str]) -> str:
    for value, name in sorted(values.items(), key=lambda pair: -len(pair[0])):
        sql = re.sub(rf"(?<![0-9a-z]){value}(?![0-9a-z])", f":{name}", sql)
    if names_of_given(sql):
        sql = re.sub(r'RETURNING "(billing_\w+)"\."id"', lambda m: f'{m[0]} AS "{RETURNS[m[1]]}"', sql)
        sql = re.sub(r"SELECT nextval\('billing_receipt_number'\)", r"\g<0> AS receipt", sql)
    return sql


def compare(one: list[str], other: list[str]) -> None:
    """Whatever differs and is no variable must be a time or an encrypted value, which any payment may have."""
    plain = [[SEALED.sub("'sealed'", INSTANT.sub("'instant'", sql)) for sql in sent] for sent in (one, other)]
    for first, second in zip(*plain, strict=True):
        if first != second:
            raise BenchmarkError(f"Two payments differ in more than is understood:\n{first}\n{second}")


# ---- Replaying ------------------------------------------------------------------------------------------------------


def make_table(script: Script, bills: list[Bill]) -> None:
    """`replay`: what each payment of each client needs."""
    more = "".join(f", {how} AS {name}" for name, how in script.columns.items())
    per_client = len(bills) // PROCESSES
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS replay")
        cursor.execute(
            "CREATE TABLE replay AS SELECT (r - 1) / %s * 1000000 + (r - 1) %% %s + 1 AS number, statement_id, "  # noqa: S608
            f"patient_id, code_index{more} FROM (SELECT row_number() OVER (ORDER BY id) AS r, id AS statement_id, "
            "patient_id, code_index FROM billing_statement WHERE id = ANY(%s)) AS bills",
            [per_client, per_client, [key for key, _code, _born_on in bills]],
        )
        cursor.execute("CREATE UNIQUE INDEX ON replay (number)")
        cursor.execute("ANALYZE replay")


def replayed_per_second(script: Script, seconds: float, start: int) -> float:
    """What pgbench counts, after a look whether so many payments are really there."""
    before = Payment.objects.count()
    file = settings.VAR_DIR / "payment.sql"
    Path(file).write_text(script.text)
    parameters = connection.get_connection_params()
    told = subprocess.run(
        [
            str(BINARIES / "pgbench"), "--no-vacuum", "--host", parameters["host"], "--username", parameters["user"],
            "--client", str(PROCESSES), "--jobs", str(PROCESSES), "--time", str(max(1, round(seconds))),
            "--define", f"n={start}", "--file", str(file), parameters["dbname"],
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    rate = re.search(r"^tps = ([\d.]+)", told.stdout, re.MULTILINE)
    if told.returncode or rate is None or "number of failed transactions: 0 " not in told.stdout:
        raise BenchmarkError(f"pgbench failed: {told.stderr[-2000:] or told.stdout[-500:]}")
    done = re.search(r"^number of transactions actually processed: (\d+)", told.stdout, re.MULTILINE)
    if done is None or Payment.objects.count() - before != int(done[1]):
        raise BenchmarkError("The replay did not pay what it counted.")
    return float(rate[1])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    seconds, rounds = (2, 2) if quick else (5, 3)
    ours_each, theirs_each = 500 * seconds, 2_000 * seconds  # bills for each round: more than either can pay
    results = Results()
    bills = prepare(2 + rounds * (ours_each + theirs_each))
    with recording() as first:
        pay(bills[0])
    with recording() as second:
        pay(bills[1])
    script = script_of(first, second, (known_values(bills[0]), known_values(bills[1])))
    mine, theirs = bills[2 : 2 + rounds * ours_each], bills[2 + rounds * ours_each :]
    make_table(script, theirs)
    ours, peer = [], []
    began = datetime.now().astimezone()
    for number in range(rounds):
        ours.append(payments_per_second(mine[number * ours_each : (number + 1) * ours_each], seconds))
        peer.append(replayed_per_second(script, seconds, number * theirs_each // PROCESSES))
    proof = prove()
    if not proof.holds:
        raise BenchmarkError(f"The ledger does not hold after the payments: {proof.first_problem}.")
    ratio = statistics.median(a / b for a, b in zip(ours, peer, strict=True))
    figures = statistics.median(ours), statistics.median(peer)
    what = f"guest payments, {PROCESSES} processes"
    results.compare(what, "the same SQL in pgbench", *figures, "/s", ratio=ratio)
    results.remarks.append(
        f"A guest payment sends {len(first)} statements, BEGIN and COMMIT included. After all payments of both "
        f"(since {began:%H:%M}), check_ledger holds."
    )
    results.leave()


if __name__ == "__main__":
    main()
