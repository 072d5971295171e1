"""The Stripe gateway against the stand-in: what it asks, how it reads each answer, and what it does with none."""

import json
import time
from datetime import timedelta

import psycopg2
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.utils import timezone

from billing import instalments, ledger, payments, plans, refunds
from billing.gateways.interface import (
    AttemptRef,
    Charge,
    MovementKind,
    Outcome,
    OutcomeState,
    RefundOrder,
    RefundOutcomeState,
    Unknown,
)
from billing.gateways.registry import get_gateway
from billing.models import (
    Attempt,
    AttemptState,
    Dispute,
    GatewayEvent,
    Instalment,
    InstalmentState,
    Payment,
    PlanState,
    Refund,
    RefundSource,
    RefundState,
)
from billing.reconcile import reconcile
from billing.sweep import SweepReport, sweep
from tests import factories
from tests.billing.books import accounts, proof
from tests.faults.stand_in import DECLINED, DECLINED_LATER, SECRET, Refusal, sign

pytestmark = pytest.mark.django_db
SESSIONS, INTENTS, REFUNDS = "/v1/checkout/sessions", "/v1/payment_intents", "/v1/refunds"
URL = "/pay/webhooks/stripe/"


@pytest.fixture
def statement(db):
    return factories.StatementFactory(owes=10_000)


@pytest.fixture
def gateway(stripe):
    return get_gateway("stripe")


def start(statement, cents=10_000):
    return payments.start_payment(statement, cents, "en", receipt_to="payer@example.com")


def pay(stripe, statement, cents=10_000):
    attempt = start(statement, cents)
    assert stripe.pay(attempt.session_ref) == 303
    return payments.look_at(attempt).payment


def post(client, body, *, signature=None, secret=SECRET):
    header = sign(body, secret) if signature is None else signature
    return client.post(URL, body, content_type="application/json", HTTP_STRIPE_SIGNATURE=header)


def tie(stripe):
    """Our books and theirs agree to the cent, and ours hold."""
    figures = proof().figures
    assert proof().first_problem == ""
    assert (figures["captured"], figures["refunded"], figures["disputed"]) == (
        stripe.captured(),
        stripe.refunded(),
        stripe.disputed(),
    )


# ---- Paying ---------------------------------------------------------------------------------------------------------


def test_card_page_is_opened_and_nothing_about_a_person_is_told(stripe, statement, settings):
    attempt = payments.start_payment(statement, 10_000, "es", receipt_to="payer@example.com")

    (session,) = stripe.sessions.values()
    assert (attempt.state, attempt.session_ref, attempt.checkout_url) == ("open", session["id"], session["url"])
    assert session["success_url"] == f"{settings.PUBLIC_ORIGIN}/es/pay/receipt/{attempt.pk}/"
    assert (session["amount_total"], session["client_reference_id"]) == (10_000, str(attempt.pk))
    assert stripe.calls == [("POST", SESSIONS, f"{attempt.pk}:0")]
    told = json.dumps({name: value for name, value in session.items() if name not in ("created", "expires_at")})
    told = told.replace(str(attempt.pk), "")  # whose digits can be any
    secrets = ("Testa", "Patientson", "1950", "Chest", "71046", statement.number, statement.code, "payer@example.com")
    assert [secret for secret in secrets if secret in told] == []


def test_return_page_settles_what_was_paid_and_keeps_the_cards_last_digits(stripe, statement, client):
    attempt = start(statement)
    stripe.pay(attempt.session_ref)

    page = client.get(f"/pay/receipt/{attempt.pk}/").content.decode()

    payment = Payment.objects.get()
    assert payment.receipt_number in page
    assert (payment.card_brand, payment.card_last4, payment.payment_ref) == ("visa", "4242", next(iter(stripe.intents)))
    tie(stripe)


def test_declined_card_leaves_the_page_open_for_another(stripe, statement):
    attempt = start(statement)

    assert stripe.pay(attempt.session_ref, DECLINED) == 402
    assert payments.look_at(attempt).state == AttemptState.OPEN
    assert stripe.pay(attempt.session_ref) == 303
    assert payments.look_at(attempt).state == AttemptState.PAID


def test_second_tab_uses_the_page_of_the_first(stripe, statement):
    first, second = start(statement), start(statement)

    assert (first.checkout_url, len(stripe.sessions)) == (second.checkout_url, 1)


def test_page_of_another_amount_is_closed_there_first(stripe, statement):
    first = start(statement)
    second = start(statement, 5_000)

    assert stripe.pay(first.session_ref) == 410
    assert stripe.pay(second.session_ref) == 303


def test_stop_comes_too_late_for_a_page_that_was_paid(stripe, statement):
    first = start(statement, 6_000)
    stripe.pay(first.session_ref)

    second = start(statement, 4_000)

    first.refresh_from_db()
    assert (first.state, second.state, second.amount_cents) == (AttemptState.PAID, AttemptState.OPEN, 4_000)
    tie(stripe)


