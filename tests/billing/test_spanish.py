"""What a guest reads in Spanish, page by page and mail by mail: nothing of it is English."""

import html
import json
import re
from datetime import datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import django
import polib
import pytest
from django.conf import settings
from django.core import mail
from django.db import transaction
from django.test import Client, override_settings
from django.utils import translation

from billing import payments, plans, questions, receipts, refunds
from billing.codes import link_token
from billing.gateways.sandbox.models import CardSession
from billing.gateways.sandbox.processor import DECLINING_CARD, take_payment
from billing.guest_views import ESTIMATES_PER_ADDRESS, QUESTIONS_PER_ADDRESS, VERIFY_PER_ADDRESS
from billing.lookup import PER_ADDRESS
from billing.models import Attempt, Payment, QuestionKind
from billing.sweep import sweep
from billing.withdrawals import write_off
from practice.throttles import count_try
from tests import factories
from tests.billing.books import answers_lost, begin_plan, post_revision

pytestmark = pytest.mark.django_db
HERE = ZoneInfo("America/Indiana/Indianapolis")
BEGIN = datetime(2026, 10, 15, 10, tzinfo=HERE)
BORN = "6/15/1950"
BILL, ASK = "statement/", "ask/charge/"

# ---- Finding English ------------------------------------------------------------------------------------------------

PLACEHOLDER = re.compile(r"%(?:\(\w+\))?[sd]|\{\w*\}")
# Words of English that no Spanish sentence and no fact of these tests has: they catch what nobody marked.
ENGLISH = re.compile(
    r"\b(?:the|your?|we|our|is|are|was|with|for|from|this|that|and|or|to|of|by|on|not|please|bill|paid|today|"
    r"January|February|March|April|May|June|July|August|September|October|November|December)\b",
    re.IGNORECASE,
)


def marked_english():
    """Every run of two words or more of a text that is written otherwise in Spanish, ours and Django's."""
    ours = settings.BASE_DIR / "locale/es/LC_MESSAGES/django.po"
    djangos = Path(django.__file__).parent / "conf/locale/es/LC_MESSAGES/django.po"
    entries = [entry for path in (ours, djangos) for entry in polib.pofile(str(path))]
    spanish = "\n".join(text for entry in entries for text in (entry.msgstr, *entry.msgstr_plural.values()))
    runs = {
        run.strip(" .,:;()")
        for entry in entries
        for text in (entry.msgid, entry.msgid_plural)
        if entry.msgid != entry.msgstr
        for run in PLACEHOLDER.split(" ".join(text.split()))
    }
    return sorted(run for run in runs if len(re.findall(r"\w+", run)) > 1 and run not in spanish)


MARKED = re.compile("|".join(rf"(?<!\w){re.escape(run)}(?!\w)" for run in marked_english()))


def english_in(text):
    text = " ".join(text.split())
    return MARKED.findall(text) + ENGLISH.findall(text)


def words_of(response):
    """What is read on a page: its texts, and those of its labels. Texts marked as of another language are left out."""
    page = re.sub(r'<(\w+)[^>]*\slang="en"[^>]*>.*?</\1>', " ", response.content.decode(), flags=re.DOTALL)
    labels = re.findall(r'\s(?:aria-label|title|alt|placeholder|content)="([^"]*)"', page)
    return html.unescape(" ".join([re.sub(r"<[^>]+>", " ", page), *labels]))


@pytest.mark.parametrize(
    ("text", "is_english"),
    [
        ("Usted debe $100.00", False),
        ("Recibo R-2026-000123", False),
        ("Still   owed\n$0.00", True),
        ("3 parts, the first $33.34 hoy", True),
        ("Ensure this value has at most 4000 characters", True),
        ("15 de October", True),
        ("Nobody marked this sentence", True),
    ],
)
def test_english_is_told_from_spanish(text, is_english):
    assert bool(english_in(text)) == is_english


# ---- A guest --------------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _practice(time_machine, settings):
    time_machine.move_to(BEGIN, tick=False)
    settings.BILLING_RECIPIENTS = []
    factories.IdentityFactory(tagline_es="Un lema", is_fictional=True)
    topic = factories.TopicFactory(slug="chest-x-ray", codes=["71046"])
    factories.ArticleFactory(topic=topic, language="es", title="Radiografía de tórax")


