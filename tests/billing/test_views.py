"""The pages a guest walks: what they show, to whom, and what they never give away."""

import re
from uuid import uuid4

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from billing import ledger, payments
from billing.gateways.sandbox.models import CardSession
from billing.gateways.sandbox.processor import take_payment
from billing.models import Attempt, Payment
from patients.models import Patient
from tests import factories

pytestmark = pytest.mark.django_db
BORN = "6/15/1950"


@pytest.fixture
def statement(identity):
    return factories.StatementFactory(owes=10_000)


@pytest.fixture
def guest(client, statement):
    """A browser that has shown the statement's code and the date of birth."""
    response = client.post("/pay/", {"code": statement.code, "born_on": BORN})
    assert response.headers["Location"] == "/pay/statement/"
    return client


def text(response):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def summary(response):
    """The lines of the error summary."""
    block = re.search(r'class="error-summary".*?</ul>', response.content.decode(), re.DOTALL)
    return (
        [re.sub(r"<[^>]+>", "", line) for line in re.findall(r"<li>(.*?)</li>", block.group(), re.DOTALL)]
        if block
        else []
    )


def test_every_page_is_private(guest):
    for url in ("/pay/", "/pay/statement/"):
        assert guest.get(url).headers["Cache-Control"] == (
            "max-age=0, no-cache, no-store, must-revalidate, private"
        ) or set(guest.get(url).headers["Cache-Control"].split(", ")) == {
            "max-age=0", "no-cache", "no-store", "must-revalidate", "private",
        }  # fmt: skip


@pytest.mark.parametrize("born_on", ["6/15/1950", "06-15-1950", "1950-06-15", "6.15.1950"])
def test_look_up_takes_a_date_as_people_write_it(client, statement, born_on):
    response = client.post("/pay/", {"code": statement.code.lower(), "born_on": born_on})

    assert (response.status_code, response.headers["Location"]) == (302, "/pay/statement/")


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (
            {"code": "", "born_on": ""},
            ["Enter the statement code from your bill.", "Enter the patient’s date of birth."],
        ),
        (
            {"code": "x", "born_on": "15/6/50"},
            ["Enter the date of birth as month, day and four-digit year, like 3/27/1948."],
        ),
        ({"code": "x", "born_on": "1/1/2999"}, ["The date of birth must be in the past."]),
        (
            {"code": "x", "born_on": "1/1/1950"},
            ["We could not find a bill with this code and date of birth. Check both with your bill, or call us."],
        ),
    ],
)
def test_look_up_says_what_is_wrong(client, statement, facts, expected):
    response = client.post("/pay/", facts)

    assert (response.status_code, summary(response)) == (200, expected)
    assert "<title>Error: Pay Your Bill" in response.content.decode()


def test_look_up_misses_are_all_alike(client, statement):
    other = factories.code_of(777_777)
    pages = [
        re.sub(r'value="[^"]*"', "", client.post("/pay/", facts).content.decode())
        for facts in (
            {"code": statement.code, "born_on": "1/1/1999"},
            {"code": other, "born_on": BORN},
            {"code": "nonsense", "born_on": BORN},
        )
    ]

    assert pages[0] == pages[1] == pages[2]


def test_look_up_too_often_says_so(client, statement):
    for _try in range(10):
        client.post("/pay/", {"code": "x", "born_on": BORN})

    response = client.post("/pay/", {"code": statement.code, "born_on": BORN})

    assert response.status_code == 429
    assert summary(response) == ["There were too many tries from here. Please wait ten minutes, or call us."]


def test_statement_needs_a_guest(client, statement):
    assert client.get("/pay/statement/").headers["Location"] == "/pay/"


def test_statement_explains_the_bill(guest, statement):
    page = text(guest.get("/pay/statement/"))

    assert "Our charge $300.00" in page
    assert "Insurance paid − $100.00" in page
    assert "− $100.00 Your share $100.00" in page
    assert "Why a second bill?" in page
    assert "Testa Patientson" in page