def test_page_that_is_paid_while_it_is_being_closed_is_settled(stripe, statement, monkeypatch):
    """Between our look and our closing it somebody paid: the refusal to close it is asked about, not believed."""
    first = start(statement, 6_000)
    answer = stripe.answer

    def pay_first(method, path, asked):
        if path.endswith("/expire"):
            stripe.pay(first.session_ref)
        return answer(method, path, asked)

    monkeypatch.setattr(stripe, "answer", pay_first)

    assert payments.stop(first).state == AttemptState.PAID
    tie(stripe)


def test_page_that_ran_out_is_closed_by_the_sweep(stripe, statement):
    attempt = start(statement)
    stripe.sessions[attempt.session_ref]["expires_at"] = time.time() - 1

    assert sweep().attempts == 1
    assert Attempt.objects.get().state == AttemptState.EXPIRED


def test_complete_page_without_money_yet_stays_live(stripe, statement):
    attempt = start(statement)
    stripe.sessions[attempt.session_ref] |= {"status": "complete"}

    sweep()

    assert Attempt.objects.get().state == AttemptState.OPEN


# ---- Answers that do not come ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["cut", "429", "409"])
def test_no_answer_is_unknown_and_the_same_key_finds_the_same_page(stripe, statement, fault):
    stripe.fail(fault, SESSIONS)
    with pytest.raises(payments.CardPageUnreachable):
        start(statement)
    assert (Attempt.objects.get().state, Attempt.objects.get().generation) == (AttemptState.UNKNOWN, 0)

    attempt = start(statement)

    assert (attempt.state, len(stripe.sessions), Attempt.objects.count()) == (AttemptState.OPEN, 1, 1)
    assert {key for _method, _path, key in stripe.calls} == {f"{attempt.pk}:0"}


def test_tab_that_comes_while_another_opens_the_page_gets_that_page(stripe, statement, monkeypatch):
    stripe.fail("409", SESSIONS)  # what the processor says while the first tab's request is under way
    monkeypatch.setattr(payments, "OTHER_TAB_SECONDS", 0)
    monkeypatch.setattr(payments.time, "sleep", lambda _seconds: start(statement))  # the first tab's answer comes

    second = start(statement)

    assert (second.state, second.checkout_url) == (AttemptState.OPEN, Attempt.objects.get().checkout_url)
    assert (len(stripe.sessions), Attempt.objects.count(), second.last_error) == (1, 1, "")


@pytest.mark.parametrize(("fault", "pages"), [("500", 1), ("500 after", 2)])
def test_failure_of_theirs_is_repeated_for_the_key_so_the_next_generation_is_asked_for(stripe, statement, fault, pages):
    stripe.fail(fault, SESSIONS)
    with pytest.raises(payments.CardPageUnreachable):
        start(statement)

    attempt = start(statement)

    assert (attempt.state, attempt.generation) == (AttemptState.OPEN, 1)
    assert [key for _method, _path, key in stripe.calls] == [f"{attempt.pk}:0", f"{attempt.pk}:1"]
    assert len(stripe.sessions_of(attempt.pk)) == pages


def test_nobody_answers_at_all(statement, settings, stripe):
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"  # where nothing listens

    with pytest.raises(payments.CardPageUnreachable):
        start(statement)

    assert (Attempt.objects.get().state, Attempt.objects.get().last_error) == ("unknown", "APIConnectionError")


def test_page_whose_answer_was_lost_is_found_by_the_sweep(stripe, statement):
    stripe.fail("cut", SESSIONS)
    with pytest.raises(payments.CardPageUnreachable):
        start(statement)

    sweep()

    attempt = Attempt.objects.get()
    assert (attempt.state, attempt.session_ref) == (AttemptState.OPEN, next(iter(stripe.sessions)))


@pytest.mark.parametrize("which", [0, 1])
def test_both_pages_of_one_attempt_are_looked_at_and_closed(stripe, statement, which):
    """Stripe made a page and answered with a failure: whichever of the two is paid, it is found."""
    stripe.fail("500 after", SESSIONS)
    with pytest.raises(payments.CardPageUnreachable):
        start(statement)
    attempt = start(statement)
    pages = [session["id"] for session in stripe.sessions_of(attempt.pk)]
    stripe.pay(pages[which])

    assert payments.look_at(attempt).state == AttemptState.PAID

    payments.stop(Attempt.objects.get())
    assert [session["status"] for session in stripe.sessions.values()].count("open") == 0
    tie(stripe)


