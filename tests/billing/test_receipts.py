"""Receipts: what is mailed says nothing about health, what is printed says all that a health savings account asks."""

import io
import re
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pikepdf
import pytest
from django.core import mail
from django.db import transaction
from django_tasks_db.models import DBTaskResult

from billing import payments, receipts, refunds
from billing.disputes import apply_dispute
from billing.gateways.interface import DisputeOutcome, DisputeOutcomeState, Outcome, OutcomeState
from billing.gateways.sandbox.processor import take_payment
from billing.models import Attempt, Payment
from tests import factories
from tests.billing.books import deliver, page_of, pay
from tests.practice.test_mail import inbox  # noqa: F401  (a fixture)

pytestmark = pytest.mark.django_db
PAID_AT = datetime(2026, 11, 24, 15, 30, tzinfo=ZoneInfo("America/Indiana/Indianapolis"))
SECRETS = ["Testa", "Patientson", "Chest", "X-ray", "71046", "1950", "ACC-", "ST-", "St. Test Hospital", "Acme"]


@pytest.fixture
def statement(identity, time_machine, settings):
    time_machine.move_to(PAID_AT, tick=False)
    settings.BILLING_RECIPIENTS = []
    return factories.StatementFactory(owes=10_000, facility="St. Test Hospital", insurer="Acme Health")


def start(statement, cents=4_000, language="en", receipt_to="payer@example.com"):
    return payments.start_payment(statement, cents, language, receipt_to=receipt_to)


def money(cents=4_000, ref="pay_1"):
    return Outcome(OutcomeState.PAID, payment_ref=ref, amount_cents=cents, card_brand="Visa", card_last4="4242")


def leaks(text):
    return [secret for secret in SECRETS if secret in text]


# ---- By mail --------------------------------------------------------------------------------------------------------


def test_a_receipt_goes_through_a_real_mail_server_and_says_nothing_about_health(statement, inbox, run_jobs):  # noqa: F811
    attempt = start(statement)
    payments.settle(attempt, money())
    run_jobs()

    (arrived,) = inbox.arrived
    number = Payment.objects.get().receipt_number
    assert (arrived.recipients, arrived.subject) == (["payer@example.com"], "Test Radiology: your receipt")
    assert arrived.body.replace("\r\n", "\n") == (
        f"Thank you. Your payment arrived.\n\nReceipt: {number}\nAmount: $40.00\nPaid on: Nov. 24, 2026, 3:30 p.m.\n\n"
        "The full receipt is here. To show it, we ask for your bill’s code and the date of birth:\n"
        f"https://practice.example/pay/receipt/{attempt.pk}/\n\nTest Radiology\n(574) 555-0120\n"
    )
    assert leaks(arrived.raw.decode()) == []


def test_a_receipt_is_in_the_language_the_payer_paid_in(statement, run_jobs, settings):
    attempt = start(statement, language="es")
    payments.settle(attempt, money())
    run_jobs()

    (told,) = mail.outbox
    assert "24 de noviembre de 2026" in told.body
    assert f"{settings.PUBLIC_ORIGIN}/es/pay/receipt/{attempt.pk}/\n" in told.body
    assert leaks(told.subject + told.body) == []


def test_without_an_address_there_is_no_mail(statement, run_jobs):
    payments.settle(start(statement, receipt_to=""), money())
    run_jobs()

    assert mail.outbox == []


def test_an_address_given_on_the_second_try_is_used(statement, run_jobs):
    start(statement, receipt_to="")
    attempt = start(statement, receipt_to="later@example.com")
    payments.settle(attempt, money())
    run_jobs()

    assert [message.to for message in mail.outbox] == [["later@example.com"]]


def test_however_often_a_payment_is_reported_there_is_one_mail(statement, run_jobs):
    attempt = start(statement)
    take_payment(page_of(attempt).pk)
    assert deliver() == deliver() == [True]
    DBTaskResult.objects.filter(task_path__endswith="send_notification").delete()  # it was brought by hand
    payments.look_at(attempt)
    payments.settle(attempt, money(ref=Payment.objects.get().payment_ref))
    run_jobs()

    assert [message.subject for message in mail.outbox] == ["Test Radiology: your receipt"]


