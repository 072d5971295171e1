"""The pages a guest walks: what they show, to whom, and what they never give away."""

import re
from datetime import date, datetime
from importlib import import_module
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.contrib.sessions.backends.base import UpdateError
from django.core import mail
from django.db import OperationalError, transaction
from django.test import Client
from django.utils import timezone

from billing import questions
from billing.codes import link_token
from billing.gateways.sandbox.models import CardSession
from billing.gateways.sandbox.processor import take_payment
from billing.models import Attempt, AttemptState, Payment, QuestionKind, Statement
from billing.refunds import request_refund
from billing.withdrawals import void_statement, write_off
from patients.models import Patient
from practice.money import dollars
from tests import factories
from tests.billing.books import answers_lost, post_revision
from tests.signing_in import sign_in

pytestmark = pytest.mark.django_db
BORN = "6/15/1950"
OPENED = datetime(2026, 10, 20, 15, 30, tzinfo=ZoneInfo("America/Indiana/Indianapolis"))
UNREACHABLE = "We could not reach the card page. Nothing was charged. Please try again."
NOT_FOUND = (
    "We could not find a bill with this code and date of birth. Check each letter of the code, and write the month "
    "first. After several tries, wait an hour or call (574) 555-0120."
)


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


@pytest.mark.parametrize("born_on", ["6/15/1950", "06-15-1950", "1950-06-15", "6.15.1950", "06151950"])
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
        *(
            (
                {"code": "x", "born_on": digits},
                ["Enter the date of birth as month, day and four-digit year, like 3/27/1948."],
            )
            for digits in ("15061950", "19500615", "6151950", "061519500")
        ),
        ({"code": "x", "born_on": "1/1/2999"}, ["The date of birth must be in the past."]),
        ({"code": "x", "born_on": "01012999"}, ["The date of birth must be in the past."]),
        ({"code": "x", "born_on": "1/1/1950"}, [NOT_FOUND]),
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

    assert re.findall(r"(ST-\d+): (\$[\d.]+)", page) == [(statement.number, "$100.00"), (same.number, "$50.00")]
    assert guest.post("/pay/statement/choose/", {"statement": other.pk}).status_code == 404
    assert guest.post("/pay/statement/choose/", {"statement": same.pk}).headers["Location"] == "/pay/statement/"
    assert f"You owe on bill {same.number} $50.00" in text(guest.get("/pay/statement/"))


def test_all_open_bills_are_listed_with_their_sum_and_the_shown_one_marked(guest, statement):
    later = factories.StatementFactory(patient=statement.patient, owes=5_025, due_on=date(2026, 12, 24))
    held = factories.StatementFactory(patient=statement.patient, owes=700, held_since=timezone.now())
    factories.StatementFactory(patient=statement.patient, owes=0)

    page = guest.get("/pay/statement/").content.decode()

    assert "You have 3 open bills: $157.25 in all" in page
    shown = re.findall(r'<li aria-current="true">.*?</li>', page, re.DOTALL)
    assert [re.findall(r"ST-\d+", item) for item in shown] == [[statement.number]]
    bills = re.search(r'<section class="card choose.*?</section>', page, re.DOTALL).group()
    assert re.sub(
        r"\s+", " ", re.sub(r"<[^>]+>", " ", "".join(re.findall(r"<li.*?</li>", bills, re.DOTALL)))
    ).strip() == (
        f"{statement.number}: $100.00 Shown here due Dec. 1, 2026 {held.number}: $7.00 due Dec. 1, 2026, on hold "
        f"{later.number}: $50.25 due Dec. 24, 2026"
    )


def test_the_only_open_bill_is_not_listed(guest):
    assert "open bill" not in text(guest.get("/pay/statement/"))


