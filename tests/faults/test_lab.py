"""The same scenarios in short at another stand-in, which somebody else wrote: an address in STRIPE_LAB, else skipped."""

import json
import os
import time
import urllib.error
import urllib.parse
import urllib.request
from datetime import timedelta

import pytest
from django.utils import timezone

from billing import instalments, payments, plans, refunds
from billing.close import close_day
from billing.models import Attempt, Dispute, GatewayEvent, Instalment, Payment, Refund
from billing.proof import prove
from billing.reconcile import reconcile
from billing.sweep import sweep
from tests import factories

LAB = os.environ.get("STRIPE_LAB", "").rstrip("/")
if not LAB:
    pytest.skip("STRIPE_LAB names no address", allow_module_level=True)
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.xdist_group("stripe_lab"),  # there is one lab, and it sends its messages to one address
]
SECRET = "whsec_lab"
DECLINED = "4000000000000341"


def control(command, **facts):
    request = urllib.request.Request(f"{LAB}/_lab/{command}", json.dumps(facts).encode(), method="POST")
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *arguments):
        return None


def card_page(url, number="4242424242424242"):
    """The status of the answer to a card number typed into the hosted page."""
    body = urllib.parse.urlencode({"number": number}).encode()
    try:
        with urllib.request.build_opener(_NoRedirect).open(url, body, timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


@pytest.fixture
def lab(settings, live_server):
    settings.BILLING_GATEWAY = "stripe"
    settings.STRIPE_API_KEY = "sk_test_12345678"
    settings.STRIPE_API_BASE = LAB
    settings.STRIPE_WEBHOOK_SECRETS = [SECRET]
    settings.PUBLIC_ORIGIN = live_server.url
    control("config", drop=0, dup=1, reverse=False, hold=True)  # messages wait until they are asked for
    control("flush")
    control("hook", url=f"{live_server.url}/pay/webhooks/stripe/", secret=SECRET)
    yield
    control("config", drop=10_000, hold=False)
    control("flush")
    control("config", drop=0)


def start(statement, cents=10_000):
    return payments.start_payment(statement, cents, "en", receipt_to="payer@example.com")


def pay(owes=10_000):
    attempt = start(factories.StatementFactory(owes=owes), owes)
    assert card_page(attempt.checkout_url) == 303
    return payments.look_at(attempt).payment


def waits_until(condition):
    """The lab sends its messages from threads of its own."""
    for _try in range(200):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("nothing came")


def holds():
    return prove().first_problem == ""


def test_happy_path(lab):
    payment = pay()

    assert (payment.amount_cents, payment.applied_cents, holds()) == (10_000, 10_000, True)


def test_messages_twice_and_in_reverse(lab):
    control("config", dup=2, reverse=True)
    attempt = start(factories.StatementFactory(owes=10_000))
    card_page(attempt.checkout_url)
    control("flush")

    waits_until(lambda: Payment.objects.filter(attempt=attempt).exists())
    waits_until(lambda: GatewayEvent.objects.filter(processed_at__isnull=False).count() >= 2)

    assert (Payment.objects.count(), holds()) == (1, True)


def test_declined_card_then_a_good_one(lab):
    attempt = start(factories.StatementFactory(owes=10_000))

    assert [card_page(attempt.checkout_url, DECLINED), card_page(attempt.checkout_url)] == [402, 303]
    assert payments.look_at(attempt).state == "paid"


@pytest.mark.parametrize("kind", ["cut-after", "500-before", "500-after", "429"])
def test_card_page_without_an_answer(lab, kind):
    control("fault", kind=kind, path="/checkout/sessions$", method="POST")
    statement = factories.StatementFactory(owes=10_000)
    with pytest.raises(payments.CardPageUnreachable):
        start(statement)

    attempt = start(statement)
    assert card_page(attempt.checkout_url) == 303
    sweep()

    assert (Payment.objects.get().attempt_id, Attempt.objects.count(), holds()) == (attempt.pk, 1, True)


def test_first_page_cannot_be_paid_after_the_second_was_opened(lab):
    statement = factories.StatementFactory(owes=10_000)
    first, second = start(statement), start(statement, 4_000)

    assert [card_page(first.checkout_url), card_page(second.checkout_url)] == [410, 303]


@pytest.mark.parametrize("kind", ["", "cut-after", "500-after", "429"])
def test_refund(lab, kind):
    payment = pay()
    if kind:
        control("fault", kind=kind, path="/v1/refunds$", method="POST")
    refund = refunds.request_refund(payment, 3_000, by=factories.UserFactory(), reason="moved away")

    sweep()

    refund.refresh_from_db()
    assert (refund.state, control("state")["refunded"][payment.payment_ref], holds()) == ("succeeded", 3_000, True)


def test_refund_made_there(lab):
    payment = pay()
    facts = urllib.parse.urlencode({"payment_intent": payment.payment_ref, "amount": 2_000}).encode()
    request = urllib.request.Request(
        f"{LAB}/v1/refunds", facts, {"Authorization": "Bearer sk_test_12345678"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=30):
        pass
    control("flush")

    waits_until(lambda: Refund.objects.filter(source="processor").exists())

    assert (Refund.objects.get().amount_cents, holds()) == (2_000, True)


@pytest.mark.parametrize("ending", ["won", "lost"])
def test_dispute(lab, ending):
    payment = pay()
    known = set(control("state")["disputes"])
    control("dispute", payment_intent=payment.payment_ref, amount=10_000)
    (dispute,) = set(control("state")["disputes"]) - known
    control("dispute_close", id=dispute, status=ending)
    control("flush")

    waits_until(lambda: Dispute.objects.filter(state=ending).exists())

    assert (Dispute.objects.count(), holds()) == (1, True)


def test_instalment(lab):
    statement = factories.StatementFactory(owes=12_000)
    plan = plans.agree(statement, 2, email="payer@example.com", language="en", address=None)
    attempt = payments.start_payment(statement, 6_000, "en", instalment=plan.instalments.get(position=1))
    card_page(attempt.checkout_url)
    payments.look_at(attempt)
    part = plan.instalments.get(position=2)
    Instalment.objects.filter(pk=part.pk).update(reminded_at=timezone.now())
    at = timezone.now() + timedelta(days=(part.due_on - timezone.localdate()).days)
    control("fault", kind="cut-after", path="/v1/payment_intents$", method="POST")

    instalments.charge_due(at)
    sweep(at)
    sweep(at)

    statement.refresh_from_db()
    assert (statement.balance_cents, Payment.objects.count(), holds()) == (0, 2, True)


def test_day_is_compared_and_not_closed_over_money_of_others(lab):
    """The lab keeps what other tests paid, which these books do not know: that is a difference, and named."""
    payment = pay()

    found = reconcile(timezone.localdate())

    assert payment.payment_ref not in {difference.ref for difference in found.differences}
    if not found.differences:
        assert close_day().payments_cents == 10_000
