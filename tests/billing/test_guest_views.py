"""What else a guest can do: check a receipt, ask for an estimate, ask the office, pay in parts."""

import re
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.test import Client
from django.utils import translation
from django.utils.formats import date_format

from billing import plans, questions
from billing.gateways.sandbox.models import CardSession
from billing.gateways.sandbox.processor import take_payment
from billing.guest_views import ESTIMATES_PER_ADDRESS, QUESTIONS_PER_ADDRESS, VERIFY_PER_ADDRESS
from billing.models import (
    Attempt,
    EstimateRequest,
    PaymentPlan,
    PlanState,
    Question,
    QuestionKind,
    QuestionMessage,
    QuestionState,
)
from practice.throttles import count_try
from tests import factories
from tests.billing.books import answers_lost, pay

pytestmark = pytest.mark.django_db
BORN = "6/15/1950"
HERE = ZoneInfo("America/Indiana/Indianapolis")
SECRETS = ["Testa", "Patientson", "Chest X-ray", "71046", "1950", "ACC-"]


@pytest.fixture
def statement(identity):
    return factories.StatementFactory(owes=10_000)


@pytest.fixture
def guest(client, statement):
    client.post("/pay/", {"code": statement.code, "born_on": BORN})
    return client


def text(response):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def summary(response):
    """The lines of the error summary."""
    block = re.search(r'class="error-summary".*?</ul>', response.content.decode(), re.DOTALL)
    lines = re.findall(r"<li>(.*?)</li>", block.group(), re.DOTALL) if block else []
    return [re.sub(r"<[^>]+>", "", line) for line in lines]


def use_up(limit, address="127.0.0.1"):
    for _try in range(limit.times):
        count_try(limit, address)


# ---- Is it ours? ----------------------------------------------------------------------------------------------------


@pytest.fixture
def receipt_number(statement):
    return pay(statement).receipt_number


OURS, NOT_OURS = "Yes, this receipt is ours", "No, we have no such receipt"


@pytest.mark.parametrize("written", ["{}", " {} ", "{0[0]} {0[1]}{0[2]} {0[3]}", "lower"])
def test_a_receipt_of_ours_is_known_however_it_is_written(client, receipt_number, written):
    typed = receipt_number.lower() if written == "lower" else written.format(receipt_number)
    typed = f"{receipt_number[:2]} {receipt_number[2:]}" if "[" in written else typed

    shown = text(client.post("/pay/verify/", {"number": typed}))

    assert [answer in shown for answer in (OURS, NOT_OURS)] == [True, False]


@pytest.mark.parametrize("typed", ["R-2026-999999", "R-1999-000001", "nonsense", "田中", "%", "R-2026-______"])
def test_a_receipt_that_is_not_ours_is_not_known(client, receipt_number, typed):
    response = client.post("/pay/verify/", {"number": typed})

    assert [answer in text(response) for answer in (OURS, NOT_OURS)] == [False, True]
    assert "(574) 555-0120" in text(response)


def test_verifying_says_nothing_else_about_the_payment(client, statement, receipt_number):
    page = client.post("/pay/verify/", {"number": receipt_number}).content.decode()

    told = [*SECRETS, statement.number, "$100.00", "100.00", "payer@example.com", str(Attempt.objects.get().pk)]
    assert [secret for secret in told if secret in page] == []


def test_verifying_names_our_only_payment_page(client, identity, settings):
    assert f"Our only payment page is {settings.PUBLIC_ORIGIN}/pay/." in text(client.get("/pay/verify/"))


@pytest.mark.parametrize("number", ["", "   "])
def test_verifying_nothing_asks_for_the_number(client, identity, number):
    response = client.post("/pay/verify/", {"number": number})

    assert summary(response) == ["Enter the receipt number."]
    assert "<title>Error: Is this receipt from us?" in response.content.decode()


