"""The daily close: what is in it, what it ties to, and what keeps it from closing."""

import csv
import hashlib
import io
import threading
from datetime import date, datetime, timedelta
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from billing.close import CloseRefused, close_day, look_at_day
from billing.disputes import apply_dispute
from billing.gateways.interface import DisputeOutcome, DisputeOutcomeState
from billing.gateways.sandbox.models import Movement, MovementKind
from billing.gateways.sandbox.processor import dispute as dispute_there
from billing.models import ChainLink, DailyClose, Journal
from billing.refunds import import_refunds_of, request_refund
from billing.withdrawals import reissue_statement, void_statement, write_off
from tests import factories
from tests.billing.books import accounts, answers_lost, made_there, pay, proof, refunds_stand_at, seal, tampering

pytestmark = pytest.mark.django_db

TODAY = timezone.localdate


@pytest.fixture
def clerk(db):
    return factories.UserFactory()


def close(day=None, **facts):
    seal()
    closed = close_day(day, **facts)
    seal()
    return closed


def backdate(payment, days):
    """As if it had been paid so many days ago. Its entries must not be sealed yet."""
    at = timezone.now() - timedelta(days=days)
    with tampering() as cursor:
        cursor.execute("UPDATE billing_payment SET captured_at = %s WHERE id = %s", [at, payment.pk])
        cursor.execute("UPDATE sandbox_movement SET moved_at = %s WHERE ref = %s", [at, payment.payment_ref])
        cursor.execute(
            "UPDATE billing_journal SET posted_at = %s WHERE cause IN (%s, %s)",
            [at, payment.payment_ref, payment.statement.number],
        )


def refused(day=None, **facts):
    seal()
    with pytest.raises(CloseRefused) as refusal:
        close_day(day, **facts)
    assert not DailyClose.objects.filter(day=day or TODAY()).exists()
    return refusal.value.reasons


def rows(closed):
    return list(csv.DictReader(io.StringIO(closed.body, newline="")))


def test_day_is_closed_with_its_sums(clerk):
    payment = pay(factories.StatementFactory(owes=10_000), 8_000)
    pay(factories.StatementFactory(owes=2_000))
    request_refund(payment, 3_000, by=clerk, reason="moved away")
    fees = sum(movement.fee_cents for movement in Movement.objects.all())

    closed = close(deposit_cents=7_000 - fees, by=clerk)

    assert (closed.day, closed.closed_by, closed.entries, fees) == (TODAY(), clerk, 3, 262 + 88)
    assert (closed.payments_cents, closed.refunds_cents, closed.disputes_cents, closed.fees_cents) == (
        10_000,
        3_000,
        0,
        fees,
    )
    assert closed.deposit_cents == 7_000 - fees
    assert accounts() == {"bank": 7_000 - fees, "fees": fees, "receivable": 5_000, "revenue": -12_000}


def test_batch_is_a_stretch_of_the_chain_and_the_next_one_follows(clerk):
    yesterday = TODAY() - timedelta(days=1)
    pay(factories.StatementFactory(owes=10_000))
    seal()
    first = close_day(yesterday, at=timezone.now())
    seal()
    pay(factories.StatementFactory(owes=2_000))
    second = close()

    assert (first.first_position, first.payments_cents) == (1, 0)  # today's money is not yesterday's
    assert second.first_position == first.last_position + 1
    assert second.payments_cents == 12_000
    assert second.chain_digest == ChainLink.objects.get(position=second.last_position).digest
    assert ChainLink.objects.first().position == second.last_position + 1  # the deposit is for the next batch
    assert proof().holds


def test_no_entry_is_in_two_batches_or_in_none(clerk):
    days = [TODAY() - timedelta(days=2), TODAY() - timedelta(days=1), TODAY()]
    for days_ago in (2, 1, 0):
        backdate(pay(factories.StatementFactory(owes=1_000 + days_ago)), days_ago)
        seal()

    sums = []
    for day in days:
        seal()
        sums.append(close_day(day).payments_cents)

    assert sums == [1_002, 1_001, 1_000]
    told = [row["processor_reference"] for closed in DailyClose.objects.all() for row in rows(closed)[:-1]]
    assert sorted(told) == sorted(Journal.objects.filter(kind="payment").values_list("cause", flat=True))


def test_empty_day_is_closed_too(db):
    closed = close()

    assert (closed.entries, closed.deposit_cents, closed.first_position, closed.last_position) == (0, 0, 1, 0)
    assert (accounts(), [row["kind"] for row in rows(closed)]) == ({}, ["total"])
    assert proof().holds


