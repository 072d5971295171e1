"""Kill -9 at every step of every job that moves money: after one sweep the ledger equals the processor."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from billing import instalments, payments, plans, refunds
from billing.close import CloseRefused, close_day
from billing.imports import import_statements
from billing.models import (
    Attempt,
    DailyClose,
    ImportBatch,
    Instalment,
    Journal,
    Payment,
    Refund,
    Statement,
    UploadState,
)
from billing.proof import prove
from billing.sweep import sweep
from billing.uploads import accept_upload, take_upload
from billing.webhooks import receive
from tests import factories
from tests.billing.test_imports import table
from tests.faults.stand_in import sign

pytestmark = pytest.mark.django_db(transaction=True)
MOST_STEPS = 120


def at_every_step(undertaker, stripe, job, prepare, after, *, stride=1):
    """Do the job again and again on new rows, killed one step later each time, until it comes to its end.

    `prepare()` gives the job's facts and what `after` is to be told; one sweep runs between the two.
    """
    for die_at in range(1, MOST_STEPS, stride):
        facts, about = prepare()
        was_killed = undertaker.run(stripe, job, die_at, **facts)
        step = undertaker.steps[-1] if undertaker.steps else "nothing"
        assert sweep(at=about.get("at")) is not None, step
        tie(stripe, step)
        after(step=step, **{name: value for name, value in about.items() if name != "at"})
        tie(stripe, step)
        if not was_killed:
            assert die_at > 2  # a job without steps would prove nothing
            return die_at - 1
    raise AssertionError(f"{job} has more than {MOST_STEPS} steps")


def tie(stripe, step):
    """The ledger holds, and equals the processor to the cent."""
    found = prove()
    assert (found.first_problem, step) == ("", step)
    figures = found.figures
    assert (figures["captured"], figures["refunded"], figures["unprocessed_events"], step) == (
        stripe.captured(),
        stripe.refunded(),
        0,
        step,
    )
    accounts = found.accounts_cents
    deposited = accounts.get("bank", 0) + accounts.get("fees", 0)
    assert accounts.get("gateway", 0) == figures["captured"] - figures["refunded"] - deposited


def start(statement, cents):
    return payments.start_payment(statement, cents, "en", receipt_to="payer@example.com")


def pay(stripe, owes=10_000):
    """A payment that is recorded, and its messages taken."""
    attempt = start(factories.StatementFactory(owes=owes), owes)
    stripe.pay(attempt.session_ref)
    stripe.take_messages()
    return payments.look_at(attempt).payment


def receipts_queued(payment) -> int:
    from django_tasks_db.models import DBTaskResult  # noqa: PLC0415

    jobs = DBTaskResult.objects.filter(task_path__endswith=".send_receipt")
    return sum(job.args_kwargs["args"] == [payment.pk] for job in jobs)


def test_pay(undertaker, stripe):
    """The patient comes again after the crash, pays, and has paid once, through one page."""

    def prepare():
        statement = factories.StatementFactory(owes=10_000)
        return {"statement": statement.pk, "cents": 10_000}, {"statement": statement}

    def after(statement, step):
        attempt = start(statement, 10_000)
        assert [s["id"] for s in stripe.sessions_of(attempt.pk)] == [attempt.session_ref], step
        assert stripe.pay(attempt.session_ref) == 303
        sweep()
        assert statement.attempts.count() == statement.payments.count() == 1, step
        statement.refresh_from_db()
        assert (statement.balance_cents, receipts_queued(statement.payments.get())) == (0, 1), step

    assert at_every_step(undertaker, stripe, "pay", prepare, after) >= 4


def test_second_amount(undertaker, stripe):
    """Another tab wants to pay another amount: the first page is closed, or it was paid and is settled."""
    paid = []

    def prepare():
        statement = factories.StatementFactory(owes=10_000)
        first = start(statement, 6_000)
        if len(paid) % 2:
            stripe.pay(first.session_ref)
        paid.append(len(paid) % 2)
        return {"statement": statement.pk, "cents": 4_000}, {"statement": statement, "first": first}

    def after(statement, first, step):
        pages = [s for a in statement.attempts.all() for s in stripe.sessions_of(a.pk) if s["status"] == "open"]
        assert len(pages) <= 1, step
        second = start(statement, 4_000)
        assert (stripe.pay(first.session_ref), stripe.pay(second.session_ref)) == (410, 303), step
        sweep()
        statement.refresh_from_db()
        assert statement.balance_cents == (0 if paid[-1] else 6_000), step

    at_every_step(undertaker, stripe, "pay", prepare, after)


def test_settle_from_the_return_page(undertaker, stripe):
    def prepare():
        attempt = start(factories.StatementFactory(owes=10_000), 10_000)
        stripe.pay(attempt.session_ref)
        return {"attempt": str(attempt.pk)}, {"attempt": attempt}

    def after(attempt, step):
        payment = Payment.objects.get(attempt=attempt)
        assert (payment.applied_cents, receipts_queued(payment)) == (10_000, 1), step

    assert at_every_step(undertaker, stripe, "look", prepare, after) >= 4


def test_settle_from_the_message(undertaker, stripe):
    """Delivered, killed, swept, and delivered twice more: one payment, one receipt."""

    def prepare():
        attempt = start(factories.StatementFactory(owes=10_000), 10_000)
        stripe.pay(attempt.session_ref)
        body = stripe.take_messages()[1]
        return {"body": body.decode(), "signature": sign(body)}, {"attempt": attempt, "body": body}

    def after(attempt, body, step):
        for _time in range(2):
            assert receive("stripe", body, {"Stripe-Signature": sign(body)}) is True
        payment = Payment.objects.get(attempt=attempt)
        assert (payment.applied_cents, receipts_queued(payment)) == (10_000, 1), step

    assert at_every_step(undertaker, stripe, "message", prepare, after) >= 3


def test_refund(undertaker, stripe):
    """The clerk presses the button of the same form again: the money goes back once."""
    clerk = factories.UserFactory()

    def prepare():
        payment, once = pay(stripe), str(uuid4())
        facts = {"payment": payment.pk, "cents": 3_000, "by": clerk.pk, "once": once}
        return facts, {"payment": payment, "once": once}

    def after(payment, once, step):
        known = Refund.objects.filter(pk=once).first()
        assert known is None or known.state == "succeeded", step
        refunds.request_refund(payment, 3_000, by=clerk, reason="moved away", refund_id=UUID(once))
        payment.refresh_from_db()
        assert (stripe.refunded(payment.payment_ref), payment.refund_reserved_cents) == (3_000, 3_000), step
        assert Journal.objects.filter(kind="refund", cause=once).count() == 1, step

    assert at_every_step(undertaker, stripe, "refund", prepare, after) >= 5


def test_message_about_a_refund_made_there(undertaker, stripe):
    def prepare():
        payment = pay(stripe)
        stripe.return_money(payment.payment_ref, 2_000)
        body = stripe.take_messages()[0]
        return {"body": body.decode(), "signature": sign(body)}, {"payment": payment}

    def after(payment, step):
        assert payment.refunds.get().amount_cents == 2_000, step

    at_every_step(undertaker, stripe, "message", prepare, after)


def test_import(undertaker, stripe):
    """All of the file or nothing; a card page that asks for more than is still owed is closed by the sweep."""
    header = (
        "statement_number,issued_on,due_on,account_number,first_name,last_name,date_of_birth,line,service_date,"
        "procedure_code,description,charge,insurance_paid,adjustment,patient_owes\n"
    )
    numbers = []

    def rows(number, account, charge, owes):
        return (
            f"{number},2026-10-01,2026-12-01,{account},Testa,Patientson,1950-06-15,1,2026-09-01,71046,Chest X-ray,"
            f"{charge}.00,0.00,0.00,{owes}.00\n"
        )

    def prepare():
        count = len(numbers)
        numbers.append(count)
        statement = factories.StatementFactory(owes=10_000)
        attempt = start(statement, 10_000)
        data = header + rows(statement.number, statement.patient.account_number, 70, 70)
        data += rows(f"NEW-{count}", f"NEW-ACC-{count}", 50, 50)
        return {"data": data}, {"statement": statement, "attempt": attempt, "data": data, "new": f"NEW-{count}"}

    def after(statement, attempt, data, new, step):
        statement.refresh_from_db()
        is_done = Statement.objects.filter(number=new).exists()
        assert statement.charges_cents == (7_000 if is_done else 10_000), step
        assert stripe.sessions[attempt.session_ref]["status"] == ("expired" if is_done else "open"), step
        before = ImportBatch.objects.count()
        report = import_statements(data.encode(), "again.csv")
        assert (report.unchanged, ImportBatch.objects.count() - before) == ((2, 0) if is_done else (0, 1)), step
        statement.refresh_from_db()
        assert (statement.charges_cents, Statement.objects.get(number=new).charges_cents) == (7_000, 5_000), step
        assert stripe.pay(attempt.session_ref) == 410, step

    at_every_step(undertaker, stripe, "load", prepare, after)


def test_upload(undertaker, stripe, settings, run_jobs):
    """Imported or not, nobody is left waiting: the file is offered again, or asked for again when it is gone."""
    clerk = factories.UserFactory(is_staff=True)
    numbers = []

    def prepare():
        number = f"UP-{len(numbers)}"
        numbers.append(number)
        data = table({"statement_number": number, "account_number": number})
        upload = take_upload(SimpleUploadedFile("killed.csv", data), by=clerk)
        run_jobs()
        accept_upload(upload, by=clerk)
        DBTaskResult.objects.all().delete()  # the worker that will be killed has taken it
        facts = {"upload": str(upload.pk), "by": clerk.pk, "folder": str(settings.PRIVATE_ROOT)}
        return facts, {"upload": upload, "number": number}

    def after(upload, number, step):
        imported = Statement.objects.filter(number=number).count()
        run_jobs()
        upload.refresh_from_db()
        if upload.state == UploadState.CHECKED:
            assert (upload.report["new"], upload.report["unchanged"]) == (1 - imported, imported), step
            assert accept_upload(upload, by=clerk), step
            run_jobs()
            upload.refresh_from_db()
        assert upload.state in (UploadState.IMPORTED, UploadState.REFUSED), step
        assert (bool(upload.file), Statement.objects.filter(number=number).count()) == (False, 1), step

    at_every_step(undertaker, stripe, "load_upload", prepare, after)


def test_close(undertaker, stripe):
    """Closed with its deposit in the ledger, or not closed: never the one without the other."""
    clerk = factories.UserFactory()
    refunds.request_refund(pay(stripe), 3_000, by=clerk, reason="moved away")
    today = timezone.localdate()
    steps = 0

    while not DailyClose.objects.exists():
        steps += 1
        assert steps < MOST_STEPS
        undertaker.run(stripe, "close", steps, day=today.isoformat())
        assert sweep() is not None
        tie(stripe, undertaker.steps[-1])
        assert Journal.objects.filter(kind="deposit").count() == DailyClose.objects.count()

    closed = DailyClose.objects.get()
    assert steps > 5
    assert (closed.payments_cents, closed.refunds_cents, closed.deposit_cents) == (10_000, 3_000, 7_000 - 320)
    with pytest.raises(CloseRefused, match="is closed already"):
        close_day(today)
    tie(stripe, "closed")


def test_instalment(undertaker, stripe):
    """The stored card is charged once, however often the job is done."""

    def prepare():
        statement = factories.StatementFactory(owes=12_000)
        plan = plans.agree(statement, 2, email="payer@example.com", language="en", address=None)
        attempt = payments.start_payment(statement, 6_000, "en", instalment=plan.instalments.get(position=1))
        stripe.pay(attempt.session_ref)
        payments.look_at(attempt)
        part = plan.instalments.get(position=2)
        Instalment.objects.filter(pk=part.pk).update(reminded_at=timezone.now())
        at = timezone.now() + timedelta(days=(part.due_on - timezone.localdate()).days)
        return {"at": at.isoformat()}, {"at": at, "statement": statement, "part": part}

    def after(statement, part, step):
        instalments.charge_due(timezone.now() + timedelta(days=40))
        attempt = Attempt.objects.get(instalment=part)
        assert len(stripe.intents_of(attempt.pk)) == 1, step
        statement.refresh_from_db()
        part.refresh_from_db()
        assert (attempt.state, part.state, statement.balance_cents) == ("paid", "paid", 0), step

    assert at_every_step(undertaker, stripe, "charge", prepare, after) >= 4


def test_sweep(undertaker, stripe):
    """The sweep itself is killed with something of each kind to do: the next one ends it.

    What it does is killed at each step above; here it is each third.
    """
    clerk = factories.UserFactory()

    def prepare():
        lost = start(factories.StatementFactory(owes=10_000), 10_000)
        stripe.pay(lost.session_ref)
        payment = pay(stripe)
        stripe.fail("cut", "/v1/refunds")
        refunds.request_refund(payment, 3_000, by=clerk, reason="moved away")
        there = pay(stripe, 5_000)
        stripe.return_money(there.payment_ref, 1_000)
        stripe.take_messages()
        return {"at": timezone.now().isoformat()}, {"lost": lost, "payment": payment, "there": there}

    def after(lost, payment, there, step):
        assert [p.applied_cents for p in lost.payments.all()] == [10_000], step
        assert (payment.refunds.get().state, there.refunds.get().amount_cents) == ("succeeded", 1_000), step

    assert at_every_step(undertaker, stripe, "sweep", prepare, after, stride=3) >= 8