def test_both_pages_of_one_attempt_are_paid_and_the_second_is_owed_back(stripe, statement):
    stripe.fail("500 after", SESSIONS)
    with pytest.raises(payments.CardPageUnreachable):
        start(statement)
    attempt = start(statement)
    for session in stripe.sessions_of(attempt.pk):
        assert stripe.pay(session["id"]) == 303

    payments.look_at(attempt)
    sweep()

    assert sorted((p.applied_cents, p.credit_cents) for p in Payment.objects.all()) == [(0, 10_000), (10_000, 0)]
    assert accounts()["credit"] == -10_000
    tie(stripe)


def test_attempt_that_never_reached_the_processor_is_forgotten_after_its_time(stripe, statement):
    stripe.fail("429", SESSIONS)
    with pytest.raises(payments.CardPageUnreachable):
        start(statement)

    assert sweep(timezone.now() + timedelta(minutes=64)).attempts == 0
    assert sweep(timezone.now() + timedelta(minutes=66)).attempts == 1
    assert Attempt.objects.get().state == AttemptState.EXPIRED


def test_lost_look_changes_nothing(stripe, statement):
    attempt = start(statement)
    stripe.fail("cut", f"{SESSIONS}/{attempt.session_ref}", "GET")

    assert payments.look_at(attempt).state == AttemptState.OPEN


def test_lost_closing_leaves_the_attempt_live_and_it_is_closed_later(stripe, statement):
    first = start(statement)
    stripe.fail("cut", f"{SESSIONS}/{first.session_ref}/expire")
    with pytest.raises(payments.CardPageUnreachable):
        start(statement, 5_000)
    first.refresh_from_db()
    assert first.state == AttemptState.UNKNOWN

    second = start(statement, 5_000)

    first.refresh_from_db()
    assert (first.state, second.state) == (AttemptState.EXPIRED, AttemptState.OPEN)


@pytest.mark.parametrize(
    ("fault", "replays"), [("cut", False), ("429", False), ("409", False), ("500", True), ("500 after", True)]
)
def test_how_failures_are_read(gateway, stripe, fault, replays):
    stripe.fail(fault, INTENTS)

    with pytest.raises(Unknown) as unknown:
        gateway.charge(Charge("key", 500, "usd", "cus_1", "pm_good"))

    assert unknown.value.replays is replays


def test_page_the_processor_does_not_know_is_absent(gateway, stripe, caplog):
    assert gateway.look(AttemptRef("key", session_ref="cs_nothing")).state == OutcomeState.ABSENT
    assert "Stripe refused a request of ours: InvalidRequestError 404 resource_missing" in caplog.text


def test_other_request_under_a_known_key_is_our_mistake_and_unknown(gateway, stripe):
    gateway.charge(Charge("key", 500, "usd", "cus_1", "pm_good"))

    with pytest.raises(Unknown, match="Keys for idempotent requests"):
        gateway.charge(Charge("key", 501, "usd", "cus_1", "pm_good"))


def test_gateway_needs_a_key(settings):
    settings.STRIPE_API_KEY = ""

    with pytest.raises(ImproperlyConfigured, match="needs STRIPE_API_KEY"):
        get_gateway("stripe")


# ---- Messages -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("times", [1, 3])
def test_messages_settle_once_in_any_order_and_number(stripe, statement, client, reverse, times):
    stripe.pay(start(statement).session_ref)
    messages = stripe.take_messages() * times
    if reverse:
        messages.reverse()

    assert [post(client, message).status_code for message in messages] == [200] * 2 * times

    assert (Payment.objects.count(), GatewayEvent.objects.count()) == (1, 2)
    tie(stripe)


def test_card_that_a_message_does_not_name_is_filled_in_by_the_sweep(stripe, statement, client):
    stripe.pay(start(statement).session_ref)
    for message in stripe.take_messages():
        post(client, message)
    assert Payment.objects.get().card_last4 == ""

    sweep()

    assert (Payment.objects.get().card_brand, Payment.objects.get().card_last4) == ("visa", "4242")


def test_message_before_our_answer_was_written_settles(stripe, statement, client):
    """The page was made and paid while we still waited for the answer that made it."""
    stripe.fail("cut", SESSIONS)
    with pytest.raises(payments.CardPageUnreachable):
        start(statement)
    stripe.pay(next(iter(stripe.sessions)))

    for message in stripe.take_messages():
        assert post(client, message).status_code == 200

    assert Attempt.objects.get().state == AttemptState.PAID
    tie(stripe)


def test_expiry_that_is_told_late_does_not_undo_a_payment(stripe, statement, client):
    payment = pay(stripe, statement)
    session = stripe.sessions[payment.attempt.session_ref]
    stripe.messages.clear()
    stripe._tell("checkout.session.expired", session | {"status": "expired", "payment_status": "unpaid"})

    (message,) = stripe.take_messages()

    assert post(client, message).status_code == 200
    assert Attempt.objects.get().state == AttemptState.PAID