@pytest.fixture
def bill(_practice):
    bill = factories.StatementFactory(owes=10_000, facility="Hospital de Prueba", insurer="Acme")
    bill.lines.update(description="Radiografía de tórax")
    return bill


@pytest.fixture
def guest(client, bill):
    client.post("/es/pay/", {"code": bill.code, "born_on": BORN})
    return client


def get(browser, path):
    return browser.get(f"/es/pay/{path}")


def post(browser, path, **facts):
    return browser.post(f"/es/pay/{path}", facts)


def use_up(limit):
    for _try in range(limit.times):
        count_try(limit, "127.0.0.1")


begin_in_spanish = partial(begin_plan, language="es")


def pay(guest):
    post(guest, BILL, choice="full")
    attempt = Attempt.objects.latest("created_at")
    take_payment(CardSession.objects.get(key=str(attempt.pk)).pk, messages=0)
    return payments.look_at(attempt)


def ask(bill):
    facts = {"line": bill.lines.get(), "email": "payer@example.com", "language": "es"}
    return questions.ask(bill, QuestionKind.CHARGE, "¿Qué es?", **facts)


def lower(bill):
    """The insurer pays more than was thought, so that the patient has paid too much."""
    with transaction.atomic():
        bill.refresh_from_db()
        bill.lines.update(adjustment_cents=16_000, patient_cents=4_000)
        post_revision(bill, -6_000, "test")


# ---- The pages: each with what leads to it --------------------------------------------------------------------------


def many_tries(guest, bill):
    use_up(PER_ADDRESS)
    return post(Client(), "", code=bill.code, born_on=BORN)


def several_bills(guest, bill):
    factories.StatementFactory(patient=bill.patient, owes=700)
    ask(factories.StatementFactory(patient=bill.patient, owes=900))
    return get(guest, BILL)


def only_bill_in_a_plan(guest, bill):
    begin_in_spanish(bill)
    return get(guest, BILL)


def bill_on_hold(guest, bill):
    ask(bill)
    return get(guest, BILL)


def paid_too_much(guest, bill):
    pay(guest)
    lower(bill)
    return get(guest, BILL)


def partly_written_off(guest, bill):
    write_off(bill, 1_000, by=factories.UserFactory(), reason="Prueba", cause="prueba")
    type(bill).objects.update(insurer="")
    return get(guest, BILL)


def with_paying_off(look):
    def look_then(guest, bill):
        with override_settings(BILLING_GATEWAY=""):
            return look(guest, bill)

    return look_then


def unreachable(path, **facts):
    def look(guest, bill):
        with answers_lost(acts=False):
            return post(guest, path, **facts)

    return look


def plan_running(guest, bill):
    return Client().get(f"/es/pay/plan/{begin_in_spanish(bill).token}/")


def plan_cancelled(guest, bill):
    return Client().get(f"/es/pay/plan/{plans.cancel(begin_in_spanish(bill)).token}/")


def plan_stopped(guest, bill):
    plan = begin_in_spanish(bill)
    type(plan).objects.update(state="stopped", closed_at=BEGIN)
    return Client().get(f"/es/pay/plan/{plan.token}/")


def just_asked(kind):
    def look(guest, bill):
        post(guest, f"ask/{kind}/", message="¿Por qué?")
        return get(guest, "questions/")

    return look


def answered(guest, bill):
    questions.answer(ask(bill), "Porque sí.", by=factories.UserFactory(name="Rosa"))
    return get(guest, "questions/")


def empty_reply(guest, bill):
    return post(guest, "questions/", question=ask(bill).pk)


def too_many(limit, path, **facts):
    def look(guest, bill):
        use_up(limit)
        return post(guest, path, **facts)

    return look


def receipt(guest, bill):
    factories.StatementFactory(patient=bill.patient, owes=700)
    return get(guest, f"receipt/{pay(guest).pk}/")


def receipt_of_a_part(guest, bill):
    begin_in_spanish(bill)
    return get(guest, f"receipt/{Attempt.objects.get().pk}/")


def pay_more_than_is_owed(guest, bill):
    """The bill is lowered while the card page is open."""
    post(guest, BILL, choice="full")
    lower(bill)
    take_payment(CardSession.objects.get().pk, messages=0)
    return payments.look_at(Attempt.objects.get())