def test_verifying_too_often_is_refused(client, receipt_number):
    use_up(VERIFY_PER_ADDRESS)

    response = client.post("/pay/verify/", {"number": receipt_number})

    assert (response.status_code, summary(response)) == (
        429, ["There were many tries from here. Please wait an hour, or call us."],
    )  # fmt: skip
    assert OURS not in text(response)
    elsewhere = client.post("/pay/verify/", {"number": receipt_number}, REMOTE_ADDR="198.51.100.1")
    assert OURS in text(elsewhere)


def test_host_with_many_addresses_verifies_no_more_than_others(client, receipt_number):
    for number in range(VERIFY_PER_ADDRESS.times):
        client.post("/pay/verify/", {"number": "R-2026-999999"}, REMOTE_ADDR=f"2001:db8:0:1::{number:x}")

    refused = client.post("/pay/verify/", {"number": receipt_number}, REMOTE_ADDR="2001:db8:0:1:ffff::")
    assert refused.status_code == 429


# ---- Estimates ------------------------------------------------------------------------------------------------------

WANTED = {"exam": "MRI of the knee", "scheduled_on": "", "name": "Ana Testa", "contact": "ana@example.com"}


@pytest.mark.parametrize(
    ("asked_at", "scheduled_on", "due_on"),
    [
        (datetime(2026, 11, 24, 12, tzinfo=HERE), "", date(2026, 11, 30)),  # three, over Thanksgiving and a weekend
        (datetime(2026, 11, 25, 12, tzinfo=HERE), "2026-12-02", date(2026, 11, 27)),  # one, over Thanksgiving
        (datetime(2026, 11, 27, 12, tzinfo=HERE), "2026-12-02", date(2026, 11, 30)),  # one, over the weekend
        (datetime(2026, 11, 24, 12, tzinfo=HERE), "2027-01-20", date(2026, 11, 30)),
        (datetime(2026, 10, 26, 23, tzinfo=HERE), "2026-10-26", date(2026, 10, 27)),  # today, late in the evening
    ],
)
def test_a_request_is_kept_with_the_day_it_is_due(client, identity, time_machine, asked_at, scheduled_on, due_on):
    time_machine.move_to(asked_at, tick=False)

    response = client.post("/pay/estimate/", WANTED | {"scheduled_on": scheduled_on})

    assert response.headers["Location"] == "/pay/estimate/thank-you/"
    kept = EstimateRequest.objects.get()
    assert (kept.due_on, kept.asked_at, kept.language) == (due_on, asked_at, "en")
    assert (kept.exam, kept.name, kept.contact) == ("MRI of the knee", "Ana Testa", "ana@example.com")
    assert str(kept.scheduled_on or "") == scheduled_on
    told = f"You get the estimate by {date_format(due_on, 'DATE_FORMAT')}."
    assert f"We have your request. {told}" in text(client.get("/pay/estimate/thank-you/"))


def test_thanks_without_a_request_name_the_time_in_general(client, identity):
    assert "You get the estimate within 3 business days." in text(client.get("/pay/estimate/thank-you/"))


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (
            {"exam": "", "name": " ", "contact": ""},
            ["Tell us which exam it is.", "Enter your name.", "Tell us where to send the estimate."],
        ),
        *(
            (
                {"contact": contact},
                ["Enter an e-mail address like name@example.com, or a phone number with its area code."],
            )
            for contact in ("ana", "ana@", "ana@example", "555-0120", "(574) 555-012", "call me")
        ),
        ({"scheduled_on": "31/31/2026"}, ["Choose a date, or write it as 2026-03-31."]),
        ({"scheduled_on": "2026-11-23"}, ["This day has passed. Choose a later one, or leave it empty."]),
    ],
)
def test_a_request_says_what_is_wrong(client, identity, time_machine, facts, expected):
    time_machine.move_to(datetime(2026, 11, 24, 12, tzinfo=HERE), tick=False)
    response = client.post("/pay/estimate/", WANTED | facts)

    assert (response.status_code, summary(response)) == (200, expected)
    assert "<title>Error: Ask what an exam will cost" in response.content.decode()
    assert EstimateRequest.objects.count() == 0