def test_money_that_is_not_recorded_is_not_told_of(statement, run_jobs):
    attempt = start(statement)
    with transaction.atomic():
        payments.settle(attempt, money())
        transaction.set_rollback(True)
    run_jobs()

    assert (mail.outbox, Payment.objects.count()) == ([], 0)


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ([money(4_500)], 1),
        ([money(), money(ref="pay_2")], 1),
        ([money()], 0),
    ],
)
def test_the_office_is_told_of_an_odd_payment_by_its_receipt_number(statement, run_jobs, settings, outcomes, expected):
    settings.BILLING_RECIPIENTS = ["billing@example.com"]
    attempt = start(statement)
    for outcome in outcomes:
        payments.settle(attempt, outcome)
    run_jobs()

    told = [message for message in mail.outbox if message.to == ["billing@example.com"]]
    assert [message.subject for message in told] == ["A payment needs to be looked at"] * expected
    odd = [payment.receipt_number for payment in Payment.objects.needing_review()]
    assert [number for message in told for number in re.findall(r"\?q=(\S+)", message.body)] == odd
    assert leaks("".join(message.body for message in told)) == []


@pytest.mark.parametrize(("language", "word"), [("en", "$15.00"), ("es", "$15.00")])
def test_a_refund_is_told_once(statement, run_jobs, language, word):
    attempt = start(statement, language=language)
    take_payment(page_of(attempt).pk, messages=0)
    payment = payments.look_at(attempt).payment
    run_jobs()
    mail.outbox.clear()

    refund = refunds.request_refund(payment, 1_500, by=factories.UserFactory(), reason="Paid twice")
    refunds.push(refund)
    run_jobs()

    (told,) = mail.outbox
    assert told.to == ["payer@example.com"]
    assert [text for text in (word, payment.receipt_number) if text not in told.body] == []
    assert leaks(told.subject + told.body) == []
    assert "Paid twice" not in told.body


def test_a_refund_to_a_payer_without_an_address_is_not_mailed(statement, run_jobs):
    payment = pay(statement, 4_000, receipt_to="")
    refunds.request_refund(payment, 1_500, by=factories.UserFactory(), reason="x")
    run_jobs()

    assert mail.outbox == []


def test_the_office_is_told_of_a_dispute_once(statement, run_jobs, settings):
    payment = pay(statement, 4_000, receipt_to="")
    settings.BILLING_RECIPIENTS = ["billing@example.com"]
    dispute = DisputeOutcome(DisputeOutcomeState.OPEN, "dispute_1", payment.payment_ref, 4_000)
    apply_dispute("sandbox", dispute)
    apply_dispute("sandbox", dispute)
    run_jobs()

    (told,) = mail.outbox
    assert (told.subject, "dispute_1" in told.body) == ("A payment is disputed", True)
    assert leaks(told.subject + told.body) == []


# ---- On paper -------------------------------------------------------------------------------------------------------


def characters(font):
    """{code: text} of a font, from its ToUnicode map."""
    pairs = re.findall(rb"<([0-9A-F]{4})> <([0-9A-F]+)>", font.ToUnicode.read_bytes().split(b"beginbfchar", 1)[1])
    return {int(code, 16): bytes.fromhex(text.decode()).decode("utf-16-be") for code, text in pairs}


def text_of(pdf):
    """What a reader gets out of the document, one line for each run of text."""
    lines = []
    for page in pdf.pages:
        fonts = {name: characters(font) for name, font in page.Resources.Font.items()}
        known = {}
        for operands, operator in pikepdf.parse_content_stream(page):
            if str(operator) == "Tf":
                known = fonts[str(operands[0])]
            elif str(operator) in ("Tj", "TJ"):
                strings = operands[0] if str(operator) == "TJ" else operands
                raw = b"".join(bytes(part) for part in strings if isinstance(part, pikepdf.String))
                lines.append("".join(known[int.from_bytes(raw[at : at + 2])] for at in range(0, len(raw), 2)))
    return re.sub(r"\s+", " ", " ".join(line.strip() for line in lines))


def paper(statement, language="en", cents=4_000):
    payments.settle(start(statement, cents), money(cents))
    return receipts.receipt_pdf(Payment.objects.get(), language)


def opened(pdf_bytes):
    return pikepdf.open(io.BytesIO(pdf_bytes))


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_paper_is_tagged_and_says_its_language_and_title(statement, language):
    pdf = opened(paper(statement, language))

    assert str(pdf.Root.Lang) == language
    assert bool(pdf.Root.MarkInfo.Marked) is True
    assert bool(pdf.Root.ViewerPreferences.DisplayDocTitle) is True
    with pdf.open_metadata() as metadata:
        assert metadata["pdfuaid:part"] == "1"
        title = f"(Receipt|Recibo) {Payment.objects.get().receipt_number}, Test Radiology"
        assert re.fullmatch(title, metadata["dc:title"])
        assert leaks(str(metadata)) == []