@pytest.mark.parametrize(
    ("kind", "change", "state"),
    [
        ("checkout.session.expired", {"status": "expired"}, AttemptState.EXPIRED),
        ("checkout.session.async_payment_failed", {"status": "complete"}, AttemptState.FAILED),
        ("checkout.session.completed", {"status": "complete"}, AttemptState.OPEN),
    ],
)
def test_messages_that_bring_no_money(stripe, statement, client, kind, change, state):
    attempt = start(statement)
    stripe._tell(kind, stripe.sessions[attempt.session_ref] | change)
    (message,) = stripe.take_messages()

    assert post(client, message).status_code == 200
    assert (Attempt.objects.get().state, Payment.objects.count()) == (state, 0)


@pytest.mark.parametrize(
    "signature",
    ["", "t=1,v1=00", "nonsense", "v1=00", "t=,v1=", "t=²,v1=é", "t=99999999999999,v1=0"],
)
def test_forged_message_is_refused_and_nothing_is_stored(stripe, statement, client, signature):
    stripe.pay(start(statement).session_ref)
    message = stripe.take_messages()[1]

    assert post(client, message, signature=signature).status_code == 400
    assert GatewayEvent.objects.count() == Payment.objects.count() == 0


def test_message_signed_for_another_body_or_with_another_secret_is_refused(stripe, statement, client):
    stripe.pay(start(statement).session_ref)
    message = stripe.take_messages()[1]

    found = [
        post(client, message, signature=signature).status_code for signature in (sign(b"{}"), sign(message, "whsec_x"))
    ]

    assert (found, GatewayEvent.objects.count()) == ([400, 400], 0)


@pytest.mark.parametrize(("seconds", "status"), [(301, 400), (290, 200)])
def test_signature_is_good_for_five_minutes(stripe, client, seconds, status):
    stripe._tell("balance.available", {"id": "ba_1"})
    (message,) = stripe.take_messages()

    signature = sign(message, at=int(time.time()) - seconds)

    assert post(client, message, signature=signature).status_code == status


def test_two_secrets_are_good_while_one_is_changed(stripe, client, settings):
    settings.STRIPE_WEBHOOK_SECRETS = ["whsec_new", SECRET]
    for _kind in range(3):
        stripe._tell("balance.available", {"id": "ba_1"})
    messages = stripe.take_messages()

    found = [
        post(client, message, secret=secret).status_code
        for message, secret in zip(messages, ["whsec_new", SECRET, "whsec_gone"], strict=True)
    ]

    assert (found, GatewayEvent.objects.count()) == ([200, 200, 400], 2)


@pytest.mark.parametrize(("livemode", "status"), [(False, 200), (True, 400), (None, 400), ("false", 400), (0, 400)])
def test_message_of_the_other_mode_is_refused(stripe, client, livemode, status):
    stripe._tell("balance.available", {"id": "ba_1"})
    message = json.dumps(json.loads(stripe.take_messages()[0]) | {"livemode": livemode}).encode()

    assert post(client, message).status_code == status
    assert GatewayEvent.objects.count() == (status == 200)


@pytest.mark.parametrize(
    "body",
    [
        b"[]", b"{}", b"null", b"not json", b"\xff\xfe", b'{"id":1,"type":"x","data":{"object":{}},"livemode":false}',
        b'{"id":"e","type":"checkout.session.completed","data":{"object":{}},"livemode":false}',
        b'{"id":"e","type":"checkout.session.completed","data":{"object":[]},"livemode":false}',
        b'{"id":"e","type":"x","data":[],"livemode":false}',
        b'{"id":"e","type":"charge.dispute.created","data":{"object":{"id":"d"}},"livemode":false}',
    ],
)  # fmt: skip
def test_signed_nonsense_is_refused(stripe, client, body):
    assert post(client, body).status_code == 400
    assert GatewayEvent.objects.count() == 0


def test_kind_we_do_not_know_is_kept_and_answered(stripe, client):
    stripe._tell("radar.early_fraud_warning.created", {"id": "issfr_1", "anything": {"a": 1}})
    (message,) = stripe.take_messages()

    assert post(client, message).status_code == 200
    event = GatewayEvent.objects.get()
    assert (event.kind, event.body, event.note) == ("radar.early_fraud_warning.created", message.decode(), "")
    assert event.processed_at is not None


def test_payment_of_another_shop_on_the_same_account_is_kept_with_a_note(stripe, client):
    stripe._new_intent(500, None, "pm_good", {})
    stripe._tell("payment_intent.succeeded", next(iter(stripe.intents.values())))

    assert post(client, stripe.take_messages()[0]).status_code == 200
    assert (GatewayEvent.objects.get().note, Payment.objects.count()) == ("Not about an attempt of ours", 0)