def test_same_day_twice_is_refused(db):
    close()

    seal()
    with pytest.raises(CloseRefused) as refusal:
        close_day()
    assert refusal.value.reasons == [f"{TODAY().isoformat()} is closed already. Close a day after it."]
    assert DailyClose.objects.count() == 1


def test_earlier_day_is_refused(db):
    close()

    assert refused(TODAY() - timedelta(days=1)) == [f"{TODAY().isoformat()} is closed already. Close a day after it."]


def test_day_that_has_not_come_is_refused(db):
    tomorrow = TODAY() + timedelta(days=1)

    assert refused(tomorrow) == [f"{tomorrow.isoformat()} has not come yet."]


def test_failing_proof_blocks_the_close_and_is_named(db):
    payment = pay(factories.StatementFactory(owes=10_000))
    seal()
    with tampering() as cursor:
        cursor.execute("UPDATE billing_statement SET applied_cents = applied_cents - 1")

    assert refused() == [
        f"The ledger does not hold: statements whose sums differ from their legs: {payment.statement_id}."
    ]


def test_one_cent_more_at_the_processor_blocks_the_close(db):
    payment = pay(factories.StatementFactory(owes=10_000))
    Movement.objects.update(amount_cents=10_001)

    assert refused() == [
        f"It does not tie to the card processor: payment {payment.payment_ref}: "
        "the processor has $100.01, we have $100.00."
    ]


def test_payment_at_the_processor_that_we_do_not_know_blocks_the_close(db):
    Movement.objects.create(ref="stranger", kind=MovementKind.PAYMENT, payment_ref="stranger", amount_cents=500)

    assert refused() == [
        "It does not tie to the card processor: payment stranger: the processor has $5.00, we have nothing."
    ]


def test_payment_that_the_processor_does_not_have_blocks_the_close(db):
    payment = pay(factories.StatementFactory(owes=10_000))
    Movement.objects.all().delete()

    assert refused() == [
        f"It does not tie to the card processor: payment {payment.payment_ref}: "
        "we have $100.00, the processor has nothing."
    ]


def test_what_the_processor_knows_and_we_could_know_is_caught_up_first(db):
    payment = pay(factories.StatementFactory(owes=10_000))
    made_there(payment, amount_cents=1_000)

    seal()
    with pytest.raises(CloseRefused):
        close_day()  # what the sweep found has to be sealed, which happens at a commit
    closed = close()

    assert (closed.payments_cents, closed.refunds_cents) == (10_000, 1_000)


@pytest.mark.parametrize(
    ("off", "sentence"),
    [
        (1, "The deposit is $96.81, but payments, refunds, disputes and fees make $96.80: a difference of $0.01."),
        (-1, "The deposit is $96.79, but payments, refunds, disputes and fees make $96.80: a difference of $0.01."),
    ],
)
def test_deposit_must_tie_to_the_cent(db, off, sentence):
    pay(factories.StatementFactory(owes=10_000))

    assert refused(deposit_cents=9_680 + off) == [sentence]


def test_day_on_which_more_went_back_than_came_is_closed_with_a_negative_deposit(clerk):
    payment = pay(factories.StatementFactory(owes=10_000))
    backdate(payment, 1)
    close(TODAY() - timedelta(days=1), deposit_cents=9_680)

    request_refund(payment, 4_000, by=clerk, reason="moved away")
    closed = close(deposit_cents=-4_000)

    assert (closed.payments_cents, closed.refunds_cents, closed.deposit_cents) == (0, 4_000, -4_000)
    assert rows(closed)[-1]["direction"] == "out"
    assert accounts() == {"bank": 5_680, "fees": 320, "receivable": 4_000, "revenue": -10_000}


def test_dispute_of_the_day_is_taken_from_the_deposit(clerk):
    payment = pay(factories.StatementFactory(owes=10_000))
    movement = dispute_there(payment.payment_ref)
    apply_dispute("sandbox", DisputeOutcome(DisputeOutcomeState.OPEN, movement.ref, payment.payment_ref, 10_000))

    closed = close()

    assert (closed.disputes_cents, closed.deposit_cents) == (10_000, -320)


def test_refund_that_came_back_on_the_same_day_has_moved_nothing(clerk):
    payment = pay(factories.StatementFactory(owes=10_000))
    request_refund(payment, 4_000, by=clerk, reason="moved away")
    with refunds_stand_at("failed"):
        import_refunds_of("sandbox", payment.payment_ref)
    Movement.objects.filter(kind=MovementKind.REFUND).delete()  # processors do not list what has failed

    closed = close()

    assert (closed.refunds_cents, closed.entries) == (0, 3)