@pytest.mark.parametrize("contact", ["(574) 555-0120", "574.555.0120", "+1 574 555 0120", "5745550120 (mornings)"])
def test_a_phone_number_with_its_area_code_will_do(client, identity, contact):
    assert client.post("/pay/estimate/", WANTED | {"contact": contact}).status_code == 302

    assert EstimateRequest.objects.get().contact == contact


@pytest.mark.parametrize("field", ["exam", "name", "contact"])
@pytest.mark.parametrize("number", ["4242 4242 4242 4242", "536-22-1234"])
def test_card_and_social_security_numbers_are_not_kept(client, identity, field, number):
    response = client.post("/pay/estimate/", WANTED | {field: number})

    assert len(summary(response)) == 1
    assert EstimateRequest.objects.count() == 0


def test_what_a_machine_fills_in_is_thanked_for_and_not_kept(client, identity):
    response = client.post("/pay/estimate/", WANTED | {"website": "https://example.com"})

    assert response.headers["Location"] == "/pay/estimate/thank-you/"
    assert EstimateRequest.objects.count() == 0


def test_too_many_requests_from_one_address_are_refused(client, identity):
    use_up(ESTIMATES_PER_ADDRESS)

    response = client.post("/pay/estimate/", WANTED)

    assert (response.status_code, EstimateRequest.objects.count()) == (429, 0)
    assert summary(response) == ["There were many messages from here. Please wait an hour, or call us."]


def test_host_with_many_addresses_asks_for_no_more_than_others(client, identity):
    for number in range(ESTIMATES_PER_ADDRESS.times + 1):
        response = client.post("/pay/estimate/", WANTED, REMOTE_ADDR=f"2001:db8:0:1::{number:x}")

    assert (response.status_code, EstimateRequest.objects.count()) == (429, ESTIMATES_PER_ADDRESS.times)


def test_the_office_is_told_of_a_request_without_what_was_written(client, identity, run_jobs, settings):
    settings.BILLING_RECIPIENTS = ["billing@example.com"]
    client.post("/es/pay/estimate/", WANTED)
    run_jobs()

    (told,) = mail.outbox
    kept = EstimateRequest.objects.get()
    assert (told.to, told.subject, kept.language) == (["billing@example.com"], "A request for an estimate waits", "es")
    assert f"/admin/billing/estimaterequest/{kept.pk}/change/" in told.body
    assert [secret for secret in ("MRI", "knee", "Ana", "Testa", "ana@") if secret in told.subject + told.body] == []


# ---- Asking ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/pay/ask/charge/", "/pay/questions/", "/pay/parts/?parts=2"])
def test_strangers_are_sent_to_the_look_up(client, statement, path):
    questions.ask(statement, QuestionKind.CHARGE, "Why?")

    responses = [client.get(path), client.post(path, {"message": "x", "question": Question.objects.get().pk})]

    assert [(r.status_code, r.headers["Location"]) for r in responses] == [(302, "/pay/"), (302, "/pay/")]
    assert QuestionMessage.objects.count() == 1


@pytest.mark.parametrize(
    ("kind", "title"),
    [
        ("charge", "Ask about this bill"),
        ("insurance", "Update my insurance"),
        ("assistance", "Ask for help with paying"),
    ],
)
def test_each_kind_of_question_opens_its_thread_and_holds_the_bill(guest, statement, kind, title):
    assert re.findall(r"<h1>(.*?)</h1>", guest.get(f"/pay/ask/{kind}/").content.decode()) == [title]

    response = guest.post(f"/pay/ask/{kind}/", {"message": "Please help.", "email": "payer@example.com"})

    assert response.headers["Location"] == "/pay/questions/"
    question = Question.objects.get()
    assert (question.kind, question.statement, question.line, question.email, question.language) == (
        kind, statement, None, "payer@example.com", "en",
    )  # fmt: skip
    statement.refresh_from_db()
    assert statement.is_on_hold
    shown = text(guest.get("/pay/questions/"))
    assert "We have your message. This bill is on hold until we have answered." in shown
    assert "Please help." in shown