def test_our_own_failure_asks_for_the_message_again(stripe, statement, client):
    payment = pay(stripe, statement)
    stripe.messages.clear()
    made = stripe.dispute(payment.payment_ref, 10_000)
    # What the database refuses: an entry about this dispute that somebody planted.
    ledger.post("dispute", made["id"], [("gateway", None, -1), ("dispute", None, 1)])

    (message,) = stripe.take_messages()

    assert [post(client, message).status_code for _time in range(2)] == [503, 503]
    assert (GatewayEvent.objects.get().tries, GatewayEvent.objects.get().processed_at) == (2, None)


def test_message_whose_question_is_not_answered_is_asked_for_again(stripe, statement, client):
    payment = pay(stripe, statement)
    stripe.messages.clear()
    stripe.return_money(payment.payment_ref, 3_000)
    message = stripe.take_messages()[0]
    stripe.fail("cut", REFUNDS, "GET")

    assert [post(client, message).status_code for _time in range(2)] == [503, 200]
    tie(stripe)


@pytest.mark.parametrize(("size", "status"), [(256 * 1024, 400), (256 * 1024 + 1, 413)])
def test_message_may_have_256_kilobytes(stripe, client, size, status):
    assert post(client, b" " * size).status_code == status


def test_gateway_that_is_not_ours_has_no_webhook(stripe, client):
    assert client.post("/pay/webhooks/sandbox/", b"{}", content_type="application/json").status_code == 404


# ---- Stored cards ---------------------------------------------------------------------------------------------------


@pytest.fixture
def begun(stripe):
    """A plan of three parts whose first was paid. A function: with the card given."""

    def begin(number="4242424242424242"):
        statement = factories.StatementFactory(owes=12_000)
        plan = plans.agree(statement, 3, email="payer@example.com", language="en", address="192.0.2.1")
        first = plan.instalments.get(position=1)
        attempt = payments.start_payment(statement, first.amount_cents, "en", instalment=first)
        stripe.pay(attempt.session_ref, number)
        payments.look_at(attempt)
        plan.refresh_from_db()
        return plan

    return begin


def due(plan, part=2):
    """The moment at which this part is due, after its reminder."""
    instalment = plan.instalments.get(position=part)
    Instalment.objects.filter(pk=instalment.pk).update(reminded_at=timezone.now())
    return timezone.now() + timedelta(days=(instalment.next_try_on - timezone.localdate()).days)


def test_first_part_keeps_the_card_there_and_its_references_here(begun, stripe):
    plan = begun()

    (session,) = stripe.sessions.values()
    assert (plan.state, plan.customer_ref) == (PlanState.ACTIVE, session["customer"])
    assert plan.card_ref == stripe.intents[session["payment_intent"]]["payment_method"]
    assert session["_intent"]["setup_future_usage"] == "off_session"


def test_part_that_is_due_is_charged_without_the_payer(begun, stripe):
    plan = begun()

    assert instalments.charge_due(due(plan)) == 1

    attempt = Attempt.objects.get(kind="instalment")
    (intent,) = stripe.intents_of(attempt.pk)
    assert (intent["amount"], intent["customer"], attempt.state) == (4_000, plan.customer_ref, AttemptState.PAID)
    assert ("POST", INTENTS, str(attempt.pk)) in stripe.calls
    assert plan.instalments.get(position=2).state == InstalmentState.PAID
    tie(stripe)


def test_declined_card_is_tried_again_three_five_and_seven_days_later_and_then_stops(begun, stripe):
    plan = begun(DECLINED_LATER)
    waits = []
    for _try in range(3):
        at = due(plan)
        assert instalments.charge_due(at) == 0
        part = plan.instalments.get(position=2)
        waits.append((part.next_try_on - timezone.localdate(at)).days)

    plan.refresh_from_db()
    assert (waits, plan.state) == ([3, 5, 7], PlanState.STOPPED)
    assert Attempt.objects.filter(kind="instalment", state=AttemptState.FAILED).count() == 3
    assert instalments.charge_due(timezone.now() + timedelta(days=99)) == 0
    tie(stripe)


@pytest.mark.parametrize("fault", ["cut", "500", "500 after", "429"])
def test_charge_without_an_answer_is_looked_up_and_made_once(begun, stripe, fault):
    plan = begun()
    at = due(plan)
    stripe.fail(fault, INTENTS)

    instalments.charge_due(at)
    assert Attempt.objects.get(kind="instalment").state == AttemptState.UNKNOWN
    sweep(at)
    stripe.keys.clear()  # a day later, when the failure under the key is forgotten
    sweep(at)
    sweep(at)

    attempt = Attempt.objects.get(kind="instalment")
    assert (attempt.state, len(stripe.intents_of(attempt.pk))) == (AttemptState.PAID, 1)
    assert {key for method, path, key in stripe.calls if (method, path) == ("POST", INTENTS)} == {str(attempt.pk)}
    tie(stripe)


# ---- Returning ------------------------------------------------------------------------------------------------------