@pytest.mark.parametrize("count", [1, 3])
def test_statement_query_count(guest, statement, count, django_assert_num_queries):
    for _other in range(count):
        factories.StatementFactory(patient=statement.patient)

    with django_assert_num_queries(15):
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
        ({"choice": "full", "amount": "x"}, ["Enter an amount in dollars and cents, like 25.00."]),
    ],
)
def test_pay_refuses_a_wrong_amount(guest, facts, expected):
    response = guest.post("/pay/statement/", facts)

    assert summary(response) == expected
    assert Attempt.objects.count() == 0


@pytest.mark.parametrize("amount", ["1", "25.00", "99.99", "100.01", "0"])
@pytest.mark.parametrize("button", [{}, {"preview": "yes"}])
def test_all_of_it_and_another_amount_is_a_question_and_starts_nothing(guest, amount, button):
    response = guest.post("/pay/statement/", {"choice": "full", "amount": amount} | button)

    assert summary(response) == [
        "You wrote an amount, but chose to pay all of it. Choose “Part of it”, or clear the amount."
    ]
    assert re.findall(r'<a href="#(\w+)">You wrote', response.content.decode()) == ["id_choice_0"]
    assert "What this payment does" not in text(response)
    assert (Attempt.objects.count(), CardSession.objects.count()) == (0, 0)