def test_asking_about_a_charge_names_its_line(guest, statement):
    shown = text(guest.get("/pay/ask/charge/?line=1"))
    assert "Ask about this charge Chest X-ray , Sept. 1, 2026: $100.00" in shown

    guest.post("/pay/ask/charge/", {"message": "Why?", "line": "1"})

    assert Question.objects.get().line == statement.lines.get()
    assert "About a charge: Chest X-ray" in text(guest.get("/pay/questions/"))


def test_a_line_in_a_question_is_said_to_be_in_english(guest):
    asking = guest.get("/es/pay/ask/charge/?line=1")
    guest.post("/pay/ask/charge/", {"message": "Why?", "line": "1"})
    asked = guest.get("/es/pay/questions/")

    for response in (asking, asked):
        assert re.findall(r'<(\w+) lang="en">([^<]*)', response.content.decode()) == [("span", "Chest X-ray")]


def test_a_reply_is_said_to_have_come(guest, statement):
    question = questions.ask(statement, QuestionKind.CHARGE, "Why?")

    shown = text(guest.get(reply(guest, question).headers["Location"]))

    assert "We have your message. This bill is on hold until we have answered." in shown


@pytest.mark.parametrize("line", ["2", "0", "-1", "x", "²", "9" * 30, "1 OR 1=1"])
def test_asking_about_a_line_that_is_not_there_is_about_the_bill(guest, line):
    assert guest.post("/pay/ask/charge/", {"message": "Why?", "line": line}).status_code == 302

    assert Question.objects.get().line is None


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"message": ""}, ["Write your message."]),
        ({"message": "x" * 4_001}, ["Ensure this value has at most 4000 characters (it has 4001)."]),
        ({"message": "Why?", "email": "payer"}, ["Enter an e-mail address like name@example.com."]),
    ],
)
def test_a_question_says_what_is_wrong(guest, facts, expected):
    response = guest.post("/pay/ask/charge/", facts)

    assert (response.status_code, summary(response)) == (200, expected)
    assert Question.objects.count() == 0


@pytest.mark.parametrize("number", ["4242 4242 4242 4242", "536-22-1234"])
def test_card_and_social_security_numbers_are_not_kept_in_threads(guest, statement, number):
    first = guest.post("/pay/ask/charge/", {"message": f"My number is {number}."})
    question = questions.ask(statement, QuestionKind.CHARGE, "Why?")
    facts = {"question": question.pk, f"q{question.pk}-message": f"It is {number}."}
    second = guest.post("/pay/questions/", facts)

    assert [len(summary(response)) for response in (first, second)] == [1, 1]
    assert [message.body for message in QuestionMessage.objects.all()] == ["Why?"]


def test_there_is_no_other_kind_of_question(guest):
    assert [guest.get("/pay/ask/refund/").status_code, guest.post("/pay/ask/refund/", {}).status_code] == [404, 404]


def test_too_many_messages_from_one_address_are_refused(guest, statement):
    question = questions.ask(statement, QuestionKind.CHARGE, "Why?")
    use_up(QUESTIONS_PER_ADDRESS)

    asked = guest.post("/pay/ask/charge/", {"message": "And why?"})
    replied = guest.post("/pay/questions/", {"question": question.pk, f"q{question.pk}-message": "And why?"})

    refusal = ["There were many messages from here. Please wait an hour, or call us."]
    assert [(r.status_code, summary(r)) for r in (asked, replied)] == [(429, refusal), (429, refusal)]
    assert QuestionMessage.objects.count() == 1


def reply(guest, question, message="I still do not see it."):
    return guest.post("/pay/questions/", {"question": question.pk, f"q{question.pk}-message": message})