def test_statement_shows_only_this_patients_bills(guest, statement):
    other = factories.StatementFactory()
    same = factories.StatementFactory(patient=statement.patient, owes=5_000)

    page = guest.get("/pay/statement/").content.decode()

    assert re.findall(r"(ST-\d+): (\$[\d.]+)", page) == [(same.number, "$50.00")]
    assert guest.post("/pay/statement/choose/", {"statement": other.pk}).status_code == 404
    assert guest.post("/pay/statement/choose/", {"statement": same.pk}).headers["Location"] == "/pay/statement/"
    assert same.number in text(guest.get("/pay/statement/"))


@pytest.mark.parametrize("count", [1, 3])
def test_statement_query_count(guest, statement, count, django_assert_num_queries):
    for _other in range(count):
        factories.StatementFactory(patient=statement.patient)

    with django_assert_num_queries(9):
        guest.get("/pay/statement/")


def test_nothing_about_the_patient_in_addresses_or_titles(guest, statement):
    page = guest.get("/pay/statement/").content.decode()
    secrets = ["Testa", "Patientson", "1950", statement.number, statement.code]

    addresses = re.findall(r'(?:href|action|src)="([^"]*)"', page)
    title = re.search(r"<title>(.*?)</title>", page).group(1)
    assert [secret for secret in secrets if secret in " ".join([*addresses, title])] == []


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, ["Choose how much you would like to pay."]),
        ({"choice": "part"}, ["Enter the amount you would like to pay, like 25.00."]),
        ({"choice": "part", "amount": "１２"}, ["Enter an amount in dollars and cents, like 25.00."]),
        ({"choice": "part", "amount": "-5"}, ["Enter an amount in dollars and cents, like 25.00."]),
        ({"choice": "part", "amount": "1e2"}, ["Enter an amount in dollars and cents, like 25.00."]),
        ({"choice": "part", "amount": "0"}, ["Enter the amount you would like to pay, like 25.00."]),
        ({"choice": "part", "amount": "100.01"}, ["You owe $100.00. Enter that amount or less."]),
        ({"choice": "part", "amount": "0.49"}, ["The smallest payment is $0.50."]),
        ({"choice": "everything"}, ["Select a valid choice. everything is not one of the available choices."]),
    ],
)
def test_pay_refuses_a_wrong_amount(guest, facts, expected):
    response = guest.post("/pay/statement/", facts)

    assert summary(response) == expected
    assert Attempt.objects.count() == 0


@pytest.mark.parametrize(
    ("facts", "cents"), [({"choice": "full", "amount": "1"}, 10_000), ({"choice": "part", "amount": "$25"}, 2_500)]
)
def test_pay_goes_to_the_card_page(guest, facts, cents, settings):
    response = guest.post("/pay/statement/", facts)

    session = CardSession.objects.get()
    assert (response.status_code, response.headers["Location"]) == (
        303,
        f"{settings.PUBLIC_ORIGIN}/sandbox/pay/{session.pk}/",
    )
    assert session.amount_cents == cents


def pay(guest, button):
    guest.post("/pay/statement/", {"choice": "full"})
    return guest.post(f"/sandbox/pay/{CardSession.objects.get().pk}/", {"button": button})


@pytest.mark.parametrize("button", ["pay", "pay_silently", "pay_twice"])
def test_return_from_the_card_page_shows_the_receipt(guest, statement, button, settings):
    response = pay(guest, button)
    attempt = Attempt.objects.get()
    assert response.headers["Location"] == f"{settings.PUBLIC_ORIGIN}/pay/receipt/{attempt.pk}/"

    page = text(guest.get(attempt.get_absolute_url()))

    assert f"Receipt {Payment.objects.get().receipt_number}" in page
    assert "You owed before $100.00 You paid − $100.00 You owe now $0.00" in page
    assert "Testa Patientson" in page


def test_declined_card_can_be_tried_again(guest):
    assert pay(guest, "decline").status_code == 302

    session = CardSession.objects.get()
    page = text(guest.get(f"/sandbox/pay/{session.pk}/"))
    assert "The card was declined." in page
    assert Payment.objects.count() == 0


def test_card_page_closes_when_paid(guest):
    pay(guest, "pay")

    assert guest.get(f"/sandbox/pay/{CardSession.objects.get().pk}/").status_code == 410


