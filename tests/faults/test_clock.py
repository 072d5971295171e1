"""The clock of this machine jumps an hour, or is not the database's: nothing happens twice, nobody is kept out."""

from datetime import timedelta

import pytest
import time_machine
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.core.cache import cache
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from billing.models import Payment
from billing.payments import start_payment
from billing.proof import prove
from billing.sweep import sweep
from practice.jobs import take_up_dropped
from practice.models import Feedback
from practice.throttles import FEEDBACK_PER_ADDRESS, count_try
from tests import factories
from tests.billing.books import seal
from tests.signing_in import sign_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("identity")]
HOUR = timedelta(hours=1)
JUMPS = [(HOUR, -HOUR), (-HOUR, HOUR), (timedelta(0), HOUR), (HOUR, timedelta(0))]


def at(jump):
    """As if this machine's clock stood so much off; the database's goes on as it is."""
    return time_machine.travel(timezone.now() + jump, tick=True)


# A clock that is an hour behind asks for a card page that has ended already; the processor refuses that.
@pytest.mark.parametrize(("first", "then"), [(max(first, -HOUR / 3), then) for first, then in JUMPS])
def test_payment_is_settled_once(stripe, first, then):
    with at(first):
        attempt = start_payment(factories.StatementFactory(owes=10_000), 10_000, "en")
    stripe.pay(attempt.session_ref)
    for jump in (then, first, then):
        with at(jump):
            sweep()

    attempt.refresh_from_db()
    assert (attempt.state, Payment.objects.count(), stripe.captured()) == ("paid", 1, 10_000)
    seal()
    assert prove().first_problem == ""


@pytest.mark.parametrize(("first", "then"), JUMPS)
def test_visit_goes_on_or_asks_to_sign_in_again(client, first, then):
    with at(first):
        sign_in(client, factories.UserFactory(roles=["Front desk"], is_staff=True), at=timezone.now().timestamp())
    with at(then):
        assert client.get("/resources/").status_code in (200, 302)
        assert client.get("/admin/").status_code in (200, 302)
        again = sign_in(client, factories.UserFactory(is_staff=True), at=timezone.now().timestamp())
        assert again.get("/resources/").status_code == 200


def test_limit_that_was_reached_while_the_clock_was_ahead_ends(client):
    with at(HOUR):
        tries = [count_try(FEEDBACK_PER_ADDRESS, "192.0.2.1") for _number in range(21)]
    assert tries == [True] * 20 + [False]
    with at(2 * HOUR + timedelta(minutes=1)):
        assert count_try(FEEDBACK_PER_ADDRESS, "192.0.2.1") is True
    with at(-HOUR):
        assert client.post("/feedback/", {"topic": "visit", "message": "Early."}).status_code == 302
    assert Feedback.objects.get().message == "Early."


def test_code_of_an_authenticator_works_after_the_clock_was_ahead():
    secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
    cache.clear()
    authenticator = TOTP.activate(factories.UserFactory(), secret)

    def code():
        return format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time())))

    with at(HOUR):
        assert authenticator.validate_code(code()) is True
    assert authenticator.validate_code(code()) is True
    with at(-HOUR):
        assert authenticator.validate_code(code()) is True


def test_mail_of_a_worker_whose_clock_was_ahead_is_taken_up_once(run_jobs, mailoutbox, client):
    with at(HOUR):
        client.post("/feedback/", {"topic": "visit", "message": "From the future."})
        DBTaskResult.objects.update(status="RUNNING", started_at=timezone.now())
    assert take_up_dropped() == 0  # it may still be at work
    with at(HOUR + timedelta(minutes=11)):
        assert (take_up_dropped(), take_up_dropped()) == (1, 0)
        run_jobs()
    run_jobs()
    assert len(mailoutbox) == 1