def receipt_with_credit(guest, bill):
    return get(guest, f"receipt/{pay_more_than_is_owed(guest, bill).pk}/")


def receipt_of_somebody(guest, bill):
    return get(Client(), f"receipt/{pay(guest).pk}/")


def waiting_receipt(guest, bill):
    post(guest, BILL, choice="full")
    return get(guest, f"receipt/{Attempt.objects.get().pk}/")


def receipt_of_nothing(guest, bill):
    post(guest, BILL, choice="full")
    CardSession.objects.update(expires_at=BEGIN)
    return get(guest, f"receipt/{Attempt.objects.get().pk}/")


def ours(guest, bill):
    pay(guest)
    return post(guest, "verify/", number=Payment.objects.get().receipt_number)


def card_page(button="", path=BILL, **facts):
    def look(guest, bill):
        post(guest, path, **facts or {"choice": "full"})
        url = f"/sandbox/pay/{CardSession.objects.get().pk}/"
        if button:
            guest.post(url, {"button": button})
        return guest.get(url)

    return look


def simply(path, **facts):
    return lambda guest, bill: post(guest, path, **facts) if facts else get(guest, path)


PLAN = {"parts": "3", "email": "payer@example.com", "agreed": "on"}
WANTED = {"exam": "Resonancia de rodilla", "scheduled_on": "", "name": "Ana", "contact": "ana@example.com"}
CARD_NUMBER, SOCIAL_SECURITY_NUMBER = "4242 4242 4242 4242", "536-22-1234"
PAGES = {
    "look-up": simply(""),
    "look-up of nothing": simply("", code="", born_on=""),
    "look-up with half a date": simply("", code="x", born_on="15/6/50"),
    "look-up of the future": simply("", code="x", born_on="1/1/2999"),
    "look-up that misses": simply("", code="x", born_on="1/1/1950"),
    "look-up too often": many_tries,
    "look-up with paying off": with_paying_off(simply("")),
    "link": lambda guest, bill: get(Client(), f"q/{link_token(bill.number, 1)}/"),
    "link that misses": lambda guest, bill: post(Client(), f"q/{link_token(bill.number, 1)}/", born_on="1/1/1950"),
    "bill": simply(BILL),
    "bill among several": several_bills,
    "bill in a plan": only_bill_in_a_plan,
    "bill on hold": bill_on_hold,
    "bill paid too much": paid_too_much,
    "bill partly written off": partly_written_off,
    "bill with paying off": with_paying_off(simply(BILL)),
    "preview": simply(BILL, choice="part", amount="25", preview="yes"),
    "no choice": simply(BILL, choice=""),
    "another choice": simply(BILL, choice="everything"),
    "no amount": simply(BILL, choice="part"),
    "amount that is none": simply(BILL, choice="part", amount="1e2"),
    "amount too high": simply(BILL, choice="part", amount="100.01"),
    "amount too low": simply(BILL, choice="part", amount="0.49"),
    "too little left": simply(BILL, choice="part", amount="99.60"),
    "address that is none": simply(BILL, choice="full", email="payer"),
    "paying with paying off": with_paying_off(simply(BILL, choice="full")),
    "no card page": unreachable(BILL, choice="full"),
    "offer of a plan": simply("parts/?parts=3"),
    "plan not agreed to": simply("parts/", parts="3", email=""),
    "plan without a card page": unreachable("parts/", **PLAN),
    "plan": plan_running,
    "plan cancelled": plan_cancelled,
    "plan stopped": plan_stopped,
    "ask": simply(ASK),
    "ask about a line": simply(f"{ASK}?line=1"),
    "ask about insurance": simply("ask/insurance/"),
    "ask for help": simply("ask/assistance/"),
    "ask nothing": simply(ASK, message="", email="payer"),
    "ask at length": simply(ASK, message="x" * 4_001),
    "ask with a card number": simply(ASK, message=CARD_NUMBER),
    "ask with a social security number": simply(ASK, message=SOCIAL_SECURITY_NUMBER),
    "ask too often": too_many(QUESTIONS_PER_ADDRESS, ASK, message="x"),
    "no question": simply("questions/"),
    "question about a charge": just_asked("charge"),
    "question about insurance": just_asked("insurance"),
    "question about help": just_asked("assistance"),
    "question with an answer": answered,
    "empty reply": empty_reply,
    "receipt": receipt,
    "receipt of a part": receipt_of_a_part,
    "receipt with credit": receipt_with_credit,
    "receipt of somebody": receipt_of_somebody,
    "receipt that waits": waiting_receipt,
    "receipt of nothing": receipt_of_nothing,
    "verify": simply("verify/"),
    "verify ours": ours,
    "verify another": simply("verify/", number="R-2026-999999"),
    "verify nothing": simply("verify/", number=""),
    "verify too often": too_many(VERIFY_PER_ADDRESS, "verify/", number="R-2026-999999"),
    "estimate": simply("estimate/"),
    "estimate of nothing": simply("estimate/", **dict.fromkeys(WANTED, "")),
    "estimate for a day that is none": simply("estimate/", **WANTED | {"scheduled_on": "31/31/2026"}),
    "estimate for yesterday": simply("estimate/", **WANTED | {"scheduled_on": "2026-10-14"}),
    "estimate with a card number": simply("estimate/", **WANTED | {"exam": CARD_NUMBER}),
    "estimate too often": too_many(ESTIMATES_PER_ADDRESS, "estimate/", **WANTED),
    "estimate asked for": simply("estimate/thank-you/"),
    "card page": card_page(),
    "card page of a plan": card_page(path="parts/", **PLAN),
    "card page after a declined card": card_page("decline"),
    "card page that is closed": card_page("pay"),
}