@pytest.mark.parametrize("button", ["", "nonsense"])
def test_card_page_refuses_other_buttons(guest, button):
    assert pay(guest, button).status_code == 404


def test_receipt_says_confirming_while_unknown(guest):
    guest.post("/pay/statement/", {"choice": "full"})
    response = guest.get(Attempt.objects.get().get_absolute_url())

    assert "Confirming your payment" in text(response)
    assert "failed" not in text(response).lower()
    assert '<meta http-equiv="refresh" content="5">' in response.content.decode()


def test_receipt_of_a_closed_page_says_nothing_was_charged(guest):
    guest.post("/pay/statement/", {"choice": "full"})
    CardSession.objects.update(expires_at=timezone.now())

    assert "Nothing was charged." in text(guest.get(Attempt.objects.get().get_absolute_url()))


def test_receipt_link_alone_tells_nothing_about_the_patient(guest, statement):
    pay(guest, "pay")
    url = Attempt.objects.get().get_absolute_url()

    page = text(Client().get(url))

    assert "$100.00" in page
    found = [secret for secret in ("Testa", "Patientson", statement.number, "Chest X-ray") if secret in page]
    assert found == []


def test_receipt_of_nothing_is_not_found(client, identity):
    assert client.get(f"/pay/receipt/{uuid4()}/").status_code == 404


def test_leave_ends_the_visit(guest):
    assert guest.post("/pay/leave/").headers["Location"] == "/pay/"
    assert guest.get("/pay/statement/").headers["Location"] == "/pay/"


def test_paying_off_shows_the_phone(guest, settings):
    settings.PAYMENT_GATEWAY = ""

    page = guest.get("/pay/statement/")
    posted = guest.post("/pay/statement/", {"choice": "full"})

    assert "Paying online is switched off just now." in text(page)
    assert summary(posted) == ["Paying online is switched off just now. Please call us."]
    assert '<button class="button">Pay by card' not in page.content.decode()


def test_bill_lowered_below_what_was_paid_still_adds_up(guest, statement):
    pay(guest, "pay")
    guest.get(Attempt.objects.get().get_absolute_url())
    with transaction.atomic():
        statement.refresh_from_db()
        statement.lines.update(adjustment_cents=16_000, patient_cents=4_000)
        ledger.post_revision(statement, -6_000, "test")

    page = text(guest.get("/pay/statement/"))

    assert "Your share in all $40.00 You paid" in page
    assert "− $100.00 You paid too much: we will return it $60.00 You owe $0.00" in page


def test_unreachable_processor_says_nothing_was_charged(guest, monkeypatch):
    def unreachable(*_arguments):
        raise payments.CardPageUnreachable

    monkeypatch.setattr(payments, "start_payment", unreachable)

    response = guest.post("/pay/statement/", {"choice": "full"})

    assert summary(response) == ["We could not reach the card page. Nothing was charged. Please try again."]


def test_spanish_all_the_way(client, statement, settings):
    page = client.get("/es/pay/")
    assert '<html lang="es">' in page.content.decode()
    response = client.post("/es/pay/", {"code": statement.code, "born_on": BORN})
    assert response.headers["Location"] == "/es/pay/statement/"
    client.post("/es/pay/statement/", {"choice": "full"})
    session = CardSession.objects.get()
    assert "Pagar $100.00" in text(client.get(f"/sandbox/pay/{session.pk}/"))
    take_payment(session.pk, messages=0)
    receipt = text(client.get(f"/es/pay/receipt/{Attempt.objects.get().pk}/"))
    assert "Recibo R-" in receipt


def test_patient_columns_are_unreadable_in_the_database(statement):
    from django.db import connection  # noqa: PLC0415

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT p::text, s::text FROM patients_patient p JOIN billing_statement s ON s.patient_id = p.id"
        )
        row = " ".join(cursor.fetchone())

    assert [secret for secret in ("Testa", "Patientson", "1950-06-15", statement.code) if secret in row] == []
    assert Patient.objects.get().full_name == "Testa Patientson"