def tags(element):
    """The kinds of all structure elements below this one, in order."""
    found = [str(element.S).strip("/")] if "/S" in element else []
    below = element.get("/K", [])
    for kid in below if isinstance(below, pikepdf.Array) else [below]:
        if isinstance(kid, pikepdf.Dictionary) and "/S" in kid:
            found += tags(kid)
    return found


def test_the_paper_s_structure_has_headings_and_tables_with_headers(statement):
    pdf = opened(paper(statement))
    kinds = tags(pdf.Root.StructTreeRoot)

    assert [kind for kind in kinds if re.fullmatch(r"H\d|Table", kind)] == ["H1", "H2", "Table", "H2", "Table"]
    assert kinds.count("TH") == 6


def test_the_paper_holds_what_a_health_savings_account_asks_for(statement):
    text = text_of(opened(paper(statement)))

    number = Payment.objects.get().receipt_number
    assert text == (
        f"Test Radiology Receipt {number} "
        "Paid to Test Radiology, 1 Test Street, Testville, IN 46500 Telephone (574) 555-0120 "
        f"Patient Testa Patientson Bill number {statement.number} Paid on Nov. 24, 2026, 3:30 p.m. Amount $40.00 "
        "Card Visa ending in 4242 "
        "What it was for Date of service Description Code Your share Sept. 1, 2026 Chest X-ray 71046 $100.00 "
        "Before, paid, after What Amount You owed before $100.00 You paid −$40.00 You owe now $60.00 "
        "Keep this receipt for your health savings or flexible spending account. Page 1 of 1"
    )


def test_the_paper_in_spanish_holds_the_same_facts(statement):
    text = text_of(opened(paper(statement, "es")))

    assert "24 de noviembre de 2026" in text
    facts = [
        "Testa Patientson",
        statement.number,
        "Chest X-ray",
        "1 de septiembre de 2026",
        "$100.00",
        "−$40.00",
        "$60.00",
    ]
    assert [fact for fact in facts if fact not in text] == []
    assert "Patient " not in text.replace("Patientson", "")


def test_the_paper_says_what_was_too_much_and_what_was_returned(statement):
    payments.settle(start(statement, 10_000), money(12_000))
    payment = Payment.objects.get()
    payment.refunds.create(
        payment=payment, gateway="sandbox", amount_cents=2_000, source="processor", state="succeeded", refund_ref="r_1"
    )
    payment.refunds.create(
        payment=payment, gateway="sandbox", amount_cents=1_000, source="processor", state="failed", refund_ref="r_2"
    )

    text = text_of(opened(receipts.receipt_pdf(payment, "en")))

    assert "You owed before $100.00 You paid −$100.00 You owe now $0.00" in text
    assert "$20.00 was more than you owed. Our billing office will return it." in text
    assert re.findall(r"\$[\d.]+ was returned to the card\.", text) == ["$20.00 was returned to the card."]


def test_markup_in_what_the_office_imported_stays_text(statement):
    odd = '#eval("1") *bold* $x^2$ <b> \\ “é” ' + "A" * 40
    with transaction.atomic():
        statement.lines.update(description=odd)

    assert f"{odd} 71046" in text_of(opened(paper(statement)))


def test_a_bill_of_many_lines_runs_over_pages(statement):
    with transaction.atomic():
        for position in range(2, 82):
            statement.lines.create(
                position=position, service_on=date(2026, 9, 2), description=f"Exam {position}", charge_cents=0,
                patient_cents=0,
            )  # fmt: skip
    pdf = opened(paper(statement))

    text = text_of(pdf)
    assert len(pdf.pages) == 4 == len(re.findall(r"Page \d of 4", text))
    assert [f"Exam {position} " for position in range(2, 82) if f"Exam {position} " not in text] == []
    assert text.count("Date of service") == len(pdf.pages) - 1 or text.count("Date of service") == len(pdf.pages)


def test_the_screen_and_the_paper_agree(client, statement):
    attempt = start(statement)
    payments.settle(attempt, money())
    client.post("/pay/", {"code": statement.code, "born_on": "6/15/1950"})
    screen = re.sub(
        r"\s+", " ", re.sub(r"<[^>]+>", " ", client.get(Attempt.objects.get().get_absolute_url()).content.decode())
    )
    printed = text_of(opened(client.get(f"{attempt.get_absolute_url()}receipt.pdf").content))

    facts = ["Testa Patientson", statement.number, "Chest X-ray", "Nov. 24, 2026, 3:30 p.m.", "$40.00", "$60.00"]
    facts += [Payment.objects.get().receipt_number, "Test Radiology, 1 Test Street, Testville, IN 46500"]
    assert [fact for fact in facts if fact not in screen or fact not in printed] == []