STATUS = {"card page that is closed": 410}


@pytest.mark.parametrize("name", PAGES)
def test_no_page_holds_english(guest, bill, name):
    response = PAGES[name](guest, bill)

    assert response.status_code == STATUS.get(name, 429 if name.endswith("too often") else 200)
    assert '<html lang="es">' in response.content.decode()
    assert english_in(words_of(response)) == []
    assert translation.get_language() == "en"


# ---- Mails and paper ------------------------------------------------------------------------------------------------


def sweep_on(time_machine, month, day):
    time_machine.move_to(datetime(2026, month, day, 6, tzinfo=HERE), tick=False)
    sweep()


def test_no_mail_holds_english(guest, bill, run_jobs, time_machine):
    question = ask(bill)
    questions.answer(question, "Porque sí.", by=factories.UserFactory())
    bill.refresh_from_db()
    begin_in_spanish(bill, card=DECLINING_CARD)
    for day in (12, 15, 18, 23):  # told, declined, declined, declined and stopped
        sweep_on(time_machine, 11, day)
    refunds.request_refund(Payment.objects.get(), 1_000, by=factories.UserFactory(), reason="Prueba")
    plans.cancel(begin_in_spanish(factories.StatementFactory(owes=10_000)))
    run_jobs()

    texts = {message.subject.removeprefix("Test Radiology: "): message.body for message in mail.outbox}
    assert set(texts) == {
        "respuesta a su mensaje",
        "su recibo",
        "su plan de pagos",
        "se acerca un pago de su plan",
        "su tarjeta fue rechazada",
        "su plan de pagos terminó",
        "su plan de pagos se canceló",
        "devolvimos dinero a su tarjeta",
    }
    links = re.compile(r"https?://\S+")
    found = {subject: english_in(links.sub("", f"{subject}\n{body}")) for subject, body in texts.items()}
    assert {subject: words for subject, words in found.items() if words} == {}
    elsewhere = [link for body in texts.values() for link in links.findall(body) if "/es/pay/" not in link]
    assert elsewhere == []


def test_the_receipt_on_paper_holds_no_english(guest, bill):
    payment = pay_more_than_is_owed(guest, bill).payment
    refunds.request_refund(payment, 1_000, by=factories.UserFactory(), reason="Prueba")

    with translation.override("es"):
        facts = receipts._facts(payment, "es")

    language, shown = facts.pop("language"), json.dumps(list(facts.values()), ensure_ascii=False)
    assert language == "es"
    assert english_in(shown) == []
    assert "15 de octubre de 2026" in shown
    assert len(facts["notes"]) == 4
    assert get(guest, f"receipt/{payment.attempt_id}/receipt.pdf").content.startswith(b"%PDF")