def ask(payment, cents):
    return refunds.request_refund(payment, cents, by=factories.UserFactory(), reason="moved away")


def test_refund_is_made_under_our_key(stripe, statement):
    payment = pay(stripe, statement)

    refund = ask(payment, 3_000)

    (made,) = stripe.refunds.values()
    assert (refund.state, refund.refund_ref, made["metadata"]) == ("succeeded", made["id"], {"refund": str(refund.pk)})
    assert ("POST", REFUNDS, str(refund.pk)) in stripe.calls
    tie(stripe)


@pytest.mark.parametrize("fault", ["cut", "500 after", "500", "429"])
def test_refund_without_an_answer_is_made_once(stripe, statement, fault):
    payment = pay(stripe, statement)
    stripe.fail(fault, REFUNDS)

    refund = ask(payment, 3_000)
    assert refund.state == RefundState.UNKNOWN
    sweep()
    stripe.keys.clear()
    sweep()

    refund.refresh_from_db()
    assert (refund.state, stripe.refunded(), len(stripe.refunds)) == (RefundState.SUCCEEDED, 3_000, 1)
    tie(stripe)


def test_refund_whose_look_is_not_answered_is_unknown_and_nothing_is_sent(stripe, statement):
    payment = pay(stripe, statement)
    stripe.fail("cut", REFUNDS, "GET")

    assert (ask(payment, 3_000).state, stripe.asked("POST", REFUNDS)) == (RefundState.UNKNOWN, 0)


def test_refund_that_is_refused_has_failed_with_their_words(stripe, statement):
    payment = pay(stripe, statement)
    stripe.return_money(payment.payment_ref, 9_000)

    refund = ask(payment, 3_000)

    assert (refund.state, refund.last_error) == (
        RefundState.FAILED,
        "Refund amount is greater than unrefunded amount on charge",
    )


@pytest.mark.parametrize("was_made", [True, False])
def test_refund_whose_key_is_forgotten_is_only_looked_up(stripe, statement, was_made):
    payment = pay(stripe, statement)
    stripe.fail("cut" if was_made else "429", REFUNDS)
    refund = ask(payment, 3_000)
    stripe.keys.clear()

    refund = refunds.push(refund, timezone.now() + timedelta(hours=23))

    assert refund.state == (RefundState.SUCCEEDED if was_made else RefundState.FAILED)
    assert stripe.asked("POST", REFUNDS) == 1
    tie(stripe)


@pytest.mark.parametrize("status", ["pending", "requires_action"])
def test_refund_on_its_way_is_booked_when_it_arrives(stripe, statement, status, monkeypatch, client):
    payment = pay(stripe, statement)
    answer = stripe.return_money
    monkeypatch.setattr(stripe, "return_money", lambda ref, cents, **about: answer(ref, cents, status, **about))
    refund = ask(payment, 3_000)
    assert refund.state == RefundState.PENDING
    stripe.take_messages()

    stripe.set_refund(refund.refund_ref, "succeeded")
    (message,) = stripe.take_messages()

    assert post(client, message).status_code == 200
    refund.refresh_from_db()
    assert refund.state == RefundState.SUCCEEDED
    tie(stripe)


@pytest.mark.parametrize("told", [True, False])
def test_refund_that_comes_back_days_later_is_taken_back(stripe, statement, client, told):
    payment = pay(stripe, statement)
    refund = ask(payment, 3_000)
    stripe.take_messages()

    stripe.set_refund(refund.refund_ref, "failed")
    for message in stripe.take_messages() if told else []:
        assert post(client, message).status_code == 200

    refund.refresh_from_db()
    assert refund.state == (RefundState.FAILED if told else RefundState.SUCCEEDED)
    if told:
        tie(stripe)


@pytest.mark.parametrize("by_message", [True, False])
def test_refund_made_in_their_office_arrives_by_itself(stripe, statement, client, by_message):
    payment = pay(stripe, statement)
    stripe.take_messages()
    made = stripe.return_money(payment.payment_ref, 2_500)

    if by_message:
        for message in stripe.take_messages():
            assert post(client, message).status_code == 200
    assert sweep().found == (0 if by_message else 1)

    refund = Refund.objects.get()
    assert (refund.source, refund.refund_ref, refund.amount_cents) == (RefundSource.PROCESSOR, made["id"], 2_500)
    tie(stripe)


def test_refunds_are_read_page_by_page(gateway, stripe, statement):
    payment = pay(stripe, statement)
    for _refund in range(101):
        stripe.return_money(payment.payment_ref, 1)

    assert len(gateway.look_at_refunds(payment.payment_ref)) == 101


def test_refund_answers(gateway, stripe, statement):
    payment = pay(stripe, statement)

    made = gateway.refund(RefundOrder("key", payment.payment_ref, 100))
    again = gateway.refund(RefundOrder("key", payment.payment_ref, 100))

    assert (made.state, made, made.key) == (RefundOutcomeState.SUCCEEDED, again, "key")


