"""Everything at the same time: what is counted at the end is right to the cent."""

import random
import threading
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from billing import payments
from billing.imports import import_statements
from billing.ledger import written_off_on
from billing.models import Attempt, GatewayEvent, Payment, Statement
from billing.proof import prove
from billing.refunds import RefundRefused, decide_refund, request_refund
from billing.sweep import SweepReport, sweep
from billing.withdrawals import WithdrawalRefused, write_off
from tests import factories
from tests.faults.stand_in import sign

pytestmark = pytest.mark.django_db(transaction=True)

THREADS, OPERATIONS, SEED = 8, 12, 20_260_101


def at_once(jobs):
    """Run the jobs in threads that begin together; returns what they returned, and fails where one failed."""
    begin = threading.Barrier(len(jobs))
    results, errors = [], []

    def run(job):
        try:
            begin.wait(30)
            results.append(job())
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[job]) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    return results


def tie(stripe):
    found = prove()
    assert found.first_problem == ""
    figures = found.figures
    assert (figures["ledger_sum"], figures["overpaid"], figures["over_refunded"]) == (0, 0, 0)
    assert (figures["captured"], figures["refunded"], figures["disputed"]) == (
        stripe.captured(),
        stripe.refunded(),
        stripe.disputed(),
    )
    held = figures["captured"] - figures["refunded"] - figures["disputed"]
    assert found.accounts_cents.get("gateway", 0) == held


def post(body):
    return (
        Client()
        .post("/pay/webhooks/stripe/", body, content_type="application/json", HTTP_STRIPE_SIGNATURE=sign(body))
        .status_code
    )


def settled_by_sweeps():
    """Sweep until nothing is left to bring to an end."""
    for _time in range(5):
        if sweep() == SweepReport():
            return
    raise AssertionError("the sweep finds something each time")


def test_same_event_fifty_times_at_once_is_one_payment_and_one_mail(stripe, run_jobs, mailoutbox):
    attempt = payments.start_payment(
        factories.StatementFactory(owes=10_000), 10_000, "en", receipt_to="payer@example.com"
    )
    stripe.pay(attempt.session_ref)
    body = stripe.take_messages()[1]

    statuses = at_once([lambda: post(body)] * 50)

    assert set(statuses) == {200}
    assert (Payment.objects.count(), GatewayEvent.objects.count()) == (1, 1)
    run_jobs()
    assert [mail.to for mail in mailoutbox] == [["payer@example.com"]]
    tie(stripe)


def test_fifty_events_about_one_payment_at_once_are_one_payment(stripe):
    attempt = payments.start_payment(factories.StatementFactory(owes=10_000), 10_000, "en")
    stripe.pay(attempt.session_ref)
    about = stripe.sessions[attempt.session_ref]
    for _event in range(23):
        stripe._tell("checkout.session.completed", about)
    bodies = stripe.take_messages()

    statuses = at_once([lambda body=body: post(body) for body in bodies])

    assert set(statuses) == {200}
    assert (Payment.objects.count(), GatewayEvent.objects.count()) == (1, 25)
    tie(stripe)


def test_thirty_tabs_at_once_are_one_live_attempt_with_one_page(stripe):
    statement = factories.StatementFactory(owes=10_000)

    attempts = at_once([lambda: payments.start_payment(Statement.objects.get(), 10_000, "en")] * 30)

    assert {(attempt.pk, attempt.checkout_url) for attempt in attempts} == {(attempts[0].pk, attempts[0].checkout_url)}
    assert (statement.attempts.live().count(), len(stripe.sessions)) == (1, 1)


def test_thirty_tabs_with_two_amounts_leave_one_page_that_can_be_paid(stripe):
    statement = factories.StatementFactory(owes=10_000)

    def tab(cents):
        try:
            payments.start_payment(Statement.objects.get(), cents, "en")
        except payments.CardPageUnreachable:  # the other amounts kept coming first: nothing was charged, try again
            return

    at_once([lambda cents=cents: tab(cents) for cents in [10_000, 4_000] * 15])

    live = statement.attempts.live()
    is_open = [session["id"] for session in stripe.sessions.values() if session["status"] == "open"]
    assert len(is_open) <= 1
    assert live.count() <= 1
    assert set(is_open) <= {attempt.session_ref for attempt in live}


def test_twenty_refunds_of_thirty_dollars_at_once_on_a_hundred_are_three(stripe):
    attempt = payments.start_payment(factories.StatementFactory(owes=10_000), 10_000, "en")
    stripe.pay(attempt.session_ref)
    payments.look_at(attempt)
    clerk = factories.UserFactory()

    def click():
        try:
            return request_refund(Payment.objects.get(), 3_000, by=clerk, reason="moved away").state
        except RefundRefused:
            return "refused"

    assert sorted(at_once([click] * 20)) == ["refused"] * 17 + ["succeeded"] * 3
    assert (stripe.refunded(), len(stripe.refunds)) == (9_000, 3)
    tie(stripe)


def test_sweeps_at_once_do_everything_once(stripe):
    for _statement in range(4):
        attempt = payments.start_payment(factories.StatementFactory(owes=10_000), 10_000, "en")
        stripe.pay(attempt.session_ref)

    reports = [report for report in at_once([sweep] * 4) if report is not None]

    assert sum(report.attempts for report in reports) == 4
    assert Payment.objects.count() == 4
    tie(stripe)