def test_the_thread_shows_both_sides_and_takes_a_reply_with_a_new_clock(guest, statement, time_machine):
    time_machine.move_to(datetime(2026, 11, 24, 12, tzinfo=HERE), tick=False)
    guest.post("/pay/", {"code": statement.code, "born_on": BORN})
    member = factories.UserFactory(name="Rosa Office")
    question = questions.ask(statement, QuestionKind.CHARGE, "Why <b>twice</b>?")
    assert "We answer by Nov. 30, 2026." in text(guest.get("/pay/questions/"))
    questions.answer(question, "One is for the other side.", by=member)
    statement.refresh_from_db()
    assert not statement.is_on_hold
    time_machine.move_to(datetime(2026, 11, 24, 12, 5, tzinfo=HERE), tick=False)

    answered = guest.get("/pay/questions/").content.decode()
    response = reply(guest, question)

    assert "&lt;b&gt;twice&lt;/b&gt;" in answered
    assert re.search(r"<strong>Test Radiology</strong>.*?One is for the other side\.", answered, re.DOTALL)
    assert "Rosa" not in answered
    assert response.headers["Location"] == "/pay/questions/"
    question.refresh_from_db()
    statement.refresh_from_db()
    assert (question.state, question.due_on, statement.is_on_hold) == (QuestionState.OPEN, date(2026, 11, 30), True)
    assert [message.written_by for message in question.messages.all()] == [None, member, None]


def test_an_empty_reply_says_so_beside_its_thread(guest, statement):
    first, second = (questions.ask(statement, QuestionKind.CHARGE, "Why?") for _n in range(2))

    response = reply(guest, second, "")

    assert summary(response) == ["Write your message."]
    assert re.findall(r'<a href="#(\w+-message)">Write your message', response.content.decode()) == [
        f"id_q{second.pk}-message"
    ]
    assert (first.messages.count(), second.messages.count()) == (1, 1)


def test_the_threads_of_another_patient_are_not_there(guest, statement):
    other = questions.ask(factories.StatementFactory(), QuestionKind.CHARGE, "My secret.")

    assert "My secret." not in text(guest.get("/pay/questions/"))
    assert reply(guest, other).status_code == 404
    assert other.messages.count() == 1


@pytest.mark.parametrize("number", ["", "x", "0", "²", "9" * 30])
def test_a_reply_to_no_thread_is_not_found(guest, number):
    assert guest.post("/pay/questions/", {"question": number, "message": "x"}).status_code == 404


@pytest.mark.parametrize("count", [1, 3])
def test_threads_query_count(guest, statement, count, django_assert_num_queries):
    for _n in range(count):
        questions.answer(questions.ask(statement, QuestionKind.CHARGE, "Why?"), "So.", by=factories.UserFactory())

    with django_assert_num_queries(8):
        guest.get("/pay/questions/")


def test_mails_about_a_thread_hold_nothing_of_it(guest, statement, run_jobs, settings):
    settings.BILLING_RECIPIENTS = ["billing@example.com"]
    guest.post("/es/pay/ask/charge/", {"message": "Why the biopsy?", "email": "payer@example.com", "line": "1"})
    question = Question.objects.get()
    questions.answer(question, "It was ordered by Dr. Who.", by=factories.UserFactory(name="Rosa Office"))
    run_jobs()

    told = {message.to[0]: f"{message.subject}\n{message.body}" for message in mail.outbox}
    assert set(told) == {"billing@example.com", "payer@example.com"}
    secrets = [*SECRETS, statement.number, "biopsy", "ordered", "Dr. Who", "Rosa"]
    assert [secret for secret in secrets if secret in "".join(told.values())] == []
    assert f"{settings.PUBLIC_ORIGIN}/es/pay/\n" in told["payer@example.com"]


# ---- Paying in parts ------------------------------------------------------------------------------------------------


def agree(guest, parts="3", prefix="", **facts):
    facts = {"parts": parts, "email": "payer@example.com", "agreed": "on"} | facts
    return guest.post(f"{prefix}/pay/parts/", facts)