# ---- Disputes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by_message", [True, False])
@pytest.mark.parametrize(("ending", "books"), [("won", {"gateway": 10_000}), ("lost", {"receivable": 10_000})])
def test_dispute_arrives_by_itself_and_is_decided(stripe, statement, client, by_message, ending, books):
    payment = pay(stripe, statement)
    stripe.take_messages()

    dispute = stripe.dispute(payment.payment_ref, 10_000)
    opened = stripe.take_messages()
    stripe.decide(dispute["id"], ending)
    for message in reversed(opened + stripe.take_messages()) if by_message else []:
        assert post(client, message).status_code == 200
    sweep()

    assert Dispute.objects.get().state == ending
    assert accounts() == books | {"revenue": -10_000}
    tie(stripe)


def test_question_of_the_bank_is_no_dispute(stripe, statement, client):
    payment = pay(stripe, statement)
    stripe.dispute(payment.payment_ref, 10_000, status="warning_needs_response")

    for message in stripe.take_messages():
        post(client, message)
    sweep()

    assert Dispute.objects.count() == 0


# ---- Movements ------------------------------------------------------------------------------------------------------


def test_movements_tell_what_moved_with_its_fee(gateway, stripe, statement):
    payment = pay(stripe, statement)
    refund = ask(payment, 3_000)
    failed = stripe.return_money(payment.payment_ref, 100, "failed")
    won = stripe.dispute(payment.payment_ref, 1_000)
    stripe.decide(won["id"], "won")
    question = stripe.dispute(payment.payment_ref, 500, "warning_closed")
    payout = stripe.pay_out(6_000)
    now = timezone.now()

    moved = list(gateway.movements(now - timedelta(hours=1), now + timedelta(minutes=5)))

    assert [(m.kind, m.ref, m.amount_cents, m.fee_cents, m.payment_ref) for m in moved if m.ref != failed["id"]] == [
        (MovementKind.PAYMENT, payment.payment_ref, 10_000, 320, payment.payment_ref),
        (MovementKind.REFUND, refund.refund_ref, 3_000, 0, payment.payment_ref),
        (MovementKind.DISPUTE, won["id"], 1_000, 0, payment.payment_ref),
        (MovementKind.REINSTATED, won["id"], 1_000, 0, payment.payment_ref),
        (MovementKind.PAYOUT, payout["id"], 6_000, 0, ""),
    ]
    assert question["id"] not in {m.ref for m in moved}
    refunds_told = {m.ref: (m.key, m.refund.state) for m in moved if m.refund}
    assert refunds_told == {
        refund.refund_ref: (str(refund.pk), RefundOutcomeState.SUCCEEDED),
        failed["id"]: ("", RefundOutcomeState.FAILED),
    }
    assert moved[0].key == str(payment.attempt_id)


def test_movements_of_another_time_are_not_told(gateway, stripe, statement):
    pay(stripe, statement)
    now = timezone.now()

    later = list(gateway.movements(now + timedelta(hours=1), now + timedelta(hours=2)))
    earlier = list(gateway.movements(now - timedelta(hours=2), now - timedelta(hours=1)))

    assert (later, earlier) == ([], [])


def test_sweep_that_gets_no_answer_about_movements_goes_on(stripe, statement):
    attempt = start(statement)
    stripe.pay(attempt.session_ref)
    stripe.fail("cut", INTENTS, "GET", times=2)

    assert sweep().attempts == 1


def test_stored_card_that_nobody_charged_is_absent(gateway, stripe):
    assert gateway.look(AttemptRef("key", customer_ref="cus_1")).state == OutcomeState.ABSENT


def test_sweep_with_nothing_to_do_asks_little(stripe):
    assert sweep() == SweepReport()
    assert {path for _method, path, _key in stripe.calls} == {INTENTS, REFUNDS, "/v1/disputes", "/v1/payouts"}


# ---- What an attack on the money found ------------------------------------------------------------------------------


def test_refund_of_theirs_that_is_pending_is_not_made_a_second_time(stripe, statement):
    payment = pay(stripe, statement)
    made = stripe.return_money(payment.payment_ref, 3_000, "pending")
    sweep()
    sweep(timezone.now() + timedelta(days=2))
    assert (Refund.objects.get().state, len(stripe.refunds)) == (RefundState.PENDING, 1)

    stripe.set_refund(made["id"], "succeeded")
    sweep()

    assert (Refund.objects.get().state, stripe.refunded()) == (RefundState.SUCCEEDED, 3_000)
    assert accounts()["gateway"] == 7_000


def test_refund_that_is_pending_hinders_no_comparison(stripe, statement):
    payment = pay(stripe, statement)
    stripe.return_money(payment.payment_ref, 3_000, "pending")
    sweep()

    assert reconcile(timezone.localdate()).differences == []