def test_close_waits_while_the_processor_does_not_answer(db):
    seal()
    with answers_lost("movements"), pytest.raises(CloseRefused, match="The card processor did not answer"):
        close_day()
    assert DailyClose.objects.count() == 0


def test_looking_at_a_day_changes_nothing(db):
    pay(factories.StatementFactory(owes=10_000))
    seal()

    batch = look_at_day(TODAY())

    assert (batch.payments_cents, batch.deposit_cents, DailyClose.objects.count()) == (10_000, 9_680, 0)


# ---- The file -------------------------------------------------------------------------------------------------------


def test_file_tells_each_entry_and_its_total(clerk):
    statement = factories.StatementFactory(owes=10_000)
    payment = pay(statement, 8_000)
    request_refund(payment, 3_000, by=clerk, reason="moved away")
    write_off(statement, 500, by=clerk, reason="hardship", cause=uuid4())

    closed = close()

    known = {"statement_number": statement.number, "account_number": statement.patient.account_number, "on_hold": "no"}
    kept = ("kind", "reference", "direction", "amount", "applied", "credit")
    told = rows(closed)
    assert [{name: row[name] for name in known} for row in told[:-1]] == [known] * 3
    assert [tuple(row[name] for name in kept) for row in told[:2]] == [
        ("payment", payment.receipt_number, "in", "80.00", "80.00", "0.00"),
        ("refund", payment.receipt_number, "out", "30.00", "(30.00)", "0.00"),
    ]
    assert (told[2]["kind"], told[2]["direction"], told[2]["applied"]) == ("write-off", "none", "5.00")
    assert (told[-1]["kind"], told[-1]["reference"], told[-1]["amount"], told[-1]["direction"]) == (
        "total",
        "3",
        "50.00",
        "in",
    )
    assert closed.sha256 == hashlib.sha256(closed.body.encode()).hexdigest()


def test_file_tells_voids_and_transfers_too(clerk):
    statement = factories.StatementFactory(owes=10_000)
    pay(statement)
    void_statement(statement, by=clerk, reason="wrong insurer")
    reissue_statement(statement, "ST-HEIR", by=clerk)

    told = ("kind", "statement_number", "reference", "charged", "applied", "credit", "processor_reference")
    *_payment, release, void, charge, transfer, _total = [[row[name] for name in told] for row in rows(close())]
    assert release == ["release", statement.number, "wrong insurer", "0.00", "(100.00)", "100.00", ""]
    assert void == ["void", statement.number, "wrong insurer", "0.00", "100.00", "0.00", ""]
    assert charge == ["charge", "ST-HEIR", "", "100.00", "0.00", "0.00", ""]
    assert transfer == ["transfer", "ST-HEIR", statement.number, "0.00", "100.00", "(100.00)", ""]


def test_no_cell_of_the_file_is_taken_for_a_formula(clerk):
    patient = factories.PatientFactory(account_number="@SUM(A1)")
    pay(factories.StatementFactory(owes=10_000, number="=1+1", patient=patient))

    closed = close()

    (row, _total) = rows(closed)
    assert (row["statement_number"], row["account_number"]) == ("'=1+1", "'@SUM(A1)")
    cells = [cell for line in csv.reader(io.StringIO(closed.body, newline="")) for cell in line]
    assert [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))] == []


def test_file_names_no_patient(clerk):
    pay(factories.StatementFactory(owes=10_000))

    body = close().body

    assert [word for word in ("Testa", "Patientson", "1950-06-15", "Chest", "payer@") if word in body] == []


def test_second_download_is_the_same_to_the_byte(staff, clerk):
    statement = factories.StatementFactory(owes=10_000)
    payment = pay(statement, 8_000)
    closed = close()
    client = staff("Billing")
    url = f"/admin/billing/dailyclose/{closed.pk}/file/"

    first = client.get(url)
    write_off(statement, 500, by=clerk, reason="hardship", cause=uuid4())
    request_refund(payment, 100, by=clerk, reason="moved away")
    second = client.get(url)

    assert first.content == second.content == closed.body.encode()
    assert hashlib.sha256(second.content).hexdigest() == closed.sha256
    assert second["Content-Disposition"] == f'attachment; filename="close-{closed.day.isoformat()}.csv"'


# ---- Command --------------------------------------------------------------------------------------------------------


def test_command_closes_the_day_and_says_what_is_in_it(db, capsys):
    pay(factories.StatementFactory(owes=10_000))
    seal()

    call_command("close_day", "--deposit", "96.80")

    closed = DailyClose.objects.get()
    assert capsys.readouterr().out == (
        f"{TODAY().isoformat()} is closed: 1 entries, paid $100.00, returned $0.00, disputed $0.00, fees $3.20, "
        f"deposit $96.80. File {closed.sha256}.\n"
    )