def begin(guest, **facts):
    """Agree, and pay the first part on the card page."""
    agree(guest, **facts)
    take_payment(CardSession.objects.get(state="open").pk, messages=0)
    guest.get(Attempt.objects.latest("created_at").get_absolute_url())
    return PaymentPlan.objects.latest("consented_at")


def test_the_offer_shows_days_amounts_and_what_is_agreed_to(guest, statement, time_machine):
    time_machine.move_to(datetime(2026, 10, 31, 12, tzinfo=HERE), tick=False)
    guest.post("/pay/", {"code": statement.code, "born_on": BORN})

    shown = text(guest.get("/pay/parts/?parts=3"))

    assert "Today $33.34 Nov. 30, 2026 $33.33 Dec. 31, 2026 $33.33 In all $100.00" in shown
    assert f"What you agree to {plans.consent_text(plans.offers(statement)[1])}" in shown
    assert "Agree and pay $33.34 by card" in shown


@pytest.mark.parametrize("prefix", ["", "/es"])
def test_agreeing_keeps_the_text_that_was_shown_and_goes_to_the_card_page(guest, settings, prefix):
    shown = re.search(r'<p class="note text">(.*?)</p>', guest.get(f"{prefix}/pay/parts/?parts=3").content.decode())

    response = agree(guest, prefix=prefix)

    plan, session = PaymentPlan.objects.get(), CardSession.objects.get()
    assert (response.status_code, response.headers["Location"]) == (
        303, f"{settings.PUBLIC_ORIGIN}/sandbox/pay/{session.pk}/",
    )  # fmt: skip
    assert (session.amount_cents, session.keeps_card) == (3_334, True)
    assert plan.consent_text == shown.group(1)
    assert (plan.email, plan.language, plan.consented_from) == ("payer@example.com", prefix[1:] or "en", "127.0.0.1")


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"email": ""}, ["Enter your e-mail address."]),
        ({"email": "payer"}, ["Enter an e-mail address like name@example.com."]),
        ({"agreed": ""}, ["Tick “I agree” to pay in parts, or go back to pay at once."]),
    ],
)
def test_agreeing_says_what_is_missing(guest, facts, expected):
    response = agree(guest, **facts)

    assert (response.status_code, summary(response)) == (200, expected)
    assert (PaymentPlan.objects.count(), CardSession.objects.count()) == (0, 0)


@pytest.mark.parametrize("parts", ["", "1", "5", "x", "²", "-2", "9" * 30])
def test_there_is_no_other_offer(guest, parts):
    responses = [guest.get("/pay/parts/", {"parts": parts}), agree(guest, parts)]

    assert [r.headers["Location"] for r in responses] == ["/pay/statement/", "/pay/statement/"]
    assert PaymentPlan.objects.count() == 0


def test_with_paying_off_there_is_no_offer(guest, settings):
    settings.BILLING_GATEWAY = ""

    assert [guest.get("/pay/parts/?parts=2").status_code, agree(guest).status_code] == [302, 302]
    assert PaymentPlan.objects.count() == 0


def test_agreeing_twice_is_one_plan_and_one_card_page(guest):
    first, second = agree(guest), agree(guest)

    assert (first.status_code, second.headers["Location"]) == (303, first.headers["Location"])
    assert (PaymentPlan.objects.count(), Attempt.objects.count(), CardSession.objects.count()) == (1, 1, 1)
    assert (PaymentPlan.objects.get().state, CardSession.objects.get().state) == (PlanState.PENDING, "open")


def test_a_first_part_whose_card_page_is_unreachable_was_not_charged(guest):
    with answers_lost(acts=False):
        response = agree(guest)

    assert summary(response) == ["We could not reach the card page. Nothing was charged. Please try again."]


def test_a_first_part_whose_card_page_had_been_open_is_being_confirmed(guest):
    agree(guest)

    with answers_lost(acts=False):
        response = agree(guest)

    assert (response.status_code, response.headers["Location"]) == (302, Attempt.objects.get().get_absolute_url())