def test_refund_that_failed_after_it_succeeded_is_found_without_a_message(stripe, statement):
    refund = ask(pay(stripe, statement), 3_000)
    stripe.set_refund(refund.refund_ref, "failed")

    sweep()

    refund.refresh_from_db()
    assert (refund.state, accounts()["gateway"]) == (RefundState.FAILED, 10_000)
    assert reconcile(timezone.localdate()).differences == []


def test_second_refund_under_our_name_is_money_of_its_own(stripe, statement):
    payment = pay(stripe, statement)
    refund = ask(payment, 3_000)
    stripe.return_money(payment.payment_ref, 2_000, refund=str(refund.pk))

    sweep()

    assert sorted(Refund.objects.values_list("source", "amount_cents")) == [
        (RefundSource.OFFICE, 3_000),
        (RefundSource.PROCESSOR, 2_000),
    ]
    assert accounts()["gateway"] == 5_000


def test_failure_to_close_a_page_does_not_begin_another_generation(stripe, statement):
    attempt = factories.AttemptFactory(statement=statement, gateway="stripe")
    stripe.fail("500", SESSIONS, "GET")

    with pytest.raises(payments.CardPageUnreachable):
        payments.stop(attempt)

    assert Attempt.objects.get().generation == 0


def test_of_two_pages_of_one_attempt_the_payer_is_sent_to_the_one_we_keep(stripe, statement, monkeypatch):
    kept = start(statement)
    late = Attempt.objects.get(pk=kept.pk)
    late.session_ref, late.generation = "", 1  # a tab that saw the attempt before its page was there

    opened = payments._open_card_page(late)

    (stray,) = [session for session in stripe.sessions_of(kept.pk) if session["id"] != kept.session_ref]
    assert (opened.session_ref, opened.checkout_url) == (kept.session_ref, kept.checkout_url)
    assert stray["status"] == "expired"


def test_end_of_a_page_nobody_was_sent_to_does_not_end_the_attempt(stripe, statement):
    attempt = start(statement)

    payments.apply_outcome(attempt, Outcome(OutcomeState.EXPIRED, session_ref="cs_stray"))

    assert Attempt.objects.get().state == AttemptState.OPEN


def test_page_the_processor_has_forgotten_ends_with_its_time(stripe, statement):
    attempt = start(statement)
    stripe.sessions.clear()

    sweep(attempt.expires_at + timedelta(minutes=4))
    before = Attempt.objects.get().state
    sweep(attempt.expires_at + timedelta(minutes=6))

    assert (before, Attempt.objects.get().state) == (AttemptState.OPEN, AttemptState.EXPIRED)


def test_charge_of_a_card_that_is_gone_has_failed(gateway, stripe, monkeypatch):
    def refuse(method, path, asked):
        raise Refusal(404, "No such PaymentMethod: 'pm_gone'", code="resource_missing")

    monkeypatch.setattr(stripe, "answer", refuse)

    outcome = gateway.charge(Charge("key", 500, "usd", "cus_1", "pm_gone"))

    assert (outcome.state, outcome.message) == (OutcomeState.FAILED, "resource_missing")


@pytest.mark.parametrize("facts", [{"amount_cents": 0}, {"payment_ref": ""}])
def test_payment_without_money_is_none(stripe, statement, facts):
    attempt = start(statement)

    payments.apply_outcome(
        attempt, Outcome(OutcomeState.PAID, **{"payment_ref": "pi_x", "amount_cents": 10_000} | facts)
    )

    assert (Attempt.objects.get().state, Payment.objects.count()) == (AttemptState.OPEN, 0)


def test_message_whose_name_holds_a_nul_is_refused(client, stripe):
    body = json.dumps({"id": "evt_\0", "type": "x", "livemode": False, "data": {"object": {}}}).encode()

    assert (post(client, body).status_code, GatewayEvent.objects.count()) == (400, 0)


@pytest.mark.django_db(transaction=True)
def test_processor_is_asked_about_refunds_with_no_transaction_open(client, stripe, monkeypatch):
    statement = factories.StatementFactory(owes=10_000)
    payment = pay(stripe, statement)
    stripe.return_money(payment.payment_ref, 3_000)
    body = stripe.take_messages()[-1]
    inside = []
    answer = stripe.answer

    def watch(method, path, asked):
        with psycopg2.connect(**connection.get_connection_params()) as other, other.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                "AND state = 'idle in transaction' AND pid <> pg_backend_pid()"
            )
            inside.append(cursor.fetchone()[0])
        return answer(method, path, asked)

    monkeypatch.setattr(stripe, "answer", watch)

    assert post(client, body).status_code == 200
    assert (set(inside), Refund.objects.get().amount_cents) == ({0}, 3_000)
