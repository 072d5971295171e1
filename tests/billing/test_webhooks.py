"""The webhook: what is believed, what is kept, what is answered, and that money is recorded once."""

import json
import time

import pytest
from django.urls import reverse

from billing import payments
from billing.gateways.sandbox.models import CardSession, Notification
from billing.gateways.sandbox.processor import SIGNATURE_HEADER, refund_here, send_notification, sign, take_payment
from billing.ledger import post as post_entry
from billing.models import Account, Dispute, GatewayEvent, Journal, JournalKind, Payment, Refund
from billing.sweep import sweep
from billing.webhooks import process
from tests import factories
from tests.billing.books import answers_lost

pytestmark = pytest.mark.django_db
URL = "/pay/webhooks/sandbox/"


@pytest.fixture
def message(db):
    """The signed message about a payment we have not heard of yet."""
    payments.start_payment(factories.StatementFactory(owes=10_000), 10_000, "en")
    take_payment(CardSession.objects.get().pk, messages=1)
    return Notification.objects.get().body.encode()


def post(client, body, signature=None):
    header = {f"HTTP_{SIGNATURE_HEADER.upper().replace('-', '_')}": sign(body) if signature is None else signature}
    return client.post(URL, body, content_type="application/json", **header)


def test_webhook_address_is_the_contract():
    assert reverse("billing:webhook", args=["sandbox"]) == URL


def test_message_settles_the_payment(client, message):
    response = post(client, message)

    assert (response.status_code, Payment.objects.get().amount_cents) == (200, 10_000)


def test_message_repeated_settles_once(client, message):
    statuses = [post(client, message).status_code for _copy in range(3)]

    assert statuses == [200, 200, 200]
    assert (GatewayEvent.objects.get().tries, Payment.objects.count()) == (1, 1)


@pytest.mark.parametrize(
    "signature",
    ["", "t=1,v1=00", "t=abc,v1=00", "v1=00", "t=²,v1=é", "t=,v1=", "nonsense"],
)
def test_forged_message_is_refused_and_not_stored(client, message, signature):
    response = post(client, message, signature)

    assert response.status_code == 400
    assert GatewayEvent.objects.count() == Payment.objects.count() == 0


def test_old_signature_is_refused(client, message):
    response = post(client, message, sign(message, int(time.time()) - 301))

    assert (response.status_code, response.content) == (400, b"The signature is too old.")


def test_altered_message_is_refused(client, message):
    assert post(client, message + b" ", sign(message)).status_code == 400


@pytest.mark.parametrize("body", [b"[]", b"{}", b"not json", b"\xff"])
def test_signed_nonsense_is_refused(client, body):
    assert post(client, body).status_code == 400


@pytest.mark.parametrize("key", ["not-a-uuid", "00000000-0000-0000-0000-000000000000", "\u0000"])
def test_message_about_nothing_of_ours_is_kept_and_answered(client, message, key):
    body = json.dumps(json.loads(message) | {"key": key}).encode()

    response = post(client, body)

    assert (response.status_code, Payment.objects.count()) == (200, 0)
    assert GatewayEvent.objects.get().note == "Not about an attempt of ours"


@pytest.mark.parametrize(("method", "url", "status"), [("get", URL, 405), ("post", "/pay/webhooks/other/", 404)])
def test_other_requests_are_refused(client, method, url, status):
    assert getattr(client, method)(url).status_code == status


@pytest.mark.parametrize(("extra", "status"), [(0, 400), (1, 413)])
def test_message_of_more_than_256_kilobytes_is_refused(client, extra, status):
    assert post(client, b"x" * (256 * 1024 + extra)).status_code == status


def test_unknown_kind_is_kept_and_answered(client):
    body = json.dumps({"id": "evt_9", "kind": "balance.changed", "anything": [1]}).encode()

    response = post(client, body)

    event = GatewayEvent.objects.get()
    assert (response.status_code, event.kind, event.body) == (200, "balance.changed", body.decode())
    assert (event.processed_at is not None, event.note) == (True, "")


def test_our_own_failure_asks_for_the_message_again(client, message, caplog):
    """An entry that somebody planted breaks a rule of the database: the message waits, and nothing is half done."""
    assert post(client, message).status_code == 200
    payment = Payment.objects.get()
    about = {"id": "evt_d", "kind": "disputed", "state": "open", "dispute": "d_1", "payment": payment.payment_ref}
    body = json.dumps(about | {"amount_cents": 10_000}).encode()
    post_entry(JournalKind.DISPUTE, "d_1", [(Account.GATEWAY, None, -1), (Account.DISPUTE, None, 1)])

    statuses = [post(client, body).status_code for _time in range(2)]

    event = GatewayEvent.objects.get(event_id="evt_d")
    assert (statuses, event.processed_at, event.tries, event.note) == ([503, 503], None, 2, "IntegrityError")
    assert (Dispute.objects.count(), Journal.objects.filter(kind="dispute").count()) == (0, 1)
    assert payment.payment_ref not in caplog.text


def test_message_waits_while_the_processor_does_not_answer(client, message):
    assert post(client, message).status_code == 200
    payment = Payment.objects.get()
    refund_here(payment.payment_ref, 3_000)
    body = Notification.objects.last().body.encode()

    with answers_lost("look_at_refunds"):
        assert post(client, body).status_code == 503
    assert GatewayEvent.objects.unprocessed().get().note == "Unknown"

    assert sweep().events == 1
    assert Refund.objects.get().amount_cents == 3_000


def test_process_does_nothing_for_what_is_done(client, message):
    post(client, message)
    event = GatewayEvent.objects.get()

    assert process(event) is True
    assert GatewayEvent.objects.get().tries == 1


def test_webhook_needs_no_form_token(message):
    from django.test import Client  # noqa: PLC0415

    assert post(Client(enforce_csrf_checks=True), message).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_sandbox_really_sends_its_message(live_server, settings, message):
    settings.PUBLIC_ORIGIN = live_server.url

    send_notification.call(str(Notification.objects.get().pk))

    assert Payment.objects.get().amount_cents == 10_000
    assert Notification.objects.get().delivered_at is not None