def test_leaving_the_card_page_leaves_the_choice(guest):
    agree(guest, "2")
    card_page = f"/sandbox/pay/{CardSession.objects.get().pk}/"
    back = guest.post(card_page, {"button": "cancel"}).headers["Location"]
    shown = text(guest.get(re.sub("^https?://[^/]+", "", back)))

    assert "You pay this bill in parts." not in shown
    assert "2 monthly payments: $50.00 today, then $50.00 each month" in shown
    agree(guest, "4")
    assert list(PaymentPlan.objects.order_by("consented_at").values_list("state", flat=True)) == [
        "abandoned", "pending",
    ]  # fmt: skip


def test_the_bill_of_a_running_plan_leads_to_it(guest):
    plan = begin(guest)
    shown = guest.get("/pay/statement/").content.decode()

    assert plan.state == PlanState.ACTIVE
    assert f'<a href="/pay/plan/{plan.token}/">Your payment plan</a>' in shown
    assert "You pay this bill in parts. What you pay here comes off it." in shown
    assert "/pay/parts/" not in shown
    receipt = guest.get(Attempt.objects.get().get_absolute_url()).content.decode()
    assert f'<a href="/pay/plan/{plan.token}/">Your payment plan</a>' in receipt


def test_the_bill_of_a_running_plan_names_the_next_part_and_asks_for_nothing(guest, statement, time_machine):
    time_machine.move_to(datetime(2026, 10, 31, 12, tzinfo=HERE), tick=False)
    guest.post("/pay/", {"code": statement.code, "born_on": BORN})
    plan = begin(guest)
    next_part = (
        "The next part of your plan, $33.33, is charged to your card on Nov. 30, 2026. You need not do anything."
    )

    shown = text(guest.get("/pay/statement/"))
    assert [sentence in shown for sentence in (next_part, "Please pay by")] == [True, False]

    plans.cancel(plan)
    shown = text(guest.get("/pay/statement/"))
    assert [sentence in shown for sentence in (next_part, "Please pay by Dec. 1, 2026.")] == [False, True]


def test_the_bill_names_the_day_on_which_a_declined_card_is_tried_again(guest):
    plan = begin(guest)
    plan.instalments.filter(position=2).update(next_try_on=date(2027, 5, 4), declines=1)

    assert "$33.33, is charged to your card on May 4, 2027." in text(guest.get("/pay/statement/"))


def test_the_plan_says_that_it_is_paused_while_the_bill_is_on_hold(guest, statement):
    plan = begin(guest)
    paused = "Paused: no card is charged until we have answered your question."
    question = questions.ask(statement, QuestionKind.CHARGE, "Why?")
    asked = text(guest.get(plan.get_absolute_url()))
    bill = text(guest.get("/pay/statement/"))
    questions.answer(question, "So.", by=factories.UserFactory())
    answered = text(guest.get(plan.get_absolute_url()))

    assert [paused in shown for shown in (asked, answered)] == [True, False]
    assert "The next part of your plan" not in bill


def test_whoever_holds_the_plan_s_link_sees_days_and_amounts_and_nobody_s_name(guest, statement, time_machine):
    time_machine.move_to(datetime(2026, 10, 31, 12, tzinfo=HERE), tick=False)
    guest.post("/pay/", {"code": statement.code, "born_on": BORN})
    plan = begin(guest)

    response = Client().get(plan.get_absolute_url())

    assert "Oct. 31, 2026 Paid $33.34 Nov. 30, 2026 To be paid $33.33 Dec. 31, 2026 To be paid $33.33" in text(response)
    page = response.content.decode()
    assert [secret for secret in [*SECRETS, statement.number, "payer@example.com"] if secret in page] == []
    assert "noindex" in page
    assert "no-store" in response.headers["Cache-Control"]