def test_command_names_each_reason_and_fails(db, capsys):
    payment = pay(factories.StatementFactory(owes=10_000))
    Movement.objects.update(amount_cents=10_001)
    seal()

    with pytest.raises(CommandError, match="The day was not closed") as failure:
        call_command("close_day", "--date", TODAY().isoformat(), "--deposit", "96.79")

    assert failure.value.returncode == 1
    assert capsys.readouterr().err.splitlines() == [
        f"It does not tie to the card processor: payment {payment.payment_ref}: "
        "the processor has $100.01, we have $100.00.",
        "The deposit is $96.79, but payments, refunds, disputes and fees make $96.80: a difference of $0.01.",
    ]
    assert DailyClose.objects.count() == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("--date", "31.12.2026"),
        ("--date", "2026-02-30"),
        ("--deposit", "1e2"),
        ("--deposit", "１２"),
        ("--deposit=--5",),
    ],
)
def test_command_refuses_what_is_no_day_or_amount(db, arguments):
    with pytest.raises(CommandError, match="invalid"):
        call_command("close_day", *arguments)
    assert DailyClose.objects.count() == 0


def test_command_takes_a_negative_deposit(db, capsys):
    with pytest.raises(CommandError):
        call_command("close_day", "--deposit=-40.00")

    assert capsys.readouterr().err == (
        "The deposit is −$40.00, but payments, refunds, disputes and fees make $0.00: a difference of $40.00.\n"
    )


# ---- At the same time -----------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_closes_at_once_close_each_entry_once():
    """Five offices close yesterday and today at the same moment."""
    pay(factories.StatementFactory(owes=10_000))
    outcomes = []

    def click(day):
        try:
            outcomes.append(close_day(day).day)
        except CloseRefused as refusal:
            outcomes.append(type(refusal))
        finally:
            connection.close()

    days = [TODAY() - timedelta(days=1), TODAY()]
    threads = [threading.Thread(target=click, args=[days[number % 2]]) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert DailyClose.objects.filter(day=TODAY()).count() <= 1
    assert sorted(day for day in outcomes if isinstance(day, date)) == sorted(
        DailyClose.objects.values_list("day", flat=True)
    )
    assert len(outcomes) == 6
    assert sum(closed.payments_cents for closed in DailyClose.objects.all()) in (0, 10_000)
    assert proof().first_problem == ""


@pytest.mark.django_db(transaction=True)
def test_what_is_written_while_the_day_is_closed_is_for_the_next_batch():
    """A payment is committed after the batch's end was read: it is in the next batch, not in both."""
    pay(factories.StatementFactory(owes=10_000))
    late = []

    def note_queries(execute, text, params, many, context):
        result = execute(text, params, many, context)
        if "billing_chainlink" in text and "ORDER BY" in text and "DESC" in text and "LIMIT 1" in text and not late:
            late.append(True)
            other = threading.Thread(target=pay_elsewhere)
            other.start()
            other.join()
        return result

    def pay_elsewhere():
        pay(factories.StatementFactory(owes=2_000))
        connection.close()

    with connection.execute_wrapper(note_queries):
        batch = look_at_day(TODAY())

    assert late == [True]
    assert batch.payments_cents == 10_000
    assert max(journal.link.position for journal in batch.journals) <= batch.last_position


def test_day_begins_and_ends_at_the_practices_midnight(settings):
    zone = timezone.get_default_timezone()
    assert str(zone) == "America/Indiana/Indianapolis"
    at = datetime(2026, 11, 3, 1, 30, tzinfo=zone)

    with pytest.raises(CloseRefused, match="2026-11-04 has not come yet"):
        close_day(date(2026, 11, 4), at=at)


def test_payment_that_was_posted_under_its_attempt_still_ties_and_has_its_names(clerk):
    statement = factories.StatementFactory(owes=10_000)
    payment = pay(statement)
    journal = Journal.objects.get(kind="payment")
    seal()
    with tampering() as cursor:
        cursor.execute("UPDATE billing_journal SET cause = %s WHERE id = %s", [str(payment.attempt_id), journal.pk])
        cursor.execute(
            "UPDATE billing_chainlink c SET digest = billing_digest("
            "(SELECT digest FROM billing_chainlink b WHERE b.position = c.position - 1), c.journal_id) "
            "WHERE c.journal_id = %s",
            [journal.pk],
        )

    (row, _total) = rows(close())

    assert (row["reference"], row["processor_reference"]) == (payment.receipt_number, payment.payment_ref)