# ---- Random operations ----------------------------------------------------------------------------------------------


class Office:
    """Patients, clerks, banks and the practice's other programs, all doing something at random."""

    def __init__(self, stripe, seed):
        self.stripe, self.random = stripe, random.Random(seed)  # noqa: S311  (the same each time)
        self.first, self.second = factories.UserFactory(), factories.UserFactory()

    def work(self):
        operations = [
            self.pay, self.pay, self.pay_part, self.pay_part, self.refund, self.refund, self.return_there,
            self.dispute, self.decide, self.write_off, self.revise, self.sweep, self.deliver, self.deliver,
        ]  # fmt: skip
        for _operation in range(OPERATIONS):
            try:
                self.random.choice(operations)()
            except (
                payments.PaymentRefused,
                payments.CardPageUnreachable,
                RefundRefused,
                WithdrawalRefused,
            ):  # what may be said to people; anything else is a fault
                continue

    def statement(self):
        return self.random.choice(list(Statement.objects.all()))

    def payment(self):
        return self.random.choice(list(Payment.objects.all()) or [None])

    def pay(self):
        statement = self.statement()
        self.to_card_page(statement, statement.balance_cents)

    def pay_part(self):
        self.to_card_page(self.statement(), self.random.randrange(50, 9_000))

    def to_card_page(self, statement, cents):
        if self.random.random() < 0.2:
            fault = self.random.choice(["cut", "500", "500 after", "429"])
            self.stripe.fail(fault, "/v1/checkout/sessions")
        attempt = payments.start_payment(statement, cents, "en")
        if attempt.is_live and self.random.random() < 0.8:
            self.stripe.pay(attempt.session_ref)
        if self.random.random() < 0.5:
            payments.look_at(attempt)

    def refund(self):
        payment = self.payment()
        if payment is None:
            return
        if self.random.random() < 0.3:
            self.stripe.fail(self.random.choice(["cut", "500", "429"]), "/v1/refunds")
        refund = request_refund(payment, self.random.randrange(1, 6_000), by=self.first, reason="moved away")
        if refund.state == "proposed":
            decide_refund(refund, by=self.second, approve=self.random.random() < 0.7)

    def return_there(self):
        payment = self.payment()
        if payment is not None:
            with self.stripe.lock:
                is_disputed = any(d["payment_intent"] == payment.payment_ref for d in self.stripe.disputes.values())
                left = payment.amount_cents - self.stripe.refunded(payment.payment_ref)
                if left and not is_disputed:
                    self.stripe.return_money(payment.payment_ref, self.random.randint(1, left))

    def dispute(self):
        payment = self.payment()
        if payment is not None and self.random.random() < 0.5:
            with self.stripe.lock:
                if not any(d["payment_intent"] == payment.payment_ref for d in self.stripe.disputes.values()):
                    left = payment.amount_cents - self.stripe.refunded(payment.payment_ref)
                    if left:
                        self.stripe.dispute(payment.payment_ref, left)

    def decide(self):
        with self.stripe.lock:
            waiting = [d for d in self.stripe.disputes.values() if d["status"] == "needs_response"]
            if waiting:
                self.stripe.decide(self.random.choice(waiting)["id"], self.random.choice(["won", "lost"]))

    def write_off(self):
        cents = self.random.randrange(1, 2_000)
        write_off(self.statement(), cents, by=self.first, reason="hardship", cause=uuid4())

    def revise(self):
        statement = self.statement()
        owes = self.random.randrange(0, 200)
        data = (
            "statement_number,issued_on,due_on,account_number,first_name,last_name,date_of_birth,line,service_date,"
            "procedure_code,description,charge,insurance_paid,adjustment,patient_owes\n"
            f"{statement.number},2026-10-01,2026-12-01,{statement.patient.account_number},Testa,Patientson,1950-06-15,"
            f"1,2026-09-01,71046,Chest X-ray,{owes}.00,0.00,0.00,{owes}.00\n"
        )
        import_statements(data.encode(), "storm.csv")

    def sweep(self):
        sweep()

    def deliver(self):
        """Some messages come twice, some in another order, some never."""
        bodies = self.stripe.take_messages()
        self.random.shuffle(bodies)
        for body in bodies:
            for _copy in range(self.random.choice([0, 1, 1, 2])):
                assert post(body) in (200, 503)


@pytest.mark.parametrize("seed", [SEED, SEED + 1])
def test_random_operations_from_eight_threads_leave_books_that_tie(stripe, seed):
    for _statement in range(5):
        factories.StatementFactory(owes=10_000)
    offices = [Office(stripe, seed * THREADS + number) for number in range(THREADS)]

    at_once([office.work for office in offices])
    stripe.faults.clear()
    settled_by_sweeps()

    tie(stripe)
    assert Payment.objects.count() > 3
    assert GatewayEvent.objects.unprocessed().count() == 0
    for attempt in Attempt.objects.live():
        assert attempt.amount_cents <= attempt.statement.balance_cents
        assert attempt.expires_at > timezone.now()
    for statement in Statement.objects.all():
        assert 0 <= written_off_on(statement) <= statement.applied_cents <= statement.charges_cents