def test_cancelling_asks_first_and_says_that_it_is_done(guest):
    plan = begin(guest)
    holder, url = Client(), plan.get_absolute_url()
    done = "Your payment plan is cancelled. No card is charged any more."

    shown = holder.get(url).content.decode()
    (folded,) = re.findall(r'<details class="no-print">(.*?)</details>', shown, re.DOTALL)
    assert re.findall(r"<summary>(.*?)</summary>", folded) == ["Cancel this plan"]
    button = r'name="action" value="(\w+)"><button[^>]*>([^<]*)'
    assert re.findall(button, folded) == re.findall(button, shown) == [("cancel", "Yes, cancel this plan")]

    holder.post(url, {"action": "cancel"})
    assert [done in text(holder.get(url)) for _look in range(2)] == [True, False]


def test_the_plan_is_cancelled_by_its_button_once(guest, statement, run_jobs, settings):
    plan = begin(guest)
    run_jobs()
    mail.outbox.clear()
    holder = Client()

    responses = [holder.post(plan.get_absolute_url(), {"action": "cancel"}) for _click in range(2)]
    run_jobs()

    plan.refresh_from_db()
    assert [r.headers["Location"] for r in responses] == [plan.get_absolute_url()] * 2
    assert (plan.state, len(mail.outbox)) == (PlanState.CANCELLED, 1)
    shown = text(holder.get(plan.get_absolute_url()))
    assert "No card is charged for this plan any more." in shown
    assert "Cancel this plan" not in shown


@pytest.mark.parametrize("query", ["", "?action=cancel"])
def test_looking_at_the_plan_changes_nothing(guest, query):
    plan = begin(guest)

    Client().get(plan.get_absolute_url() + query)
    Client().head(plan.get_absolute_url() + query)

    plan.refresh_from_db()
    assert plan.state == PlanState.ACTIVE


@pytest.mark.parametrize("action", ["", "delete"])
def test_the_plan_has_no_other_button(guest, action):
    plan = begin(guest)

    assert Client().post(plan.get_absolute_url(), {"action": action}).status_code == 404
    plan.refresh_from_db()
    assert plan.state == PlanState.ACTIVE


@pytest.mark.parametrize("token", ["x", "A" * 22, "%00", "²", "田", "A" * 500])
def test_an_unknown_plan_is_not_found(client, identity, token):
    assert [client.get(f"/pay/plan/{token}/").status_code, client.post(f"/pay/plan/{token}/").status_code] == [404, 404]


# ---- All of them ----------------------------------------------------------------------------------------------------


def test_every_page_speaks_spanish_and_is_private(guest, statement):
    plan = begin(guest)
    questions.ask(statement, QuestionKind.CHARGE, "¿Por qué?")
    paths = ["verify/", "estimate/", "estimate/thank-you/", "ask/charge/?line=1", "questions/", f"plan/{plan.token}/"]

    responses = {path: guest.get(f"/es/pay/{path}") for path in paths}

    assert {path: r.status_code for path, r in responses.items()} == dict.fromkeys(paths, 200)
    assert [path for path, r in responses.items() if '<html lang="es">' not in r.content.decode()] == []
    assert [path for path, r in responses.items() if "no-store" not in r.headers["Cache-Control"]] == []
    assert translation.get_language() == "en"


def test_nothing_about_the_patient_in_addresses_or_titles(guest, statement):
    plan = begin(guest)
    questions.ask(statement, QuestionKind.CHARGE, "Why?")
    other = factories.StatementFactory(patient=statement.patient)
    guest.post("/pay/statement/choose/", {"statement": other.pk})
    secrets = [*SECRETS, statement.number, other.number, statement.code]

    leaks = {}
    for path in ("ask/charge/?line=1", "questions/", "parts/?parts=2", f"plan/{plan.token}/"):
        page = guest.get(f"/pay/{path}").content.decode()
        addresses = re.findall(r'(?:href|action|src)="([^"]*)"', page)
        title = re.search(r"<title>(.*?)</title>", page).group(1)
        leaks[path] = [secret for secret in secrets if secret in " ".join([*addresses, title])]

    assert set(map(tuple, leaks.values())) == {()}