@pytest.mark.parametrize(
    ("facts", "cents"),
    [
        ({"choice": "full"}, 10_000),
        ({"choice": "full", "amount": ""}, 10_000),
        ({"choice": "full", "amount": "100"}, 10_000),
        ({"choice": "full", "amount": "$100.00"}, 10_000),
        ({"choice": "part", "amount": "$25"}, 2_500),
    ],
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


def looks_again(response):
    """Where the waiting page goes by itself."""
    return re.findall(r'<meta http-equiv="refresh" content="5;url=([^"]*)">', response.content.decode())


def test_the_waiting_page_looks_again_six_times_and_then_says_not_to_pay_again(guest):
    guest.post("/pay/statement/", {"choice": "full"})
    url = Attempt.objects.get().get_absolute_url()
    waiting, given_up = "This page looks again by itself", "We still have no word from the card processor."

    followed, response = [], guest.get(url)
    while (following := looks_again(response)) and len(followed) < 20:
        assert [sentence in text(response) for sentence in (waiting, given_up)] == [True, False]
        followed += following
        response = guest.get(url + following[0])

    assert followed == ["?n=1", "?n=2", "?n=3", "?n=4", "?n=5", "?n=6"]
    assert [sentence in text(response) for sentence in (waiting, given_up)] == [False, True]
    assert "Please do not pay again. Look again later, or call (574) 555-0120" in text(response)
    assert re.findall(r'<a class="button" href="([^"]*)">Look again now', response.content.decode()) == [url]


@pytest.mark.parametrize("looked", ["", "x", "-1", "²", "1e9", "100", "9" * 5_000])
def test_the_waiting_page_counts_from_the_start_when_it_cannot_read_the_count(guest, looked):
    guest.post("/pay/statement/", {"choice": "full"})

    assert looks_again(guest.get(Attempt.objects.get().get_absolute_url(), {"n": looked})) == ["?n=1"]


def test_the_waiting_page_of_a_locked_bill_waits(guest, monkeypatch):
    guest.post("/pay/statement/", {"choice": "full"})

    def locked(attempt):
        raise OperationalError("canceling statement due to lock timeout")

    monkeypatch.setattr("billing.payments.look_at", locked)

    assert "Confirming your payment" in text(guest.get(Attempt.objects.get().get_absolute_url()))


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


# ---- The receipt's link and the bill's code together ----------------------------------------------------------------


def show_code(visitor, statement, born_on=BORN):
    """Where somebody lands who shows the statement's code and the date of birth."""
    return visitor.post("/pay/", {"code": statement.code, "born_on": born_on}).headers["Location"]


def test_a_stranger_with_a_receipt_s_link_lands_on_it_once_they_have_shown_the_bill_s_code(paid, statement):
    stranger, url = Client(), paid.get_absolute_url()
    shown = stranger.get(url).content.decode()
    assert '<a class="button" href="/pay/">Show the full receipt</a>' in shown

    assert show_code(stranger, statement) == url

    assert "Patient Testa Patientson" in text(stranger.get(url))
    assert show_code(stranger, statement) == "/pay/statement/"  # once


def test_the_paper_s_link_leads_to_the_receipt_too(paid, link):
    stranger = Client()
    stranger.get(paid.get_absolute_url())

    assert stranger.post(link, {"born_on": BORN}).headers["Location"] == paid.get_absolute_url()


def test_another_bill_of_the_patient_leads_to_the_receipt_too(paid, statement):
    stranger = Client()
    stranger.get(paid.get_absolute_url())

    assert show_code(stranger, factories.StatementFactory(patient=statement.patient)) == paid.get_absolute_url()


def test_somebody_else_s_receipt_is_not_where_a_stranger_lands(paid):
    other = factories.StatementFactory(patient=factories.PatientFactory(born_on=date(1960, 1, 2)))
    stranger = Client()
    stranger.get(paid.get_absolute_url())

    assert show_code(stranger, other, "1/2/1960") == "/pay/statement/"

    assert "Testa Patientson" not in text(stranger.get(paid.get_absolute_url()))


def test_a_link_without_money_behind_it_is_not_where_a_stranger_lands(guest, statement):
    guest.post("/pay/statement/", {"choice": "full"})
    stranger = Client()
    stranger.get(Attempt.objects.get().get_absolute_url())

    assert show_code(stranger, statement) == "/pay/statement/"


# ---- Leaving --------------------------------------------------------------------------------------------------------


def test_leave_ends_the_visit(guest):
    assert guest.post("/pay/leave/").headers["Location"] == "/pay/"
    assert guest.get("/pay/statement/").headers["Location"] == "/pay/"


@pytest.mark.parametrize("signed_in", [False, True])
def test_the_cookie_of_a_visit_that_was_left_shows_nothing_any_more(guest, paid, settings, signed_in):
    if signed_in:
        sign_in(guest, factories.UserFactory())
    key = guest.cookies[settings.SESSION_COOKIE_NAME].value
    copied = Client()
    copied.cookies[settings.SESSION_COOKIE_NAME] = key
    assert copied.get("/pay/statement/").status_code == 200
    in_flight = import_module(settings.SESSION_ENGINE).SessionStore(key)
    assert in_flight["guest_patient"] == Patient.objects.get().pk

    guest.post("/pay/leave/")
    with pytest.raises(UpdateError):
        in_flight.save()

    copied.cookies[settings.SESSION_COOKIE_NAME] = key
    assert copied.get("/pay/statement/").headers["Location"] == "/pay/"
    copied.cookies[settings.SESSION_COOKIE_NAME] = key
    assert "Testa Patientson" not in text(copied.get(paid.get_absolute_url()))
    assert guest.get("/pay/statement/").headers["Location"] == "/pay/"


def test_a_signed_in_person_who_leaves_stays_signed_in(guest):
    sign_in(guest, factories.UserFactory())
    assert guest.get("/pay/statement/").status_code == 200

    guest.post("/pay/leave/")

    assert guest.get("/pay/statement/").headers["Location"] == "/pay/"
    assert guest.get("/resources/").status_code == 200


def test_paying_off_shows_the_phone(guest, settings):
    settings.BILLING_GATEWAY = ""

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
        post_revision(statement, -6_000, "test")

    page = text(guest.get("/pay/statement/"))

    assert "Your share in all $40.00 You paid" in page
    assert "− $100.00 Returned to you, or to be returned $60.00 You owe $0.00" in page


@pytest.mark.parametrize("acts", [True, False])
def test_unreachable_processor_says_nothing_was_charged(guest, acts):
    with answers_lost(acts=acts):
        response = guest.post("/pay/statement/", {"choice": "full"})

    assert summary(response) == [UNREACHABLE]
    assert guest.post("/pay/statement/", {"choice": "full"}).status_code == 303
    assert (Attempt.objects.count(), CardSession.objects.count()) == (1, 1)


@pytest.mark.parametrize("facts", [{"choice": "full"}, {"choice": "part", "amount": "25"}])
def test_unreachable_processor_leads_to_the_confirming_page_when_the_card_page_had_been_open(guest, facts):
    guest.post("/pay/statement/", {"choice": "full"})
    attempt = Attempt.objects.get()
    take_payment(CardSession.objects.get().pk, messages=0)

    with answers_lost(acts=False):
        response = guest.post("/pay/statement/", facts)
        assert (response.status_code, response.headers["Location"]) == (302, attempt.get_absolute_url())
        assert "Confirming your payment" in text(guest.get(attempt.get_absolute_url()))

    assert "Thank you. Your payment arrived." in text(guest.get(attempt.get_absolute_url()))
    assert (Attempt.objects.count(), Payment.objects.count()) == (1, 1)


def test_a_bill_that_is_locked_asks_to_try_again(guest, monkeypatch):
    def locked(*arguments, **facts):
        raise OperationalError("canceling statement due to lock timeout")

    monkeypatch.setattr("billing.payments.start_payment", locked)

    assert summary(guest.post("/pay/statement/", {"choice": "full"})) == [
        "This bill is being brought up to date. Please try again in a minute."
    ]


# ---- Back from the card page ----------------------------------------------------------------------------------------


def begun(response):
    """What the bill says of a card page that was opened, and where it leads."""
    return re.findall(r'<p class="note note-warm">(At [^<]*?) <a href="([^"]*)">([^<]*)</a>', response.content.decode())


def test_the_bill_says_that_a_card_page_was_opened(guest, time_machine):
    time_machine.move_to(OPENED, tick=False)
    guest.post("/pay/", {"code": Statement.objects.get().code, "born_on": BORN})
    assert begun(guest.get("/pay/statement/")) == []
    guest.post("/pay/statement/", {"choice": "part", "amount": "25"})

    assert begun(guest.get("/pay/statement/")) == [
        (
            "At 3:30 p.m., you opened the card page for $25.00. If you paid there, please do not pay again. If you "
            "left it, nothing was charged.",
            Attempt.objects.get().get_absolute_url(),
            "See if it arrived",
        )
    ]


@pytest.mark.parametrize("why", ["paid", "ran out", "never opened"])
def test_the_bill_does_not_speak_of_a_card_page_that_is_not_live(guest, why):
    if why == "never opened":
        with answers_lost(acts=False):
            guest.post("/pay/statement/", {"choice": "part", "amount": "25"})
    else:
        guest.post("/pay/statement/", {"choice": "part", "amount": "25"})
        if why == "paid":
            take_payment(CardSession.objects.get().pk, messages=0)
        else:
            CardSession.objects.update(expires_at=timezone.now())
        assert len(begun(guest.get("/pay/statement/"))) == 1
        guest.get(Attempt.objects.get().get_absolute_url())

    assert begun(guest.get("/pay/statement/")) == []
    state = {"paid": AttemptState.PAID, "ran out": AttemptState.EXPIRED, "never opened": AttemptState.UNKNOWN}[why]
    assert Attempt.objects.get().state == state


def test_a_paid_bill_leads_to_its_receipts(guest, paid):
    number = Payment.objects.get().receipt_number

    due = re.search(r'<section class="card due.*?</section>', page(guest), re.DOTALL).group()

    assert re.findall(r'<a href="([^"]*)">([^<]*)</a>', due) == [(paid.get_absolute_url(), f"Receipt {number}")]


# ---- The preview ----------------------------------------------------------------------------------------------------


def sums(response):
    """{what: amount} of the table of what a payment does, on the bill's page or the receipt."""
    page = response.content.decode()
    table = re.search(r"Before, paid, after</caption>.*?</table>", page, re.DOTALL).group()
    rows = re.findall(r'<th scope="row">(.*?)</th><td class="sum">(.*?)</td>', table)
    return [(what, amount) for what, amount in rows]


@pytest.mark.parametrize(
    ("facts", "pays", "after"),
    [
        ({"choice": "full"}, "$100.00", "$0.00"),
        ({"choice": "part", "amount": "25"}, "$25.00", "$75.00"),
        ({"choice": "part", "amount": "$99.50"}, "$99.50", "$0.50"),
    ],
)
def test_what_the_preview_shows_is_what_is_posted(guest, facts, pays, after):
    shown = guest.post("/pay/statement/", facts | {"preview": "yes"})
    assert sums(shown) == [("You owe now", "$100.00"), ("You pay", f"− {pays}"), ("You will owe", after)]
    assert (Attempt.objects.count(), CardSession.objects.count()) == (0, 0)

    guest.post("/pay/statement/", facts)
    take_payment(CardSession.objects.get().pk, messages=0)
    receipt = guest.get(Attempt.objects.get().get_absolute_url())

    assert sums(receipt) == [("You owed before", "$100.00"), ("You paid", f"− {pays}"), ("You owe now", after)]
    payment = Payment.objects.get()
    assert [dollars(payment.applied_cents), dollars(payment.balance_after_cents)] == [pays, after]


def test_the_preview_refuses_what_paying_refuses(guest):
    response = guest.post("/pay/statement/", {"choice": "part", "amount": "99.60", "preview": "yes"})

    assert summary(response) == [
        "This would leave $0.40, too little to pay by card later. Pay $100.00, or leave $0.50 or more."
    ]
    assert "What this payment does" not in text(response)


def pay_button(response):
    return re.findall(r'<button class="button">(Pay[^<]*)</button>', response.content.decode())


def test_after_the_preview_the_button_names_the_amount(guest):
    assert pay_button(guest.get("/pay/statement/")) == ["Pay by card"]

    shown = guest.post("/pay/statement/", {"choice": "part", "amount": "25", "preview": "yes"})

    assert pay_button(shown) == ["Pay $25.00 by card"]


def test_the_preview_takes_the_focus_and_the_error_summary_where_there_is_one(guest):
    answers = [
        guest.get("/pay/statement/"),
        guest.post("/pay/statement/", {"choice": "full", "preview": "yes"}),
        guest.post("/pay/statement/", {"choice": "part", "preview": "yes"}),
    ]

    focused = [re.findall(r"<[^>]* autofocus[^>]*>", response.content.decode()) for response in answers]
    assert focused == [
        [],
        ['<div class="note note-good" id="preview" tabindex="-1" autofocus aria-labelledby="preview-title">'],
        ['<div class="error-summary" role="alert" tabindex="-1" autofocus aria-labelledby="error-summary-title">'],
    ]


# ---- What else the bill offers --------------------------------------------------------------------------------------


def test_a_line_leads_to_our_article_on_its_exam(guest):
    topic = factories.TopicFactory(slug="chest-x-ray", codes=["71046"])
    factories.ArticleFactory(topic=topic, title="X-ray of the chest")
    factories.ArticleFactory(topic=topic, language="es", title="Radiografía de tórax")
    factories.ArticleFactory(topic=factories.TopicFactory(codes=["70450"]), title="CT of the head")

    links = {
        prefix: re.findall(r'<a href="([^"]*/patient-information/[^"]+)"[^>]*>([^<]*)', page(guest, prefix))
        for prefix in ("", "/es")
    }

    assert [(url, title.strip()) for url, title in links[""]] == [
        ("/patient-information/chest-x-ray/", "About this exam: X-ray of the chest")
    ]
    assert [url for url, _title in links["/es"]] == ["/es/patient-information/chest-x-ray/"]
    assert [title.strip().endswith("Radiografía de tórax") for _url, title in links["/es"]] == [True]


def page(guest, prefix=""):
    return guest.get(f"{prefix}/pay/statement/").content.decode()


@pytest.mark.parametrize(
    ("prefix", "language", "heading"),
    [
        ("", "es", '<h3 lang="en">Chest X-ray</h3>'),
        ("", "en", '<h3 lang="en">Chest X-ray</h3>'),
        ("/es", "es", '<h3>Radiografía de tórax</h3> <p class="muted small" lang="en">Chest X-ray</p>'),
        ("/es", "", '<h3 lang="en">Chest X-ray</h3>'),
    ],
)
def test_a_line_is_headed_by_what_is_written_in_the_page_s_language(guest, prefix, language, heading):
    topic = factories.TopicFactory(slug="chest-x-ray", codes=["71046"])
    if language:
        factories.ArticleFactory(topic=topic, title="X-ray of the chest")
    if language == "es":
        factories.ArticleFactory(topic=topic, language="es", title="Radiografía de tórax")

    line = re.search(r'<div class="card line">\s*(.*?)\s*<p class="muted small">', page(guest, prefix), re.DOTALL)

    assert re.sub(r"\s+", " ", line.group(1)) == heading


def test_the_receipt_says_that_a_line_is_in_english(guest, paid):
    shown = guest.get(f"/es{paid.get_absolute_url()}").content.decode()

    assert re.findall(r'<(\w+) lang="en">([^<]*)', shown) == [("span", "Chest X-ray")]


def test_a_line_without_an_article_has_no_link(guest):
    factories.ArticleFactory(topic=factories.TopicFactory(codes=["70450"]))

    assert "About this exam" not in page(guest)


def test_each_line_has_its_own_way_to_ask(guest, statement):
    with transaction.atomic():
        statement.lines.create(
            position=2, service_on=date(2026, 9, 2), description="CT", charge_cents=0, patient_cents=0
        )

    assert re.findall(r'href="([^"]+)">Ask about this charge', page(guest)) == [
        "/pay/ask/charge/?line=1",
        "/pay/ask/charge/?line=2",
    ]
    beside_the_sum = ["/pay/ask/charge/", "/pay/ask/assistance/"]
    aside = ["/pay/ask/charge/", "/pay/ask/insurance/", "/pay/ask/assistance/"]
    assert re.findall(r'href="(/pay/ask/[^"?]+)"', page(guest)) == beside_the_sum + aside


def test_a_paid_bill_can_be_asked_about_and_needs_no_help_with_paying(guest, paid):
    shown = page(guest)

    assert re.findall(r'href="(/pay/ask/[^"?]+)"', shown) == ["/pay/ask/charge/", "/pay/ask/insurance/"]
    assert "Please ask before you pay." not in shown


def test_a_bill_on_hold_says_that_nothing_is_due(guest, statement):
    assert "Please pay by Dec. 1, 2026." in text(guest.get("/pay/statement/"))

    questions.ask(statement, QuestionKind.CHARGE, "Why?")

    shown = text(guest.get("/pay/statement/"))
    assert "On hold: you have asked about this bill. Nothing is due until we have answered." in shown
    assert "Please pay by" not in shown
    assert guest.post("/pay/statement/", {"choice": "full"}).status_code == 303


def offered(guest):
    return re.findall(r'href="/pay/parts/\?parts=(\d)">([^<]*)<', page(guest))


def test_paying_in_parts_is_offered_with_the_first_amount(guest):
    assert offered(guest) == [
        ("2", "2 monthly payments: $50.00 today, then $50.00 each month"),
        ("3", "3 monthly payments: $33.34 today, then $33.33 each month"),
        ("4", "4 monthly payments: $25.00 today, then $25.00 each month"),
    ]


@pytest.mark.parametrize("why", ["too small", "on hold", "off"])
def test_paying_in_parts_is_not_offered(guest, statement, settings, why):
    if why == "too small":
        settings.PLAN_FROM_CENTS = 10_001
    elif why == "on hold":
        questions.ask(statement, QuestionKind.CHARGE, "Why?")
    else:
        settings.BILLING_GATEWAY = ""

    assert offered(guest) == []


# ---- The link in the QR code ----------------------------------------------------------------------------------------


@pytest.fixture
def link(statement):
    return f"/pay/q/{link_token(statement.number, 1)}/"


def test_the_link_asks_only_for_the_date_of_birth_and_tells_nothing(client, statement, link, settings):
    response = client.get(link)

    assert re.findall(r'<input [^>]*name="([^"]+)"', response.content.decode()) == ["csrfmiddlewaretoken", "born_on"]
    secrets = ["Testa", "Patientson", statement.number, "$100.00", "Chest X-ray", statement.code, "ACC-"]
    assert [secret for secret in secrets if secret in response.content.decode()] == []
    assert "noindex" in response.content.decode()
    assert settings.SESSION_COOKIE_NAME not in client.cookies


@pytest.mark.parametrize("lower", [True, False])
def test_the_link_and_the_date_of_birth_show_the_bill(client, statement, link, lower):
    token = link.split("/")[3]
    response = client.post(link.replace(token, token.lower()) if lower else link, {"born_on": BORN})

    assert (response.status_code, response.headers["Location"]) == (302, "/pay/statement/")
    assert f"You owe on bill {statement.number} $100.00" in text(client.get("/pay/statement/"))


def test_every_miss_by_link_is_alike(client, statement, link):
    revoked = factories.StatementFactory()
    type(revoked).objects.filter(pk=revoked.pk).update(link_index=None)
    void = void_statement(factories.StatementFactory(), by=factories.UserFactory(), reason="Wrong patient")
    misses = [
        (link, "1/1/1999"),
        (f"/pay/q/{link_token(revoked.number, 1)}/", BORN),
        (f"/pay/q/{link_token(void.number, 1)}/", BORN),
        (f"/pay/q/{link_token(statement.number, 2)}/", BORN),
        (f"/pay/q/{'0' * 26}/", BORN),
    ]
    pages = []
    for url, born_on in misses:
        response = client.post(url, {"born_on": born_on})
        assert response.status_code == 200
        pages.append(re.sub(r'value="[^"]*"|/pay/q/\w+/', "", response.content.decode()))

    assert len(set(pages)) == 1
    assert summary(response) == [
        "We could not show a bill with this date of birth. Write the month first. After several tries, wait an hour or "
        "call (574) 555-0120."
    ]


@pytest.mark.parametrize("token", ["x", "0" * 25, "0" * 27, "U" * 26, "l" * 26, "0" * 25 + "-", "_" * 26])
def test_a_link_that_cannot_be_ours_is_not_found(client, identity, token):
    assert [client.get(f"/pay/q/{token}/").status_code, client.post(f"/pay/q/{token}/").status_code] == [404, 404]


def test_tries_by_link_and_by_code_are_counted_together(client, statement, link):
    for _try in range(5):
        client.post(link, {"born_on": "1/1/1999"})
        client.post("/pay/", {"code": "x", "born_on": BORN})

    by_code = client.post("/pay/", {"code": statement.code, "born_on": BORN})
    by_link = client.post(link, {"born_on": BORN})

    assert (by_code.status_code, by_link.status_code) == (429, 429)
    assert summary(by_link) == ["There were too many tries from here. Please wait ten minutes, or call us."]


def test_one_bill_s_limit_holds_for_its_code_and_its_link(client, statement, link):
    for last in range(5):
        client.post(link, {"born_on": "1/1/1999"}, REMOTE_ADDR=f"192.0.2.{last}")

    missed = client.post("/pay/", {"code": statement.code, "born_on": BORN}, REMOTE_ADDR="192.0.2.99")
    found = client.post("/pay/", {"code": statement.code, "born_on": BORN}, REMOTE_ADDR="198.51.100.1")

    assert (missed.status_code, found.status_code) == (200, 302)


# ---- The receipt on paper -------------------------------------------------------------------------------------------


@pytest.fixture
def paid(guest, statement):
    pay(guest, "pay_silently")
    attempt = Attempt.objects.get()
    guest.get(attempt.get_absolute_url())
    return attempt


def test_the_guest_downloads_the_receipt(guest, paid):
    response = guest.get(f"{paid.get_absolute_url()}receipt.pdf")

    assert response.headers["Content-Type"] == "application/pdf"
    assert response.headers["Content-Disposition"] == (
        f'attachment; filename="{Payment.objects.get().receipt_number}.pdf"'
    )
    assert "no-store" in response.headers["Cache-Control"]
    assert response.content.startswith(b"%PDF-1.7")


def test_nobody_else_downloads_the_receipt(paid, identity):
    other = factories.StatementFactory(patient=factories.PatientFactory(born_on=date(1960, 1, 2)))
    neighbour = Client()
    neighbour.post("/pay/", {"code": other.code, "born_on": "1/2/1960"}, REMOTE_ADDR="198.51.100.1")
    assert neighbour.get("/pay/statement/").status_code == 200
    member = Client()
    sign_in(member, factories.UserFactory(is_staff=True, is_superuser=True))

    url = f"{paid.get_absolute_url()}receipt.pdf"

    assert [visitor.get(url).status_code for visitor in (Client(), neighbour, member)] == [404, 404, 404]


def test_there_is_no_paper_before_the_money(guest):
    guest.post("/pay/statement/", {"choice": "full"})

    assert guest.get(f"{Attempt.objects.get().get_absolute_url()}receipt.pdf").status_code == 404
    assert guest.get(f"/pay/receipt/{uuid4()}/receipt.pdf").status_code == 404


def test_only_the_guest_is_offered_the_paper_and_the_next_bill(guest, statement, paid):
    other = factories.StatementFactory(patient=statement.patient, owes=2_500)
    factories.StatementFactory(owes=9_900)
    url = paid.get_absolute_url()

    ours, theirs = guest.get(url).content.decode(), Client().get(url).content.decode()

    assert f'href="{url}receipt.pdf"' in ours
    assert re.findall(r"ST-\d+: \$[\d.]+", ours) == [f"{other.number}: $25.00"]
    assert "Another bill is open" in ours
    assert [found for found in ("receipt.pdf", "Another bill is open", "ST-") if found in theirs] == []


def test_the_next_bill_is_one_click_away(guest, statement, paid):
    other = factories.StatementFactory(patient=statement.patient, owes=2_500)
    form = re.search(r'action="([^"]+)"[^>]*>[^/]*name="statement" value="(\d+)"', page_of_receipt(guest, paid))

    assert form.groups() == ("/pay/statement/choose/", str(other.pk))
    assert guest.post(form.group(1), {"statement": form.group(2)}).headers["Location"] == "/pay/statement/"


def page_of_receipt(guest, attempt):
    page = guest.get(attempt.get_absolute_url()).content.decode()
    return re.sub(r'<input type="hidden" name="csrfmiddlewaretoken"[^>]*>', "", page)


def test_the_receipt_goes_to_the_address_that_was_given(guest, run_jobs):
    guest.post("/pay/statement/", {"choice": "full", "email": "payer@example.com"})
    take_payment(CardSession.objects.get().pk, messages=0)
    guest.get(Attempt.objects.get().get_absolute_url())
    run_jobs()

    assert [message.to for message in mail.outbox] == [["payer@example.com"]]


@pytest.mark.parametrize("email", ["payer", "payer@", "payer@example.com\nBcc: x@example.com"])
def test_an_address_that_is_none_is_refused(guest, email):
    response = guest.post("/pay/statement/", {"choice": "full", "email": email})

    assert summary(response) == ["Enter an e-mail address like name@example.com."]
    assert Attempt.objects.count() == 0


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


def test_bill_tells_what_was_taken_off_and_what_was_returned_apart(guest, statement):
    pay(guest, "pay")
    guest.get(Attempt.objects.get().get_absolute_url())
    clerk = factories.UserFactory()
    request_refund(Payment.objects.get(), 9_000, by=clerk, reason="wrong card")
    statement.refresh_from_db()
    write_off(statement, 4_000, by=clerk, reason="hardship", cause=uuid4())

    page = text(guest.get("/pay/statement/"))

    assert "− $100.00 Taken off or paid with your credit − $40.00 Returned to you, or to be returned $90.00" in page
    assert "You owe $50.00" in page
